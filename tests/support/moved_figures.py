"""Three published nights of the thirteen worked dossiers, on which figures move."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow as pa
from worked_dossiers import (
    IN_JULY,
    LATE_FILE,
    LATER,
    NIGHT,
    THIRTEEN,
    _note_delivery,
    record,
    record_unit,
)

from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.record.history import history_insert, history_select
from onestop.schema.feeds import DOSSIERS, FEEDS, UNITS

if TYPE_CHECKING:
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
    record_unit(warehouse, NIGHT)
    record(warehouse, NIGHT, THIRTEEN)
    publish(warehouse, NIGHT)
    record(warehouse, NEXT, IN_JULY[1:])
    publish(warehouse, NEXT)
    record(warehouse, LATER, IN_JULY[:1])
    record(warehouse, NIGHT, LATE_FILE, known_from=LATER)
    publish(warehouse, LATER)


def declare(
    warehouse: Warehouse, night: dt.date, until: dt.date, numerator: int, number: str
) -> None:
    """Record a declaration: so many of 100 tasks, from January until a day, by a document."""
    delivery = f"one_stop.declarations.{night:%Y%m%d}.000000000000"
    row = dict.fromkeys(DECLARATIONS.column_names) | {
        "indicator_code": "plan_tasks_completed_rate",
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
