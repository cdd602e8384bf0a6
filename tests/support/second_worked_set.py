"""A second set of dossiers with figures worked out by hand: every kind of event, in four nights.

Every status, closing class, channel and level; pauses and new due dates; the ends of periods of
both bases; the public holidays; dossiers that change units, vanish, are reopened, arrive late, or
were wrong in the first file. Each dossier is a sequence of nightly states, used for the exported
files and for the count in plain Python. The expected figures, with their reasons, are in
``tests/integration/test_second_worked_set.py``.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from reference_figures import Says, Statement, World

from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from pathlib import Path

MID_JANUARY, QUARTER_END, MAY, SEPTEMBER = NIGHTS = tuple(
    map(dt.date.fromisoformat, ("2022-01-14", "2022-03-31", "2022-05-06", "2022-09-15"))
)
DEPARTMENT, DISTRICT, COMMUNE, OTHER_COMMUNE = "H24.10", "H24.31", "H24.31.05", "H24.31.06"
#: A unit with dossiers that is not in the register.
UNREGISTERED_UNIT = "H24.77"

STATUS_CODES = {
    "registered": "1", "received": "2", "refused_at_intake": "3", "processing": "4",
    "awaiting_supplement": "5", "awaiting_payment": "6", "withdrawn": "7", "suspended": "8",
    "resolved": "9", "returned": "10",
}  # fmt: skip
CHANNEL_CODES = {"counter": "1", "online": "2", "post": "3", None: ""}
#: A source's text for dossiers that it closed without a result under status 9.
RESULT_KINDS = {"returned_unprocessed": "Trả lại hồ sơ", "withdrawn": "Xin rút hồ sơ"}


def day(text: str | None) -> dt.date | None:
    """``28/01`` of 2022, or ``28/12/2021``."""
    if text is None:
        return None
    date, month, *year = map(int, text.split("/"))
    return dt.date(*(year or [2022]), month, date)


def dossier(
    code: str,
    unit: str,
    received: str | None,
    due: str | None,
    channel: str | None = "counter",
    level: int | None = 2,
    **more: Any,
) -> Says:
    """A dossier as first received, in process."""
    return {
        "dossier_code": code,
        "alias_code": None,
        "procedure_code": {3: "1.000002", 4: "1.000001.000.00.00.H24"}.get(level or 0, "1.000005"),
        "field_code": "G09" if code < "B" else "G15",
        "receiving_unit_code": unit,
        "resolving_unit_code": unit,
        "channel": channel,
        "service_level": level,
        "received_date": day(received),
        "due_date": day(due),
        "resolved_date": None,
        "status": "processing",
        "closing_class": None,
        "result_digitised": None,
        **more,
    }


def ended(says: Says, on: str, status: str = "returned", kind: str = "resolved", **more: Any):
    return says | {"status": status, "closing_class": kind, "resolved_date": day(on)} | more


A1 = dossier("A1", DEPARTMENT, "20/12/2021", "31/12/2021")
A2 = dossier("A2", DEPARTMENT, "28/12/2021", "06/01", "post", 3)
A3 = dossier("A3", DEPARTMENT, "14/12/2021", "15/12/2021", "online", 4)
A4 = dossier("A4", DEPARTMENT, "31/12/2021", "04/01", "online", 4)
# neither a channel nor a level: the catalogue gives level 3 for its procedure
A5 = dossier("A5", DEPARTMENT, "01/03", "08/03", None, None, procedure_code="1.000003")
A6 = dossier("A6", DEPARTMENT, "10/01", "20/01", "online", 3, procedure_code="1.000003")
# its procedure has no result document
A7 = dossier("A7", DEPARTMENT, "05/01", None, procedure_code="1.000006")
A8 = dossier("A8", DEPARTMENT, "10/03", None)

B1 = dossier("B1", DISTRICT, "28/01", "11/02")  # five working days, Tết between them
B2 = dossier("B2", DISTRICT, "28/01", "11/02")
B3 = dossier("B3", DISTRICT, "14/01", "21/01", "online", 3)
B4 = dossier("B4", DISTRICT, "15/01", "24/01", "online", 4)
B5 = dossier("B5", DISTRICT, "15/02", "22/02", level=3)
B6 = dossier("B6", DISTRICT, "16/02", "23/02")
B7 = dossier(
    "B7",
    DISTRICT,
    None,
    None,
    "online",
    4,
    status="refused_at_intake",
    closing_class="refused_at_intake",
)
B8 = dossier("B8", DISTRICT, None, None, "online", 4, status="registered")
B8_IN = dossier("B8", DISTRICT, "04/04", "12/04", "online", 4)  # Hùng Vương between them
B9 = dossier("B9", DISTRICT, "28/04", "05/05")  # three working days, 30/4–3/5 between them
B10 = dossier("B10", DISTRICT, "01/03", "15/03")
B11 = dossier("B11", DISTRICT, "18/03", "25/03")
B12 = dossier("B12", DISTRICT, "07/03", "14/03")
# received at the district, resolved by the department, then passed to the commune
B13 = dossier("B13", DISTRICT, "22/03", "29/03", resolving_unit_code=DEPARTMENT)

C1 = dossier("C1", COMMUNE, "04/01", "04/01", level=4)
C2 = dossier("C2", COMMUNE, "10/02", "14/02", "post", 4)
C3 = dossier("C3", COMMUNE, "01/03", "03/03", level=4, alias_code="H24.31.05-220301-90001")
C3_AGAIN = C3 | {"dossier_code": "H24.31.05-220301-90001", "alias_code": None}
C4 = dossier("C4", COMMUNE, "05/05", "12/05")
C5 = dossier("C5", COMMUNE, "15/03", "17/03", level=4)
C6 = dossier("C6", COMMUNE, "25/04", "29/04", level=3)
C7 = dossier("C7", COMMUNE, "31/08", "06/09")  # two working days, 1–2/9 between them
C8 = dossier("C8", COMMUNE, "12/09", "15/09", "online", 3)
C9 = dossier("C9", COMMUNE, "05/09", "14/09", "online", 4, status="received")
# without a resolving unit
Z1 = dossier("Z1", UNREGISTERED_UNIT, "07/03", "10/03", level=1, resolving_unit_code=None)

#: The dossiers in the delta of each night: new and changed ones.
DELTAS: dict[dt.date, list[Says]] = {
    MID_JANUARY: [
        ended(A1, "30/12/2021"),
        ended(A2, "06/01"),
        ended(A3, "15/12/2021"),
        ended(A4, "04/01", "resolved"),
        A6 | {"status": "awaiting_payment"},
        ended(A7, "07/01"),
        B3,
        ended(C1, "04/01", result_digitised=True),
    ],
    QUARTER_END: [
        ended(A6 | {"due_date": day("14/02")}, "11/02"),
        ended(B1, "11/02"),
        ended(B2, "14/02"),
        ended(B3, "20/01", result_digitised=True),
        ended(B4, "17/01", "withdrawn", "withdrawn"),
        ended(C2, "11/02", result_digitised=True),
        ended(A5, "09/03", result_digitised=False),
        A8,
        ended(B5, "18/02", "resolved", "returned_unprocessed"),
        ended(B6, "21/02", "resolved", "withdrawn"),
        B7,
        B8,
        B10,
        B11 | {"status": "awaiting_supplement"},
        ended(B12, "11/03"),
        B13,
        ended(C3, "04/03"),
        ended(C3_AGAIN, "04/03"),
        ended(Z1, "10/03"),
    ],
    MAY: [
        A8 | {"status": "suspended"},
        ended(B8_IN, "12/04", result_digitised=True),
        ended(B9, "04/05"),
        ended(B10, "04/04"),
        B11 | {"due_date": day("09/05")},
        B12,
        ended(B13 | {"resolving_unit_code": COMMUNE}, "29/03"),
        C4,
        ended(C6, "29/04"),
    ],
    SEPTEMBER: [
        ended(B11 | {"due_date": day("09/05")}, "09/05"),
        ended(B12, "20/05"),
        ended(C7, "06/09"),
        C8,
        C9,
    ],
}
#: A second delta of the quarter's last night, which arrived just before the next night.
LATE_DELTA = [ended(C5, "16/03", result_digitised=True)]
#: One dossier in the corrected file of the May night.
CORRECTED = ended(C6, "04/05")
VANISHED = "C4"


def ticket(
    code: str, unit: str, issued: str, called: str | None, service: str, **more: Any
) -> Says:
    """A ticket of 15/03/2022; clocks as ``08:00:00``."""

    def clock(text: str | None) -> dt.datetime | None:
        return text and dt.datetime.fromisoformat(f"2022-03-15 {text}").replace(tzinfo=LOCAL_ZONE)

    return {
        "ticket_code": code,
        "unit_code": unit,
        "service_code": service,
        "ticket_status": "completed" if called else "no_show",
        "transferred_from": None,
        "issued_at": clock(issued),
        "called_at": clock(called),
        "issued_date": dt.date(2022, 3, 15),
        **more,
    }


TICKETS = [
    ticket("T1", DISTRICT, "08:00:00", "08:10:00", "G09"),
    ticket("T2", DISTRICT, "08:20:00", "08:25:00", "G15", transferred_from="T1"),
    ticket("T3", DISTRICT, "08:30:00", None, "G09"),
    ticket("T4", DISTRICT, "09:00:00", None, "G15", ticket_status="waiting"),
    ticket("T5", DISTRICT, "09:01:30", "09:31:30", "G15"),
    ticket("T6", DISTRICT, "10:00:00", "10:35:00", "G09"),
    ticket("T7", COMMUNE, "06:50:00", "07:10:00", "G09"),
]

PROCEDURES = [
    # code, level that resolves it, service level, eligible for 4, internal, published, has result
    ("1.000001.000.00.00.H24", "commune", 4, True, False, True, True),
    ("1.000002", "district", 3, True, False, True, True),
    ("1.000003", "department", 3, False, False, False, True),
    ("1.000004", "department", 1, False, True, True, True),
    ("1.000005", "district", 2, False, False, True, True),
    ("1.000006", "department", 2, False, False, True, False),
]
UNITS = [
    (DEPARTMENT, "Sở Tư pháp", "department", None),
    (DISTRICT, "Ủy ban nhân dân quận Hồng Bàng", "district", dt.date(2022, 3, 1)),
    (COMMUNE, "Ủy ban nhân dân phường Hoàng Văn Thụ", "commune", None),
    (OTHER_COMMUNE, "Ủy ban nhân dân phường Minh Khai", "commune", dt.date(2022, 9, 1)),
]
LEVEL_NAMES = {
    "department": "Sở, ban, ngành", "district": "Quận, huyện", "commune": "Xã, phường, thị trấn",
}  # fmt: skip


def second_world() -> World:
    """The nightly states of all dossiers, for the count in plain Python."""
    world = World()
    for night, dossiers in DELTAS.items():
        for says in dossiers:
            world.dossiers.setdefault(says["dossier_code"], []).append(Statement(night, says))
    for says in LATE_DELTA:
        world.dossiers[says["dossier_code"]] = [Statement(QUARTER_END, says, MAY)]
    world.dossiers["C6"].append(Statement(MAY, CORRECTED, SEPTEMBER))
    world.dossiers[VANISHED].append(Statement(SEPTEMBER, None))
    for says in TICKETS:
        world.visits[says["ticket_code"]] = [Statement(QUARTER_END, says)]
    for code, authority, level, eligible, internal, published, has_result in PROCEDURES:
        says = {
            "procedure_code": code,
            "authority_level": authority,
            "service_level": level,
            "is_level4_eligible": eligible,
            "is_internal": internal,
            "is_published": published,
            "has_result": has_result,
        }
        world.procedures[code] = [Statement(MID_JANUARY, says)]
    for code, _, level, digitising in UNITS:
        says = {
            "unit_code": code,
            "unit_level": level,
            "has_one_stop": True,
            "digitisation_date": digitising,
        }
        world.units[code] = [Statement(MID_JANUARY, says)]
    return world


# --- the files -----------------------------------------------------------------------------------


def export_night(folder: Path, night: dt.date) -> None:
    """Write the files that the systems have exported by the time a night runs."""
    folder.mkdir(parents=True, exist_ok=True)
    if night == MID_JANUARY:
        _write_registers(folder)
    if night == QUARTER_END:
        _write_tickets(folder)
    if night == MAY:
        _write_dossiers(folder / f"dossiers_{QUARTER_END:%Y%m%d}_2.json", LATE_DELTA)
    if night == SEPTEMBER:
        right = [CORRECTED if says["dossier_code"] == "C6" else says for says in DELTAS[MAY]]
        _write_dossiers(folder / f"dossiers_{MAY:%Y%m%d}.json", right)
        _write_dossiers(folder / f"dossiers_{night:%Y%m%d}_snapshot.json", _everything())
        return
    _write_dossiers(folder / f"dossiers_{night:%Y%m%d}.json", DELTAS[night])


def _everything() -> list[Says]:
    """The content of the last night's snapshot: all dossiers but the vanished one."""
    known = second_world().as_known_on(SEPTEMBER)
    last_states = [story[-1].says for story in known.dossiers.values()]
    return [says for says in last_states if says is not None]


