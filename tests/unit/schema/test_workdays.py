from __future__ import annotations

import datetime as dt

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worked_deadlines import DEADLINES

from onestop.marts.publish import refresh_reference
from onestop.schema.reference import read_reference
from onestop.schema.workdays import WorkCalendar, calendar_table, work_calendar
from onestop.warehouse import open_warehouse

DAY = dt.timedelta(days=1)
days = st.dates(dt.date(2020, 1, 1), dt.date(2024, 12, 31))


@pytest.mark.parametrize(("start", "count", "end"), DEADLINES)
def test_a_deadline_skips_weekends_and_holidays(start, count, end):
    calendar = work_calendar()
    start, end = dt.date.fromisoformat(start), dt.date.fromisoformat(end)
    assert calendar.add_workdays(start, count) == end
    assert calendar.workdays_between(start, end) == count


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
    assert calendar.add_workdays(dt.date(2024, 5, 3), 1) == dt.date(2024, 5, 4)


def test_a_day_off_added_to_the_reference_moves_deadlines():
    rows = read_reference()["day_off"]
    extra = {"calendar_date": dt.date(2022, 6, 20), "day_kind": "holiday", "name_vi": "Thử"}
    calendar = WorkCalendar([*rows, extra])
    assert calendar.add_workdays(dt.date(2022, 6, 17), 10) == dt.date(2022, 7, 4)


def test_the_calendar_of_a_night_reaches_beyond_every_deadline_of_its_dossiers():
    with open_warehouse("duckdb:///:memory:") as warehouse:
        for night in (dt.date(2022, 6, 30), dt.date(2040, 12, 31)):
            refresh_reference(warehouse, night)
            last = warehouse.value("select max(calendar_date) from core.calendar")
            assert last == dt.date(night.year + 5, 12, 31)
            assert warehouse.value("select min(calendar_date) from core.calendar").year == 2009


def test_a_negative_deadline_is_refused():
    with pytest.raises(ValueError, match="-1 working days"):
        work_calendar().add_workdays(dt.date(2022, 6, 17), -1)


@given(start=days, count=st.integers(1, 60))
def test_adding_working_days_and_counting_them_are_inverse(start, count):
    calendar = work_calendar()
    end = calendar.add_workdays(start, count)
    assert calendar.is_workday(end)
    assert calendar.workdays_between(start, end) == count
    assert calendar.workdays_between(end, start) == -count


@given(start=days, end=days)
def test_working_days_between_two_dates_are_a_difference_of_two_table_rows(start, end):
    number = _numbers()
    assert number[end] - number[start] == work_calendar().workdays_between(start, end)


def _numbers(cache: dict = {}) -> dict:  # noqa: B006 - kept between examples on purpose
    if not cache:
        table = calendar_table(dt.date(2019, 1, 1), dt.date(2025, 12, 31))
        cache.update(
            zip(
                table["calendar_date"].to_pylist(),
                table["workday_number"].to_pylist(),
                strict=True,
            )
        )
    return cache


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
