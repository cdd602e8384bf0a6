"""Readers: how real and broken files are read or refused."""

import datetime as dt
import gzip
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from html import escape

import pytest
from example_counts import examples
from exported_files import (
    LIST_HEADERS,
    ONE_STOP,
    as_csv,
    as_html,
    as_json,
    as_xls,
    as_xlsx,
    land,
    list_row,
    record,
    stage,
)
from hostile_files import FORMATS, HOSTILE_VALUES, MERGED, REFUSED, TABLE, corpus, mojibake, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from onestop.intake.delivery import RefusedDeliveryError
from onestop.readers import FILE_RULES, LIMITS, UnreadableError, open_reading
from onestop.readers.content import read_content
from onestop.readers.refusals import ROW_PROBLEMS, describe_problem
from onestop.readers.text import unify_line_ends
from onestop.schema.wording import tidy
from onestop.staging.staged_delivery import read_delivery

CODES = ["H24.14-220601-0001", "H24.14-220601-0002"]
TIGHT = replace(
    LIMITS, unpacked_bytes=1 << 20, ratio_from_bytes=1 << 16, line_chars=10_000, record_chars=50_000
)


def refused(tmp_path, data, code, message="", **options):
    """Assert that the file is refused with that rule and sentence and that nothing is staged."""
    with pytest.raises(RefusedDeliveryError) as caught:
        stage(tmp_path, data, **options)
    assert caught.value.rule_code.startswith(code), str(caught.value)
    assert message in caught.value.reason
    assert caught.value.rule_code in FILE_RULES
    assert list((tmp_path / "staging").iterdir()) == []


# --- formats ------------------------------------------------------------------------------


@pytest.mark.parametrize("what", FORMATS)
def test_a_format_is_detected_from_the_content_under_any_name(tmp_path, what):
    data, form = FORMATS[what]
    staged = stage(tmp_path, data, "dossiers_20220630.xls")
    assert staged.summary["format"] == form
    assert staged.column("dossier_code") == CODES
    assert staged.column("received_at") == ["2022-06-01 08:30:00"] * 2
    assert staged.column("status") == ["resolved"] * 2
    assert staged.column("procedure_name") == ["Cấp bản sao trích lục hộ tịch"] * 2


def test_rows_are_numbered_as_spreadsheets_and_editors_number_them(tmp_path):
    title = [["DANH SÁCH HỒ SƠ"], [""], *TABLE]
    lines = b"\n\n".join(json.dumps(record(n)).encode() for n in (1, 2))
    assert stage(tmp_path, FORMATS["JSON array"][0]).column("row_number") == [1, 2]
    assert stage(tmp_path, lines).column("row_number") == [1, 3]
    assert stage(tmp_path, as_csv(title)).column("row_number") == [4, 5]
    assert stage(tmp_path, as_xlsx(title)).column("row_number") == [4, 5]
    assert stage(tmp_path, as_xls(title)).column("row_number") == [4, 5]
    assert stage(tmp_path, as_html(title)).column("row_number") == [4, 5]


def test_a_sheet_that_begins_below_and_to_the_right_keeps_its_row_numbers(tmp_path):
    rows = [[], [], [], *([None, None, *row] for row in TABLE)]
    staged = stage(tmp_path, as_xlsx(rows))
    assert staged.column("row_number") == [5, 6]
    assert staged.column("dossier_code") == CODES


# --- layout of lists ----------------------------------------------------------------------


@pytest.mark.parametrize("make", [as_csv, as_xlsx, as_xls, as_html], ids=lambda make: make.__name__)
def test_a_list_with_titles_merged_headers_sections_totals_and_signatures(tmp_path, make):
    rows = [[*row, *[""] * (10 - len(row))] for row in MERGED]
    staged = stage(tmp_path, make(rows))
    assert staged.column("dossier_code") == CODES
    assert staged.column("received_at") == ["2022-06-01 08:30:00"] * 2
    assert staged.column("due_at") == ["2022-06-08 00:00:00"] * 2
    assert staged.column("row_number") == [9, 12]
    assert staged.summary["rows_read"] == len(staged.rows) + staged.summary["rows_blank"]
    assert staged.summary["columns_dropped"] == ["Người nộp"]
    assert "000123" not in repr(staged)


def test_a_header_of_three_rows_is_read_and_its_repetition_further_down_is_skipped(tmp_path):
    header = [
        ["Hồ sơ", "", "", "", "Ngày tháng", "", ""],
        ["Mã hồ sơ", "Đơn vị", "", "Trạng thái", "Ngày nhận", "Hạn", "Ngày"],
        ["", "Đơn vị xử lý", "Tên thủ tục", "", "", "Ngày hẹn trả", "Ngày kết thúc"],
    ]
    row = ["H24.14-220601-0001", "H24.14", "Cấp bản sao", "9", "01/06/2022", "08/06/2022"]
    second = ["H24.14-220601-0002", *row[1:]]
    rows = [*header, [*row, "07/06/2022"], *header, [*second, "07/06/2022"]]
    staged = stage(tmp_path, as_xlsx(rows))
    assert staged.column("dossier_code") == CODES
    assert staged.column("due_at") == ["2022-06-08 00:00:00"] * 2
    assert staged.column("resolved_at") == ["2022-06-07 00:00:00"] * 2
    assert staged.summary["rows_read"] == len(staged.rows) + staged.summary["rows_blank"]


def test_rows_after_a_subtotal_are_read_even_where_little_is_filled_in(tmp_path):
    rows = [
        ["STT", "Mã đơn vị", "Tên đơn vị", "Cấp", "Có Bộ phận Một cửa", "Có hiệu lực từ"],
        [1, "H24.01", "Văn phòng", "Sở, ban, ngành", "Có", "01/01/2010"],
        ["", "Cộng", 1],
        [2, "H24.02", "Tổng cục B"],
        ["", "", "Tổng số", "", "", 2],
        ["", "Người lập biểu", "", "Thủ trưởng"],
    ]
    staged = stage(tmp_path, as_xlsx(rows), feed="units")
    assert staged.column("unit_code") == ["H24.01", "H24.02"]
    assert staged.summary["rows_blank"] == 3


