"""Units: a table of units by months, each cell coloured by its distance from the target."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from onestop.figures.scorecard.any_figure import read_figure_lines
from onestop.figures.scorecard.values import ON_TIME
from onestop.figures.unit_names import LEVELS, label_column
from onestop.figures.web.shown_periods import STATE_AT_END, read_scorecard_year, reads_state
from onestop.figures.web.site import PageQuestionError, few_cases, figure_text, one_of
from onestop.marts.published import find_night
from onestop.said import said, said_text
from onestop.schema.did_you_mean import did_you_mean
from onestop.schema.number_text import clock_text, percent, target_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from onestop.figures.web.shown_periods import ScorecardYear
    from onestop.figures.web.site import Visit
    from onestop.schema.number_text import Language
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: The column of the year to date.
YEAR = "year"
#: Levels by their code in ``unit_level``.
_LEVELS = ("department", "district", "commune", "all")
_ORDERS = ("worst", "best")


def read_units(warehouse: Warehouse, _settings: Settings, visit: Visit) -> dict[str, Any]:
    """The values of ``units.html``.

    Args:
        warehouse: the published marts, open.
        _settings: of this installation.
        visit: the request, with ``indicator``, ``method``, ``level``, ``sort`` (``name``,
            ``code``, ``year`` or the first day of a month), ``order`` (``worst`` or ``best``) and
            ``q``, a part of the unit's name or code.

    Raises:
        PageQuestionError: there is no such indicator or method by month, level or way to sort.
    """
    night = find_night(warehouse, None)
    query = visit.query
    choices = read_choices(warehouse, visit.lang)
    indicator = query.get("indicator", ON_TIME if ON_TIME in choices else next(iter(choices), ""))
    if indicator not in choices:
        raise PageQuestionError(
            said("no figures of units by month for indicator {indicator}", indicator=indicator),
            remedy=did_you_mean(indicator, choices),
            instead={"indicator": None},
        )
    chosen = choices[indicator]
    method = visit.method_of(indicator) or chosen["scorecard_method"]
    if method not in chosen["methods"]:
        raise PageQuestionError(
            said("no method {method} of {indicator}", method=method, indicator=indicator),
            remedy=did_you_mean(method, chosen["methods"]),
            instead={"method": None},
        )
    level = one_of(query, "level", _LEVELS, said_text("level"), "department")
    year = read_scorecard_year(warehouse, night)
    columns = {"name", "code", YEAR, *map(str, year.months)}
    sort = one_of(query, "sort", columns, said_text("way to sort"), YEAR, is_listed=False)
    order = one_of(query, "order", _ORDERS, said_text("way to sort"), "worst")
    rows = _read_rows(warehouse, indicator, method, year)
    of_level = [unit for unit in rows.values() if level in (unit["unit_level"], "all")]
    units = [unit for unit in of_level if _has(unit, query)]
    units.sort(key=_order(sort, order, is_lower_better=chosen["direction"] == "lower"))
    for unit in units:
        for row in unit["cells"].values():
            _add_texts(row, chosen["unit_of_measure"], visit.lang)
            row["heat"] = heat_of(row)
    level_code = "CITY" if level == "all" else level.upper()
    lines = read_figure_lines(warehouse, level_code, year.first, year.last)
    line = lines.get((indicator, method))
    totals = _read_totals(warehouse, indicator, method, level, year)
    for row in totals.values():
        _add_texts(row, chosen["unit_of_measure"], visit.lang)
        row["heat"] = ""
    return {
        "night": night,
        "indicator": chosen,
        "method": method,
        "choices": choices,
        "level": level,
        "levels": _level_texts(visit.lang),
        "level_code": level_code,
        "year": year,
        "is_running": year.period_type == "year_to_date",
        "months": year.months,
        "units": units,
        "judged": sum(1 for unit in units if _status(unit) in {"met", "not_met"}),
        "totals": totals,
        "sort": sort,
        "order": order,
        "q": query.get("q", ""),
        "is_verified": line is None or line.verified,
        "notes": line.page_notes(visit.lang) if line else [],
        "state_at_end": STATE_AT_END[visit.lang] if indicator in reads_state(warehouse) else "",
        "target": _target_text(of_level, chosen["unit_of_measure"], visit.lang),
        "below": sum(1 for unit in units if _status(unit) == "not_met"),
        "small": few_cases(warehouse),
    }


def _add_texts(row: dict[str, Any], unit_of_measure: str, lang: Language) -> None:
    """Add the figure with its unit, and a short form for a narrow column."""
    row["text"] = row["short"] = figure_text(row, unit_of_measure, lang)
    if unit_of_measure == "percent":
        rate = Decimal(row["numerator"] * 100) / row["denominator"]
        row["short"] = percent(rate, lang, 1, row["target"]).rstrip("%").rstrip()
    elif unit_of_measure == "seconds":
        wait = Decimal(row["numerator"]) / row["denominator"]
        row["short"] = clock_text(wait, lang, row["target"])


def _status(unit: Mapping[str, Any]) -> str:
    cell = unit["cells"].get(YEAR)
    return str(cell["status"]) if cell else "no_data"


def _level_texts(lang: Language) -> list[tuple[str, str]]:
    texts = [(code.lower(), LEVELS[code][lang]) for code in ("DEPARTMENT", "DISTRICT", "COMMUNE")]
    return [*texts, ("all", "Tất cả" if lang == "vi" else "All")]


def read_choices(warehouse: Warehouse, lang: Language) -> dict[str, dict[str, Any]]:
    """The indicators and methods that units have monthly figures of.

    Args:
        warehouse: the published marts, open.
        lang: of their titles.
    """
    rows = warehouse.rows(
        f"select indicator.indicator_code, indicator.title_{lang} as title,"
        " indicator.unit_of_measure, indicator.direction, indicator.scorecard_method,"
        f" found.method_code, coalesce(method.label_{lang}, found.method_code) as method"
        " from (select distinct indicator_code, method_code from mart.indicator_value"
        " where unit_scope = 'unit' and period_type = 'month' and denominator > 0) as found"
        " inner join ref.indicator as indicator"
        " on found.indicator_code = indicator.indicator_code"
        " left join ref.method as method on found.method_code = method.method_code"
        " order by indicator.position, method.position"
    )
    choices: dict[str, dict[str, Any]] = {}
    for row in rows:
        choice = choices.setdefault(row["indicator_code"], {**row, "methods": {}})
        choice["methods"][row["method_code"]] = row["method"]
    return choices


def _read_rows(
    warehouse: Warehouse, indicator: str, method: str, year: ScorecardYear
) -> dict[str, dict[str, Any]]:
    """The units with their cells, by code."""
    units = warehouse.rows(
        f"select unit_code, coalesce({label_column(warehouse)}, unit_code) as unit_name, unit_level"
        " from mart.unit where unit_scope = 'unit'"
    )
    found = {row["unit_code"]: {**row, "cells": {}} for row in units}
    for row in _read_cells(warehouse, indicator, method, year, "unit"):
        if row["unit_code"] in found and row["denominator"]:
            found[row["unit_code"]]["cells"][_column(row)] = row
    return found


def _read_totals(
    warehouse: Warehouse, indicator: str, method: str, level: str, year: ScorecardYear
) -> dict[Any, dict[str, Any]]:
    """The cells of the whole level, or of the city."""
    scope, code = ("city", "CITY") if level == "all" else ("level", level.upper())
    rows = _read_cells(warehouse, indicator, method, year, scope)
    return {_column(row): row for row in rows if row["unit_code"] == code and row["denominator"]}


def _column(row: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a month, or the year to date
    return row["period_start"] if row["period_type"] == "month" else YEAR


def _read_cells(
    warehouse: Warehouse, indicator: str, method: str, year: ScorecardYear, scope: str
) -> list[dict[str, Any]]:
    return warehouse.rows(
        "select unit_code, period_type, period_start, period_end, numerator, denominator, value,"
        " target, comparison, status, rate_lower, rate_upper, is_small"
        " from mart.indicator_value where indicator_code = :indicator and method_code = :method"
        " and unit_scope = :scope and period_basis = 'calendar'"
        " and period_type in ('month', :type) and period_start between :first and :last",
        {
            "indicator": indicator,
            "method": method,
            "scope": scope,
            "type": year.period_type,
            "first": year.first,
            "last": year.last,
        },
    )


def _has(unit: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    """Whether a unit's name or code has the text that is looked for."""
    text = query.get("q", "").casefold().strip()
    return not text or text in f"{unit['unit_code']} {unit['unit_name']}".casefold()


