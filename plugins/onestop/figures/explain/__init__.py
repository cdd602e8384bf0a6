"""Explanations: the items behind a figure, counted or left out, with reason and origin.

The items come from a step of the same SELECTs of ``sql/mart`` as the figures, for one unit, any
span of days and any published night: ``ref.indicator`` names the step of each indicator. A check
of ``ref.decree_check`` is explained by the dossiers that it found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.figures.explain.asking import ask, read_published
from onestop.figures.explain.checks import CHECKED, find_checked
from onestop.figures.explain.items import ROLES, Explanation, read_items, total
from onestop.figures.explain.output import print_explanation
from onestop.figures.known_issues import read_known_issues
from onestop.marts.published import open_published

if TYPE_CHECKING:
    import datetime as dt

    from onestop.settings import Settings

__all__ = ["Explanation", "explain", "print_explanation"]


def explain(
    settings: Settings,
    indicator: str,
    unit: str,
    first: dt.date,
    last: dt.date,
    method: str | None = None,
    as_of: dt.date | None = None,
) -> Explanation:
    """The items of a figure, counted or left out, with reasons.

    Args:
        settings: of this installation.
        indicator: indicator code, as in ``ref.indicator``, or a check, as in ``ref.decree_check``.
        unit: a unit's code, a level (``DEPARTMENT``, ``DISTRICT``, ``COMMUNE``) or ``CITY``.
        first: first day of the span.
        last: last day of the span.
        method: method code, or a reading of the on-time rate, as in ``ref.reading``; defaults to
            the scorecard's.
        as_of: a published night; defaults to the last one.

    Raises:
        QuestionError: no such indicator, method or unit, no such figure for that unit, or the span
            is reversed.
        NothingPublishedError: that night is not published.
    """
    with open_published(settings) as warehouse:
        asked = ask(warehouse, indicator, unit, first, last, method, as_of)
        question, is_check = asked.question, asked.is_check
        if is_check:
            kind, found = CHECKED, list(find_checked(question))
        else:
            kind, found = read_items(question, asked.step)
        items = sorted(
            found,
            key=lambda item: (
                ROLES.index(item.role),
                item.code,
                item.delivery_id or "",
                item.row_number or 0,
                item.reason_code,
            ),
        )
        published = read_published(question, is_check=is_check)
        has_data = is_check or bool(total(item.denominator for item in items))
        return Explanation(
            kind=kind,
            indicator_code=indicator,
            method_code=question.method,
            unit_code=unit,
            unit_name=question.unit.name,
            first=first,
            last=last,
            as_of=question.night,
            items=tuple(items),
            published=published.amounts if published else None,
            runs_until=published.runs_until if published else None,
            no_data_reason_vi=None if has_data else asked.no_data_reason("vi") or None,
            no_data_reason_en=None if has_data else asked.no_data_reason("en") or None,
            known_issues=read_known_issues(
                warehouse,
                question.marts,
                indicator,
                question.unit.unit_code,
                (first, question.until),
            ),
        )
