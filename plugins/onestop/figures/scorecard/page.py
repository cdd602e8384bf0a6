"""The scorecard as a standalone file, for issued reports."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from onestop.figures.scorecard.values import COUNTED_VERDICTS, count_verdicts, status_text
from onestop.schema.number_text import ROUNDING, amounts_text, day, measured, target_text

if TYPE_CHECKING:
    from onestop.figures.scorecard.values import ScorecardLine
    from onestop.schema.number_text import Language

#: The templates of pages that are standalone files.
PAGES = Environment(
    loader=PackageLoader("onestop"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def frozen_scorecard(
    lines: list[ScorecardLine],
    title: str,
    provisional: list[str] | None = None,
    decision: str = "",
    figures_sha256: str = "",
) -> str:
    """The scorecard's page in Vietnamese, as a standalone file.

    Args:
        lines: of :func:`onestop.figures.scorecard.values.read_scorecard`.
        title: of the report that it belongs to.
        provisional: how far such figures moved later: a heading and lines, or one sentence.
        decision: that it is issued before its period is over, and why, as a sentence.
        figures_sha256: of the publication that it shows.
    """
    values = scorecard_values(lines, "vi")
    return PAGES.get_template("scorecard.html").render(
        **values,
        title=title,
        provisional=provisional or [],
        decision=decision,
        figures_sha256=figures_sha256,
    )


def scorecard_values(lines: list[ScorecardLine], lang: Language) -> dict[str, Any]:
    """The values of the template ``scorecard.html``."""
    return {
        "lang": lang,
        "as_of": day(lines[0].as_of_date, lang),
        "plan": lines[0].plan_code,
        "clauses": _by_clause(lines, lang),
        "counted": COUNTED_VERDICTS[lang],
        "counts": [
            (status, status_text(status, lang), count)
            for status, count in count_verdicts(lines).items()
        ],
        "rounding": ROUNDING[lang],
    }


def _by_clause(
    lines: list[ScorecardLine], lang: Language
) -> list[tuple[str, list[dict[str, Any]]]]:
    """The page's rows under each clause; one row for an indicator without data at any level."""
    clauses = []
    for clause, of_clause in groupby(lines, key=lambda line: line.clause_code):
        rows = []
        for _, group in groupby(of_clause, key=lambda line: line.indicator_code):
            of_indicator = list(group)
            has_data = any(line.status != "no_data" for line in of_indicator)
            shown = of_indicator if has_data else of_indicator[:1]
            rows += [_row(line, lang, is_first=line is shown[0]) for line in shown]
        clauses.append((clause, rows))
    return clauses


def _row(line: ScorecardLine, lang: Language, *, is_first: bool) -> dict[str, Any]:
    is_city = line.unit_code == "CITY"
    has_counts = line.numerator is not None and line.denominator is not None
    return {
        "title": line.text("title", lang) if is_first or is_city else "",
        "unit": "" if is_city else line.text("unit_label", lang),
        "result": _result(line, lang),
        "counts": amounts_text(
            line.numerator or 0, line.denominator or 0, line.unit_of_measure, lang
        )
        if has_counts and line.unit_of_measure != "rank"
        else "",
        "target": target_text(line.target, line.comparison, line.unit_of_measure, lang),
        "is_verified": line.verified,
        "note": line.text("target_note", lang),
        "notes": line.notes(lang),
        "status": line.status,
        "status_text": status_text(line.status, lang),
        "firmness": line.firmness_text(lang),
        "reason": line.text("no_data_reason", lang) if line.status == "no_data" else "",
    }


def _result(line: ScorecardLine, lang: Language) -> str:
    if line.status == "no_data":
        return "–"
    return measured(
        line.numerator, line.denominator, line.value, line.unit_of_measure, lang, line.target
    )
