"""Staging: canonical columns and types, no personal data, every record counted."""

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from exported_files import LIST_HEADERS as HEADERS
from exported_files import (
    NIGHT,
    ONE_STOP,
    PERSONAL_MARKS,
    RECORD,
    as_csv,
    as_html,
    as_json,
    as_xlsx,
    land,
    list_row,
    read_staged,
    record,
    stage,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onestop.intake.delivery import RefusedDeliveryError
from onestop.intake.landing import land_file
from onestop.sample import write_sample
from onestop.schema.feeds import DUCKDB_TYPES, FEEDS
from onestop.schema.mapping import recognise
from onestop.schema.mapping_files import load_mapping, load_mappings
from onestop.schema.wording import UNIT_CODE, tidy, unit_code
from onestop.staging.staged_delivery import _is_tidy, read_delivery, staged_path
from onestop.staging.typing_sql import MACROS, staged_columns

REPOSITORY = Path(__file__).parents[3]
WABO_MAPPING = REPOSITORY / "tests" / "data" / "mappings" / "wabo_permits.yaml"


def one(tmp_path, **values):
    """The staged row of one dossier."""
    return stage(tmp_path, as_json(record(**values))).rows[0]


def test_a_sync_record_becomes_one_canonical_row(tmp_path):
    row = one(tmp_path)
    expected = {
        "row_number": 1,
        "sheet": None,
        "dossier_code": "H24.14-220601-0001",
        "procedure_code": "1.002835.000.00.00.H24",
        "procedure_name": "Cấp bản sao trích lục hộ tịch",
        "field_code": "G14-HT01",
        "receiving_unit_code": "H24.14",
        "resolving_unit_code": "H24.14",
        "channel": "online",
        "service_level": 4,
        "received_at": "2022-06-01 08:30:00",
        "due_at": "2022-06-08 17:00:00",
        "resolved_at": "2022-06-07 10:15:00",
        "returned_at": None,
        "status": "resolved",
        "closing_class": "resolved",
        "result_digitised": True,
        "documents_digitised": False,
        "modified_at": "2022-06-07 10:15:01",
        "status_text": "9",
        "due_at_text": "20220608170000",
        "returned_at_text": None,
        "is_repeat": False,
        "read_problem": None,
    }
    assert {name: row[name] for name in expected} == expected
    assert str(row["received_date"]) == "2022-06-01"
    assert str(row["resolved_date"]) == "2022-06-07"


@pytest.mark.parametrize("feed", FEEDS)
def test_every_staged_file_has_all_canonical_columns_with_their_types(tmp_path, feed):
    key = ONE_STOP.feeds[feed].columns[0].sources[0]
    other = ONE_STOP.feeds[feed].columns[1].sources[0]
    staged = stage(tmp_path, as_json({key: "a", other: "b"}), feed=feed)
    with duckdb.connect(str(staged.path), read_only=True) as connection:
        described = connection.execute("describe staged_row").fetchall()
    names = [name for name, *_ in described]
    assert names == [name for name, _ in staged_columns(FEEDS[feed])]
    types = {name: kind for name, kind, *_ in described}
    aliases = {"TIMESTAMP WITH TIME ZONE": "timestamptz", "DECIMAL(18,4)": "decimal(18, 4)"}
    for column in FEEDS[feed].columns:
        found = aliases.get(types[column.name], types[column.name].lower())
        assert found == DUCKDB_TYPES[column.type], column.name


CLOSINGS = [
    ("1", "", "registered", None),
    ("2", "", "received", None),
    ("3", "", "refused_at_intake", "refused_at_intake"),
    ("4", "", "processing", None),
    ("5", "", "awaiting_supplement", None),
    ("6", "", "awaiting_payment", None),
    ("7", "", "withdrawn", "withdrawn"),
    ("8", "", "suspended", None),
    ("9", "", "resolved", "resolved"),
    ("10", "", "returned", "resolved"),
    ("9", "Trả lại", "resolved", "returned_unprocessed"),
    ("9", "TRẢ LẠI/Xin rút", "resolved", "returned_unprocessed"),
    ("10", "Xin rút", "returned", "withdrawn"),
    ("4", "Xin rút", "processing", None),
    ("11", "", None, None),
    ("", "", None, None),
]


def test_status_and_kind_of_result_determine_the_closing_class(tmp_path):
    given = [record(TrangThaiHoSo=status, LoaiKetQua=result) for status, result, _, _ in CLOSINGS]
    rows = stage(tmp_path, as_json(*given)).rows
    found = [
        (row["status_text"] or "", case[1], row["status"], row["closing_class"])
        for case, row in zip(CLOSINGS, rows, strict=True)
    ]
    assert found == CLOSINGS


def test_an_unreadable_value_is_null_with_its_text_kept_and_an_absent_one_has_no_text(tmp_path):
    row = one(tmp_path, NgayHenTra="20221324170000", NgayTra="  ", KenhThucHien="9")
    assert (row["due_at"], row["due_at_text"], row["due_date"]) == (None, "20221324170000", None)
    assert (row["returned_at"], row["returned_at_text"]) == (None, None)
    assert (row["channel"], row["channel_text"]) == (None, "9")


DATES = {
    "20220608170000": "2022-06-08 17:00:00",
    "08/06/2022 17:00:00": "2022-06-08 17:00:00",
    "8/6/2022 7:05": "2022-06-08 07:05:00",
    "08/06/2022": "2022-06-08 00:00:00",
    "08-06-2022 17:00": "2022-06-08 17:00:00",
    "17:00 08/06/2022": "2022-06-08 17:00:00",
    "08/06/2022 05:00:00 CH": "2022-06-08 17:00:00",
    "08/06/2022 05:00:00 SA": "2022-06-08 05:00:00",
    "08/06/2022 12:30 SA": "2022-06-08 00:30:00",
    "08/06/2022 05:00 pm": "2022-06-08 17:00:00",
    "2022-06-08T17:00:00": "2022-06-08 17:00:00",
    "2022-06-08 17:00:00.250": "2022-06-08 17:00:00",
    "2022-06-08T10:00:00Z": "2022-06-08 17:00:00",
    "2022-06-08T17:00:00+07:00": "2022-06-08 17:00:00",
    "2022-06-08 19:30:00.5+09:30": "2022-06-08 17:00:00",
    "2022-06-08T17:00:00+0700": "2022-06-08 17:00:00",
    "2022-06-08T10:00:00.000+0000": "2022-06-08 17:00:00",
    "2022-06-08 17:00:00.0000000 +07:00": "2022-06-08 17:00:00",
    "2022-06-08 17:00 +07": "2022-06-08 17:00:00",
    "2022-06-08t10:00:00z": "2022-06-08 17:00:00",
    "2022-06-08 17:00:00,250": "2022-06-08 17:00:00",
    "20220608T170000": "2022-06-08 17:00:00",
    "20220608T170000.250+0700": "2022-06-08 17:00:00",
    "20220608T1000Z": "2022-06-08 17:00:00",
    "20220608 170000": "2022-06-08 17:00:00",
    "08-Jun-2022": "2022-06-08 00:00:00",
    "1654682400": "2022-06-08 17:00:00",
    "1654682400000": "2022-06-08 17:00:00",
    "1654682400000.0": "2022-06-08 17:00:00",
    "/Date(1654682400000)/": "2022-06-08 17:00:00",
    "/Date(1654682400000+0700)/": "2022-06-08 17:00:00",
    "2022-06-08T24:00:00": None,
    "2022-06-08 24:00:00+07:00": None,
    "20220608T240000": None,
    "2022-06-08T17:00:00+25:00": None,
    "2022-06-08T17:00:60": None,
    "165468240000": None,
    "9654682400000": None,
    "2022-06-08T17:00:00+7": None,
    "20220608": "2022-06-08 00:00:00",
    "44720.7083333333": "2022-06-08 17:00:00",
    "44720,7083333333": "2022-06-08 17:00:00",
    "44720": "2022-06-08 00:00:00",
    "08/06/2022\u00a017:00:00": "2022-06-08 17:00:00",
    "2022060817000": None,
    "202206081700000": None,
    "08/06/22": None,
    "31/02/2022": None,
    "08/06/2022 25:00:00": None,
    "00000000000000": None,
    "infinity": None,
    "epoch": None,
    "44720.5.1": None,
}


def test_dates_are_read_in_every_pattern_of_the_mapping_and_in_no_other(tmp_path):
    rows = stage(tmp_path, as_json(*(record(NgayHenTra=text) for text in DATES))).rows
    assert dict(zip(DATES, [row["due_at"] for row in rows], strict=True)) == DATES


def test_the_example_serial_of_excel_is_half_past_eight(tmp_path):
    assert one(tmp_path, NgayTiepNhan="44620.354")["received_at"] == "2022-02-28 08:29:46"


def test_calendar_dates_follow_the_time_zone_of_the_source(tmp_path):
    row = one(tmp_path, NgayHenTra="20220608003000", NgayKetThucXuLy="20220608235959")
    assert (str(row["due_date"]), str(row["resolved_date"])) == ("2022-06-08", "2022-06-08")
    with duckdb.connect(str(stage(tmp_path, as_json(record())).path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        assert connection.execute("select received_at::varchar from staged_row").fetchone() == (
            "2022-06-01 01:30:00+00",
        )


def test_the_receiving_unit_falls_back_on_the_resolving_one(tmp_path):
    assert one(tmp_path, DonViTiepNhan=" ")["receiving_unit_code"] == "H24.14"
    assert one(tmp_path, DonViXuLy="")["resolving_unit_code"] is None


def test_texts_are_in_composed_form_with_single_ordinary_spaces(tmp_path):
    decomposed = "Ca\u0302\u0301p ba\u0309n sao"
    row = one(tmp_path, TenTTHC=f"\ufeff {decomposed}\u00a0\u2003trích\tlục\r\nhộ\u200b tịch  ")
    assert row["procedure_name"] == "Cấp bản sao trích lục hộ tịch"
    assert one(tmp_path, MaHoSo="H24.14\u200b-1 ")["dossier_code"] == "H24.14-1"


@pytest.mark.parametrize(
    "text",
    ["", " ", "a", " a", "a ", "a  b", "a\u00a0b", "a\u0300", "Ðà", "\u200b", "ă\n", "a\x00b", "ữ"],
)
def test_sql_and_python_tidy_texts_alike(text):
    with duckdb.connect() as connection:
        connection.execute(MACROS[0])
        found = connection.execute("select tidy_text(?)", [text]).fetchone()
    assert found == (tidy(text.replace("\x00", " ")) or None,)


@given(
    st.lists(st.text(st.sampled_from("a1ă. \t\n\u00a0\u0300\u200bÐ\x7f"), max_size=4), max_size=5)
)
@settings(max_examples=300, deadline=None)
def test_texts_that_are_skipped_as_tidy_are_tidy(texts):
    array = pa.array(["", *texts], pa.string())[1:]
    data = "".join(texts).encode()
    if _is_tidy(array, data):
        assert [tidy(text) for text in texts] == texts


def test_clean_columns_are_skipped_as_tidy():
    texts = ["Cấp lại giấy phép", "01/06/2022 08:00:00", "", "H24.31"]
    assert _is_tidy(pa.array(texts), "".join(texts).encode())
    assert not _is_tidy(pa.array([*texts, " x"]), "".join([*texts, " x"]).encode())


@pytest.mark.parametrize(
    ("text", "sign", "whole"),
    [
        ("4", ",", 4),
        ("1.234", ",", 1234),
        ("1,234", ".", 1234),
        ("1,234", ",", None),
        ("1.975", ".", None),
        ("1.234.567", ".", 1234567),
        ("1 234", ",", 1234),
        ("1.234,567", ",", None),
        ("0,500", ",", None),
        ("0.975", ",", None),
        ("00.975", ",", None),
        ("0 500", ",", None),
        ("4.0", ",", 4),
        ("04", ",", 4),
        ("-3", ",", -3),
        ("12.5", ",", None),
        ("1e3", ",", None),
        ("9" * 30, ",", None),
        ("bốn", ",", None),
    ],
)
def test_whole_numbers_are_read_with_their_thousands_signs(text, sign, whole):
    with duckdb.connect() as connection:
        for macro in MACROS:
            connection.execute(macro)
        assert connection.execute("select to_whole(?, ?)", [text, sign]).fetchone() == (whole,)


@pytest.mark.parametrize(
    ("text", "sign", "number"),
    [
        ("97,5", ",", "97.5000"),
        ("97.5", ",", "97.5000"),
        ("1.234", ",", "1234.0000"),
        ("1.234", ".", "1.2340"),
        ("1,234", ".", "1234.0000"),
        ("1,234", ",", "1.2340"),
        ("1.234,5", ".", "1234.5000"),
        ("1,234.5", ",", "1234.5000"),
        ("1.234.567", ".", "1234567.0000"),
        ("1,2,3", ",", None),
        ("1.2.3", ".", None),
        ("0,500", ".", "0.5000"),
        ("0.975", ",", "0.9750"),
        ("1 234.567", ".", "1234.5670"),
        ("1 234,567", ".", "1234.5670"),
        ("9" * 40, ".", None),
        ("nan", ".", None),
        ("98%", ".", "98.0000"),
        ("98,5 %", ".", "98.5000"),
        ("%", ".", None),
        ("98%%", ".", None),
    ],
)
def test_a_number_that_could_be_read_both_ways_is_read_as_the_mapping_says(text, sign, number):
    with duckdb.connect() as connection:
        for macro in MACROS:
            connection.execute(macro)
        found = connection.execute("select to_declared(?, ?)::varchar", [text, sign]).fetchone()
    assert found == (number,)


BLANKS = {
    "NULL": None,
    "null ": None,
    r"\N": None,
    "NaT": None,
    "(null)": None,
    "0000-00-00 00:00:00": None,
    "0001-01-01T00:00:00": None,
    "01/01/0001 00:00:00": None,
    "/Date(-62135596800000)/": None,
    "00000000000000": None,
    "1900-01-01 00:00:00.000": None,
    "-": None,
    " – ": None,
    "Chưa có kết quả": None,
    "chưa": None,
    "N/A": "N/A",
    "#N/A": "#N/A",
    "1900-01-02": "1900-01-02",
}


def test_values_listed_as_blank_are_null_and_all_others_stay_text(tmp_path):
    given = [record(n, NgayKetThucXuLy=text) for n, text in enumerate(BLANKS)]
    staged = stage(tmp_path, as_json(*given))
    assert dict(zip(BLANKS, staged.column("resolved_at_text"), strict=True)) == BLANKS


NATIONAL = replace(ONE_STOP.feeds["dossiers"], has_one_spelling=True)


@pytest.mark.parametrize(
    "written",
    [
        "h24.14-220601-0001",
        "H24.14 - 220601 - 0001",
        "H24. 14-220601 -0001",
        "h24.14 – 220601–0001",
        "H24.14—220601−0001",
    ],
)
def test_a_dossier_code_gets_the_national_spelling_where_the_mapping_asks_for_it(tmp_path, written):
    data = as_json(record(MaHoSo=written, MaHoSoKhac=written))
    [row] = stage(tmp_path / "spelled", data, mapping=NATIONAL).rows
    assert row["dossier_code"] == row["alias_code"] == "H24.14-220601-0001"
    [row] = stage(tmp_path / "as_written", data).rows
    assert row["dossier_code"] == row["alias_code"] == written


@pytest.mark.parametrize(
    "code",
    [
        "H24.14-220601-0001",
        "000.00.15.H24-220601-0001",
        "h24.14-220601-01",
        "h24.14/220601/0001",
        "hs - 17",
        "H24.14-220601-0001 2",
    ],
)
def test_a_code_that_may_mean_another_dossier_stays_as_it_is_written(tmp_path, code):
    [row] = stage(tmp_path, as_json(record(MaHoSo=code)), mapping=NATIONAL).rows
    assert row["dossier_code"] == code


def test_the_same_row_in_two_spellings_of_its_code_is_a_repeat(tmp_path):
    codes = ("H24.14-220601-0001", "h24.14 - 220601 - 0001")
    data = as_json(*(record(1, MaHoSo=code) for code in codes))
    assert stage(tmp_path, data, mapping=NATIONAL).column("is_repeat") == [False, True]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("h24.14", "H24.14"),
        ("H24. 14 .03", "H24.14.03"),
        ("000.00.15.h24", "000.00.15.H24"),
        ("h24.14-x", "h24.14-x"),
        ("Phường An Biên", "Phường An Biên"),
        ("ủy ban h24.14", "ủy ban h24.14"),
    ],
)
def test_a_units_code_gets_the_national_spelling_and_another_text_stays(tmp_path, written, code):
    data = as_json(record(DonViTiepNhan=written, DonViXuLy=written))
    [row] = stage(tmp_path / "spelled", data, mapping=NATIONAL).rows
    assert (row["receiving_unit_code"], row["resolving_unit_code"]) == (code, code)
    [row] = stage(tmp_path / "as_written", data).rows
    assert (row["receiving_unit_code"], row["resolving_unit_code"]) == (written, written)


CODE_LIKE = st.text("Hh24.- –1503Éß", max_size=12) | st.from_regex(UNIT_CODE, fullmatch=True)


@given(CODE_LIKE)
@example("000.00.15.h24")
@example("H24. 14")
def test_sql_and_python_spell_codes_of_units_alike(text):
    with duckdb.connect() as connection:
        for macro in MACROS:
            connection.execute(macro)
        found = connection.execute("select to_unit_code(tidy_text(?))", [text]).fetchone()
    assert found == (unit_code(tidy(text)) or None,)


@pytest.mark.parametrize("dash", ["-", "--", "–", " — "])
def test_a_dash_is_no_due_date(tmp_path, dash):
    row = one(tmp_path, NgayHenTra=dash, NgayHenTraBanDau=dash)
    assert row["due_at_text"] is row["original_due_at_text"] is row["due_date"] is None


def test_a_day_zero_is_blank_as_an_end_and_a_date_as_a_beginning(tmp_path):
    row = one(tmp_path, NgayKetThucXuLy="1900-01-01", NgayTiepNhan="1900-01-01")
    assert (row["resolved_at_text"], str(row["received_date"])) == (None, "1900-01-01")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2022/06/08", "2022-06-08 00:00:00"),
        ("2022/6/8 17:30", "2022-06-08 17:30:00"),
        ("2022/06/08 17:30:15", "2022-06-08 17:30:15"),
        ("08.06.2022 17:30", "2022-06-08 17:30:00"),
        ("8.6.2022 17:30:15", "2022-06-08 17:30:15"),
    ],
)
def test_a_year_first_and_points_with_a_time_are_dates(tmp_path, written, read):
    assert one(tmp_path, NgayHenTra=written)["due_at"] == read