def test_a_very_wide_table_is_read_and_a_very_wide_row_is_a_row_problem(tmp_path):
    wide = "<td colspan=1000>x</td>" * 500
    page = as_html(TABLE).decode().replace("</tr>", wide + "</tr>")
    assert stage(tmp_path, page.encode()).column("dossier_code") == CODES
    staged = stage(tmp_path, as_csv([[*row, *["x"] * 100_000] for row in TABLE]))
    assert problems(staged) == ["too_many_cells (100012/2000)"] * 2


def test_html_cells_that_span_rows_and_columns_fill_each_of_them(tmp_path):
    page = """<html><head><style>td {color: red}</style></head><body>
    <table><tr><td>Menu</td></tr></table>
    <table border=1>
    <tr><th colspan=6>DANH SÁCH<br>HỒ SƠ</th></tr>
    <tr><th rowspan="2">Mã hồ sơ</th><th rowspan="2">Đơn vị xử lý</th><th rowspan=2>Tên thủ tục
    </th><th rowspan=2>Trạng thái</th><th colspan="3">Ngày</th></tr>
    <tr><th>Ngày nhận</th><th>Ngày hẹn trả</th><th>Ngày kết thúc</th></tr>
    <tr><td>H24.14-220601-0001</td><td rowspan=2><b>H24.14</b></td><td>A &amp; B</td><td>4</td>
        <td>01/06/2022<br/>08:30:00</td><td>08/06/2022</td><td>&nbsp;</td></tr>
    <tr><td>H24.14-220601-0002</td><td>C<script>alert(1)</script></td><td>4</td>
        <td>01/06/2022 08:30:00</td><td>08/06/2022</td><td></td></tr>
    </table></body></html>"""
    staged = stage(tmp_path, page.encode())
    assert staged.column("dossier_code") == CODES
    assert staged.column("resolving_unit_code") == ["H24.14", "H24.14"]
    assert staged.column("procedure_name") == ["A & B", "C"]
    assert staged.column("received_at") == ["2022-06-01 08:30:00"] * 2
    assert staged.summary["dialect"] == "table 2"


def test_only_sheets_with_the_whole_header_are_read(tmp_path):
    summary = [["Trạng thái", "Đơn vị tiếp nhận", "Số lượng"], ["Đang xử lý", "H24.14", 7]]
    other = [["Ghi chú"], ["x"]]
    more = [list(LIST_HEADERS), list_row(3)]
    staged = stage(
        tmp_path,
        as_xlsx(other, summary, TABLE, more, names=("Bìa", "Tổng hợp", "Quận", "Phường")),
    )
    assert staged.column("dossier_code") == [*CODES, "H24.14-220601-0003"]
    assert staged.column("sheet") == ["Quận", "Quận", "Phường"]
    assert staged.column("row_number") == [2, 3, 10_000_002]
    assert staged.summary["dialect"] == "Quận, Phường"


def test_cells_of_a_workbook_may_be_numbers_dates_or_booleans(tmp_path):
    row = dict(zip(LIST_HEADERS, list_row(1), strict=True))
    values = {
        **row,
        "Mã hồ sơ": 352112000539,
        "Trạng thái": 9,
        "Ngày nhận": dt.datetime(2022, 6, 1, 8, 30),  # noqa: DTZ001 - a spreadsheet has no zone
        "Ngày hẹn trả": dt.date(2022, 6, 8),
        "Ngày kết thúc xử lý": 44719.4270833333,
    }
    staged = stage(tmp_path, as_xlsx([list(LIST_HEADERS), list(values.values())]))
    read = staged.rows[0]
    assert read["dossier_code"] == "352112000539"
    assert read["status"] == "resolved"
    assert read["received_at"] == "2022-06-01 08:30:00"
    assert read["due_at"] == "2022-06-08 00:00:00"
    assert read["resolved_at"] == "2022-06-07 10:15:00"


def test_headers_match_in_decomposed_form_with_extra_spaces_and_with_the_letter_eth(tmp_path):
    headers = [
        "stt",
        "Ðơn\u00a0vị tiếp nhận",
        "TÊN THỦ TỤC HÀNH CHÍNH",
        "Ma\u0303 ho\u0302\u0300 so\u031b",
        " Trạng  thái *",
        *LIST_HEADERS[5:],
    ]
    staged = stage(tmp_path, as_csv([headers, list_row(1)]))
    assert staged.column("dossier_code") == CODES[:1]
    assert staged.summary["columns_unknown"] == []
    assert staged.summary["columns_missing"] == []


def test_the_preferred_alias_is_read_and_the_next_one_where_it_is_blank(tmp_path):
    rows = [
        ["Mã hồ sơ", "Trạng thái", "Đơn vị xử lý", "Mã đơn vị xử lý"],
        ["H24.14-220601-0001", "4", "Sở Tư pháp", "H24.14"],
        ["H24.14-220601-0002", "4", "H24.15", " "],
    ]
    assert stage(tmp_path, as_csv(rows)).column("resolving_unit_code") == ["H24.14", "H24.15"]
    both = [{**record(1), "Mã đơn vị xử lý": "H24.99"}, record(2, DonViXuLy="")]
    assert stage(tmp_path, as_json(*both)).column("resolving_unit_code") == ["H24.14", None]


def test_a_repeated_header_is_refused_when_its_column_is_read_and_else_ignored(tmp_path):
    twice = [[*row, row[10]] for row in TABLE]
    refused(tmp_path, as_csv(twice), "FILE-F04", "'Ngày hẹn trả' is there twice")
    personal = [[*row, row[6]] for row in TABLE]
    assert stage(tmp_path, as_csv(personal)).column("dossier_code") == CODES


