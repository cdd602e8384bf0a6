"""Questions about a night that a person decides, and the answers.

A feed whose number of rows is unusual is refused, and a night is not published while a snapshot
lacks a whole unit: both may be right or wrong, and only a person can find out. An accepted volume
is not compared that night. ``audit.decision`` keeps who decided it, when and why. Without an
answer the file stays refused, and the figures of the night before stay published.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from onestop.gate.past_volumes import is_volume_rule
from onestop.marts.published import QuestionError
from onestop.record.decisions import (
    ACCEPTED,
    PROVISIONAL_REPORT,
    REFUSED,
    VOLUME,
    Decision,
    decision_on_report,
    keep_decisions,
    record_decision,
    standing_decisions,
)
from onestop.record.publications import is_frozen
from onestop.record.record_checks import vanished_by_feed
from onestop.replay import ReplayFilter, replay
from onestop.said import said
from onestop.schema.personal import holds_personal_number
from onestop.schema.reference import read_reference
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Collection

    from onestop.replay import ReplayResult
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse


@dataclass(frozen=True)
class Question:
    """What a person is asked about a feed of a night.

    Attributes:
        subject: ``source/feed``.
        delivery_ids: the refused deliveries that an acceptance lets pass; none for a snapshot that
            is loaded.
        what_vi: what was found, in Vietnamese.
        what_en: the same in English.
    """

    subject: str
    delivery_ids: tuple[str, ...]
    what_vi: str
    what_en: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "delivery_ids": list(self.delivery_ids)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Question:
        """The inverse of :meth:`to_json`."""
        return cls(**{**values, "delivery_ids": tuple(values["delivery_ids"])})


def open_questions(warehouse: Warehouse, night: dt.date) -> list[Question]:
    """What nobody has decided yet about an unpublished night, by subject.

    Args:
        warehouse: open; the refusals of the night are recorded.
        night: the night.
    """
    if is_frozen(warehouse, night):
        return []
    decided = {
        one.subject for one in standing_decisions(warehouse, night) if one.decision_code == VOLUME
    }
    found = {**_lost_units(warehouse, night), **_refused_volumes(warehouse, night)}
    return [found[subject] for subject in sorted(found.keys() - decided)]


def _refused_volumes(warehouse: Warehouse, night: dt.date) -> dict[str, Question]:
    """The feeds with files that were refused for their number of rows alone, and not loaded."""
    rows = warehouse.rows(
        "select d.source || '/' || d.feed as subject, d.delivery_id, d.file_name, d.reason_vi,"
        " d.reason_en, d.refused_rule from audit.delivery as d"
        " where d.state = 'refused' and d.night = :night"
        " and not exists (select 1 from audit.delivery as l"
        "  where l.state = 'loaded' and (l.delivery_id = d.delivery_id or (l.source = d.source"
        "  and l.feed = d.feed and l.night = d.night and l.file_name = d.file_name"
        "  and l.settled_at >= d.settled_at)))"
        " order by subject, d.file_name, d.attempt",
        {"night": night},
    )
    by_subject: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        if is_volume_rule(row["refused_rule"]):
            by_subject.setdefault(row["subject"], {})[row["delivery_id"]] = row
    return {
        subject: Question(
            subject,
            tuple(files),
            "; ".join(f"{row['file_name']}: {row['reason_vi']}" for row in files.values()),
            "; ".join(f"{row['file_name']}: {row['reason_en']}" for row in files.values()),
        )
        for subject, files in by_subject.items()
    }


def _lost_units(warehouse: Warehouse, night: dt.date) -> dict[str, Question]:
    """The feeds whose snapshot lacks a whole unit; the check of the marts would refuse them."""
    return {
        subject: Question(
            subject,
            (),
            f"Ảnh chụp toàn bộ thiếu cả đơn vị hoặc một phần bị từ chối ({len(sentences)}):"
            f" {'; '.join(sentences)}",
            "; ".join(sentences),
        )
        for subject, sentences in vanished_by_feed(warehouse, night).items()
    }


def accept_volumes(
    settings: Settings,
    night: dt.date,
    subjects: Collection[str],
    because: str,
    decided_by: str,
) -> None:
    """Decide before a night is run that the volume of some feeds is right.

    Args:
        settings: of this installation.
        night: the night, not published yet.
        subjects: as ``source/feed``.
        because: the reason.
        decided_by: who decides.

    Raises:
        QuestionError: there is no such feed, no reason, or the night is published.
    """
    known = [
        f"{name}/{feed}"
        for name, source in settings.mappings().sources.items()
        for feed in source.feeds
    ]
    for subject in subjects:
        if subject not in known:
            raise QuestionError(
                said("there is no feed {subject}", subject=subject),
                remedy=said("use one of: {names}", names=", ".join(sorted(known))),
            )
    reason = checked_reason(because)
    with open_warehouse(settings.warehouse) as warehouse:
        if is_frozen(warehouse, night):
            raise QuestionError(
                "is published or before a published one, so that nothing can be decided about it",
                subject=said("night {night}", night=night),
                remedy=(
                    "enter it in sql/reference/volume_exception.csv and run onestop replay: the"
                    " rows of the file count from the next night on"
                ),
            )
        for subject in subjects:
            record_decision(warehouse, _decision(night, subject, ACCEPTED, reason, decided_by))
        keep_decisions(settings.landing, warehouse)


def answer(
    settings: Settings,
    night: dt.date,
    question: Question,
    *,
    is_accepted: bool,
    because: str,
    decided_by: str | None,
) -> list[ReplayResult]:
    """Record the answer to a question; an accepted feed's files are read again and loaded.

    Args:
        settings: of this installation.
        night: the night.
        question: from :func:`open_questions`.
        is_accepted: the answer.
        because: the reason.
        decided_by: who answered; None when nobody did in time.

    Returns:
        What became of each file.

    Raises:
        QuestionError: the reason is missing or holds personal data.
    """
    decided = ACCEPTED if is_accepted else REFUSED
    reason = checked_reason(because)
    with open_warehouse(settings.warehouse) as warehouse:
        record_decision(warehouse, _decision(night, question.subject, decided, reason, decided_by))
        keep_decisions(settings.landing, warehouse)
    if not is_accepted:
        return []
    return [
        result
        for delivery_id in question.delivery_ids
        for result in replay(settings, ReplayFilter(delivery_id=delivery_id))
    ]


@dataclass(frozen=True)
class ProvisionalReport:
    """A report that is due before its period is over.

    Attributes:
        report_code: as in ``ref.report_calendar``.
        title_vi: its title in Vietnamese.
        title_en: its title in English.
        period_end: last day of its period.
        last_day: last day on which it is in time.
    """

    report_code: str
    title_vi: str
    title_en: str
    period_end: dt.date
    last_day: dt.date


def provisional_reports(due: Collection[str], today: dt.date) -> list[ProvisionalReport]:
    """Those of the due reports that a person decides on: in time, and before their period is over.

    A report that is late already is not held back any longer.

    Args:
        due: codes of reports.
        today: the day on which they would be issued.
    """
    calendar = cast("list[dict[str, Any]]", read_reference()["report_calendar"])
    return [
        ProvisionalReport(
            row["report_code"],
            row["title_vi"],
            row["title_en"],
            row["period_end"],
            row["last_day_date"],
        )
        for row in calendar
        if row["report_code"] in due and today <= min(row["last_day_date"], row["period_end"])
    ]


def held_back(settings: Settings, night: dt.date, codes: Collection[str]) -> set[str]:
    """Those of some reports that a person did not want issued on the figures of a night.

    Args:
        settings: of this installation.
        night: the night that they would rest on.
        codes: of the reports.
    """
    if not codes:
        return set()
    now = dt.datetime.now(LOCAL_ZONE)
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        found = {code: decision_on_report(warehouse, code, night, now) for code in codes}
    return {code for code, decided in found.items() if decided and decided.answer == REFUSED}


def decide_on_report(
    settings: Settings,
    night: dt.date,
    report_code: str,
    *,
    is_issued: bool,
    because: str,
    decided_by: str | None,
) -> None:
    """Record whether a report is issued before its period is over.

    Args:
        settings: of this installation.
        night: the night that it rests on.
        report_code: as in ``ref.report_calendar``.
        is_issued: the answer.
        because: the reason.
        decided_by: who answered; None when nobody did in time.

    Raises:
        QuestionError: the reason is missing or holds personal data.
    """
    decided = ACCEPTED if is_issued else REFUSED
    reason = checked_reason(because)
    now = dt.datetime.now(LOCAL_ZONE)
    with open_warehouse(settings.warehouse) as warehouse:
        record_decision(
            warehouse,
            Decision(night, PROVISIONAL_REPORT, report_code, decided, reason, decided_by, now),
        )
        keep_decisions(settings.landing, warehouse)


def checked_reason(because: str) -> str:
    """A reason without blanks at its ends.

    Raises:
        QuestionError: it is empty, or holds an e-mail address or a person's number.
    """
    reason = " ".join(because.split())
    if not reason:
        raise QuestionError("a decision needs its reason", remedy="state it with --because")
    if holds_personal_number(reason):
        raise QuestionError(
            "the reason holds an e-mail address or a person's number",
            remedy="say what is right about the file, not whose it is",
        )
    return reason


def _decision(
    night: dt.date, subject: str, decided: str, because: str, decided_by: str | None
) -> Decision:
    now = dt.datetime.now(LOCAL_ZONE)
    return Decision(night, VOLUME, subject, decided, because, decided_by, now)