def test_values_that_exporters_guard_against_spreadsheets_are_unwrapped(tmp_path):
    row = one(
        tmp_path,
        MaHoSo='="H24.14-220601-0001"',
        MaTTHC="'1.002835",
        DonViXuLy="'H24.14'",
        NgayHenTra='="08/06/2022 17:00:00"',
        NgayKetThucXuLy='=""',
        NgayTra='="NULL"',
        TenTTHC="=1+2",
    )
    assert (row["dossier_code"], row["procedure_code"]) == ("H24.14-220601-0001", "1.002835")
    assert (row["resolving_unit_code"], row["due_at"]) == ("H24.14", "2022-06-08 17:00:00")
    assert (row["resolved_at_text"], row["returned_at_text"]) == (None, None)
    assert row["procedure_name"] == "=1+2"


def test_a_code_that_is_a_number_is_the_same_with_leading_zeros_and_zero_decimals(tmp_path):
    given = ["04", "4.0", "4,00", "010", "10.0", "4.5", "40", "0"]
    staged = stage(tmp_path, as_json(*(record(n, TrangThaiHoSo=x) for n, x in enumerate(given))))
    expected = ["processing"] * 3 + ["returned"] * 2 + [None] * 3
    assert staged.column("status") == expected


def test_a_value_with_a_nul_makes_its_row_unreadable_and_keeps_its_other_values(tmp_path):
    staged = stage(tmp_path, as_json(record(1), record(2, DonViXuLy="H24\0.31")))
    assert staged.column("read_problem") == [None, "not_text"]
    assert staged.column("resolving_unit_code") == ["H24.14", None]
    assert staged.column("dossier_code")[1] == "H24.14-220601-0002"