def _write_dossiers(path: Path, dossiers: list[Says]) -> None:
    records = {"service": "DongBoHoSoMC", "isUpdating": "0", "data": list(map(as_record, dossiers))}
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")


def as_record(says: Says) -> dict[str, str]:
    """A dossier as the national sync record, all values text.

    A dossier that ends on its due day ends after the due hour; its result is collected a week
    later.
    """

    def stamp(name: str, clock: str, later: int = 0) -> str:
        date = says[name]
        return f"{date + dt.timedelta(days=later):%Y%m%d}{clock}" if date else ""

    digitised = {True: "1", False: "0", None: ""}[says["result_digitised"]]
    is_returned = says["status"] == "returned"
    return {
        "MaHoSo": says["dossier_code"],
        "MaHoSoKhac": says["alias_code"] or "",
        "MaTTHC": says["procedure_code"],
        "MaLinhVuc": says["field_code"],
        "KenhThucHien": CHANNEL_CODES[says["channel"]],
        "MucDo": str(says["service_level"] or ""),
        "DonViTiepNhan": says["receiving_unit_code"],
        "DonViXuLy": says["resolving_unit_code"] or "",
        "NgayTiepNhan": stamp("received_date", "083000"),
        "NgayHenTra": stamp("due_date", "113000"),
        "NgayKetThucXuLy": stamp("resolved_date", "163000"),
        "NgayTra": stamp("resolved_date", "093000", 7) if is_returned else "",
        "TrangThaiHoSo": STATUS_CODES[says["status"]],
        "LoaiKetQua": RESULT_KINDS.get(says["closing_class"], "") * (says["status"] == "resolved"),
        "KetQuaDaSoHoa": digitised,
        "ChuHoSo": "Người nộp 000002",
    }