# --- rows that are broken -----------------------------------------------------------------


def problems(staged):
    return [row["read_problem"] for row in staged.rows]


def test_a_row_with_too_many_or_too_few_cells_is_kept_with_its_problem_and_its_key(tmp_path):
    long = [*list_row(2)[:4], "Đã xử", *list_row(2)[4:]]
    rows = [list(LIST_HEADERS), list_row(1), long, list_row(3)[:9], [*list_row(4), ""]]
    staged = stage(tmp_path, as_csv(rows))
    assert problems(staged) == [None, "too_many_cells (13/12)", "too_few_cells (9/12)", None]
    assert staged.column("dossier_code") == [f"H24.14-220601-000{n}" for n in (1, 2, 3, 4)]
    assert staged.rows[1]["status_text"] is None
    assert staged.column("is_repeat") == [False] * 4


#: A list with two unmapped columns after the last mapped one.
NOTED = [
    *("Mã hồ sơ", "Mã TTHC", "Đơn vị tiếp nhận", "Trạng thái", "Ngày nhận", "Ngày hẹn trả"),
    *("Ngày kết thúc xử lý", "Ghi chú", "Người xử lý"),
]


def noted_row(number, status="Đang xử lý", end=""):
    start = [f"H24.14-220601-{number:04d}", "1.002835", "H24.14", status, "01/06/2022"]
    return [*start, "08/06/2022", end, "", ""]


def test_a_row_may_lack_blank_cells_at_its_end_as_excel_writes_it(tmp_path):
    rows = [
        NOTED,
        noted_row(1)[:8],
        noted_row(2)[:7],
        noted_row(3)[:6],
        noted_row(4),
        [*noted_row(5), "", ""],
    ]
    staged = stage(tmp_path, as_csv(rows))
    assert problems(staged) == [None] * 5
    assert staged.column("due_at") == ["2022-06-08 00:00:00"] * 5


def test_a_row_that_lacks_a_required_value_is_broken(tmp_path):
    staged = stage(tmp_path, as_csv([NOTED, noted_row(1)[:5], noted_row(2)[:4], noted_row(3)[:1]]))
    assert problems(staged) == [None, "too_few_cells (4/9)", "too_few_cells (1/9)"]


def test_a_row_that_a_line_end_broke_in_two_is_two_broken_rows(tmp_path):
    lines = (
        as_csv([NOTED, noted_row(1), noted_row(2, "Đã xử lý xong", "07/06/2022")])
        .decode()
        .split("\n")
    )
    before, after = lines[2].split(",08/06/2022", 1)
    lines[2:3] = [f"{before},hẹn", f"lại 08/06/2022{after}"]
    staged = stage(tmp_path, "\n".join(lines).encode())
    assert problems(staged) == [None, "too_few_cells (6/9)", "too_few_cells (4/9)"]


def test_a_last_row_without_its_line_end_may_lack_nothing(tmp_path):
    data = as_csv([NOTED, noted_row(1), noted_row(2)])
    cut = stage(tmp_path / "cut", data.rstrip(b"\n")[: -len(",,,")])
    assert problems(cut) == [None, "too_few_cells (6/9)"]
    assert problems(stage(tmp_path / "whole", data.rstrip(b"\n"))) == [None, None]


def test_a_blank_header_cell_at_the_end_is_not_a_column(tmp_path):
    lines = as_csv([NOTED, noted_row(1), noted_row(2), noted_row(3)]).decode().splitlines()
    shifted = lines[3].replace("H24.14,", "H24.14,,", 1)
    text = "\n".join([f"{lines[0]},,", lines[1], f"{lines[2]},", f"{shifted}x", ""])
    assert problems(stage(tmp_path, text.encode())) == [None, None, "too_many_cells (10/9)"]


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n\r\n\r\r\n"])
def test_rows_are_read_with_any_line_ends_even_mixed_in_one_file(tmp_path, ends):
    rows = [LIST_HEADERS, *(list_row(n) for n in range(1, 6))]
    rows[2][2] = "Cấp\rbản\nsao"
    lines = [as_csv([row]).decode().removesuffix("\n") for row in rows]
    kinds = re.findall("\r\n|\r|\n", ends)
    text = "".join(f"{line}{kinds[n % len(kinds)]}" for n, line in enumerate(lines))
    staged = stage(tmp_path, text.encode())
    assert staged.column("dossier_code") == [f"H24.14-220601-{n:04d}" for n in range(1, 6)]
    assert staged.column("procedure_name")[1] == "Cấp bản sao"
    assert (staged.summary["rows_read"], staged.summary["rows_blank"]) == (5, 0)


def test_lines_swallowed_by_a_quotation_mark_near_the_header_are_read_again(tmp_path):
    lines = as_csv([list(LIST_HEADERS), *(list_row(n) for n in range(1, 7))]).decode().split("\n")
    lines[2] = lines[2].replace("Cấp bản", '"Cấp bản')
    lines[4] = lines[4].replace(",Đã xử lý xong", '",Đã xử lý xong')
    staged = stage(tmp_path, "\n".join(lines).encode())
    assert problems(staged) == [None, "broken_quotes", None, "broken_quotes", None, None]


@given(st.lists(st.sampled_from(["\r", "\n", "a", "\r\n", ""]), max_size=8))
def test_lines_are_the_same_wherever_the_text_is_cut_into_chunks(pieces):
    whole = "".join(pieces)
    expected = whole.replace("\r\n", "\n").replace("\r", "\n")
    assert "".join(unify_line_ends(pieces, "\r", "\n")) == expected


@pytest.mark.parametrize("at", [1, 900])
def test_a_nul_rejects_its_row_anywhere_in_the_file(tmp_path, at):
    rows = [list_row(n) for n in range(1, 1001)]
    rows[at - 1][1] = "H24\0.31"
    staged = stage(tmp_path, as_csv([list(LIST_HEADERS), *rows]))
    found = {row["row_number"]: row["read_problem"] for row in staged.rows if row["read_problem"]}
    assert found == {at + 1: "not_text"}


