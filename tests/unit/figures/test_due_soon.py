"""The files of dossiers that fall due soon."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile

import pyarrow as pa
import pytest
from openpyxl import load_workbook

from onestop.console import CSV_ENCODING
from onestop.figures.due_soon import FOLDER, INDEX, file_name, write_due_soon
from onestop.warehouse import open_warehouse

FIRST, SECOND = dt.date(2022, 11, 23), dt.date(2022, 11, 24)
UNIT, OTHER = "H24.31", "../H24/.."


def due(unit, code, name="Đăng ký kinh doanh", left=1):
    return {
        "unit_code": unit,
        "dossier_code": code,
        "procedure_code": "1.000005.000.00.00.H24",
        "procedure_name": name,
        "received_date": dt.date(2022, 11, 1),
        "due_date": dt.date(2022, 11, 25),
        "workdays_left": left,
    }


@pytest.fixture
def warehouse(tmp_path):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as opened:
        units = [
            {"unit_code": code, "unit_name": name, "unit_scope": scope}
            for code, name, scope in (
                (UNIT, "Quận", "unit"),
                (OTHER, "=Xã", "unit"),
                ("H24.40", "Xã", "unit"),
                ("CITY", "Thành phố", "city"),
            )
        ]
        opened.put_table("mart.unit", pa.Table.from_pylist(units))
        yield opened


def record_publication(warehouse, number, night):
    warehouse.execute(
        "insert into audit.publication (publication_id, as_of_date, published_at, delivery_count,"
        " dossier_count, figures_sha256) values (:number, :night, :night, 0, 0, '')",
        {"number": number, "night": night},
    )


def publish(warehouse, tmp_path, number, night, rows):
    schema = pa.Table.from_pylist([due(UNIT, "x")]).schema
    warehouse.put_table("mart.due_soon", pa.Table.from_pylist(rows, schema=schema))
    record_publication(warehouse, number, night)
    write_due_soon(warehouse, tmp_path / "onestop.duckdb")
    return tmp_path / FOLDER


def table(path):
    return list(csv.DictReader(io.StringIO(path.read_text(CSV_ENCODING))))


def test_each_unit_has_its_dossiers_as_csv_and_xlsx(warehouse, tmp_path):
    folder = publish(warehouse, tmp_path, 1, FIRST, [due(UNIT, "A"), due(UNIT, "B", left=3)])
    rows = table(folder / "H24.31.csv")
    assert rows[1] == {
        "as_of_date": "2022-11-23",
        "unit_code": "H24.31",
        "dossier_code": "B",
        "procedure_code": "1.000005.000.00.00.H24",
        "procedure_name": "Đăng ký kinh doanh",
        "received_date": "2022-11-01",
        "due_date": "2022-11-25",
        "workdays_left": "3",
    }
    sheet = load_workbook(folder / "H24.31.xlsx").active
    lines = [[cell.value for cell in line] for line in sheet.iter_rows()]
    assert lines[1][0] == "Số liệu đến hết ngày 23/11/2022"
    assert [line[0] for line in lines[2:]] == ["Mã hồ sơ", "A", "B"]
    assert lines[3][5] == 1


def test_the_index_lists_all_units_and_their_files(warehouse, tmp_path):
    folder = publish(warehouse, tmp_path, 1, FIRST, [due(UNIT, "A")])
    found = {row["unit_code"]: (row["dossiers"], row["csv_file"]) for row in table(folder / INDEX)}
    assert found == {UNIT: ("1", "H24.31.csv"), OTHER: ("0", ""), "H24.40": ("0", "")}


def test_files_of_an_earlier_morning_are_gone(warehouse, tmp_path):
    publish(warehouse, tmp_path, 1, FIRST, [due(UNIT, "A"), due("H24.40", "B")])
    folder = publish(warehouse, tmp_path, 2, SECOND, [due("H24.40", "C")])
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert names == {"H24.40.csv", "H24.40.xlsx", INDEX}
    assert [row["dossier_code"] for row in table(folder / "H24.40.csv")] == ["C"]
    assert list(tmp_path.glob(f".{FOLDER}*")) == []


def test_files_that_are_there_are_not_written_again(warehouse, tmp_path):
    folder = publish(warehouse, tmp_path, 1, FIRST, [due(UNIT, "A")])
    written = (folder / "H24.31.xlsx").stat().st_ino
    write_due_soon(warehouse, tmp_path / "onestop.duckdb")
    assert (folder / "H24.31.xlsx").stat().st_ino == written


def test_a_killed_run_leaves_nothing_that_stops_the_next(warehouse, tmp_path):
    for part in ("new", "old"):
        left = tmp_path / f".{FOLDER}.{part}.draft"
        left.mkdir()
        (left / "H24.99.csv").write_text("", encoding="utf-8")
    folder = publish(warehouse, tmp_path, 1, FIRST, [due(UNIT, "A")])
    assert not (folder / "H24.99.csv").exists()
    assert list(tmp_path.glob(f".{FOLDER}*")) == []


def test_no_cell_is_a_formula(warehouse, tmp_path):
    folder = publish(warehouse, tmp_path, 1, FIRST, [due(OTHER, "=A1", "+cmd|'/c calc'!A0")])
    (name,) = (path for path in folder.glob("*.csv") if path.name != INDEX)
    (row,) = table(name)
    assert (row["dossier_code"], row["procedure_name"]) == ("'=A1", "'+cmd|'/c calc'!A0")
    assert any(row["unit_name"] == "'=Xã" for row in table(folder / INDEX))
    with zipfile.ZipFile(name.with_suffix(".xlsx")) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_a_unit_s_code_never_leads_out_of_the_folder(warehouse, tmp_path):
    folder = publish(warehouse, tmp_path, 1, FIRST, [due(OTHER, "A")])
    (row,) = (row for row in table(folder / INDEX) if row["unit_code"] == OTHER)
    assert (folder / row["csv_file"]).parent == folder
    assert (folder / row["csv_file"]).is_file()


def test_long_codes_have_names_of_their_own():
    one, other = file_name("x" * 500), file_name("x" * 499 + "y")
    assert one != other
    assert len(one) < 200


def test_no_unit_s_file_has_the_name_of_the_list_of_units():
    assert f"{file_name('index')}.csv" != INDEX


def test_marts_of_an_earlier_release_give_no_files(warehouse, tmp_path):
    record_publication(warehouse, 1, FIRST)
    write_due_soon(warehouse, tmp_path / "onestop.duckdb")
    assert not (tmp_path / FOLDER).exists()
