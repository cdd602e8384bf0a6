"""What became of nights that failed: whether they are repaired, and what to do if not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.gate.unpublished import NIGHT_STATES, WAITING_FOR_FILES
from onestop.record.arrivals import is_delivered
from onestop.record.night_steps import FAILED, KILLED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

#: Steps whose failure leaves a night unpublished. A file's own steps do not; nor does "discover",
#: which fails each time that a night which waits finds the exports out of reach.
_OF_THE_NIGHT = ("require", "compute", "check", "publish")


@dataclass(frozen=True)
class Repair:
    """What became of a night that failed.

    Attributes:
        is_repaired: whether its figures, or those of a later night with its files, are published.
        by: the later night that was published instead; None where the night itself is published.
        lacking: expected feeds, as ``source/feed``, that are not in the record for the night.
    """

    is_repaired: bool
    by: dt.date | None = None
    lacking: tuple[str, ...] = ()


def repairs_of(
    warehouse: Warehouse, settings: Settings, nights: Mapping[dt.date, str | None]
) -> dict[dt.date, Repair]:
    """What became of those of the nights that failed, by night.

    A night that is published failed before if one of its steps did. A night that a later one has
    overtaken is never published itself: its files count in the later one.

    Args:
        warehouse: the published record, open.
        settings: of this installation.
        nights: how each night ended, as in ``audit.night_run``; None where it was not run.
    """
    published = sorted(
        row["night"]
        for row in warehouse.rows("select distinct as_of_date as night from audit.publication")
    )
    failed_before = _failed_before(warehouse, nights)
    found = {}
    for night, state in nights.items():
        if night in published:
            if night in failed_before:
                found[night] = Repair(is_repaired=True)
            continue
        later = next((each for each in published if each > night), None)
        if state not in NIGHT_STATES or later is None:
            continue
        lacking: tuple[str, ...] = ()
        if state in WAITING_FOR_FILES:
            lacking = tuple(
                f"{feed.source}/{feed.feed}"
                for feed in settings.mappings().expected
                if not is_delivered(warehouse, feed, night)
            )
        found[night] = Repair(not lacking, later, lacking)
    return found


def _failed_before(warehouse: Warehouse, nights: Collection[dt.date]) -> set[dt.date]:
    if not nights or "night_step" not in warehouse.tables("audit"):
        return set()
    steps = ", ".join(f"'{step}'" for step in _OF_THE_NIGHT)
    rows = warehouse.rows(
        "select distinct as_of_date as night from audit.night_step"
        f" where as_of_date between :first and :last and step in ({steps})"
        f" and outcome in ('{FAILED}', '{KILLED}')",
        {"first": min(nights), "last": max(nights)},
    )
    return {row["night"] for row in rows}
