"""Thirteen dossiers of the second quarter of 2022 with known counts, in a warehouse."""

from __future__ import annotations

import csv
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from computed_marts import compute_only

from onestop.marts.publish import _HISTORY_KEYS, _extend_history, refresh_reference
from onestop.record.history import history_insert, history_select
from onestop.record.reference_versions import keep_reference
from onestop.schema.feeds import DOSSIERS, UNITS
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.settings import Settings

UNIT = "H24.31"
NIGHT = dt.date(2022, 6, 30)
LATER = dt.date(2022, 7, 31)
_MARTS = ("dossier", "form_06a")


def at(text: str | None) -> dt.datetime | None:
    """``20/04`` or ``12/04 17:05`` in 2022, local time; defaults to noon."""
    if text is None:
        return None
    day, _, clock = text.partition(" ")
    date, month = map(int, day.split("/"))
    hour, minute = map(int, (clock or "12:00").split(":"))
    return dt.datetime(2022, month, date, hour, minute, tzinfo=LOCAL_ZONE)


def dossier(
    code: str, received: str | None, due: str | None, ended: str | None = None, **more: Any
):
    row: dict[str, Any] = dict.fromkeys(DOSSIERS.column_names)
    row |= {
        "dossier_code": code,
        "procedure_code": "1.002835.000.00.00.H24",
        "field_code": "G09",
        "receiving_unit_code": UNIT,
        "resolving_unit_code": UNIT,
        "channel": "counter",
        "service_level": 2,
        "submitted_at": at(received or more.pop("submitted", None)),
        "received_at": at(received),
        "due_at": at(due),
        "original_due_at": at(due),
        "resolved_at": at(ended),
        "status": "returned" if ended else "processing",
        "closing_class": "resolved" if ended else None,
        **more,
    }
    for name in ("received", "due", "original_due", "resolved"):
        stamp = row[f"{name}_at"]
        row[f"{name}_date"] = stamp.date() if stamp else None
    return row


ONLINE, POST = {"channel": "online"}, {"channel": "post"}
THIRTEEN = [
    dossier("D1", "28/03", "05/04", "04/04"),
    dossier("D2", "05/04", "12/04 11:30", "12/04 17:05", **ONLINE, service_level=4),
    dossier("D3", "20/04", "26/04", "27/04"),
    dossier("D4", "28/04", "05/05", "05/05"),
    dossier("D5", "10/05", "20/05", "26/05", **POST, service_level=3),
    dossier("D6", "12/05", "26/05", "26/05", **ONLINE, service_level=3,
            original_due_at=at("19/05")),
    dossier("D7", "01/06", "10/06", "08/06", status="withdrawn", closing_class="withdrawn"),
    dossier("D8", None, None, None, submitted="06/06", status="refused_at_intake",
            closing_class="refused_at_intake"),
    dossier("D9", "15/06", "24/06"),
    dossier("D10", "27/06", "04/07", **ONLINE, service_level=4),
    dossier("D11", "10/06", "22/06", status="awaiting_supplement", service_level=4),
    dossier("D12", "20/06", "28/06", service_level=3),
    dossier("D13", "30/05", None, "02/06"),
]  # fmt: skip
#: Changes of the next month: D12 closed on 01/07, D11 resumed with a new due date and closed.
IN_JULY = [
    dossier("D11", "10/06", "08/07", "07/07", service_level=4, original_due_at=at("22/06")),
    dossier("D12", "20/06", "28/06", "01/07", service_level=3),
]


#: A file of 30/06 that arrived a month late: D9 had been closed in time.
LATE_FILE = [dossier("D9", "15/06", "24/06", "23/06")]


def record(
    warehouse: Warehouse,
    night: dt.date,
    rows: list[dict[str, Any]],
    *,
    known_from: dt.date | None = None,
) -> None:
    """Put dossiers into the record as one loaded delivery of that night."""
    known_from = known_from or night
    part = "" if known_from == night else "_2"
    delivery = f"one_stop.dossiers.{night:%Y%m%d}{part}.000000000000"
    version = [
        {
            "delivery_id": delivery,
            "row_number": number,
            "night": night,
            "known_from": known_from,
            "content_hash": repr(sorted(row.items(), key=str)),
            "is_vanished": False,
            **row,
        }
        for number, row in enumerate(rows, start=1)
    ]
    _append(warehouse, "core.dossier_version", version)
    file_name = f"dossiers_{night:%Y%m%d}{part}.json"
    _note_delivery(warehouse, delivery, "dossiers", night, file_name, known_from)


def record_unit(warehouse: Warehouse, night: dt.date) -> None:
    delivery = f"one_stop.units.{night:%Y%m%d}.000000000000"
    unit = dict.fromkeys(UNITS.column_names) | {
        "unit_code": UNIT,
        "unit_name": "Ủy ban nhân dân quận Hồng Bàng",
        "unit_level": "district",
    }
    head = {
        "delivery_id": delivery,
        "row_number": 2,
        "night": night,
        "known_from": night,
        "content_hash": "u",
        "is_vanished": False,
    }
    _append(warehouse, "core.unit_version", [head | unit])
    _note_delivery(warehouse, delivery, "units", night, f"units_{night:%Y%m%d}.csv")


