"""Working days: which days count, and their running numbers in the calendar table.

A deadline of *n* working days excludes the day it starts from (Bộ luật Dân sự 2015, Điều 147).
Saturdays, Sundays and the reviewed rows of ``sql/reference/day_off.csv`` are days off; a swapped
working Saturday counts.
"""

from __future__ import annotations

import datetime as dt
import itertools
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from onestop.schema.reference import REFERENCE_FOLDER, read_reference

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.schema.reference import Row

#: The earliest date that the gate accepts: receipt, due date and end of a dossier, issue of a
#: ticket. core.calendar begins with it, so every accepted day has its running number.
FIRST_DAY = dt.date(2000, 1, 1)
_ONE_DAY = dt.timedelta(days=1)
_SATURDAY = 5
#: How many calendars and tables of them a process keeps: tests and replays have several.
_KEPT = 8
_DAY_NAMES = ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ nhật")


class WorkCalendar:
    """The working days, by the rows of ``day_off.csv``.

    Args:
        days_off: those rows.
    """

    def __init__(self, days_off: list[Row]) -> None:
        self._kinds: dict[dt.date, str] = {}
        self._names: dict[dt.date, str] = {}
        for row in days_off:
            day = row["calendar_date"]
            if isinstance(day, dt.date):
                self._kinds[day] = str(row["day_kind"])
                self._names[day] = str(row["name_vi"])
        self._known_years = {day.year for day in self._kinds}

    @classmethod
    def from_reference(cls, folder: Path = REFERENCE_FOLDER) -> WorkCalendar:
        """The calendar of the reference files in ``folder``; the same one for the same rows."""
        rows = read_reference(folder)["day_off"]
        return cls._of_rows(tuple(tuple(row.items()) for row in rows))

    @classmethod
    @lru_cache(_KEPT)
    def _of_rows(cls, rows: tuple[tuple[tuple[str, Any], ...], ...]) -> WorkCalendar:
        return cls([dict(row) for row in rows])

    def is_workday(self, day: dt.date) -> bool:
        """Whether offices work on that day."""
        kind = self._kinds.get(day)
        if kind is None:
            return day.weekday() < _SATURDAY
        return kind == "swapped_work"

    def is_known(self, day: dt.date) -> bool:
        """Whether the reference has holidays of the day's year; without, only weekends are off."""
        return day.year in self._known_years

    def day_off_name(self, day: dt.date) -> str | None:
        """Name of the holiday, substitute or swapped day; None on any other day."""
        return self._names.get(day)


@cache
def work_calendar(folder: Path = REFERENCE_FOLDER) -> WorkCalendar:
    """The calendar of the reference files, read once."""
    return WorkCalendar.from_reference(folder)


@lru_cache(_KEPT)
def calendar_table(first: dt.date, last: dt.date, calendar: WorkCalendar | None = None) -> pa.Table:
    """One row per day, for ``core.calendar``; made once for each calendar.

    ``workday_number`` counts the working days up to and including the day, so that the working
    days between two dates are a subtraction, the first day excluded.

    Args:
        first: first day.
        last: last day.
        calendar: the working days; defaults to those of ``sql/reference``.

    Returns:
        ``calendar_date``, ``is_workday``, ``day_name``, ``holiday_name``, ``workday_number``,
        ``is_calendar_known`` (the holidays of its year are in the reference).
    """
    calendar = calendar or work_calendar()
    days = [first + _ONE_DAY * n for n in range((last - first).days + 1)]
    are_workdays = [calendar.is_workday(day) for day in days]
    return pa.table(
        {
            "calendar_date": pa.array(days, pa.date32()),
            "is_workday": pa.array(are_workdays, pa.bool_()),
            "day_name": pa.array([_DAY_NAMES[day.weekday()] for day in days], pa.string()),
            "holiday_name": pa.array([calendar.day_off_name(day) for day in days], pa.string()),
            "workday_number": pa.array(
                list(itertools.accumulate(map(int, are_workdays))), pa.int64()
            ),
            "is_calendar_known": pa.array([calendar.is_known(day) for day in days], pa.bool_()),
        }
    )