def test_codes_match_regardless_of_case_accents_composition_and_spaces(tmp_path):
    row = one(tmp_path, TrangThaiHoSo="ĐÃ  XỬ\u00a0LÝ XONG", KetQuaDaSoHoa="CÓ")
    assert (row["status"], row["result_digitised"]) == ("resolved", True)
    assert one(tmp_path, TrangThaiHoSo="Ða\u0303 xử lý xong")["status"] == "resolved"


def test_values_that_look_like_sql_stay_values(tmp_path):
    hostile = "x'; drop table staged_row; --"
    staged = stage(tmp_path, as_json(record(1, MaHoSo=hostile), record(2, TrangThaiHoSo=hostile)))
    assert staged.rows[0]["dossier_code"] == hostile
    assert staged.rows[1]["status_text"] == hostile


def test_the_hash_of_a_row_covers_its_content_and_not_its_time_of_writing(tmp_path):
    rows = stage(
        tmp_path,
        as_json(
            record(1),
            record(1, NgayCapNhat="20220610000000"),
            record(1, NgayHenTra="08/06/2022 17:00:00"),
            record(1, NgayHenTra="20220609170000"),
            record(2),
        ),
    ).rows
    hashes = [row["content_hash"] for row in rows]
    assert hashes[0] == hashes[1] == hashes[2]
    assert len(set(hashes)) == 3


