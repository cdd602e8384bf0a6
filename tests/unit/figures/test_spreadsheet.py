"""Workbooks of lists: texts stay texts, dates are dates."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from openpyxl import load_workbook

from onestop.figures.spreadsheet import Sheet, workbook


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Phường 1", "Phường 1"),
        ("=1+1", "'=1+1"),
        ("+84", "'+84"),
        ("#N/A", "#N/A"),
        ("#REF!", "#REF!"),
        ("00012", "00012"),
        ("a\x0bb", "ab"),
    ],
)
def test_a_text_is_a_text_also_where_it_looks_like_a_formula_or_an_error(text, stored):
    sheet = Sheet("Hồ sơ", text, "", ["h"], [12])
    page = load_workbook(io.BytesIO(workbook(sheet, [[text]]))).active
    for cell in (page["A1"], page["A4"]):
        assert (cell.value, cell.data_type) == (stored, "s")


def test_numbers_dates_and_moments_keep_their_kinds():
    day, moment = dt.date(2022, 6, 5), dt.datetime(2022, 6, 5, 7, 30)  # noqa: DTZ001 - as in a cell
    sheet = Sheet("Hồ sơ", "", "", ["h"], [12], lang="en")
    page = load_workbook(io.BytesIO(workbook(sheet, [[day, moment, 12, None]]))).active
    cells = page[4]
    assert [cell.value for cell in cells[:3]] == [dt.datetime(2022, 6, 5), moment, 12]  # noqa: DTZ001
    assert cells[0].number_format == "d mmm yyyy"
