"""Which packages no publication of the nation covers yet, and which nights are to be published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.federation.configuration import nation_publishes_by
from onestop.federation.national_warehouse import open_national

if TYPE_CHECKING:
    import datetime as dt

    from onestop.settings import Settings


@dataclass(frozen=True)
class Awaited:
    """What has come since the last publication.

    Attributes:
        packages: province and night of each package in force that no publication covers, of nights
            that are not published; they count towards the minimum of their night.
        due_night: the night to publish now, even if provinces are missing: its hour has passed, or
            it is published and a package changes it; None where none is.
    """

    packages: tuple[tuple[str, dt.date], ...]
    due_night: dt.date | None


def find_awaited(settings: Settings, now: dt.datetime) -> Awaited:
    """Look at the packages in force and the last publication.

    It is derived from the warehouse alone, so that what a killed task did not report is reported by
    the next one.

    Args:
        settings: of the national installation.
        now: the moment, for the set hour.
    """
    with open_national(settings) as warehouse:
        rows = warehouse.rows(
            "select province_code, province_as_of_date as night from national.package"
            " where package_state = 'in_force' and province_code in"
            " (select province_code from national.province) and package_id not in"
            " (select package_id from national.coverage where package_id is not null)"
            " order by province_as_of_date, province_code"
        )
        last = warehouse.value("select max(as_of_date) as night from national.publication")
    later = tuple(
        (str(row["province_code"]), row["night"])
        for row in rows
        if last is None or row["night"] > last
    )
    due = last if len(rows) > len(later) else None
    # a province that is ahead of the others does not put off the night that they are at
    at_their_hour = [night for _, night in later if now >= nation_publishes_by(night)]
    return Awaited(later, max(at_their_hour, default=due))
