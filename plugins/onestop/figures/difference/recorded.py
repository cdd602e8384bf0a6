"""Why figures moved from one published night to the next, as recorded with its publication.

Unlike a comparison of any two nights, this computes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from onestop.figures.difference import Cause, Difference, FigureChange, Verdict
from onestop.figures.known_issues import KnownIssue
from onestop.marts.night_changes import RULE_CHANGED
from onestop.record.reference_changes import reference_changes_between

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from onestop.marts.earlier_nights import FoundUnit
    from onestop.warehouse import Warehouse

#: The period of a figure on the scorecard of a night: the year so far, or the plan's year once
#: that is over.
_OF_SCORECARD = (
    "{row}.period_basis = 'calendar' and {row}.period_type in ('year', 'year_to_date')"
    " and extract(year from {row}.period_start) ="
    " extract(year from least(indicator.valid_to - 1, :as_of))"
)
_PERIOD_TYPE = "case when indicator.valid_to <= :as_of then 'year' else 'year_to_date' end"


def recorded_difference(
    warehouse: Warehouse, previous: dt.date, as_of: dt.date, unit: FoundUnit
) -> Difference:
    """The changes of the scorecard's figures, with their causes, verdicts and known issues.

    Args:
        warehouse: the published marts, open.
        previous: the night that was published before.
        as_of: the night.
        unit: the unit, level or city.

    Returns:
        Figures in the plan's order, those without any change too; without items.
    """
    if "change_cause" not in warehouse.tables("ref"):  # an earlier release published last
        return Difference(previous, as_of, unit, ())
    asked = {"unit": unit.unit_code, "as_of": as_of}
    causes = _read_causes(warehouse, asked)
    before, after = (_read_side(warehouse, asked, night) for night in (previous, as_of))
    footnotes = _read_footnotes(warehouse)
    order = [
        (row["indicator_code"], row["scorecard_method"])
        for row in warehouse.rows(
            "select indicator_code, scorecard_method, position from ref.indicator"
            " where scorecard_method is not null order by position"
        )
    ]
    figures = []
    for figure in order:
        was, now = before.get(figure), after.get(figure)
        moved = causes.get(figure, [])
        if was is None and now is None and not moved:
            continue
        start = (now or was or moved[0])["period_start"]
        had_begun = start <= previous
        figures.append(
            FigureChange(
                *figure,
                "item",
                start,
                as_of,
                _amounts(was, moved, "before"),
                _amounts(now, moved, "after"),
                tuple(_cause(row) for row in moved),
                verdict_before=_verdict(was) if had_begun else None,
                verdict_after=_verdict(now),
                issues_before=_issues(was, footnotes) if had_begun else (),
                issues_after=_issues(now, footnotes),
            )
        )
    has_other_rules = any(
        cause.cause_code == RULE_CHANGED for figure in figures for cause in figure.causes
    )
    changes = reference_changes_between(warehouse, previous, as_of) if has_other_rules else []
    return Difference(previous, as_of, unit, tuple(figures), reference_changes=tuple(changes))


def _read_causes(
    warehouse: Warehouse, asked: Mapping[str, Any]
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found = defaultdict(list)
    for row in warehouse.rows(
        "select change.*, cause.position from mart.night_change as change"
        " inner join ref.indicator as indicator"
        " on change.indicator_code = indicator.indicator_code"
        " and change.method_code = indicator.scorecard_method"
        " left join ref.change_cause as cause on change.cause_code = cause.cause_code"
        " where change.as_of_date = :as_of and change.unit_code = :unit"
        f" and {_OF_SCORECARD.format(row='change')} and change.period_type = {_PERIOD_TYPE}"
        " order by cause.position",
        asked,
    ):
        found[row["indicator_code"], row["method_code"]].append(row)
    return found


def _read_side(
    warehouse: Warehouse, asked: Mapping[str, Any], night: dt.date
) -> dict[tuple[str, str], dict[str, Any]]:
    """The figures as a night published them; at New Year the one before has the year so far."""
    rows = warehouse.rows(
        f"select figure.*, case when figure.period_type = {_PERIOD_TYPE} then 1 else 0 end"
        " as is_period from mart.indicator_history as figure"
        " inner join ref.indicator as indicator"
        " on figure.indicator_code = indicator.indicator_code"
        " and figure.method_code = indicator.scorecard_method"
        " where figure.unit_code = :unit and figure.valid_from <= :night"
        " and (figure.valid_to is null or figure.valid_to > :night)"
        f" and {_OF_SCORECARD.format(row='figure')} order by is_period",
        {**asked, "night": night},
    )
    return {(row["indicator_code"], row["method_code"]): row for row in rows}


def _read_footnotes(warehouse: Warehouse) -> dict[str, KnownIssue]:
    rows = warehouse.rows("select issue_code, footnote_vi, footnote_en from mart.known_issue")
    return {row["issue_code"]: KnownIssue(**row) for row in rows}


def _issues(
    row: Mapping[str, Any] | None, footnotes: Mapping[str, KnownIssue]
) -> tuple[KnownIssue, ...]:
    """The issues that a figure names; one that is no longer known, by its code."""
    codes = (row or {}).get("known_issues") or ""
    return tuple(footnotes.get(code, KnownIssue(code, code, code)) for code in codes.split())


def _verdict(row: Mapping[str, Any] | None) -> Verdict:
    if row is None:
        return Verdict(status="no_data")
    return Verdict(
        row["target"], row["comparison"], row["status"], row.get("firmness"), row.get("turned_by")
    )


def _amounts(
    row: Mapping[str, Any] | None, moved: list[dict[str, Any]], side: str
) -> tuple[int, int]:
    """Numerator and denominator: of the causes' sum where there is one, else as published."""
    if moved:
        return (moved[0][f"numerator_{side}"], moved[0][f"denominator_{side}"])
    return ((row or {}).get("numerator") or 0, (row or {}).get("denominator") or 0)


def _cause(row: Mapping[str, Any]) -> Cause:
    return Cause(
        row["cause_code"], row["item_count"], row["numerator_change"], row["denominator_change"]
    )
