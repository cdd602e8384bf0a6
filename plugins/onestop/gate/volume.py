"""How many rows a delivery usually has: the median of the same weekday in past weeks."""

from __future__ import annotations

import datetime as dt
from statistics import median_low
from typing import TYPE_CHECKING

from onestop.gate.verdict import UsualVolume
from onestop.schema.reference import REFERENCE_FOLDER, read_reference
from onestop.schema.workdays import WorkCalendar, work_calendar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from onestop.schema.number_text import Language

#: Least and greatest number of weekdays in the median, and how far back they may be.
FEWEST, MOST, WEEKS_BACK = 3, 4, 8
#: Names of several days of one weekday, Monday first.
WEEKDAYS: dict[Language, tuple[str, ...]] = {
    "vi": ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    "en": (
        "Mondays",
        "Tuesdays",
        "Wednesdays",
        "Thursdays",
        "Fridays",
        "Saturdays",
        "Sundays",
    ),
}


def usual_volume(
    night: dt.date, rows: Mapping[dt.date, int], calendar: WorkCalendar | None = None
) -> UsualVolume | None:
    """The usual volume of a delivery of that night.

    It is the median of the last four nights of the same weekday without holidays, so that the week
    after Tết is compared with the weeks before it. A working Saturday has none: it is like no
    other day.

    Args:
        night: the night that the delivery describes.
        rows: validated rows of the deliveries of earlier nights, of the same feed and source.
        calendar: the working days; defaults to those of ``sql/reference``.

    Returns:
        The usual volume; None for a day off, a swapped day, or when fewer than three such nights
        are known.
    """
    calendar = calendar or work_calendar()
    if not is_ordinary(night, calendar):
        return None
    counts = earlier_counts(night, rows, calendar)
    if len(counts) < FEWEST:
        return None
    weekday = night.weekday()
    return UsualVolume(
        rows=median_low(counts),
        basis_vi=f"trung vị của {len(counts)} {WEEKDAYS['vi'][weekday]}",
        basis_en=f"median of {len(counts)} {WEEKDAYS['en'][weekday]}",
    )


def earlier_counts(
    night: dt.date, rows: Mapping[dt.date, int], calendar: WorkCalendar
) -> list[int]:
    """The rows of the nights that the usual volume of a night is the median of, the last first.

    Args:
        night: an ordinary one.
        rows: validated rows of the deliveries of earlier nights, of the same feed and source.
        calendar: the working days.
    """
    earlier = [night - dt.timedelta(weeks=weeks) for weeks in range(1, WEEKS_BACK + 1)]
    return [rows[day] for day in earlier if day in rows and is_ordinary(day, calendar)][:MOST]


def is_volume_excepted(
    source: str, feed: str, night: dt.date, folder: Path = REFERENCE_FOLDER
) -> bool:
    """Whether the unusual volume of that night is confirmed, so that it is not compared.

    Confirmed nights are rows of ``sql/reference/volume_exception.csv``.
    """
    return any(
        (row["source"], row["feed"], row["night"]) == (source, feed, night)
        for row in read_reference(folder)["volume_exception"]
    )


def is_ordinary(day: dt.date, calendar: WorkCalendar) -> bool:
    """Whether the day is an ordinary one of its weekday: no holiday, no swapped day."""
    return calendar.day_off_name(day) is None