def _write_tickets(folder: Path) -> None:
    header = ["id", "unit_code", "service_id", "status", "transferred_from", "created_at",
              "called_at"]  # fmt: skip
    rows = [
        [
            says["ticket_code"],
            says["unit_code"],
            says["service_code"],
            says["ticket_status"],
            says["transferred_from"] or "",
            f"{says['issued_at']:%d/%m/%Y %H:%M:%S}",
            f"{says['called_at']:%d/%m/%Y %H:%M:%S}" if says["called_at"] else "",
        ]
        for says in TICKETS
    ]
    _write_csv(folder / f"visits_{QUARTER_END:%Y%m%d}.csv", header, rows)


def _write_registers(folder: Path) -> None:
    header = ["Mã đơn vị", "Tên đơn vị", "Cấp", "Có Bộ phận Một cửa", "Ngày triển khai số hóa"]
    units = [
        [code, name, LEVEL_NAMES[level], "Có", f"{since:%d/%m/%Y}" if since else ""]
        for code, name, level, since in UNITS
    ]
    _write_csv(folder / f"units_{MID_JANUARY:%Y%m%d}.csv", header, units)
    header = ["Mã thủ tục", "Tên thủ tục", "Mã lĩnh vực", "Cấp giải quyết", "Mức độ",
              "Đủ điều kiện mức độ 4", "Nội bộ", "Công khai đầy đủ", "Có kết quả"]  # fmt: skip
    procedures = [
        [code, f"Thủ tục {code}", "G09", LEVEL_NAMES[authority], str(level), *map(_yes, flags)]
        for code, authority, level, *flags in PROCEDURES
    ]
    _write_csv(folder / f"procedures_{MID_JANUARY:%Y%m%d}.csv", header, procedures)


def _yes(flag: bool) -> str:
    return "Có" if flag else "Không"


def _write_csv(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
