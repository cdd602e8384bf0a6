"""The decisions about a published night (``audit.decision``), as notes to its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from onestop.record.decisions import (
    ACCEPTED,
    PROVISIONAL_REPORT,
    REFUSED,
    VOLUME,
    decision_on_report,
    standing_decisions,
)
from onestop.schema.feed_texts import FEED_NAMES
from onestop.schema.number_text import day
from onestop.schema.reference import read_reference
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection

    from onestop.record.decisions import Decision
    from onestop.record.issued_reports import IssuedReport
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

_TEXTS: dict[tuple[str, str], dict[Language, str]] = {
    (VOLUME, ACCEPTED): {
        # it may be made before the file comes
        "vi": "Quyết định: chấp nhận số dòng của {subject}, kể cả khi khác thường ({who}):"
        " {because}",
        "en": "Decision: the number of rows of {subject} is accepted, even if it is unusual"
        " ({who}): {because}",
    },
    (VOLUME, REFUSED): {
        "vi": "Quyết định: không nhận số dòng khác thường của {subject} ({who}): {because}",
        "en": "Decision: the unusual number of rows of {subject} is refused ({who}): {because}",
    },
    (PROVISIONAL_REPORT, ACCEPTED): {
        "vi": "Quyết định: ban hành {subject} khi kỳ chưa hết ({who}): {because}",
        "en": "Decision: {subject} is issued before its period is over ({who}): {because}",
    },
    (PROVISIONAL_REPORT, REFUSED): {
        "vi": "Quyết định: chưa ban hành {subject} ({who}): {because}",
        "en": "Decision: {subject} is not issued yet ({who}): {because}",
    },
}
#: On the page of the report itself.
_ON_REPORT: dict[str, dict[Language, str]] = {
    ACCEPTED: {
        "vi": "Quyết định ban hành khi kỳ chưa hết ({who}): {because}",
        "en": "Decision to issue it before its period was over ({who}): {because}",
    },
    REFUSED: {
        "vi": "Quyết định chưa ban hành ({who}): {because}",
        "en": "Decision not to issue it yet ({who}): {because}",
    },
}
_NOBODY: dict[Language, str] = {"vi": "không ai trả lời kịp", "en": "nobody answered in time"}


def decision_notes(
    warehouse: Warehouse,
    night: dt.date,
    lang: Language,
    *,
    names_people: bool = True,
    codes: Collection[str] = (VOLUME, PROVISIONAL_REPORT),
) -> list[str]:
    """The last decision on each subject of a night, as sentences for people.

    Args:
        warehouse: from :func:`onestop.marts.published.open_published`.
        night: the night.
        lang: of the sentences.
        names_people: whether the login of who decided is shown.
        codes: what was decided on.
    """
    return [
        _TEXTS[one.decision_code, one.answer][lang].format(
            subject=_subject(one, lang),
            because=one.because,
            who=_who(one, lang, names_people=names_people),
        )
        for one in standing_decisions(warehouse, night)
        if one.decision_code in codes
    ]


def report_decision_note(
    warehouse: Warehouse,
    issue: IssuedReport,
    lang: Language,
    *,
    names_people: bool = True,
) -> str | None:
    """The decision that the files of an issue state, as a sentence; None for none.

    Args:
        warehouse: from :func:`onestop.marts.published.open_published`.
        issue: the issue.
        lang: of the sentence.
        names_people: whether the login of who decided is shown.
    """
    one = decision_on_report(warehouse, issue.report_code, issue.as_of_date, issue.issued_at)
    return on_report_text(one, lang, names_people=names_people) if one else None


def on_report_text(decision: Decision, lang: Language, *, names_people: bool) -> str:
    """A decision on a report, as a sentence of the report itself."""
    who = _who(decision, lang, names_people=names_people)
    return _ON_REPORT[decision.answer][lang].format(who=who, because=decision.because)


def _subject(decision: Decision, lang: Language) -> str:
    """What was decided about, for people; its code where it has no name."""
    if decision.decision_code == PROVISIONAL_REPORT:
        titles = (
            str(row[f"title_{lang}"])
            for row in cast("list[dict[str, Any]]", read_reference()["report_calendar"])
            if row["report_code"] == decision.subject
            and row["valid_from"] <= decision.as_of_date < row["valid_to"]
        )
        return next(titles, decision.subject)
    source, _, feed = decision.subject.partition("/")
    return f"{FEED_NAMES[feed][lang]} ({source})" if feed in FEED_NAMES else decision.subject


def _who(decision: Decision, lang: Language, *, names_people: bool) -> str:
    date = day(decision.decided_at.astimezone(LOCAL_ZONE).date(), lang)
    if decision.decided_by is None:
        return f"{_NOBODY[lang]}, {date}"
    return f"{decision.decided_by}, {date}" if names_people else date
