"""The content of an issued report: the facts of its night, and its files."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from onestop.console import CSV_ENCODING, OutputFormat, csv_bytes
from onestop.figures.decisions import decision_notes, on_report_text
from onestop.figures.form_06a import form_06a_bytes, read_form_06a
from onestop.figures.issued.revisions import (
    UsualRevision,
    read_usual_revisions,
    revision_sentences,
)
from onestop.figures.scorecard import print_scorecard, read_scorecard
from onestop.figures.scorecard.page import frozen_scorecard
from onestop.marts.earlier_nights import NightMarts
from onestop.marts.published import QuestionError, open_published
from onestop.progress import advance, counted_off, working
from onestop.record.decisions import VOLUME
from onestop.record.issued_reports import is_before_end
from onestop.said import said
from onestop.schema.did_you_mean import CODES, did_you_mean
from onestop.schema.number_text import day
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from onestop.record.decisions import Decision
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse


@dataclass(frozen=True)
class IncludedDelivery:
    """A delivery that a report's figures include."""

    delivery_id: str
    file_name: str
    sha256: str
    attempt: int


@dataclass(frozen=True)
class ReportFacts:
    """A report's row of ``ref.report_calendar``, and the published night that it is issued on.

    Attributes:
        report_code: ``q1``, ``half_year``, ``q3`` or ``year``.
        plan_code: the plan it reports on.
        title_vi: its title in Vietnamese.
        title_en: its title in English.
        period_type: of the period it covers.
        period_basis: ``calendar`` or ``government``.
        period_start: first day of the period.
        period_end: last day of the period.
        last_day_date: last day on which it is in time.
        sent_to_vi: its recipient.
        source_clause: the clause that requires it.
        publication_id: the night's publication.
        as_of_date: the night.
        figures_sha256: SHA-256 of the night's figures.
        deliveries: the files that the figures include.
        usual_revisions: how far such figures of earlier periods moved later.
        decision: whether and why to issue it before its period is over; None where nobody decided.
    """

    report_code: str
    plan_code: str
    title_vi: str
    title_en: str
    period_type: str
    period_basis: str
    period_start: dt.date
    period_end: dt.date
    last_day_date: dt.date
    sent_to_vi: str
    source_clause: str
    publication_id: int
    as_of_date: dt.date
    figures_sha256: str
    deliveries: tuple[IncludedDelivery, ...]
    usual_revisions: tuple[UsualRevision, ...] = ()
    decision: Decision | None = None

    @property
    def is_provisional(self) -> bool:
        """Whether its period is not over on the night."""
        return is_before_end(self.as_of_date, self.period_end)

    @property
    def revision_sentences(self) -> list[str]:
        """What is known about later changes of the figures, in Vietnamese."""
        age = (self.as_of_date - self.period_end).days
        return revision_sentences(self.usual_revisions, age, "vi")


def read_facts(warehouse: Warehouse, report_code: str, night: dt.date) -> ReportFacts:
    """Read the facts of a report on a published night.

    Args:
        warehouse: from :func:`onestop.marts.published.open_published`.
        report_code: as in ``ref.report_calendar``.
        night: a published night.

    Raises:
        QuestionError: no such report, or its period begins after that night.
    """
    marts = NightMarts(warehouse, night, mark="facts")
    reports = warehouse.rows(
        "select report_code, plan_code, title_vi, title_en, period_type, period_basis,"
        " period_start, period_end, last_day_date, sent_to_vi, source_clause"
        f" from {marts.relation('ref.report_calendar')} order by due_before_date, report_code"
    )
    marts.drop()
    found = next((row for row in reports if row["report_code"] == report_code), None)
    if found is None:
        known = [row["report_code"] for row in reports]
        raise QuestionError(
            said("no report {report_code}", report_code=report_code),
            remedy=did_you_mean(report_code, known, see=CODES),
        )
    if found["period_start"] > night:
        raise QuestionError(
            said(
                "its period is {period_start} to {period_end}; night {night} is before that",
                period_start=found["period_start"],
                period_end=found["period_end"],
                night=night,
            ),
            subject=said("report {report_code}", report_code=report_code),
        )
    publication = warehouse.rows(
        "select publication_id, as_of_date, figures_sha256 from audit.publication"
        " where as_of_date = :night",
        {"night": night},
    )[0]
    deliveries = warehouse.rows(
        "select delivery_id, file_name, sha256, attempt from audit.delivery"
        " where state = 'loaded' and known_from <= :night order by delivery_id, attempt",
        {"night": night},
    )
    period = (
        found["period_type"],
        found["period_basis"],
        found["period_start"],
        found["period_end"],
    )
    return ReportFacts(
        **found,
        **publication,
        deliveries=tuple(IncludedDelivery(**row) for row in deliveries),
        usual_revisions=read_usual_revisions(warehouse, period, night),
    )


