"""Restatements: changes to published figures by a later publication, and the dossiers behind them.

A restatement is a change to a figure of a period that was over, and published, on the night
before. It is recorded in the transaction that publishes the night: figures by comparing the
histories; dossiers from the change set of the night, or, where it counted everything, by counting
those in deliveries loaded since, as known on each of the two nights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.marts.earlier_nights import NightMarts
from onestop.record.history import history_select
from onestop.record.touched import changed_keys_select
from onestop.schema.feeds import DOSSIERS
from onestop.schema.project import PROJECT_ROOT
from onestop.warehouse.sql_text import with_expressions, with_tables
from onestop.warehouse.staged_names import STAGED

if TYPE_CHECKING:
    import datetime as dt

    from onestop.warehouse import Warehouse

_SQL = PROJECT_ROOT / "sql" / "mart" / "restatement"

#: SELECT of the changed codes with their aliases: either code may be the one that is counted.
_WITH_ALIASES = """
select dossier_code from changed_code
union
select v.alias_code from core.dossier_version as v
inner join changed_code on v.dossier_code = changed_code.dossier_code where v.alias_code is not null
union
select v.dossier_code from core.dossier_version as v
inner join changed_code on v.alias_code = changed_code.dossier_code
"""


def record_restatements(
    warehouse: Warehouse, previous: dt.date, as_of: dt.date, *, has_changes: bool
) -> None:
    """Record the restatements by the publication of ``as_of``, in its transaction.

    Args:
        warehouse: the marts and histories of ``as_of`` are in place, its publication noted.
        previous: the night published before.
        as_of: the night being published.
        has_changes: whether schema ``mart_staged`` holds the change set of the night.
    """
    nights = {"as_of_date": as_of, "previous_night": previous}
    if not warehouse.value(_HAS_CHANGED, nights):
        return
    if has_changes:
        _record_changed_dossiers(warehouse, nights)
    else:
        _record_dossiers(warehouse, nights)
    _insert(warehouse, "restatement", _text("restatement"), nights)


#: Figures of periods that were over and whose value changed on this night.
_HAS_CHANGED = (
    "select (select count(*) from mart.indicator_history"
    " where period_end <= :previous_night and (valid_from = :as_of_date or valid_to = :as_of_date))"
    " + (select count(*) from mart.form_06a_history"
    " where period_end <= :previous_night and (valid_from = :as_of_date or valid_to = :as_of_date))"
)


def _record_changed_dossiers(warehouse: Warehouse, nights: dict[str, dt.date]) -> None:
    """From the two sides of the change set: as they were published, and as they are now."""
    relations = {}
    for side, ending in (("earlier", "old"), ("later", "new")):
        warehouse.execute(
            f"create temporary table restated_{side} as select d.*"
            f" from {STAGED}.dossier_period_{ending} as d inner join mart.period as p"
            " on d.period_type = p.period_type and d.period_basis = p.period_basis"
            " and d.period_start = p.period_start and p.period_end <= :previous_night",
            {"previous_night": nights["previous_night"]},
        )
        relations[f"{side}.dossier_period"] = f"restated_{side}"
        relations[f"{side}.dossier"] = f"{STAGED}.counted_dossier_{ending}"
    text = with_tables(_text("restatement_dossier"), relations)
    _insert(warehouse, "restatement_dossier", text, nights)
    for side in ("earlier", "later"):
        warehouse.execute(f"drop table restated_{side}")


def _record_dossiers(warehouse: Warehouse, nights: dict[str, dt.date]) -> None:
    previous, as_of = nights["previous_night"], nights["as_of_date"]
    made = {
        "changed_code": changed_keys_select(warehouse, DOSSIERS, previous, as_of),
        "restated_code": _WITH_ALIASES,
        "history_earlier": history_select(
            DOSSIERS, touched="restated_code", known_on=f"date '{previous}'"
        ),
        "history_later": (
            "select h.* from core.dossier_history as h"
            " inner join restated_code on h.dossier_code = restated_code.dossier_code"
        ),
        "restated_period": f"select * from mart.period where period_end <= date '{previous}'",
    }
    for name, select in made.items():
        warehouse.execute(f"create temporary table {name} as {select}")
    sides = {
        "earlier": _marts(warehouse, previous, "earlier"),
        "later": _marts(warehouse, as_of, "later"),
    }
    relations = {
        f"{side}.{mart}": marts.relation(f"mart.{mart}")
        for side, marts in sides.items()
        for mart in ("dossier_period", "dossier")
    }
    _insert(
        warehouse,
        "restatement_dossier",
        with_tables(_text("restatement_dossier"), relations),
        nights,
    )
    for marts in sides.values():
        marts.drop()
    for name in reversed(made):
        warehouse.execute(f"drop table {name}")


def _marts(warehouse: Warehouse, night: dt.date, side: str) -> NightMarts:
    given = {
        "core.dossier_history": f"history_{side}",
        "mart.period": "restated_period",
    }
    return NightMarts(warehouse, night, given=given, mark=side)


def _text(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _insert(warehouse: Warehouse, table: str, select: str, nights: dict[str, dt.date]) -> None:
    dates = {name: f"date '{night.isoformat()}'" for name, night in nights.items()}
    select = with_expressions(select, dates)
    columns = ", ".join(warehouse.columns("mart", table))
    warehouse.execute(
        f"insert into mart.{table} ({columns}) select {columns} from ({select}) as added"
    )