def _note_delivery(
    warehouse: Warehouse,
    delivery: str,
    feed: str,
    night: dt.date,
    file_name: str,
    known_from: dt.date | None = None,
) -> None:
    warehouse.execute(
        "insert into audit.delivery (delivery_id, attempt, state, source, feed, night, kind,"
        " file_name, known_from, rows_read, rows_accepted, rows_rejected, rows_repeated,"
        " rows_blank, warnings, settled_at) values (:delivery, 1, 'loaded', 'one_stop', :feed,"
        " :night, 'delta', :file_name, :known_from, 0, 0, 0, 0, 0, 0, :night)",
        {
            "delivery": delivery,
            "feed": feed,
            "night": night,
            "file_name": file_name,
            "known_from": known_from or night,
        },
    )


def _append(warehouse: Warehouse, table: str, rows: list[dict[str, Any]]) -> None:
    warehouse.append(table, pa.Table.from_pylist(rows))


def compute(warehouse: Warehouse, as_of: dt.date) -> None:
    """Compute the history, then the marts of dossiers, in schema ``mart``."""
    refresh_reference(warehouse)
    keep_reference(warehouse, as_of)
    for feed in (DOSSIERS, UNITS):
        warehouse.execute(f"delete from core.{feed.entity}_history")
        warehouse.execute(history_insert(feed, history_select(feed)))
    compute_only(warehouse, as_of, _MARTS, "mart")
    history = "form_06a_history"
    _extend_history(warehouse, "form_06a", history, _HISTORY_KEYS[history], as_of)
    warehouse.execute(
        "insert into audit.publication (publication_id, as_of_date, published_at, delivery_count,"
        " dossier_count, figures_sha256)"
        " select count(*) + 1, :night, :night, 0, 0, '' from audit.publication",
        {"night": as_of},
    )


def publish_thirteen(
    settings: Settings, *, until: dt.date = NIGHT, with_late_file: bool = False
) -> Settings:
    """Publish 30/06 and, with ``until=LATER``, 31/07 on top of it."""
    with open_warehouse(settings.warehouse) as warehouse:
        record_unit(warehouse, NIGHT)
        record(warehouse, NIGHT, THIRTEEN)
        compute(warehouse, NIGHT)
        if until == LATER:
            record(warehouse, LATER, IN_JULY)
            if with_late_file:
                record(warehouse, NIGHT, LATE_FILE, known_from=LATER)
            compute(warehouse, LATER)
        _note_rate(warehouse)
        warehouse.publish_copy(settings.published)
    return settings


def _note_rate(warehouse: Warehouse) -> None:
    warehouse.execute(
        "insert into mart.indicator_history (valid_from, indicator_code, method_code, unit_code,"
        " unit_level, unit_scope, period_type, period_basis, period_start, period_end, numerator,"
        " denominator, status) values (:night, 'on_time_rate', 'cohort', :unit, 'district', 'unit',"
        " 'quarter', 'calendar', date '2022-04-01', date '2022-06-30', 3, 7, 'not_met')",
        {"night": NIGHT, "unit": UNIT},
    )


#: How the national sync record writes the codes.
CODES = {
    "registered": "1", "refused_at_intake": "3", "processing": "4", "awaiting_supplement": "5",
    "withdrawn": "7", "returned": "10",
    "counter": "1", "online": "2", "post": "3",
}  # fmt: skip


def as_record(dossier):
    """A dossier as the national sync record, all values text."""

    def stamp(name):
        value = dossier[name]
        return value.strftime("%Y%m%d%H%M%S") if value else ""

    return {
        "MaHoSo": dossier["dossier_code"],
        "MaTTHC": dossier["procedure_code"],
        "MaLinhVuc": dossier["field_code"],
        "KenhThucHien": CODES[dossier["channel"]],
        "MucDo": str(dossier["service_level"]),
        "DonViXuLy": UNIT,
        "NgayNopHoSo": stamp("submitted_at"),
        "NgayTiepNhan": stamp("received_at"),
        "NgayHenTra": stamp("due_at"),
        "NgayHenTraBanDau": stamp("original_due_at"),
        "NgayKetThucXuLy": stamp("resolved_at"),
        "NgayTra": "",
        "TrangThaiHoSo": CODES[dossier["status"]],
        "ChuHoSo": "Người nộp 000001",
    }


def write_exports(folder: Path) -> None:
    """Write the thirteen dossiers and their later changes as files of the built-in source."""
    folder.mkdir(parents=True)
    with (folder / f"units_{NIGHT:%Y%m%d}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Mã đơn vị", "Tên đơn vị", "Cấp"])
        writer.writerow([UNIT, "Ủy ban nhân dân quận Hồng Bàng", "Quận, huyện"])
    for night, dossiers in ((NIGHT, THIRTEEN), (LATER, IN_JULY)):
        (folder / f"dossiers_{night:%Y%m%d}.json").write_text(
            json.dumps([as_record(dossier) for dossier in dossiers]), encoding="utf-8"
        )
