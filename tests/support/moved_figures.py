"""Three published nights of the thirteen worked dossiers, on which figures move."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from published_marts import settings_in
from worked_dossiers import (
    IN_JULY,
    LATE_FILE,
    LATER,
    NIGHT,
    THIRTEEN,
    _note_delivery,
    at,
    dossier,
    record,
    record_unit,
)

from onestop.marts import compute
from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.record.history import history_insert, history_select
from onestop.schema.feeds import DOSSIERS, FEEDS, UNITS
from onestop.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from kept_installations import KeptInstallations

    from onestop.schema.reference import Row
    from onestop.warehouse import Warehouse

NEXT = dt.date(2022, 7, 1)
DECLARATIONS = FEEDS["declarations"]


def publish(warehouse: Warehouse, night: dt.date) -> None:
    for feed in (DOSSIERS, UNITS, DECLARATIONS):
        warehouse.execute(f"delete from core.{feed.entity}_history")
        warehouse.execute(history_insert(feed, history_select(feed)))
    compute_marts(warehouse, night)
    publish_marts(warehouse, night)


def three_nights(warehouse: Warehouse) -> None:
    """Publish 30/06; 01/07, when D12 closed; 31/07, when D11 closed and a late file came."""
    _publish_first(warehouse)
    _publish_second(warehouse)
    _publish_third(warehouse)


def _publish_first(warehouse: Warehouse) -> None:
    record_unit(warehouse, NIGHT)
    record(warehouse, NIGHT, THIRTEEN)
    publish(warehouse, NIGHT)


def _publish_second(warehouse: Warehouse) -> None:
    record(warehouse, NEXT, IN_JULY[1:])
    publish(warehouse, NEXT)


def _publish_third(warehouse: Warehouse) -> None:
    record(warehouse, LATER, IN_JULY[:1])
    record(warehouse, NIGHT, LATE_FILE, known_from=LATER)
    publish(warehouse, LATER)


# The installations after the first, two and three of these nights; see ``kept_installations``.


def after_first(folder: Path, _: KeptInstallations) -> None:
    with open_warehouse(settings_in(folder).warehouse) as warehouse:
        _publish_first(warehouse)


def after_second(folder: Path, kept: KeptInstallations) -> None:
    with open_warehouse(kept.copy(after_first, folder).warehouse) as warehouse:
        _publish_second(warehouse)


def after_third(folder: Path, kept: KeptInstallations) -> None:
    with open_warehouse(kept.copy(after_second, folder).warehouse) as warehouse:
        _publish_third(warehouse)


def declare(
    warehouse: Warehouse, night: dt.date, until: dt.date, numerator: int, number: str
) -> None:
    """Record a declaration: so many of 100 tasks, from January until a day, by a document."""
    delivery = f"one_stop.declarations.{night:%Y%m%d}.000000000000"
    row = dict.fromkeys(DECLARATIONS.column_names) | {
        "indicator_code": "plan_tasks_completed_rate",
        "unit_code": "CITY",
        "period_start": dt.date(2022, 1, 1),
        "period_end": until,
        "numerator": numerator,
        "denominator": 100,
        "document_number": number,
        "document_date": night,
    }
    head = {
        "delivery_id": delivery,
        "row_number": 2,
        "night": night,
        "known_from": night,
        "content_hash": number,
        "is_vanished": False,
    }
    warehouse.append("core.declaration_version", pa.Table.from_pylist([head | row]))
    _note_delivery(warehouse, delivery, "declarations", night, f"declarations_{night:%Y%m%d}.csv")


#: The last night of the plan's year that is published, and the first one of the next year.
YEAR_END, NEW_YEAR = dt.date(2022, 12, 30), dt.date(2023, 1, 3)


def nights_over_new_year(warehouse: Warehouse) -> None:
    """Publish 30/12/2022 and 03/01/2023: the year, its last month and quarter end in between."""
    record_unit(warehouse, YEAR_END)
    declare(warehouse, YEAR_END, dt.date(2022, 11, 30), 40, "1/BC")
    record(
        warehouse,
        YEAR_END,
        [
            dossier("E1", "20/12", "29/12", status="awaiting_supplement"),
            dossier("E2", "21/12", "30/12"),
            dossier("E3", "22/12", "28/12", "27/12"),
        ],
    )
    publish(warehouse, YEAR_END)
    # on 31/12 E1 goes on with a new due date, as the decree has it, and E2 has fallen overdue
    resumed = dossier("E1", "20/12", "31/12", original_due_at=at("29/12"))
    record(warehouse, dt.date(2022, 12, 31), [resumed], known_from=NEW_YEAR)
    publish(warehouse, NEW_YEAR)


def publish_with_other_rules(
    warehouse: Warehouse, night: dt.date, edits: Mapping[str, Callable[[list[Row]], list[Row]]]
) -> None:
    """Publish a night by other reference rows.

    Args:
        warehouse: open for writing.
        night: the night.
        edits: what is done to the rows of a reference file, by its name without suffix.
    """
    read = compute.reference_tables

    def tables(folder: Path) -> dict[str, pa.Table]:
        found = read(folder)
        return found | {
            name: pa.Table.from_pylist(edit(found[name].to_pylist()), schema=found[name].schema)
            for name, edit in edits.items()
        }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compute, "reference_tables", tables)
        patch.setattr(compute, "rules_digest", lambda: "of other rules")
        publish(warehouse, night)
