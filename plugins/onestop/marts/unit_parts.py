"""Sums of many dossiers, counted of some units at a time, so that memory is bounded.

Such a statement joins the dossiers with their states and groups them in nearly as many sums. DuckDB
spills the one or the other, but not what a join holds while the groups of the rows before it fill
the memory. The sums of a unit rest on its own dossiers alone, and those of levels and the city are
sums of units, so some units at a time give the same rows.
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

#: The tallies of which a dossier may have sums of its own.
COUNTED_IN_PARTS = ("duration_tally", "unit_tally")
_UNIT_PART = f"{STAGED}.unit_part"
_TOTALS = f"{STAGED}.total_of_parts"
_OF_PART = "_of_part"
#: Of a month, both calendars have one each; of a quarter, half a year and nine months, a part.
_DAYS_PER_PERIOD = 8


def make_tally(
    warehouse: Warehouse,
    file: MartFile,
    files: Mapping[str, MartFile],
    as_of: dt.date,
    rows_at_once: int,
) -> None:
    """Stage a tally; the marts that it reads are staged.

    Args:
        warehouse: open for writing.
        file: the tally.
        files: of all marts, by their names.
        as_of: the night.
        rows_at_once: how many dossiers and sums a part holds, unless a single unit has more.
    """
    table = f"{STAGED}.{file.name}"
    at_most = warehouse.value(
        f"select (select count(*) from {STAGED}.counted_dossier)"
        f" * (select count(*) + 1 from {STAGED}.period)"
    )
    if at_most <= rows_at_once:
        warehouse.make_table(table, file.select(as_of, STAGED))
        return
    parts = _divide_units(warehouse, as_of, rows_at_once)
    given = {
        f"mart.{name}": f"{STAGED}.{name}{_OF_PART}"
        for name in ("counted_dossier", "dossier_period", "unit")
        if name in file.reads or name == "counted_dossier"
    }
    select = select_over(file, as_of, given, staged=True)
    for part in range(parts):
        _show_part(warehouse, files, given, as_of, part)
        if part == 0:
            warehouse.make_table(table, select)
        else:
            columns = ", ".join(warehouse.columns(STAGED, file.name))
            warehouse.execute(
                f"insert into {table} ({columns}) select {columns} from ({select}) as counted"
            )
    _add_up_totals(warehouse, file.name)
    for view in reversed(given.values()):
        warehouse.execute(f"drop view {view}")
    warehouse.execute(f"drop table {_UNIT_PART}")


def _divide_units(warehouse: Warehouse, as_of: dt.date, rows_at_once: int) -> int:
    """Divide the units into parts of about as many rows; how many parts there are.

    A dossier concerns a period of each kind, and some four further ones for each month from its
    receipt to its end or the as-of date. In each further one it is open, and joined with its state.
    A procedure of a unit has at most one sum for each period.
    """
    further = (
        f"greatest(coalesce(closed_date, date '{as_of.isoformat()}') - received_date, 0)"
        f" / {_DAYS_PER_PERIOD}.0"
    )
    warehouse.make_table(
        _UNIT_PART,
        "with kind as (select count(distinct period_type || ' ' || period_basis) as kinds,"
        f" count(*) as periods from {STAGED}.period where period_type = tallied_as),"
        " procedure as (select unit_code, procedure_key, count(*) as dossiers,"
        f" sum({further}) as further from {STAGED}.counted_dossier where is_received"
        " group by unit_code, procedure_key),"
        " unit as (select procedure.unit_code, sum(procedure.dossiers + procedure.further + "
        "least(procedure.dossiers * kind.kinds + procedure.further, kind.periods)) as held"
        " from procedure cross join kind group by procedure.unit_code), before as ("
        "select unit_code, sum(held) over (order by unit_code) - held as held_before from unit)"
        f" select unit_code, dense_rank() over (order by floor(held_before / {rows_at_once}.0))"
        " - 1 as part from before",
    )
    return int(warehouse.value(f"select coalesce(max(part), 0) + 1 from {_UNIT_PART}"))


def _show_part(
    warehouse: Warehouse,
    files: Mapping[str, MartFile],
    given: Mapping[str, str],
    as_of: dt.date,
    part: int,
) -> None:
    """Make the views of what concerns the units of one part.

    The first part has the rows of zeros of units without dossiers, of levels and the city.
    """
    for mart, view in given.items():
        if mart == "mart.dossier_period":
            of_part = {"mart.counted_dossier": given["mart.counted_dossier"]}
            select = select_over(files["dossier_period"], as_of, of_part, staged=True)
        else:
            select = (
                f"select whole.* from {view.removesuffix(_OF_PART)} as whole"
                f" left join {_UNIT_PART} as divided on whole.unit_code = divided.unit_code"
                f" where coalesce(divided.part, 0) = {part}"
            )
        warehouse.make_view(view, select)


def _add_up_totals(warehouse: Warehouse, name: str) -> None:
    """Add up the rows of levels and the city, of which each part has its own."""
    key = TALLIES[name]
    columns = warehouse.columns(STAGED, name)
    sums = [f"cast(sum({column}) as bigint) as {column}" for column in columns if column not in key]
    of_totals = f"unit_code in (select total_code from {STAGED}.roll_up)"
    table = f"{STAGED}.{name}"
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
