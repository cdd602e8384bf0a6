"""Computation: the marts of a night, staged beside the published ones.

``sql/mart/*.sql`` holds one SELECT per table (or view, where its first line says so), named as
the table; ``sql/mart/indicator/*.sql`` one SELECT per indicator. They read ``core``, ``ref`` and
each other as ``mart.<name>``. While a night is computed, ``mart`` stands for ``mart_staged``, and
``ref`` and ``core.calendar`` for ``ref_staged``: readers see none of it before the publication.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from onestop.marts.files import SQL_FOLDER, mart_files
from onestop.record.record_checks import record_state
from onestop.schema.reference import reference_tables
from onestop.schema.workdays import calendar_table
from onestop.warehouse.staged_names import (
    CALENDAR,
    REFERENCE,
    REFERENCE_STAGED,
    STAGED,
    staged_name,
)

if TYPE_CHECKING:
    from onestop.warehouse import Warehouse

#: First and last day of core.calendar: the days that day_off.csv speaks about, and the years of
#: older records beside them.
_CALENDAR_SPAN = (dt.date(2009, 1, 1), dt.date(2027, 12, 31))


def stage_reference(warehouse: Warehouse) -> None:
    """Fill schema ``ref_staged`` from ``sql/reference``, for the next publication."""
    tables = {f"{REFERENCE}.{n}": t for n, t in reference_tables(SQL_FOLDER / "reference").items()}
    tables[CALENDAR] = calendar_table(*_CALENDAR_SPAN)
    with warehouse.transaction():
        warehouse.empty_schema(REFERENCE_STAGED)
        for name, table in tables.items():
            warehouse.put_table(staged_name(name), table)


def compute_marts(warehouse: Warehouse, as_of: dt.date) -> dict[str, int]:
    """Compute all marts of one night beside the published ones.

    Returns:
        Rows of each table.
    """
    state = record_state(warehouse, as_of)
    warehouse.empty_schema(STAGED)
    stage_reference(warehouse)
    warehouse.gather_statistics("core", REFERENCE_STAGED)
    counts = {}
    for file in mart_files():
        make = warehouse.make_view if file.is_view else warehouse.make_table
        make(f"{STAGED}.{file.name}", file.select(as_of, STAGED))
        if not file.is_view:
            counts[file.name] = int(warehouse.value(f"select count(*) from {STAGED}.{file.name}"))
    # Last: only a complete set of marts has its night.
    warehouse.make_table(
        f"{STAGED}.night",
        f"select date '{as_of.isoformat()}' as as_of_date, cast({state} as bigint) as record_state",
    )
    return counts


def staged_night(warehouse: Warehouse) -> dt.date | None:
    """The night whose marts are staged and complete, or None.

    Those of a release that has other marts are not complete.
    """
    if not {"night", *(file.name for file in mart_files())} <= set(warehouse.tables(STAGED)):
        return None
    night = warehouse.value(f"select as_of_date from {STAGED}.night")
    return night if isinstance(night, dt.date) else None


def staged_record(warehouse: Warehouse) -> int | None:
    """The state of the record that the staged marts were computed from."""
    if "record_state" not in warehouse.columns(STAGED, "night"):
        return None  # an earlier release computed them
    return int(warehouse.value(f"select record_state from {STAGED}.night"))
