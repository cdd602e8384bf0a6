"""Working days and clocks of the sample: moments are whole seconds, counted by integers.

A moment is ``day ordinal × 86,400 + second of the day`` on the local clock. Integers make the
arithmetic of millions of dossiers cheap; :func:`stamp` and :func:`iso` write them as sources do.
"""

from __future__ import annotations

import datetime as dt
from functools import cache

import holidays

SECONDS_PER_DAY = 86_400
OPENING, MIDDAY, AFTERNOON, CLOSING = 7 * 3600 + 1800, 11 * 3600 + 1800, 13 * 3600 + 1800, 17 * 3600
QUARTER_HOUR = 900

_CLOCKS = [
    f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}"
    for second in range(SECONDS_PER_DAY)
]


@cache
def _compact_day(ordinal: int) -> str:
    return dt.date.fromordinal(ordinal).strftime("%Y%m%d")


def stamp(moment: int | None) -> str:
    """``yyyyMMddHHmmss`` as in the national sync record; None is an empty string."""
    if moment is None:
        return ""
    ordinal, second = divmod(moment, SECONDS_PER_DAY)
    return _compact_day(ordinal) + _CLOCKS[second]


def iso(moment: int | None) -> str:
    """``YYYY-MM-DD HH:MM:SS``; None is an empty string."""
    if moment is None:
        return ""
    text = stamp(moment)
    return f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:]}"


def slashed(day: dt.date | None) -> str:
    """``DD/MM/YYYY``; None is an empty string."""
    return day.strftime("%d/%m/%Y") if day else ""


class WorkingDays:
    """The working days of Việt Nam's public offices between two years, both included."""

    def __init__(self, first_year: int, last_year: int) -> None:
        calendar = holidays.country_holidays("VN", years=range(first_year, last_year + 1))
        self._start = dt.date(first_year, 1, 1).toordinal()
        self._days: list[int] = []
        #: How many working days there are up to and including each day.
        self._counts: list[int] = []
        for ordinal in range(self._start, dt.date(last_year, 12, 31).toordinal() + 1):
            if calendar.is_working_day(dt.date.fromordinal(ordinal)):
                self._days.append(ordinal)
            self._counts.append(len(self._days))

    def is_working(self, day: int) -> bool:
        """Whether the offices are open on that day (an ordinal)."""
        count = self._counts[day - self._start]
        return count > 0 and self._days[count - 1] == day

    def after(self, day: int, workdays: int) -> int:
        """The day that many working days later; the first day is not counted.

        Zero gives the day itself, or the next working day when the offices are closed on it.
        """
        count = self._counts[day - self._start]
        if workdays == 0 and self.is_working(day):
            return day
        return self._days[count + max(workdays, 1) - 1]

    def days_closed_before(self, day: int) -> int:
        """How many days in a row the offices were closed up to the eve of that day."""
        count = self._counts[day - 1 - self._start]
        return day - 1 - self._days[count - 1] if count else 0
