"""``mart.unit_tally`` of many dossiers, counted of some units at a time: bounded memory.

The statement groups the periods of all dossiers by unit, field and procedure, and joins open
dossiers with their states. DuckDB spills the one or the other, but not what a join holds while the
groups of the rows before it fill the memory. The sums of a unit rest on its own dossiers alone, and
those of levels and the city are sums of units, so some units at a time give the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.marts.changes import TALLIES
from onestop.marts.files import select_over
from onestop.warehouse.staged_names import STAGED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from onestop.marts.files import MartFile
    from onestop.warehouse import Warehouse

#: The mart that is counted in parts.
COUNTED_IN_PARTS = "unit_tally"
_UNIT_PART = f"{STAGED}.unit_part"
_DOSSIERS = f"{STAGED}.counted_dossier_of_part"
_PERIODS = f"{STAGED}.dossier_period_of_part"
_UNITS = f"{STAGED}.unit_of_part"
_TOTALS = f"{STAGED}.total_of_parts"


def make_unit_tally(
    warehouse: Warehouse, files: Mapping[str, MartFile], as_of: dt.date, rows_at_once: int
) -> None:
    """Stage ``mart.unit_tally``; the marts that it reads are staged.

    Args:
        warehouse: open for writing.
        files: of the marts, by their names.
        as_of: the night.
        rows_at_once: how many dossiers and sums a part holds, unless a single unit has more.
    """
    file = files[COUNTED_IN_PARTS]
    table = f"{STAGED}.{file.name}"
    held = warehouse.value(
        f"select (select count(*) from {STAGED}.counted_dossier)"
        f" * (select count(*) + 1 from {STAGED}.period)"
    )
    if held <= rows_at_once:
        warehouse.make_table(table, file.select(as_of, STAGED))
        return
    parts = _divide_units(warehouse, rows_at_once)
    given = {"mart.dossier_period": _PERIODS, "mart.unit": _UNITS}
    select = select_over(file, as_of, given, staged=True)
    periods = select_over(
        files["dossier_period"], as_of, {"mart.counted_dossier": _DOSSIERS}, staged=True
    )
    for part in range(parts):
        # a unit without dossiers, a level and the city have their rows of zeros in the first part
        for view, table_of_units in (
            (_DOSSIERS, f"{STAGED}.counted_dossier"),
            (_UNITS, f"{STAGED}.unit"),
        ):
            warehouse.make_view(
                view,
                f"select whole.* from {table_of_units} as whole left join {_UNIT_PART} as divided"
                f" on whole.unit_code = divided.unit_code where coalesce(divided.part, 0) = {part}",
            )
        warehouse.make_view(_PERIODS, periods)
        if part == 0:
            warehouse.make_table(table, select)
        else:
            columns = ", ".join(warehouse.columns(STAGED, file.name))
            warehouse.execute(
                f"insert into {table} ({columns}) select {columns} from ({select}) as counted"
            )
    _add_up_totals(warehouse)
    for view in (_PERIODS, _DOSSIERS, _UNITS):
        warehouse.execute(f"drop view {view}")
    warehouse.execute(f"drop table {_UNIT_PART}")


def _divide_units(warehouse: Warehouse, rows_at_once: int) -> int:
    """Divide the units into parts of about as many rows; how many parts there are.

    A procedure of a unit has at least a sum for each of its dossiers in one period of each kind,
    and at most one for each period.
    """
    tallied = f"from {STAGED}.period where period_type = tallied_as"
    warehouse.make_table(
        _UNIT_PART,
        "with kind as ("
        f"select count(distinct period_type || ' ' || period_basis) as kinds, count(*) as periods"
        f" {tallied}), procedure as (select unit_code, procedure_key, count(*) as dossiers"
        f" from {STAGED}.counted_dossier where is_received group by unit_code, procedure_key),"
        " unit as (select procedure.unit_code, sum(procedure.dossiers + "
        "least(procedure.dossiers * kind.kinds, kind.periods)) as held"
        " from procedure cross join kind group by procedure.unit_code), before as ("
        "select unit_code, sum(held) over (order by unit_code) - held as held_before from unit)"
        f" select unit_code, dense_rank() over (order by floor(held_before / {rows_at_once}.0))"
        " - 1 as part from before",
    )
    return int(warehouse.value(f"select coalesce(max(part), 0) + 1 from {_UNIT_PART}"))


def _add_up_totals(warehouse: Warehouse) -> None:
    """Add up the rows of levels and the city, of which each part has its own."""
    key = TALLIES[COUNTED_IN_PARTS]
    columns = warehouse.columns(STAGED, COUNTED_IN_PARTS)
    sums = [f"cast(sum({column}) as bigint) as {column}" for column in columns if column not in key]
    of_totals = f"unit_code in (select total_code from {STAGED}.roll_up)"
    table = f"{STAGED}.{COUNTED_IN_PARTS}"
    warehouse.make_table(
        _TOTALS,
        f"select {', '.join((*key, *sums))} from {table} where {of_totals}"
        f" group by {', '.join(key)}",
    )
    listed = ", ".join(columns)
    with warehouse.transaction():
        warehouse.execute(f"delete from {table} where {of_totals}")
        warehouse.execute(f"insert into {table} ({listed}) select {listed} from {_TOTALS}")
    warehouse.execute(f"drop table {_TOTALS}")
