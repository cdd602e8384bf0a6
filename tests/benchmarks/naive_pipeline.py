"""A first, naive pipeline: pandas, Great Expectations on a data frame, ``to_sql``.

It reads the delimited export, types its dates, checks twenty rules, and stores all rows and
the on-time rate of each unit in a SQLite file. It keeps no history and rejects no row.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import great_expectations as gx
import pandas as pd

DATES = ["NgayNopHoSo", "NgayTiepNhan", "NgayHenTra", "NgayKetThucXuLy", "NgayTra", "NgayCapNhat"]
KEPT = [
    *("MaHoSo", "MaTTHC", "TenTTHC", "MaLinhVuc", "KenhThucHien", "MucDo", "TrangThaiHoSo"),
    *("DonViTiepNhan", "DonViXuLy", "KetQuaDaSoHoa", *DATES),
]


def rules() -> list[gx.expectations.Expectation]:
    """Twenty rules that are typical of a new project."""
    expect = gx.expectations
    filled = [
        *("MaHoSo", "MaTTHC", "TenTTHC", "KenhThucHien", "TrangThaiHoSo", "DonViTiepNhan"),
        *("DonViXuLy", "NgayTiepNhan", "NgayHenTra", "NgayCapNhat"),
    ]
    shapes = {
        "MaHoSo": r"^H24\.\d{3}-\d{6}-\d+$",
        "MaTTHC": r"^\d\.\d{6}\.",
        "DonViTiepNhan": r"^H24\.\d{3}$",
        "DonViXuLy": r"^H24\.\d{3}$",
    }
    codes = {
        "KenhThucHien": ["1", "2", "3"],
        "MucDo": ["1", "2", "3", "4"],
        "TrangThaiHoSo": [str(code) for code in range(1, 11)],
        "KetQuaDaSoHoa": ["0", "1"],
    }
    return [
        *(expect.ExpectColumnValuesToNotBeNull(column=name) for name in filled),
        *(expect.ExpectColumnValuesToMatchRegex(column=n, regex=r) for n, r in shapes.items()),
        *(expect.ExpectColumnValuesToBeInSet(column=n, value_set=s) for n, s in codes.items()),
        expect.ExpectColumnValuesToBeUnique(column="MaHoSo"),
        expect.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="NgayHenTra", column_B="NgayTiepNhan", or_equal=True
        ),
    ]


def run(export: Path, target: Path) -> None:
    """Read, validate, store and count."""
    frame = pd.read_csv(export, dtype=str, usecols=KEPT)
    for name in DATES:
        frame[name] = pd.to_datetime(frame[name], format="%d/%m/%Y %H:%M:%S", errors="coerce")
    context = gx.get_context(mode="ephemeral")
    batch = (
        context.data_sources.add_pandas("naive")
        .add_dataframe_asset("dossiers")
        .add_batch_definition_whole_dataframe("all")
        .get_batch({"dataframe": frame})
    )
    batch.validate(gx.ExpectationSuite(name="naive", expectations=rules()))
    with sqlite3.connect(target) as database:
        frame.to_sql("dossier", database, index=False, chunksize=50_000)
        ended = frame[frame["NgayKetThucXuLy"].notna()]
        is_on_time = ended["NgayKetThucXuLy"].dt.normalize() <= ended["NgayHenTra"].dt.normalize()
        rate = is_on_time.groupby(ended["DonViXuLy"]).agg(["sum", "count"])
        rate.to_sql("on_time", database)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