def test_a_misplaced_quotation_mark_costs_its_own_row_and_not_the_next_ones(tmp_path):
    lines = as_csv([list(LIST_HEADERS), *(list_row(n) for n in range(1, 6))]).decode().split("\n")
    lines[2] = lines[2].replace("Cấp bản", '"Cấp bản')
    lines[4] = lines[4].replace("Cấp bản sao", '"Cấp" bản sao')
    staged = stage(tmp_path, "\n".join(lines).encode())
    assert staged.column("row_number") == [2, 3, 4, 5, 6]
    assert problems(staged) == [None, "broken_quotes", None, "broken_quotes", None]


def test_lines_swallowed_by_a_quotation_mark_that_is_closed_are_read_again(tmp_path):
    head = as_csv([list(LIST_HEADERS), *(list_row(n) for n in range(1, 101))]).decode().split("\n")
    head[70] = head[70].replace("Cấp bản", '"Cấp bản')
    head[72] = head[72].replace(",Đã xử lý xong", '",Đã xử lý xong')
    staged = stage(tmp_path, "\n".join(head).encode())
    assert len(staged.rows) == 100
    broken = [row["row_number"] for row in staged.rows if row["read_problem"]]
    assert broken == [71, 73]


def test_a_field_may_hold_line_ends_and_rows_keep_the_line_they_begin_on(tmp_path):
    rows = [list(LIST_HEADERS), list_row(1), list_row(2), list_row(3)]
    rows[1][2] = "Cấp\nbản\nsao"
    staged = stage(tmp_path, as_csv(rows))
    assert staged.column("procedure_name")[0] == "Cấp bản sao"
    assert staged.column("row_number") == [2, 5, 6]


def test_a_broken_line_of_json_is_kept_as_a_row_to_reject(tmp_path):
    lines = [json.dumps(record(n)).encode() for n in (1, 2, 3)]
    lines[1] = lines[1][:-9]
    staged = stage(tmp_path, b"\n".join(lines))
    assert staged.column("row_number") == [1, 2, 3]
    assert problems(staged) == [None, "broken_json", None]


def test_elements_that_are_not_records_and_nested_values_are_rows_to_reject(tmp_path):
    data = as_json(record(1), "xin chào", None, {}, record(2, DonViXuLy=["H24.14"]), [1])
    staged = stage(tmp_path, data)
    assert staged.column("row_number") == [1, 2, 5, 6]
    expected = [None, "not_a_record", "nested_value DonViXuLy", "not_a_record"]
    assert problems(staged) == expected
    assert (staged.summary["rows_read"], staged.summary["rows_blank"]) == (6, 2)


def test_every_row_problem_is_explained_in_both_languages():
    for kind in ROW_PROBLEMS:
        assert describe_problem(kind, "vi") != describe_problem(kind, "en")
    assert describe_problem("too_few_cells (7/8)", "vi").endswith("tiêu đề (7/8)")
    assert describe_problem("of another release", "vi") == "of another release"


def test_json_numbers_are_read_as_they_were_written(tmp_path):
    huge = "9" * 5000
    text = (
        b'[{"MaHoSo": 352112000539, "TrangThaiHoSo": 9, "MucDo": 4, "DonViXuLy": 1.50},'
        b'{"MaHoSo": "a-1", "TrangThaiHoSo": NaN, "MucDo": 1e999, "KetQuaDaSoHoa": true},'
        b'{"MaHoSo": "a-2", "MucDo": ' + huge.encode() + b"}]"
    )
    rows = stage(tmp_path, text).rows
    assert (rows[0]["dossier_code"], rows[0]["status"], rows[0]["service_level"]) == (
        "352112000539",
        "resolved",
        4,
    )
    assert rows[0]["resolving_unit_code"] == "1.50"
    assert (rows[1]["status"], rows[1]["status_text"]) == (None, "NaN")
    assert rows[1]["result_digitised"] is True
    assert (rows[2]["service_level"], rows[2]["service_level_text"]) == (None, huge)


def test_half_a_surrogate_pair_and_control_characters_do_not_stop_the_reading(tmp_path):
    text = b'[{"MaHoSo": "a-1", "TenTTHC": "x\\ud800y\\u0007z", "DonViXuLy": "H24"}]'
    row = stage(tmp_path, text).rows[0]
    assert (row["dossier_code"], row["procedure_name"]) == ("a-1", "x?y z")


def test_a_key_that_first_appears_late_in_the_file_is_read(tmp_path):
    early = {key: value for key, value in record(1).items() if key != "NgayKetThucXuLy"}
    records = [{**early, "MaHoSo": f"H24.14-220601-{n:05d}"} for n in range(6000)]
    records.append(record(9999))
    records.append({**early, "MaHoSo": "a-1", "ngaykethucxuly ": "", "Ngày kết thúc": "07/06/2022"})
    staged = stage(tmp_path, as_json(*records))
    assert len(staged.rows) == 6002
    assert staged.rows[-2]["resolved_at"] == "2022-06-07 10:15:00"
    assert staged.rows[-1]["resolved_at"] == "2022-06-07 00:00:00"


@pytest.mark.parametrize("name", ["Ngày\nnộp", 'Ngày "nộp"', "Ngày\\nộp", "Ngày\tnộp"])
@pytest.mark.parametrize("form", ["array", "lines"])
def test_a_key_may_have_characters_that_json_escapes(tmp_path, form, name):
    records = [record(n, **{name: "20220601"}) for n in range(1, 4)]
    text = "\n".join(map(json.dumps, records)) if form == "lines" else json.dumps(records)
    staged = stage(tmp_path, text.encode())
    assert staged.column("dossier_code") == [one["MaHoSo"] for one in records]
    assert staged.summary["rows_read"] == len(records)


