"""What a night prints about each file, for the engineer who has to act on it."""

from __future__ import annotations

import datetime as dt

import pytest
from published_marts import settings_in
from steps_by_hand import discover

from onestop.night import take_in

NIGHT = dt.date(2022, 11, 24)
HEADERS = "Mã hồ sơ,Mã TTHC,Đơn vị tiếp nhận,Ngày tiếp nhận,Ngày hẹn trả,Ngày kết thúc,Trạng thái"


def row(number, status="Đang xử lý"):
    return f"H24.14-221123-{number:04},1.001193,H24.14,23/11/2022,30/11/2022,,{status}"


@pytest.fixture
def taken_in(tmp_path):
    """Takes in one file of these lines; what the night prints and reports."""
    settings = settings_in(tmp_path)
    settings.exports.mkdir()

    def take(*lines):
        file = settings.exports / "dossiers_20221124.csv"
        file.write_text("\n".join([*lines, ""]), encoding="utf-8")
        [candidate] = discover(settings, NIGHT)
        printed = []
        report = take_in(
            candidate,
            NIGHT,
            settings.source_systems(),
            settings.warehouse,
            settings.folders,
            printed.append,
        )
        return printed, report

    return take


def test_the_counts_of_a_file_add_up_to_the_rows_read(taken_in):
    title = "DANH SÁCH HỒ SƠ"
    printed, report = taken_in(
        title, HEADERS, row(1), row(2), row(2), row(3, "Đang thẩm định"), ",,,,,,", row(4)
    )
    assert [line.split(";")[0] for line in printed] == [
        "dossiers_20221124.csv: 7 rows read, 3 accepted, 1 rejected, 1 repeated, 2 blank or title"
    ]
    assert (report.night, report.rows_rejected) == (NIGHT, 1)


def test_a_file_of_one_row_is_named_in_the_singular(taken_in):
    printed, report = taken_in(HEADERS, row(1))
    assert printed[0].startswith("dossiers_20221124.csv: 1 row read, 1 accepted, 0 rejected")
    assert report.rows_rejected == 0


def test_warnings_are_counted_in_the_line_and_in_the_report(taken_in):
    printed, report = taken_in(f"{HEADERS},Ghi chú nội bộ", f"{row(1)},x")
    assert report.warnings > 0
    assert printed[0].endswith(f"; warnings: {report.warnings}")
