"""The files of a night, counted in one way for the record, the pages and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

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


def files_of_night(warehouse: Warehouse, night: dt.date) -> tuple[int, int]:
    """How many files of a night came, and how many of those are refused."""
    for row in warehouse.rows(
        f"select files, refused from ({NIGHT_FILES}) as file where night = :night", {"night": night}
    ):
        return int(row["files"]), int(row["refused"])
    return 0, 0