@pytest.mark.parametrize("place", ["before", "after"])
def test_records_beside_the_list_refuse_the_file(tmp_path, place):
    lists = [("rows", [record(2)]), ("data", [record(1)])]
    body = dict(lists if place == "before" else reversed(lists))
    refused(tmp_path, json.dumps(body).encode(), "FILE-F13", "under 'rows'")


@pytest.mark.parametrize(
    ("total", "left"), [(500, ["of 500 stated in the file: 498"]), (2, []), ("all", [])]
)
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_file_with_one_page_of_the_stated_records_is_reported(tmp_path, total, left, place):
    members = [("total", total), ("data", [record(1), record(2)])]
    body = dict(members if place == "before" else reversed(members))
    assert stage(tmp_path, json.dumps(body).encode()).summary["tables_left"] == left


def test_a_list_of_other_objects_beside_the_records_is_skipped(tmp_path):
    body = {"units": [{"MaHoSo": "?", "name": "x"}], "data": [record(1)], "columns": ["MaHoSo"]}
    assert len(stage(tmp_path, json.dumps(body).encode()).rows) == 1


def test_nested_keys_can_be_mapped_by_their_path(tmp_path):
    feed = ONE_STOP.feeds["dossiers"]
    columns = tuple(
        replace(column, sources=("procedure.code",)) if column.name == "procedure_code" else column
        for column in feed.columns
    )
    mapping = replace(feed, columns=columns, sha256="another")
    data = as_json({"MaHoSo": "a-1", "procedure": {"code": "1.002835", "name": "x"}})
    assert stage(tmp_path, data, mapping=mapping).column("procedure_code") == ["1.002835"]


EMPTY_DAYS = [
    "[]",
    '{"data": []}',
    '{"data": null}',
    '{"Data": [], "error_code": "0", "message": "Thành công"}',
    '{"success": true, "status": 200, "error": null, "data": null, "errors": []}',
    '{"error": {"code": 0, "message": ""},\n "data": []}',
]
NO_LISTS = {
    "{}": "FILE-F04",
    "[{}]": "FILE-F04",
    "[null, {}]": "FILE-F04",
    '{"data": {}}': "FILE-F04",
    '{"data": ""}': "FILE-F04",
    '{"message": "hết phiên"}': "FILE-F04",
    '{"status": "running", "message": "x"}\n': "FILE-F04",
    '{\n "MaHoSo": "a-1", "data": null}': "FILE-F04",
    '{"error": "timeout"}': "FILE-F14",
    '{"error_code": "1"}': "FILE-F14",
    '{"error_code": "1", "data": []}': "FILE-F14",
    '{"data": null, "errorCode": 17}': "FILE-F14",
    '{"success": false, "data": []}': "FILE-F14",
    '{"data": [], "status": "ERROR"}': "FILE-F14",
    '{"statusCode": 500, "data": null}': "FILE-F14",
    '{"data": [{"MaHoSo": "a-1"}], "error": {"code": 3}}': "FILE-F14",
    '{"data": [], "Data": [{"MaHoSo": "a-1"}]}': "FILE-F02",
}


def test_records_with_commas_and_without_a_list_are_refused_with_what_is_lacking(tmp_path):
    lines = ",\n".join(json.dumps({"MaHoSo": f"a-{n}", "MaTTHC": "1.000001"}) for n in (1, 2))
    with pytest.raises(UnreadableError, match="a record that is in no list") as caught:
        read_text(tmp_path, lines)
    assert caught.value.code == "FILE-F04"


def read_text(folder, text, mapping=ONE_STOP.feeds["dossiers"]):
    path = folder / "file"
    path.write_text(text, encoding="utf-8")
    reading = open_reading(path, mapping)
    return reading, [code for batch in reading.batches for code in batch.columns["dossier_code"]]


@pytest.mark.parametrize("text", EMPTY_DAYS)
def test_an_empty_list_and_null_for_one_are_an_empty_day(tmp_path, text):
    reading, codes = read_text(tmp_path, text)
    assert (codes, reading.rows_read) == ([], 0)


@pytest.mark.parametrize("text", NO_LISTS)
def test_content_without_a_list_or_with_a_failure_report_is_not_an_empty_day(tmp_path, text):
    with pytest.raises(UnreadableError) as caught:
        read_text(tmp_path, text)
    assert caught.value.code == NO_LISTS[text]


def test_a_record_with_a_key_named_as_the_envelopes_list_stays_a_record(tmp_path):
    text = '{"MaHoSo": "a-1", "data": null}\n{"MaHoSo": "a-2", "data": {"x": 1}}'
    assert read_text(tmp_path, text)[1] == ["a-1", "a-2"]


def test_the_list_of_records_may_be_nested_under_another_spelling(tmp_path):
    mapping = replace(ONE_STOP.feeds["dossiers"], records="result.Items")
    inner = '{"total": 1, "items": [{"MaHoSo": "a-1"}], "page": {"items": [1]}}'
    text = f'{{"items": [2], "Result": {inner}, "code": "0"}}'
    assert read_text(tmp_path, text, mapping)[1] == ["a-1"]
    with pytest.raises(UnreadableError, match=r"under 'result\.Items'"):
        read_text(tmp_path, '{"result": {"rows": []}}', mapping)


def test_records_on_lines_that_end_in_carriage_returns_are_counted_one_by_one(tmp_path):
    text = '{"MaHoSo": "a-1"}\r{"MaHoSo": "a-2"}\r\n{"MaHoSo": "a-3"}\n'
    assert read_text(tmp_path, text)[1] == ["a-1", "a-2", "a-3"]