def test_an_identical_row_is_a_repeat_and_one_with_other_content_or_time_is_not(tmp_path):
    staged = stage(
        tmp_path,
        as_json(
            record(1),
            record(2),
            record(1),
            record(1, NgayCapNhat="20220610000000"),
            record(1, DonViXuLy="H24.15"),
            record(1),
        ),
    )
    assert staged.column("is_repeat") == [False, False, True, False, False, True]
    assert staged.summary["rows_repeated"] == 2


def test_a_readable_row_is_never_a_repeat_of_an_unreadable_one(tmp_path):
    staged = stage(tmp_path, as_json(record(NgayTra="khi nào đó"), record(NgayTra="")))
    assert staged.column("is_repeat") == [False, False]


def test_every_record_is_staged_or_counted_as_blank(tmp_path):
    rows = [list(HEADERS), list_row(1), [""] * 12, list_row(2), ["", "TỔNG CỘNG", *[""] * 10]]
    staged = stage(tmp_path, as_csv(rows))
    assert staged.summary["rows_read"] == 4
    assert staged.summary["rows_blank"] == 2
    assert staged.column("row_number") == [2, 4]


def test_the_summary_lists_mapped_missing_unknown_and_dropped_columns(tmp_path):
    body = {key: RECORD[key] for key in ("MaHoSo", "NgayTiepNhan", "ChuHoSo")} | {"La": "x"}
    summary = stage(tmp_path, as_json(body)).summary
    assert summary["columns_mapped"] == ["dossier_code", "received_at"]
    assert [text.partition(" (")[0] for text in summary["columns_missing"]] == [
        "procedure_code",
        "receiving_unit_code",
        "due_at",
        "resolved_at",
        "status",
    ]
    assert summary["columns_unknown"] == ["La"]
    assert summary["columns_dropped"] == ["ChuHoSo"]
    assert (summary["feed"], summary["night"], summary["kind"]) == ("dossiers", NIGHT, "delta")


