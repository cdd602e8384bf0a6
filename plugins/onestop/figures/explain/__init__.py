"""Explanations: the items behind a figure, counted or left out, with reason and origin.

Dossiers, tickets, procedures, units and declarations come from the same SELECTs of ``sql/mart`` as
the figures, for one unit, any span of days and any published night. :data:`EXPLAINERS` maps an
indicator to its items; an indicator that is not listed is a declared figure. A check of
``ref.decree_check`` is explained by the dossiers that it found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.figures.explain.checks import CHECKS, FOUND, check_codes, read_check
from onestop.figures.explain.declarations import DECLARED
from onestop.figures.explain.desks import ROLLOUTS
from onestop.figures.explain.dossiers import DOSSIERS, ON_TIME
from onestop.figures.explain.items import ROLES, Explainer, Explanation, Question, total
from onestop.figures.explain.output import print_explanation
from onestop.figures.explain.procedures import PROCEDURES
from onestop.figures.explain.readings import published_reading, read_readings
from onestop.figures.explain.visits import WAITING
from onestop.marts.earlier_nights import NightMarts
from onestop.marts.published import QuestionError, find_night, open_published

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

__all__ = ["EXPLAINERS", "Explanation", "explain", "print_explanation"]

#: The explainer of each computed indicator.
EXPLAINERS: Mapping[str, Explainer] = {
    **DOSSIERS,
    **PROCEDURES,
    **ROLLOUTS,
    "counter_waiting_time": WAITING,
}


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
    if last < first:
        raise QuestionError(
            f"the span ends ({last}) before it begins ({first})", remedy="exchange --from and --to"
        )
    with open_published(settings) as warehouse:
        night = find_night(warehouse, as_of)
        marts = NightMarts(warehouse, night, (first, last))
        described = _describe(marts, warehouse, indicator)
        is_check = described["scorecard_method"] == FOUND
        explainer = CHECKS if is_check else _explainer(indicator, method)
        readings = read_readings(warehouse, marts) if indicator == ON_TIME else {}
        methods = tuple(dict.fromkeys((*explainer.methods, *readings)))
        method = _known_method(methods, method or described["scorecard_method"])
        found_unit = marts.find_unit(unit)
        question = Question(warehouse, marts, indicator, method, found_unit, first, last, night)
        items = sorted(
            explainer.items(question),
            key=lambda item: (
                ROLES.index(item.role),
                item.code,
                item.delivery_id or "",
                item.row_number or 0,
                item.reason_code,
            ),
        )
        has_data = is_check or bool(total(item.denominator for item in items))
        return Explanation(
            kind=explainer.kind,
            indicator_code=indicator,
            method_code=method,
            unit_code=unit,
            unit_name=found_unit.name,
            first=first,
            last=last,
            as_of=night,
            items=tuple(items),
            published=_published(question, explainer),
            no_data_reason_vi=None if has_data else described["no_data_reason_vi"],
            no_data_reason_en=None if has_data else described["no_data_reason_en"],
        )


def _describe(marts: NightMarts, warehouse: Warehouse, indicator: str) -> dict[str, Any]:
    rows = warehouse.rows(
        "select indicator_code, scorecard_method, no_data_reason_vi, no_data_reason_en"
        f" from {marts.relation('ref.indicator')} order by position"
    )
    for row in rows:
        if row["indicator_code"] == indicator:
            return row
    if read_check(warehouse, indicator):
        return {"indicator_code": indicator, "scorecard_method": FOUND}
    known = ", ".join([*(row["indicator_code"] for row in rows), *check_codes(warehouse)])
    raise QuestionError(f"no indicator {indicator}", remedy=f"there are {known}")


def _explainer(indicator: str, method: str | None) -> Explainer:
    """The explainer for a method: also a computed indicator may have declared figures."""
    if method in DECLARED.methods:
        return DECLARED
    return EXPLAINERS.get(indicator, DECLARED)


def _known_method(methods: tuple[str, ...], method: str | None) -> str:
    method = method or methods[0]
    if method not in methods:
        raise QuestionError(f"no method {method}", remedy=f"there are {', '.join(methods)}")
    return method


def _published(question: Question, explainer: Explainer) -> tuple[int | None, int | None] | None:
    """Numerator and denominator as published for exactly this span, if they were."""
    if explainer is CHECKS:
        return _published_count(question)
    if question.method in explainer.methods:
        return _published_figure(question)
    return published_reading(question)


def _published_count(question: Question) -> tuple[int, int] | None:
    """What the checks found for exactly this span, if it is a period of the last published night.

    A unit without a finding has no row; its count is zero.
    """
    coordinates = {"first": question.first, "last": question.last, "night": question.night}
    is_period = question.warehouse.value(
        "select count(*) from mart.period where period_start = :first and period_end = :last"
        " and as_of_date = :night",
        coordinates,
    )
    if not is_period:
        return None
    found = question.warehouse.value(
        "select max(found_strong) from mart.decree_check_count where check_code = :code"
        " and unit_code = :unit and period_start = :first and period_end = :last"
        " and as_of_date = :night",
        {**coordinates, "code": question.indicator, "unit": question.unit.unit_code},
    )
    return (int(found or 0), int(found or 0))


def _published_figure(question: Question) -> tuple[int | None, int | None] | None:
    """Numerator and denominator as published that night for exactly this span."""
    rows = question.warehouse.rows(
        "select numerator, denominator from mart.indicator_history"
        " where indicator_code = :indicator and method_code = :method and unit_code = :unit"
        " and period_start = :first"
        # the year to date has no period_end: it ends on the night
        " and (period_end = :last or (period_end is null and :last = :night))"
        " and valid_from <= :night and (valid_to is null or valid_to > :night)",
        {
            "indicator": question.indicator,
            "method": question.method,
            "unit": question.unit.unit_code,
            "first": question.first,
            "last": question.last,
            "night": question.night,
        },
    )
    return (rows[0]["numerator"], rows[0]["denominator"]) if rows else None