def _order(
    sort: str, order: str, *, is_lower_better: bool
) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """How to sort units; those without a figure are last.

    Rates are ranked by the bound of their interval that few cases do not favour: the worst by
    the upper one, the best by the lower one. Means have no such interval: they are in order.
    """
    if sort in {"name", "code"}:
        return lambda unit: (unit["unit_name" if sort == "name" else "unit_code"].casefold(),)
    column: Any = YEAR if sort == YEAR else dt.date.fromisoformat(sort)
    bound = "rate_lower" if order == "best" else "rate_upper"
    sign = -1 if (order == "best") != is_lower_better else 1

    def key(unit: Mapping[str, Any]) -> tuple[Any, ...]:
        cell = unit["cells"].get(column)
        if cell is None or cell["value"] is None:
            return (1, 0, 0, unit["unit_code"])
        ranked = cell[bound] if cell[bound] is not None else cell["value"]
        return (0, sign * ranked, sign * cell["value"], unit["unit_code"])

    return key


#: Steps of the colours: percentage points below and above the target.
_FAR_BELOW, _BELOW = 10, 2
#: For a target that is not to be exceeded: parts of it.
_TIMES = (1.5, 1.2, 1.0, 0.8, 0.5)


def heat_of(row: Mapping[str, Any]) -> str:
    """The colour of a cell: ``h0`` far below the target to ``h5`` far above; empty without one."""
    if row["target"] is None or row["value"] is None or row["status"] not in {"met", "not_met"}:
        return ""
    value, target = float(row["value"]), float(row["target"])
    if row["comparison"] in {"<=", "<"}:
        return f"h{sum(value <= target * times for times in _TIMES)}"
    if row["status"] == "not_met":
        below = target - value
        return "h0" if below > _FAR_BELOW else "h1" if below > _BELOW else "h2"
    above = (value - target) / (100 - target) if target < 100 else 1.0  # noqa: PLR2004 - per cent
    return "h5" if above >= 1 else "h4" if above >= 0.5 else "h3"  # noqa: PLR2004 - half way


def _target_text(units: Sequence[Mapping[str, Any]], unit_of_measure: str, lang: Language) -> str:
    """The target of the year to date, if all units have the same."""
    cells = [unit["cells"][YEAR] for unit in units if YEAR in unit["cells"]]
    targets = {(cell["target"], cell["comparison"]) for cell in cells}
    if len(targets) != 1:
        return ""
    target, comparison = targets.pop()
    return target_text(target, comparison, unit_of_measure, lang)