def test_a_missing_column_is_named_with_its_accepted_headers(tmp_path):
    body = {key: RECORD[key] for key in ("MaHoSo", "NgayTiepNhan")}
    missing = stage(tmp_path, as_json(body)).summary["columns_missing"]
    headers = {
        column.name: ", ".join(column.sources) for column in ONE_STOP.feeds["dossiers"].columns
    }
    procedure = " or ".join(f"{n} ({headers[n]})" for n in ("procedure_code", "procedure_name"))
    assert missing[0] == procedure
    assert "MaTTHC" in procedure
    assert f"due_at ({headers['due_at']})" in missing


def personal_files():
    broken = [*list_row(3)[:4], "Đã xử", "lý xong", *list_row(3)[5:]]
    table = [list(HEADERS), list_row(1), list_row(2)]
    return {
        "dossiers_20220630.json": as_json(record(1), record(2)),
        "dossiers_20220630.jsonl": b"\n".join(
            json.dumps(record(n), ensure_ascii=False).encode() for n in (1, 2)
        ),
        "dossiers_20220630.csv": as_csv([*table, broken, list_row(4)[:9]]),
        "dossiers_20220630.xlsx": as_xlsx(table),
    }


@pytest.mark.parametrize("name", personal_files())
def test_no_personal_value_reaches_the_staged_file(tmp_path, name):
    staged = stage(tmp_path, personal_files()[name], name)
    assert len(staged.rows) >= 2
    files = [path for path in (tmp_path / "staging").rglob("*") if path.is_file()]
    assert files == [staged.path]
    everything = repr(staged.rows) + repr(staged.summary)
    raw = staged.path.read_bytes()
    for mark in PERSONAL_MARKS:
        assert mark not in everything
        assert mark.encode() not in raw