@pytest.mark.parametrize("form", ["array", "lines"])
def test_a_key_given_twice_with_two_values_makes_its_record_unreadable(tmp_path, form):
    records = [json.dumps(record(n, GhiChu='a": 1')) for n in range(1, 5001)]
    records[3000] = records[3000][:-1] + ', "NgayHenTra": "20220701170000"}'
    records[3001] = records[3001][:-1] + ', "NgayHenTra": "20220608170000", "DiaChi": "khác"}'
    text = "\n".join(records) if form == "lines" else f"[{','.join(records)}]"
    staged = stage(tmp_path, text.encode())
    found = {row["row_number"]: row["read_problem"] for row in staged.rows if row["read_problem"]}
    assert found == {3001: "repeated_key NgayHenTra"}
    assert len(staged.rows) == 5000


NUMBER_CODES = {
    1.01081: "1.010810",
    2.000889: "2.000889",
    1.5: "1.5",
    "1.010810": "1.010810",
    "1,01081": "1.010810",
    "2,000889": "2.000889",
    "1.01081": "1.01081",
    "1.002835.000.00.00.H24": "1.002835.000.00.00.H24",
}


@pytest.mark.parametrize("form", ["xlsx", "json"])
def test_a_procedure_code_stored_as_a_number_gets_its_zeros_back_where_that_is_certain(
    tmp_path, form
):
    if form == "xlsx":
        rows = [["Mã TTHC", "Trạng thái", "Mã hồ sơ"]]
        rows += [[code, "4", f"a-{n}"] for n, code in enumerate(NUMBER_CODES)]
        data = as_xlsx(rows)
    else:
        data = as_json(*(record(n, MaTTHC=code) for n, code in enumerate(NUMBER_CODES)))
    staged = stage(tmp_path, data)
    assert dict(zip(NUMBER_CODES, staged.column("procedure_code"), strict=True)) == NUMBER_CODES


def test_the_fast_and_the_slow_json_reader_give_the_same_rows(tmp_path):
    odd = [
        record(n, NgayTra="" if n % 3 else None, MucDo=4 if n % 5 else "4", GhiChu='},\n{"MaHoSo"')
        for n in range(9000)
    ]
    odd[4444]["DanhSach"] = [{"MaHoSo": "x"}, {"MaHoSo": "y"}]
    fast = stage(tmp_path / "fast", as_json(*odd))
    odd[1] = {**odd[1], "MucDo": 4.5}
    lines = stage(tmp_path / "lines", b"\n".join(json.dumps(one).encode() for one in odd))
    careful = stage(
        tmp_path / "careful", json.dumps({"data": odd}, indent=1).encode(), limits=LIMITS
    )
    assert fast.column("dossier_code") == careful.column("dossier_code")
    assert lines.rows == careful.rows
    differing = [n for n, (a, b) in enumerate(zip(fast.rows, careful.rows, strict=True)) if a != b]
    assert differing == [1]


# --- files that are refused ---------------------------------------------------------------


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_with_its_reason(tmp_path, what):
    data, code = REFUSED[what]
    with pytest.raises(RefusedDeliveryError) as caught:
        stage(tmp_path, data, "dossiers_20220630.csv")
    assert caught.value.rule_code.startswith(code), str(caught.value)
    assert caught.value.rule_code in FILE_RULES
    assert caught.value.reason
    assert "000123" not in str(caught.value)
    assert list((tmp_path / "staging").iterdir()) == []


def test_values_in_an_old_font_encoding_under_readable_headers_are_refused(tmp_path):
    names = [mojibake(f"Cấp bản sao trích lục hộ tịch số {n} ồ") for n in range(20)]
    data = as_json(*(record(n, TenTTHC=name) for n, name in enumerate(names)))
    refused(tmp_path, data, "FILE-F03", "procedure_name")
    refused(
        tmp_path,
        as_xlsx(
            [
                list(LIST_HEADERS),
                *([*list_row(n)[:2], name, *list_row(n)[3:]] for n, name in enumerate(names)),
            ]
        ),
        "FILE-F03",
    )


def test_a_workbook_in_an_old_font_encoding_is_refused(tmp_path):
    rows = [["M· hå s¬", "Tr¹ng th¸i", "Ngµy nhËn"], ["H24-1", "x", "y"]]
    refused(tmp_path, as_xlsx(rows), "FILE-F03", "TCVN3")


def test_text_in_other_languages_is_not_mistaken_for_an_old_encoding(tmp_path):
    names = ["Coöperatie Zuid", "Café «Mé»", "Ångström AB", "Bình thường", "Über uns", "naïve idea"]
    names += ["Größe", "Malmö", "Tromsø", "façon naïve"]
    names += [f"Thủ tục {n}" for n in range(40)]
    data = as_json(*(record(n, TenTTHC=name) for n, name in enumerate(names)))
    assert len(stage(tmp_path, data).rows) == 50


def test_an_old_encoding_in_an_unmapped_value_refuses_the_file(tmp_path):
    records = [as_json(record(n))[1:-1] for n in range(5000)]
    records[2000] = records[2000].replace("Người nộp".encode(), "Ng­êi nép".encode("cp1252"))
    data = b"[" + b",".join(records) + b"]"
    assert len(data) > 4_000_000
    refused(tmp_path, data, "FILE-F03")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    bomb = gzip.compress(as_csv(TABLE) + b"\n" * 4_000_000)
    ratio = replace(TIGHT, unpacked_bytes=1 << 40)
    refused(tmp_path, bomb, "FILE-F05", "times its size", limits=ratio)
    size = replace(TIGHT, ratio=10**9)
    refused(tmp_path, bomb, "FILE-F05", "more than 1 MiB", limits=size)
    packed = zipped(("a.csv", as_csv(TABLE) + b"\n" * 4_000_000))
    refused(tmp_path, packed, "FILE-F05", limits=TIGHT)
    refused(tmp_path, gzip.compress(b" " * 4_000_000), "FILE-F0", limits=TIGHT)


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: zipped(("a.csv", data))])
def test_an_archive_that_unpacks_beyond_the_limit_is_refused_before_its_rows_are_read(
    tmp_path, pack
):
    rows = [list(LIST_HEADERS), *(list_row(n, **{"Ghi chú": f"{n * n}"}) for n in range(9000))]
    data = as_csv(rows)
    packed = tmp_path / "packed"
    packed.write_bytes(pack(data))
    assert 10 < len(data) / packed.stat().st_size < LIMITS.ratio
    less = replace(LIMITS, unpacked_bytes=1 << 20)
    with pytest.raises(UnreadableError, match="more than 1 MiB; export it in parts"):
        read_content(packed, less)
    whole = read_content(packed, LIMITS)
    with whole.open() as stream:
        assert stream.read() == data


