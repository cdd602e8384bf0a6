from __future__ import annotations

import datetime as dt
import shutil
from functools import cache

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worked_deadlines import DEADLINES

from onestop.marts.publish import refresh_reference
from onestop.schema.reference import REFERENCE_FOLDER, read_reference
from onestop.schema.workdays import FIRST_DAY, WorkCalendar, calendar_table, work_calendar
from onestop.warehouse import open_warehouse

DAY = dt.timedelta(days=1)
FIRST, LAST = dt.date(2020, 1, 1), dt.date(2024, 12, 31)
days = st.dates(FIRST, LAST)


@cache
def workday_numbers():
    table = calendar_table(FIRST, LAST)
    return dict(
        zip(table["calendar_date"].to_pylist(), table["workday_number"].to_pylist(), strict=True)
    )


@pytest.mark.parametrize(("start", "count", "end"), DEADLINES)
def test_a_deadline_skips_weekends_and_holidays(start, count, end):
    numbers = workday_numbers()
    start, end = dt.date.fromisoformat(start), dt.date.fromisoformat(end)
    assert min(day for day in numbers if numbers[day] == numbers[start] + count) == end


@pytest.mark.parametrize(
    ("year", "months"),
    [
        (2021, None),
        (2022, (19, 16, 23, 20, 20, 22, 21, 23, 20, 21, 22, 22)),
        (2023, None),
    ],
)
def test_the_years_have_their_known_numbers_of_working_days(year, months):
    calendar = work_calendar()
    worked = [
        day
        for day in (dt.date(year, 1, 1) + DAY * n for n in range(365))
        if calendar.is_workday(day)
    ]
    assert len(worked) == {2021: 250, 2022: 249, 2023: 249}[year]
    if months:
        assert tuple(sum(d.month == m for d in worked) for m in range(1, 13)) == months


@pytest.mark.parametrize("year", range(2020, 2025))
def test_the_reference_agrees_with_the_holidays_package(year):
    ours, theirs = work_calendar(), holidays.Vietnam(years=year)
    differing = [
        day
        for day in (dt.date(year, 1, 1) + DAY * n for n in range(365))
        if ours.is_workday(day) != theirs.is_working_day(day)
    ]
    assert differing == []


def test_a_swapped_saturday_counts_and_the_day_it_was_swapped_for_does_not():
    calendar = work_calendar()
    assert calendar.is_workday(dt.date(2024, 5, 4))
    assert not calendar.is_workday(dt.date(2024, 4, 29))


def test_a_day_off_added_to_the_reference_moves_deadlines():
    rows = read_reference()["day_off"]
    extra = {"calendar_date": dt.date(2022, 6, 20), "day_kind": "holiday", "name_vi": "Thử"}
    calendar = WorkCalendar([*rows, extra])
    table = calendar_table(dt.date(2022, 6, 18), dt.date(2022, 7, 4), calendar).to_pylist()
    assert [row["calendar_date"] for row in table if row["workday_number"] == 10] == [
        dt.date(2022, 7, 4)
    ]


def test_the_calendar_is_that_of_what_the_files_hold_now(tmp_path):
    folder = tmp_path / "reference"
    shutil.copytree(REFERENCE_FOLDER, folder)
    before = WorkCalendar.from_reference(folder)
    assert WorkCalendar.from_reference(folder) is before
    with (folder / "day_off.csv").open("a", encoding="utf-8") as file:
        file.write("2022-06-20,holiday,Thử,Try,BLLĐ 2012 Điều 115,false,\n")
    day = dt.date(2022, 6, 20)
    for calendar, is_workday in ((before, True), (WorkCalendar.from_reference(folder), False)):
        assert calendar_table(day, day, calendar)["is_workday"].to_pylist() == [is_workday]


def test_the_calendar_of_a_night_reaches_beyond_every_deadline_of_its_dossiers():
    with open_warehouse("duckdb:///:memory:") as warehouse:
        for night in (dt.date(2022, 6, 30), dt.date(2040, 12, 31)):
            refresh_reference(warehouse, night)
            last = warehouse.value("select max(calendar_date) from core.calendar")
            assert last == dt.date(night.year + 5, 12, 31)
            assert warehouse.value("select min(calendar_date) from core.calendar") == FIRST_DAY


@given(start=days, length=st.integers(0, 400))
def test_working_days_between_two_dates_are_a_difference_of_two_table_rows(start, length):
    end = min(start + DAY * length, LAST)
    counted = sum(
        work_calendar().is_workday(start + DAY * n) for n in range(1, (end - start).days + 1)
    )
    assert workday_numbers()[end] - workday_numbers()[start] == counted


def test_the_calendar_table_names_holidays_and_marks_years_without_known_holidays():
    rows = {
        row["calendar_date"]: row
        for row in calendar_table(dt.date(2022, 4, 8), dt.date(2022, 4, 11)).to_pylist()
    }
    assert [row["day_name"] for row in rows.values()] == [
        "Thứ Sáu",
        "Thứ Bảy",
        "Chủ nhật",
        "Thứ Hai",
    ]
    hung_kings = rows[dt.date(2022, 4, 11)]
    assert hung_kings["holiday_name"] == "Nghỉ bù Giỗ Tổ Hùng Vương (10/3 âm lịch)"
    assert not hung_kings["is_workday"]
    assert hung_kings["is_calendar_known"]
    (old,) = calendar_table(dt.date(2011, 5, 2), dt.date(2011, 5, 2)).to_pylist()
    assert (old["is_workday"], old["is_calendar_known"]) == (True, False)