def test_a_staged_file_is_reused_for_the_same_mapping_and_read_again_for_another(tmp_path):
    first = stage(tmp_path, as_json(record()))
    stamp = first.path.stat().st_mtime_ns
    assert stage(tmp_path, as_json(record())).path.stat().st_mtime_ns == stamp
    wabo = load_mapping(WABO_MAPPING).feeds["dossiers"]
    with pytest.raises(RefusedDeliveryError, match="FILE-F04"):
        stage(tmp_path, as_json(record()), mapping=wabo)


def test_a_refused_file_leaves_nothing_in_the_staging_folder(tmp_path):
    with pytest.raises(RefusedDeliveryError):
        stage(tmp_path, as_json(record())[:-40])
    assert list((tmp_path / "staging").iterdir()) == []


def test_files_left_by_a_killed_reader_are_deleted_and_read_again(tmp_path):
    staging = tmp_path / "staging"
    staging.mkdir()
    data = as_json(record())
    delivery = land(tmp_path / "landing", "dossiers_20220630.json", data)
    for name in (
        f".{delivery.delivery_id}.999999999.abc",
        f".{delivery.delivery_id}.{os.getpid()}.x",
    ):
        (staging / name).write_bytes(b"half a file")
    stage(tmp_path, data)
    left = sorted(path.name for path in staging.iterdir())
    assert left == [f".{delivery.delivery_id}.{os.getpid()}.x", f"{delivery.delivery_id}.duckdb"]


def test_two_readers_of_one_delivery_do_not_disturb_each_other(tmp_path):
    data = as_json(*(record(n) for n in range(500)))
    delivery = land(tmp_path / "landing", "dossiers_20220630.json", data)
    failures = []

    def read():
        try:
            read_delivery(
                delivery, tmp_path / "landing", tmp_path / "staging", ONE_STOP.feeds["dossiers"]
            )
        except Exception as error:  # noqa: BLE001 - the test shows any error
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert failures == []
    assert len(read_staged(staged_path(tmp_path / "staging", delivery.delivery_id)).rows) == 500


def test_a_changed_or_missing_landed_copy_is_refused(tmp_path):
    delivery = land(tmp_path / "landing", "dossiers_20220630.json", as_json(record()))
    landed = tmp_path / "landing" / delivery.landed_path
    feed = ONE_STOP.feeds["dossiers"]
    landed.write_bytes(as_json(record(2)))
    with pytest.raises(RefusedDeliveryError, match="FILE-F08: its copy in the landing was changed"):
        read_delivery(delivery, tmp_path / "landing", tmp_path / "staging", feed)
    landed.unlink()
    with pytest.raises(RefusedDeliveryError, match="FILE-F08: its copy in the landing is gone"):
        read_delivery(delivery, tmp_path / "landing", tmp_path / "staging", feed)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, "tests/support")
from exported_files import as_json, record, stage
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onestop.intake.delivery import RefusedDeliveryError
folder = Path(sys.argv[1])
data = as_json(*map(record, range(20_000)))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
(folder / "landing").mkdir()
import exported_files
landed = exported_files.land(folder / "landing", "dossiers_20220630.json", data)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    exported_files.read_delivery(
        landed, folder / "landing", folder / "staging", exported_files.ONE_STOP.feeds["dossiers"]
    )
except RefusedDeliveryError as error:
    print(error, [path.name for path in (folder / "staging").iterdir()])
