"""Any published figure as a line of the scorecard: with its firmness, document and target."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from onestop.figures.scorecard.values import ScorecardLine

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from onestop.warehouse import Warehouse

_NAMES = {field.name for field in fields(ScorecardLine)}


def read_figure_lines(
    warehouse: Warehouse, unit: str, first: dt.date, last: dt.date
) -> dict[tuple[str, str], ScorecardLine]:
    """The figures of a unit, a level or the city in one period of the last night.

    Known issues are not among the values: the pages of a unit and of a figure show them apart.

    Args:
        warehouse: the published marts, open.
        unit: its code.
        first: the first day of the period.
        last: its last day; of a period that runs, the night.

    Returns:
        Lines by indicator and method; a span without published figures has none.
    """
    rows = warehouse.rows(
        "select figure.*, indicator.title_vi, indicator.title_en, indicator.unit_of_measure,"
        " indicator.kind as source_kind, indicator.owner_vi, indicator.clause_code,"
        " indicator.no_data_reason_vi, indicator.no_data_reason_en,"
        " indicator.verified and coalesce(target.verified, true) as verified,"
        " target.source_clause as target_source_clause, target.note_vi as target_note_vi,"
        " target.note_en as target_note_en,"
        " firmness.label_vi as firmness_vi, firmness.label_en as firmness_en"
        " from mart.indicator_value as figure"
        " inner join ref.indicator as indicator"
        " on figure.indicator_code = indicator.indicator_code"
        " and (indicator.valid_from is null or indicator.valid_from <= :last)"
        " and (indicator.valid_to is null or indicator.valid_to > :last)"
        " left join mart.target_in_force as target"
        " on figure.indicator_code = target.indicator_code"
        " and figure.unit_level = target.unit_level and target.measured_on = :last"
        " left join ref.firmness as firmness on figure.firmness = firmness.firmness"
        " where figure.unit_code = :unit and figure.period_start = :first"
        " and least(figure.period_end, figure.as_of_date) = :last"
        " order by figure.period_basis desc, figure.period_type desc",
        {"unit": unit, "first": first, "last": last},
    )
    readings = _read_readings(warehouse)
    documents = _read_documents(warehouse, unit, first, last)
    days = _read_ticket_days(warehouse, unit, first, last)
    found = {}
    for row in map(dict, rows):  # a span may be several periods, as a year and the year to date
        turning = [readings[code] for code in (row["turned_by"] or "").split() if code in readings]
        for lang in ("vi", "en") if turning else ():
            names = "; ".join(reading[lang] for reading in turning)
            row[f"firmness_{lang}"] = f"{row[f'firmness_{lang}']}: {names}"
        if row["source_kind"] == "declared":
            row.update(documents.get(row["indicator_code"], {}))
        if row["unit_of_measure"] == "seconds":
            row.update(days)
            if row["unit_scope"] == "unit":  # its own tickets are all that there are
                row["coverage"] = None
        values: dict[str, Any] = {name: row.get(name) for name in _NAMES}
        values.update(known_issues=None, line_number=0)
        found[row["indicator_code"], row["method_code"]] = ScorecardLine(**values)
    return found


def _read_readings(warehouse: Warehouse) -> dict[str, Mapping[str, Any]]:
    rows = warehouse.rows(
        "select reading_code, label_vi as vi, label_en as en from ref.reading order by position"
    )
    return {row["reading_code"]: row for row in rows}


def _read_documents(
    warehouse: Warehouse, unit: str, first: dt.date, last: dt.date
) -> dict[str, dict[str, Any]]:
    """The documents of declared figures by indicator, as ``indicator/declared.sql`` ranks them."""
    rows = warehouse.rows(
        "select indicator_code, document_number, document_date from core.declaration_history"
        " where coalesce(unit_code, 'CITY') = :unit and valid_to is null"
        " and period_end between :first and :last"
        " order by period_end, document_date nulls first, document_number",
        {"unit": unit, "first": first, "last": last},
    )
    return {row.pop("indicator_code"): row for row in map(dict, rows)}


def _read_ticket_days(
    warehouse: Warehouse, unit: str, first: dt.date, last: dt.date
) -> dict[str, Any]:
    """The days with tickets in a period, and its working days; empty without tickets."""
    if "waiting_time" not in warehouse.relations("mart"):
        return {}
    rows = warehouse.rows(
        "select days_with_tickets, workdays_in_period from mart.waiting_time"
        " where unit_code = :unit and period_start = :first"
        " and least(period_end, as_of_date) = :last limit 1",
        {"unit": unit, "first": first, "last": last},
    )
    return dict(rows[0]) if rows else {}
