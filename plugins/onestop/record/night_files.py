"""The files of a night, counted in one way for the record, the pages and the terminal."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from onestop.schema.workdays import work_calendar

if TYPE_CHECKING:
    from onestop.warehouse import Warehouse

#: Of the rows of ``audit.delivery as delivery``: the last time that a delivery was settled.
LAST_ATTEMPT = (
    "not exists (select 1 from audit.delivery as later"
    " where later.delivery_id = delivery.delivery_id and later.attempt > delivery.attempt)"
)
#: SELECT of the columns ``night``, ``files`` and ``refused``, for each night that a file describes.
#: The same content under two names is one file. A file that was refused and loaded by a replay is
#: not refused; one that its source exported again with another content is.
NIGHT_FILES = (
    "select night, count(distinct delivery_id) as files,"
    " count(distinct case when state = 'refused' then delivery_id end) as refused"
    f" from audit.delivery as delivery where {LAST_ATTEMPT} group by night"
)
#: SELECT of ``audit.delivery`` with ``standing_rank``, 1 for the files that count: one that was
#: exported again is replaced by the last one of its name.
STANDING_FILES = (
    "select delivery.*, row_number() over (partition by source, feed, night, file_name"
    " order by case when state = 'loaded' then 0 else 1 end,"
    " file_modified_at desc nulls last, sha256 desc)"
    f" as standing_rank from audit.delivery as delivery where {LAST_ATTEMPT}"
)
#: SELECT of the loaded files that count, each as it was loaded first, before any replay: they
#: replace all others of their name, but for one that was refused later.
REPLACING_FILES = (
    "select standing.source, standing.feed, standing.night, standing.file_name,"
    " standing.delivery_id, loaded.known_from, loaded.rows_read, loaded.settled_at"
    f" from ({STANDING_FILES}) as standing"
    " inner join audit.delivery as loaded on standing.delivery_id = loaded.delivery_id"
    " where standing.standing_rank = 1 and loaded.state = 'loaded'"
    " and not exists (select 1 from audit.delivery as earlier"
    " where earlier.state = 'loaded' and earlier.delivery_id = loaded.delivery_id"
    " and earlier.attempt < loaded.attempt)"
)

#: As many working days before a night say how many files of a feed usually come.
_DAYS_COMPARED = 3
#: How far back they may be: the longest holidays are shorter.
_LOOKED_BACK = dt.timedelta(weeks=4)


class LackingFiles(NamedTuple):
    """Files of one feed that a night was published without.

    Attributes:
        source: the source system.
        feed: the feed.
        refused: how many of its files were refused, and not replaced by one of the same name.
        missing: how many fewer files came than on each of the three working days before.
    """

    source: str
    feed: str
    refused: int
    missing: int


def files_of_night(warehouse: Warehouse, night: dt.date) -> tuple[int, int]:
    """How many files of a night came, and how many of those are refused."""
    for row in warehouse.rows(
        f"select files, refused from ({NIGHT_FILES}) as file where night = :night", {"night": night}
    ):
        return int(row["files"]), int(row["refused"])
    return 0, 0


def lacking_files(warehouse: Warehouse, night: dt.date) -> list[LackingFiles]:
    """The files that a published night was counted without, by source and feed.

    Files that came after its publication are lacking: they count in a later night. On a day off no
    file is said to be missing.

    Args:
        warehouse: with the record, open.
        night: a published night.
    """
    rows = warehouse.rows(
        "select delivery.source, delivery.feed, delivery.night, delivery.file_name,"
        " max(case when delivery.state = 'loaded' then 1 else 0 end) as is_loaded"
        " from audit.delivery as delivery where delivery.night between :first and :night"
        " and delivery.known_from <= :night"
        " group by delivery.source, delivery.feed, delivery.night, delivery.file_name",
        {"first": night - _LOOKED_BACK, "night": night},
    )
    came: dict[tuple[str, str], dict[dt.date, list[bool]]] = {}
    for row in rows:
        nights = came.setdefault((row["source"], row["feed"]), {})
        nights.setdefault(row["night"], []).append(bool(row["is_loaded"]))
    compared = _working_days_before(night)
    found = []
    for (source, feed), nights in sorted(came.items()):
        tonight = nights.get(night, [])
        usual = min((len(nights.get(day, ())) for day in compared), default=0)
        lacking = LackingFiles(source, feed, tonight.count(False), max(0, usual - len(tonight)))
        if lacking.refused or lacking.missing:
            found.append(lacking)
    return found


def _working_days_before(night: dt.date) -> list[dt.date]:
    """The last working days before a working day; none for a day off."""
    calendar = work_calendar()
    if not calendar.is_workday(night):
        return []
    days = (night - dt.timedelta(days=back) for back in range(1, _LOOKED_BACK.days + 1))
    return [day for day in days if calendar.is_workday(day)][:_DAYS_COMPARED]
