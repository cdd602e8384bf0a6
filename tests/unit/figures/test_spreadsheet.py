"""The workbooks of lists: read back by another program's reader, cell by cell."""

from __future__ import annotations

import datetime as dt
import io
import warnings
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestop.figures.spreadsheet import Sheet, workbook

DAY = dt.date(2022, 11, 28)
MIDNIGHT = dt.datetime.combine(DAY, dt.time())
MOMENT = dt.datetime.combine(DAY, dt.time(13, 5, 7))
SHEET = Sheet("Sắp đến hạn", "Xã <Đông> & Tây", "Ghi chú", ("a", "b"), (28, 12))


def read_back(rows, sheet=SHEET):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return openpyxl.load_workbook(io.BytesIO(workbook(sheet, rows))).active


def test_title_note_headings_and_widths_stand_above_the_rows():
    page = read_back([["1", 2]])
    assert page.title == "Sắp đến hạn"
    assert [[cell.value for cell in row] for row in page.iter_rows()] == [
        ["Xã <Đông> & Tây", None],
        ["Ghi chú", None],
        ["a", "b"],
        ["1", 2],
    ]
    assert [page.column_dimensions[name].width for name in "AB"] == [28, 12]


@pytest.mark.parametrize(
    ("value", "found", "form"),
    [
        (None, None, "General"),
        (-3, -3, "General"),
        (Decimal("97.9900"), 97.99, "General"),
        (1.5, 1.5, "General"),
        (True, True, "General"),
        (DAY, MIDNIGHT, "dd/mm/yyyy"),
        (MOMENT, MOMENT, "yyyy-mm-dd h:mm:ss"),
        (" hai  chỗ trống ", " hai  chỗ trống ", "General"),
        ("<b>&amp;</b>", "<b>&amp;</b>", "General"),
        ("a\r\nb\tc", "a\r\nb\tc", "General"),
        ("a\x00\x0b\x1fb\ufffe", "ab", "General"),
        ("2022-11-28", "2022-11-28", "General"),
        ("007", "007", "General"),
        ("=1+1", "'=1+1", "General"),
        ("@x", "'@x", "General"),
    ],
)
def test_a_cell_is_what_was_written(value, found, form):
    cell = read_back([[None, value]])["B4"]
    assert cell.value == found
    assert cell.data_type != "f"
    assert cell.number_format == form
    assert cell.is_date == isinstance(value, dt.date)


def test_an_english_sheet_has_english_dates():
    page = read_back([[DAY]], Sheet("a", "b", "c", (), (), lang="en"))
    assert page["A4"].number_format == "d mmm yyyy"


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_any_text_makes_a_workbook_that_opens(texts):
    row = next(read_back([texts]).iter_rows(min_row=4))
    assert all(cell.data_type in "sn" for cell in row)
