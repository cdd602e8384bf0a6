"""A third set of dossiers with figures worked out by hand: actions of an office near a due date.

One district, June 2022: dossiers returned and withdrawn before, on and after their due date; due
dates moved once, twice, in time and too late; supplements asked for in time and too late; codes
and hours of receipt. The expected figures, with their reasons, are in
``tests/integration/test_third_worked_set.py``.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import second_worked_set as second
from reference_figures import Says, Statement, World
from second_worked_set import DISTRICT, day, ended

if TYPE_CHECKING:
    from pathlib import Path

#: Exports of a Friday, of Monday to Thursday of the next week, and of the last day of the month.
NIGHTS = FRIDAY, MONDAY, TUESDAY, WEDNESDAY, THURSDAY, MONTH_END = tuple(
    map(
        dt.date.fromisoformat,
        ("2022-06-10", "2022-06-13", "2022-06-14", "2022-06-15", "2022-06-16", "2022-06-30"),
    )
)
#: The catalogue gives this procedure five working days, and the others no time limit.
FIVE_DAYS = "1.000002"
RETURNED, WITHDRAWN = ("resolved", "returned_unprocessed"), ("withdrawn", "withdrawn")


def dossier(code: str, received: str, due: str | None, **more: Any) -> Says:
    return second.dossier(code, DISTRICT, received, due) | {"received_clock": dt.time(8, 30)} | more


def moved(says: Says, due: str) -> Says:
    return says | {"due_date": day(due)}


R1 = dossier("R1", "01/06", "20/06")
R2 = dossier("R2", "01/06", "14/06")
R3 = dossier("R3", "01/06", "10/06")
R4 = dossier("R4", "01/06", None)
W1 = dossier("W1", "01/06", "20/06")
W2 = dossier("W2", "01/06", "14/06")
W3 = dossier("W3", "01/06", "10/06")
W4 = dossier("W4", "01/06", None)
X1 = dossier("X1", "01/06", "16/06")
X2 = dossier("X2", "01/06", "16/06")
X3 = dossier("X3", "01/06", "14/06")
X4 = dossier("X4", "01/06", "10/06")
X5 = dossier("X5", "01/06", "22/06")
S1 = dossier("S1", "01/06", "20/06")
S2 = dossier("S2", "13/06", "20/06")
S3 = dossier("S3", "07/06", "14/06")
T1 = dossier("H24.31-220602-0001", "02/06", "16/06")
T2 = dossier("H24.31-220601-0002", "02/06", "16/06")
T3 = dossier("T3", "07/06", "14/06", procedure_code=FIVE_DAYS, received_clock=dt.time(15, 1))
T4 = dossier("T4", "07/06", "15/06", procedure_code=FIVE_DAYS, received_clock=dt.time(15, 1))
T5 = dossier("T5", "07/06", "14/06", procedure_code=FIVE_DAYS, received_clock=dt.time(15))

WAITING = {"status": "awaiting_supplement"}
#: The dossiers in the delta of each night: new and changed ones.
DELTAS: dict[dt.date, list[Says]] = {
    FRIDAY: [R1, R2, R3, R4, W1, W2, W3, W4, X1, X2, X3, X4, X5, S1, S3, T1, T2, T3, T4, T5],
    MONDAY: [S2, S3 | WAITING],
    TUESDAY: [
        ended(R1, "14/06", *RETURNED),
        ended(R2, "14/06", *RETURNED),
        ended(R3, "14/06", *RETURNED),
        ended(R4, "14/06", *RETURNED),
        ended(W1, "14/06", *WITHDRAWN),
        ended(W2, "14/06", *WITHDRAWN),
        ended(W3, "14/06", *WITHDRAWN),
        ended(W4, "14/06", *WITHDRAWN),
        moved(X1, "22/06"),
        moved(X2, "22/06"),
        moved(X3, "20/06"),
        moved(X4, "20/06"),
        moved(X5, "21/06"),
        S1 | WAITING,
        S2 | WAITING,
        ended(T3, "14/06"),
        ended(T4, "14/06"),
        ended(T5, "14/06"),
    ],
    WEDNESDAY: [moved(S1, "29/06")],
    THURSDAY: [moved(X2, "28/06"), ended(T1, "16/06"), ended(T2, "16/06")],
    MONTH_END: [
        ended(moved(X1, "22/06"), "21/06"),
        ended(moved(X2, "28/06"), "28/06"),
        ended(moved(X3, "20/06"), "17/06"),
        moved(X4, "20/06"),
        ended(moved(X5, "21/06"), "20/06"),
        ended(moved(S1, "29/06"), "29/06"),
    ],
}


def third_world() -> World:
    """The nightly states of all dossiers, for the count in plain Python."""
    world = World()
    for night, statements in DELTAS.items():
        for says in statements:
            world.dossiers.setdefault(says["dossier_code"], []).append(Statement(night, says))
    world.units[DISTRICT] = [
        Statement(
            FRIDAY,
            {
                "unit_code": DISTRICT,
                "unit_level": "district",
                "has_one_stop": True,
                "digitisation_date": None,
            },
        )
    ]
    world.procedures[FIVE_DAYS] = [
        Statement(
            FRIDAY,
            {
                "procedure_code": FIVE_DAYS,
                "authority_level": "district",
                "service_level": 2,
                "is_level4_eligible": False,
                "is_internal": False,
                "is_published": True,
                "has_result": True,
                "duration_workdays": 5,
            },
        )
    ]
    return world


def write_exports(folder: Path) -> None:
    """Write the files of all nights."""
    folder.mkdir(parents=True)
    for night, statements in DELTAS.items():
        records = [
            second.as_record(says)
            | {"NgayTiepNhan": f"{says['received_date']:%Y%m%d}{says['received_clock']:%H%M%S}"}
            for says in statements
        ]
        path = folder / f"dossiers_{night:%Y%m%d}.json"
        path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    _write(
        folder / f"units_{FRIDAY:%Y%m%d}.csv",
        {
            "Mã đơn vị": DISTRICT,
            "Tên đơn vị": "Ủy ban nhân dân quận Hồng Bàng",
            "Cấp": "Quận, huyện",
            "Có Bộ phận Một cửa": "Có",
        },
    )
    _write(
        folder / f"procedures_{FRIDAY:%Y%m%d}.csv",
        {
            "Mã thủ tục": FIVE_DAYS,
            "Tên thủ tục": "Thủ tục có thời hạn năm ngày",
            "Mã lĩnh vực": "G09",
            "Cấp giải quyết": "Quận, huyện",
            "Mức độ": "2",
            "Đủ điều kiện mức độ 4": "Không",
            "Nội bộ": "Không",
            "Công khai đầy đủ": "Có",
            "Có kết quả": "Có",
            "Thời hạn (ngày làm việc)": "5",
        },
    )


def _write(path: Path, row: dict[str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
