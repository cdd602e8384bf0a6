"""Row counts of past deliveries, passed to the gate in a file, since it opens no warehouse."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING

from onestop.files import write_whole
from onestop.gate.volume import is_volume_excepted, usual_volume
from onestop.storage import text_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from onestop.gate.verdict import UsualVolume
    from onestop.intake.delivery import Delivery
    from onestop.warehouse import Warehouse

_DATES = re.compile(r"\d{6,}")


def note_volumes(
    warehouse: Warehouse, night: dt.date, path: Path, accepted: Collection[str] = ()
) -> None:
    """Write the row counts of the last ten weeks' deliveries, for gates that run in parallel.

    Only validated rows count: no repeats, footers, rows that the mapping leaves out, and sheets
    that are not read.

    Args:
        warehouse: open.
        night: the night that is run.
        path: the file to write.
        accepted: feeds, as ``source/feed``, whose volume that night is accepted and not compared.
    """
    rows = warehouse.rows(
        "select source, feed, kind, file_name, night, rows_accepted + rows_rejected as rows_judged"
        " from audit.delivery as d where state = 'loaded' and night < :night and night >= :since"
        " and not exists (select 1 from audit.delivery as earlier where earlier.state = 'loaded'"
        " and earlier.delivery_id = d.delivery_id and earlier.attempt < d.attempt)",
        {"night": night, "since": night - dt.timedelta(weeks=10)},
    )
    found: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        series = series_of(row["source"], row["feed"], row["kind"], row["file_name"])
        nights = found.setdefault(series, {})
        nights.setdefault(row["night"].isoformat(), []).append(int(row["rows_judged"]))
    # Several files of one night under the same series have no usual size.
    volumes = {
        series: {day: counts[0] for day, counts in nights.items() if len(counts) == 1}
        for series, nights in found.items()
    }
    write_whole(path, json.dumps({"past": volumes, "accepted": sorted(accepted)}))


def noted_usual_volume(path: Path, delivery: Delivery, night: dt.date) -> UsualVolume | None:
    """The usual volume of a delivery, or None for late files, parts of a night and exceptions.

    Args:
        path: written by :func:`note_volumes`.
        delivery: the delivery.
        night: the night that is run.
    """
    text = text_of(path) if delivery.night == night else None
    if text is None:
        return None
    if is_volume_excepted(delivery.source, delivery.feed, night):
        return None
    noted = json.loads(text)
    if f"{delivery.source}/{delivery.feed}" in noted["accepted"]:
        return None
    series = noted["past"].get(
        series_of(delivery.source, delivery.feed, delivery.kind, delivery.file_name), {}
    )
    return usual_volume(night, {dt.date.fromisoformat(day): rows for day, rows in series.items()})


def series_of(source: str, feed: str, kind: str, file_name: str) -> str:
    """Name of the series a file belongs to: files with the same path apart from the date."""
    return f"{source} {feed} {kind} {_DATES.sub('#', file_name)}"