def issue_files(settings: Settings, facts: ReportFacts) -> dict[str, bytes]:
    """The files of an issue by name; the same night gives the same bytes."""
    with working("reporting", facts.report_code, unit="files"):
        return dict(sorted(_made_files(settings, facts).items()))


def _made_files(settings: Settings, facts: ReportFacts) -> dict[str, bytes]:
    night = facts.as_of_date
    # every reader sees the files: they name nobody
    on_report = on_report_text(facts.decision, "vi", names_people=False) if facts.decision else ""
    with open_published(settings) as warehouse:
        on_night = decision_notes(warehouse, night, "vi", names_people=False, codes=(VOLUME,))
    decisions = [*on_night, on_report] if on_report else on_night
    files = {
        "report.json": json.dumps(
            {**asdict(facts), "decision": _stated(facts.decision)},
            ensure_ascii=False,
            indent=1,
            sort_keys=True,
            default=str,
        ).encode(),
        "scorecard.html": frozen_scorecard(
            read_scorecard(settings, night),
            f"{facts.title_vi}: {day(facts.period_start, 'vi')} – {day(facts.period_end, 'vi')}",
            facts.revision_sentences,
            on_report,
            facts.figures_sha256,
        ).encode(),
        "indicators.csv": _indicators(settings, facts),
    }
    advance(len(files))
    encodings: dict[OutputFormat, str] = {"json": "utf-8", "csv": CSV_ENCODING}
    for form, encoding in counted_off(encodings.items()):
        text = io.StringIO()
        print_scorecard(settings, "vi", night, form, text, decisions)
        files[f"scorecard.{form}"] = text.getvalue().encode(encoding)
    for unit in counted_off(_whole_and_levels(settings, night)):
        form_06a = read_form_06a(
            settings, unit, facts.period_start, facts.period_end, night, facts.period_basis
        )
        files[f"form-06a-{unit.lower()}.xlsx"] = form_06a_bytes(form_06a)
    return files


def _stated(decision: Decision | None) -> dict[str, Any] | None:
    """A decision as every reader of a report may see it: without the login of who decided."""
    if decision is None:
        return None
    return {
        "answer": decision.answer,
        "because": decision.because,
        "decided_at": decision.decided_at.astimezone(LOCAL_ZONE).isoformat(),
        "is_answered_by_a_person": decision.decided_by is not None,
    }


def content_sha256(files: Mapping[str, bytes]) -> str:
    """One digest of all files: of their names and digests, as ``sha256sum`` lists them."""
    listed = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())
    )
    return hashlib.sha256(listed.encode()).hexdigest()


_INDICATOR_COLUMNS = (
    "indicator_code, method_code, unit_code, unit_level, period_type, period_basis, period_start,"
    " numerator, denominator, value, target, comparison, status, coverage,"
    " firmness, turned_by, rate_lower, rate_upper, is_small, known_issues"
)


def _indicators(settings: Settings, facts: ReportFacts) -> bytes:
    """Every figure of the report's period and of the year so far, of every unit."""
    with open_published(settings) as warehouse:
        rows = warehouse.rows(
            f"select {_INDICATOR_COLUMNS} from mart.indicator_history"
            " where valid_from <= :night and (valid_to is null or valid_to > :night)"
            " and period_basis = :basis and ("
            "  (period_type = :type and period_start = :first)"
            "  or (period_type = 'year_to_date' and period_start ="
            "   cast(date_trunc('year', cast(:first as timestamp)) as date)))"
            " order by indicator_code, method_code, unit_code, period_type, period_start",
            {
                "night": facts.as_of_date,
                "basis": facts.period_basis,
                "type": facts.period_type,
                "first": facts.period_start,
            },
        )
    columns = _INDICATOR_COLUMNS.replace(" ", "").split(",")
    documents = {
        (line.indicator_code, line.method_code, line.unit_code): (
            line.document_number,
            line.document_date,
        )
        for line in read_scorecard(settings, facts.as_of_date)
    }
    listed = []
    for row in rows:
        key = (row["indicator_code"], row["method_code"], row["unit_code"])
        cells = (*row.values(), *documents.get(key, (None, None)))
        listed.append([*cells, facts.as_of_date])
    return csv_bytes([*columns, "document_number", "document_date", "as_of_date"], listed)


def _whole_and_levels(settings: Settings, night: dt.date) -> list[str]:
    """The city, and the levels that have units that night."""
    with open_published(settings) as warehouse:
        rows = warehouse.rows(
            "select distinct unit_code from mart.form_06a_history"
            " where unit_scope = 'level' and unit_level <> 'unregistered'"
            " and valid_from <= :night and (valid_to is null or valid_to > :night)"
            " order by unit_code",
            {"night": night},
        )
    return ["CITY", *(row["unit_code"] for row in rows)]