"""


def test_a_full_disk_is_one_error_and_leaves_no_partial_file(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "FILE-F09: its rows cannot be written" in done.stdout
    assert done.stdout.strip().endswith("[]")


def test_every_sample_export_is_read_completely(tmp_path):
    sample = write_sample(
        tmp_path / "exports", NIGHT, NIGHT, since=NIGHT.replace(day=1), per_day=20, dirt_percent=0
    )
    mappings = load_mappings(None)
    feeds = set()
    for path in sample.files:
        found = recognise(path.name, mappings)
        assert found is not None, path.name
        delivery = land_file(
            path,
            tmp_path / "landing",
            source=found.source,
            feed=found.feed,
            night=found.night,
            kind=found.kind,
        )
        staged = read_staged(
            read_delivery(delivery, tmp_path / "landing", tmp_path / "staging", found.mapping)
        )
        feeds.add(found.feed)
        assert staged.rows, path.name
        assert staged.summary["columns_missing"] == [], path.name
        for row in staged.rows:
            unread = [
                name
                for name in row
                if name.endswith("_text") and row[name] and row[name.removesuffix("_text")] is None
            ]
            assert unread == [], (path.name, row)
    assert feeds == set(FEEDS)


@pytest.fixture
def permits(tmp_path):
    """The real permits, under the file name that their mapping expects."""
    data = REPOSITORY.parent / "shared" / "data" / "wabo_permits"
    if not (data / "permits.csv").exists():
        pytest.skip("the real permits are not beside this checkout (../shared/data)")
    shutil.copy(data / "permits.csv", tmp_path / "permits_20120123.csv")
    totals = json.loads((data / "totals.json").read_text(encoding="utf-8"))
    return tmp_path / "permits_20120123.csv", totals


def test_every_row_of_the_real_permits_is_read_with_their_own_mapping(permits, tmp_path):
    path, totals = permits
    mapping = load_mapping(WABO_MAPPING).feeds["dossiers"]
    staged = stage(tmp_path, path.read_bytes(), path.name, mapping=mapping)
    rows = staged.rows
    assert len(rows) == totals["all"]["received"] == staged.summary["rows_read"]
    assert staged.summary["columns_unknown"] == staged.summary["columns_missing"] == []
    as_of = "2012-01-23"
    counted = {
        "early": sum(1 for r in rows if r["resolved_date"] and r["resolved_date"] < r["due_date"]),
        "on_time": sum(1 for r in rows if r["resolved_date"] == r["due_date"]),
        "late": sum(1 for r in rows if r["resolved_date"] and r["resolved_date"] > r["due_date"]),
        "open": sum(1 for r in rows if r["status"] == "processing"),
        "open_overdue": sum(
            1 for r in rows if not r["resolved_date"] and str(r["due_date"]) < as_of
        ),
        "resolved": sum(1 for r in rows if r["closing_class"] == "resolved"),
    }
    assert counted == {name: totals["all"][name] for name in counted}
    by_channel = totals["by_channel"]
    assert {c: sum(1 for r in rows if r["channel"] == c) for c in {r["channel"] for r in rows}} == {
        "online": by_channel["Internet"],
        "counter": by_channel["Desk"],
        "post": by_channel["Post"],
        "other": by_channel["e-mail"] + by_channel["Intern"],
    }
    by_unit = {
        u: sum(1 for r in rows if r["resolving_unit_code"] == u) for u in totals["by_department"]
    }
    assert by_unit == {u: v["received"] for u, v in totals["by_department"].items()}


OTHER = """
source: other
title_vi: Nguồn khác
title_en: Another source
time_zone: Asia/Ho_Chi_Minh
decimal: "."
formats: ["%d/%m/%Y"]
feeds:
  declarations:
    files: [{name: 'khai_(?P<night>\\d{8})\\.csv', kind: delta}]
    columns:
      indicator_code: {from: [Chỉ tiêu], extract: '^([A-Z0-9]+)'}
      unit_code: {constant: CITY}
      period_start: {from: [Từ]}
      period_end: {from: [Đến], fallback: period_start}
      numerator: {from: [Tử], default: "0"}
      declared_value: {from: [Giá trị]}
      note: {from: [Ghi chú], fallback: document_number}
      document_number: {from: [Số]}
    helpers: {kind: [Loại]}
    derive:
      denominator:
        - {when: {kind: [không*, none], numerator: present}, value: "0"}
        - {when: {declared_value: absent}, value: "100"}
    personal: []