def test_a_bomb_in_a_large_archive_is_found_where_it_begins(tmp_path):
    packed = tmp_path / "packed"
    member = gzip.compress(b"\n" * 1_000_000)
    packed.write_bytes(gzip.compress(as_csv(TABLE)) + member * 200 + os.urandom(4_000_000))
    content = read_content(packed, replace(LIMITS, ratio_from_bytes=1 << 20, ratio=100))
    with content.open() as stream, pytest.raises(UnreadableError, match="100 times its size"):
        stream.read(20_000_000)


def flipped(data, at):
    """The bytes with some in the middle changed."""
    return data[:at] + bytes(255 - byte for byte in data[at : at + 8]) + data[at + 8 :]


def packed_by(method):
    """A zip archive of a list that compresses only moderately."""
    data = io.BytesIO()
    rows = [list(LIST_HEADERS), *(list_row(n, **{"Ghi chú": f"{n * n}"}) for n in range(3000))]
    with zipfile.ZipFile(data, "w", method) as archive:
        archive.writestr("a.csv", as_csv(rows))
    return data.getvalue()


ZIPPED = {
    "stored": zipfile.ZIP_STORED,
    "deflate": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}


@pytest.mark.parametrize("method", ZIPPED.values(), ids=ZIPPED)
def test_a_damaged_archive_is_refused_with_the_place_and_its_size(tmp_path, method):
    data = packed_by(method)
    place = r"at or before its byte [1-9][\d,]* *;.*\(the file has " + f"{len(data):,} bytes"
    with pytest.raises(RefusedDeliveryError, match=rf"FILE-F02: .*{place}"):
        stage(tmp_path, flipped(data, len(data) // 2))
    refused(tmp_path, data[:-30], "FILE-F02", f"(the file has {len(data) - 30:,} bytes")


@pytest.mark.parametrize("length", [12, 500, -4])
def test_a_gzip_archive_that_is_cut_short_is_refused_with_its_size(tmp_path, length):
    data = gzip.compress(as_json(*map(record, range(200))))[:length]
    where = f"at or before its byte {len(data):,}; export and send it again"
    refused(tmp_path, data, "FILE-F02", f"{where} (the file has {len(data):,} bytes")


@pytest.mark.parametrize("whole", [0, 1, 15, 4_000])
def test_a_json_file_that_is_cut_short_is_refused_with_the_place_and_its_size(tmp_path, whole):
    rows = [record(n) for n in range(whole + 2)]
    data = as_json(*rows)[: len(as_json(*rows[: whole + 1])) - 10]
    place = f"after its record {whole:,}; export it" if whole else "at or after character 2; export"
    refused(tmp_path, data, "FILE-F02", place)
    refused(tmp_path, data, "FILE-F02", f"(the file has {len(data):,} bytes")


def test_a_workbook_that_unpacks_too_large_or_has_too_many_cells_is_refused(tmp_path):
    small = replace(LIMITS, workbook_bytes=100_000)
    refused(
        tmp_path, as_xlsx([["x" * 1000 + str(n)] for n in range(3000)]), "FILE-F05", limits=small
    )
    far = as_xlsx([["Mã hồ sơ", "Trạng thái"]])
    with zipfile.ZipFile(io.BytesIO(far)) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    corner = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts[sheet] = parts[sheet].replace(b"</sheetData>", corner)
    refused(tmp_path, zipped(*parts.items()), "FILE-F05", "used range")


def test_names_inside_an_archive_are_never_used_as_paths(tmp_path):
    for name in ("../../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "..\\evil", "a/b/../../c"):
        staged = stage(tmp_path, zipped((name, as_csv(TABLE)), ("__MACOSX/._x", b"\0")))
        assert staged.column("dossier_code") == CODES
    found = [path.name for path in tmp_path.parent.rglob("*evil*")]
    assert found == []


def test_a_line_or_record_beyond_the_limit_is_refused_without_being_kept_in_memory(tmp_path):
    header = as_csv(TABLE)
    refused(tmp_path, header + b"y" * 50_000, "FILE-F06", "line 4", limits=TIGHT)
    long = record(1, GhiChu="z" * 2_000_000)
    refused(tmp_path, as_json(record(2), long), "FILE-F06", "record", limits=TIGHT)
    lines = as_json(record(2))[1:-1] + b"\n" + as_json(long)[1:-1]
    refused(tmp_path, lines, "FILE-F06", "line", limits=TIGHT)


@pytest.mark.parametrize("step", ["read_content", "looks_legacy"])
def test_an_unexpected_reader_error_refuses_the_file_without_quoting_its_content(
    tmp_path, monkeypatch, step
):
    def fail_unexpectedly(*_):
        message = "unexpected 'Người nộp 000123'"
        raise ValueError(message)

    monkeypatch.setattr(f"onestop.readers.opening.{step}", fail_unexpectedly)
    with pytest.raises(RefusedDeliveryError, match=r"stops its reader \(ValueError\)") as caught:
        stage(tmp_path, as_json(record(1)))
    assert "000123" not in str(caught.value)


def test_a_zip_member_without_a_name_is_not_read(tmp_path):
    archive = bytearray(zipped(("x", as_json(record(1)))))
    archive[archive.index(b"PK\x01\x02") + 46] = 0  # a name ends at its first NUL
    refused(tmp_path, bytes(archive), "FILE-F01", "holds no file")


def test_a_landed_file_without_read_permission_is_refused(tmp_path, monkeypatch):
    delivery = land(tmp_path / "landing", "dossiers_20220630.json", as_json(record(1)))

    def deny_access(*_, **__):
        raise PermissionError

    monkeypatch.setattr("onestop.staging.staged_delivery.open_reading", deny_access)
    with pytest.raises(RefusedDeliveryError, match=r"FILE-F02: .*read permission"):
        read_delivery(
            delivery, tmp_path / "landing", tmp_path / "staging", ONE_STOP.feeds["dossiers"]
        )


PEAK = r"""
import pathlib, re, sys
from onestop.schema.mapping_files import load_mappings
from onestop.readers import open_reading
feed = load_mappings(None)["one_stop"].feeds["dossiers"]
try:
    reading = open_reading(pathlib.Path(sys.argv[1]), feed)
    rows = sum(len(batch.row_numbers) for batch in reading.batches)
except Exception as error:
    rows = str(error)
status = pathlib.Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\s+(\d+)", status)[1], rows)
"""


def peak_memory(path):
    """Most memory (KiB) that reading a file took, and its rows or its refusal."""
    command = [sys.executable, "-c", PEAK, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    kib, rows = done.stdout.strip().split(" ", 1)
    return int(kib), rows


@pytest.mark.parametrize("form", ["array", "lines", "csv"])
def test_memory_does_not_grow_with_the_file(tmp_path, form):
    def peak(count):
        path = tmp_path / f"{count}"
        if form == "csv":
            path.write_bytes(as_csv([list(LIST_HEADERS), *(list_row(n) for n in range(count))]))
        elif form == "lines":
            path.write_bytes(as_json(*map(record, range(count)))[1:-1].replace(b"}, {", b"}\n{"))
        else:
            path.write_bytes(as_json(*map(record, range(count))))
        kib, rows = peak_memory(path)
        assert rows == str(count)
        return kib

    small, large = peak(5_000), peak(40_000)
    assert large - small < 15_000


@pytest.mark.parametrize("opening", ['[{"MaHoSo": "', "[", '{"data": [', "STT,MaHoSo,TrangThai,"])
def test_a_single_endless_line_is_refused_with_little_memory(tmp_path, opening):
    path = tmp_path / "dossiers_20220630.csv"
    with path.open("w") as file:
        file.write(opening)
        for _ in range(100):
            file.write("x" * 1_000_000)
    kib, message = peak_memory(path)
    assert message.startswith("FILE-F0")
    assert kib < 250_000


WORDS = st.text(st.sampled_from("aZ09 ,;|\t\n\"'<>&={}[]\\/-.ăễĐưỡ\u00a0"), max_size=12)
KEYS = ("MaHoSo", "TenTTHC", "DonViXuLy", "TrangThaiHoSo", "NgayTiepNhan", "ChuHoSo", "MaTTHC")


def read_columns(folder, data):
    """The tidied texts of all rows, by column."""
    path = folder / "file"
    path.write_bytes(data)
    columns = {}
    for batch in open_reading(path, ONE_STOP.feeds["dossiers"]).batches:
        assert not any(batch.problems)
        for name, values in batch.columns.items():
            columns.setdefault(name, []).extend(tidy(value or "") for value in values)
    return columns


@settings(max_examples=examples(40))
@given(rows=st.lists(st.tuples(*[WORDS] * len(KEYS)), min_size=1, max_size=6))
def test_the_same_rows_are_read_from_every_text_format(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("formats")
    rows = [[f"H24.14-{n:04d}", *row[1:]] for n, row in enumerate(rows)]
    records = [dict(zip(KEYS, row, strict=True)) for row in rows]
    table = [list(KEYS), *rows]
    escaped = [[escape(cell) for cell in row] for row in table]
    lines = b"\n".join(json.dumps(one).encode() for one in records)
    expected = read_columns(folder, as_json(*records))
    assert expected["dossier_code"] == [row[0] for row in rows]
    for data in (
        lines,
        json.dumps({"data": records}, indent=2).encode(),
        as_csv(table),
        as_csv(table, ";", "utf-8-sig"),
        as_csv(table, "\t", "utf-16"),
        gzip.compress(as_csv(table, "|")),
        as_html(escaped),
    ):
        assert read_columns(folder, data) == expected


CORPUS = corpus()


def test_the_corpus_of_bad_files_is_large_and_the_same_in_every_run():
    assert len(CORPUS) >= 300
    assert corpus() == CORPUS


@pytest.mark.parametrize("part", range(8))
def test_every_file_of_the_corpus_is_refused_with_a_reason_or_read_to_the_last_row(tmp_path, part):
    feed = ONE_STOP.feeds["dossiers"]
    path = tmp_path / "dossiers_20220630.json"
    unaccounted = []
    for what in list(CORPUS)[part::8]:
        path.write_bytes(CORPUS[what])
        try:
            reading = open_reading(path, feed)
            rows = sum(len(batch.row_numbers) for batch in reading.batches)
        except UnreadableError as error:
            is_settled = error.code in FILE_RULES and bool(error.detail)
        else:
            is_settled = reading.rows_read == rows + reading.rows_blank
        if not is_settled:
            unaccounted.append(what)
    assert unaccounted == []


def test_hostile_values_are_staged_unchanged_as_text_or_rejected(tmp_path):
    data = as_json(*(record(n, TenTTHC=value) for n, value in enumerate(HOSTILE_VALUES)))
    names = stage(tmp_path, data).column("procedure_name")
    assert names[:12] == list(HOSTILE_VALUES[:12])
    assert not any(set(name or "") & set("\x00\x07\x1b") for name in names)


def test_the_file_rules_are_numbered_and_described_in_both_languages():
    assert list(FILE_RULES) == [f"FILE-F{n:02}" for n in range(1, len(FILE_RULES) + 1)]
    assert all(rule.vi and rule.en for rule in FILE_RULES.values())