"""


def test_a_mapping_can_extract_values_set_defaults_and_derive_columns(tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text(OTHER, encoding="utf-8")
    rows = [
        ["Chỉ tiêu", "Từ", "Đến", "Tử", "Giá trị", "Ghi chú", "Số", "Loại"],
        ["I5 - chờ đợi", "01/01/2022", "31/03/2022", "7", "1.234", "a", "b", "KHÔNG tính"],
        ["I6: số hóa", "01/01/2022", "", "", "", "", "b", ""],
        ["không có", "01/01/2022", "", "bảy", "97,5", "", "", "None"],
    ]
    mapping = load_mapping(path).feeds["declarations"]
    staged = stage(tmp_path, as_csv(rows), feed="declarations", mapping=mapping).rows
    names = ("indicator_code", "unit_code", "numerator", "denominator", "note", "numerator_text")
    assert [tuple(row[name] for name in names) for row in staged] == [
        ("I5", "CITY", 7, 0, "a", "7"),
        ("I6", "CITY", 0, 100, "b", None),
        (None, "CITY", None, 0, None, "bảy"),
    ]
    assert [str(row["period_end"]) for row in staged] == ["2022-03-31", "2022-01-01", "2022-01-01"]
    assert [row["declared_value"] and float(row["declared_value"]) for row in staged] == [
        1.234,
        None,
        97.5,
    ]


def test_a_mapping_may_name_months_offsets_and_blanks_of_its_own(tmp_path):
    path = tmp_path / "other.yaml"
    text = OTHER.replace("feeds:", "blanks: [không rõ]\nfeeds:", 1).replace(
        "period_start: {from: [Từ]}",
        "period_start: {from: [Từ], formats: ['%b %d %Y %I:%M%p', '%d %B %Y %H:%M:%S %z']}",
    )
    path.write_text(text.replace("note: {", "note: {blanks: [bỏ*], "), encoding="utf-8")
    rows = [
        ["Chỉ tiêu", "Từ", "Đến", "Tử", "Ghi chú"],
        ["I5", "Nov  1 2022  8:00AM", "", "KHÔNG RÕ", "Bỏ trống"],
        ["I6", "01 NOVEMBER 2022 23:30:00 +0000", "", "7", "không rõ"],
        ["I7", "01 November 2022 08:00:00 Z", "", "7", "ghi"],
    ]
    mapping = load_mapping(path).feeds["declarations"]
    staged = stage(tmp_path, as_csv(rows), feed="declarations", mapping=mapping).rows
    assert [str(row["period_start"]) for row in staged] == [
        "2022-11-01",
        "2022-11-02",
        "2022-11-01",
    ]
    assert [row["numerator"] for row in staged] == [0, 7, 7]
    assert [row["note"] for row in staged] == [None, None, "ghi"]


def test_summer_and_winter_times_of_another_time_zone_become_the_right_instants(tmp_path):
    mapping = load_mapping(WABO_MAPPING).feeds["dossiers"]
    head = "case,procedure,department,channel,startdate,deadline,enddate_planned,enddate\n"
    body = "case-1,W,General,Desk,2011-10-11 13:42:22.688,2011-12-06 13:41:31.788,,\n"
    staged = stage(tmp_path, (head + body).encode(), "permits_20120123.csv", mapping=mapping)
    with duckdb.connect(str(staged.path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.execute(
            "select received_at::varchar, due_at::varchar, original_due_at from staged_row"
        ).fetchall()
    assert found == [("2011-10-11 11:42:22.688+00", "2011-12-06 12:41:31.788+00", None)]


def test_an_empty_list_of_records_is_read_as_no_rows(tmp_path):
    staged = stage(tmp_path, b"[]")
    assert (staged.rows, staged.summary["rows_read"]) == ([], 0)
    assert staged.summary["columns_missing"] == []


LIST_BY_NAMES = """
source: list_by_names
title_vi: Danh sách hồ sơ theo tên đơn vị
title_en: The dossier list, units by their names
time_zone: Asia/Ho_Chi_Minh
formats: ["%d/%m/%Y %H:%M:%S"]
feeds:
  dossiers:
    files: [{name: 'ds_(?P<night>\\d{8})[.]\\w+', kind: delta}]
    required: [status, received_at]
    columns:
      dossier_code: {from: [Mã hồ sơ]}
      procedure_name: {from: [Tên thủ tục hành chính]}
      receiving_unit_code:
        from: [Đơn vị tiếp nhận]
        codes:
          H24.31: [UBND quận Hồng Bàng, Quận Hồng Bàng]
      status:
        from: [Trạng thái]
        codes: {resolved: [Đã xử lý xong]}
      received_at: {from: [Ngày nhận]}
      due_at: {from: [Ngày hẹn trả]}
      resolved_at: {from: [Ngày kết thúc xử lý]}
    personal: [Địa chỉ, Người nộp, Chủ hồ sơ]
    unused: [STT, Ngày nộp hồ sơ]
"""


@pytest.mark.parametrize("form", ["csv", "xlsx", "html named .xls"])
def test_the_printed_list_with_units_by_name_is_read_by_a_mapping_with_aliases(tmp_path, form):
    path = tmp_path / "list_by_names.yaml"
    path.write_text(LIST_BY_NAMES, encoding="utf-8")
    mapping = load_mapping(path).feeds["dossiers"]
    rows = [
        list(HEADERS),
        list_row(1, **{"Đơn vị tiếp nhận": "UBND QUẬN Hồng Bàng"}),
        list_row(2, **{"Đơn vị tiếp nhận": "UBND huyện chưa có trong bảng"}),
        list_row(3, **{"Đơn vị tiếp nhận": "H24.31"}),
    ]
    data = {"csv": as_csv, "xlsx": as_xlsx, "html named .xls": as_html}[form](rows)
    staged = stage(tmp_path, data, mapping=mapping)
    assert [row["receiving_unit_code"] for row in staged.rows] == [
        "H24.31",
        "UBND huyện chưa có trong bảng",
        "H24.31",
    ]
    assert staged.summary["columns_unknown"] == []


def test_staged_files_are_readable_by_the_pipelines_user_only(tmp_path):
    path = stage(tmp_path, as_json(record())).path
    assert stat.S_IMODE(path.parent.stat().st_mode) & stat.S_IRWXO == 0
