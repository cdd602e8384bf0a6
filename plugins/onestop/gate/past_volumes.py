"""Row counts of past deliveries, passed to the gate in a file, since it opens no warehouse."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from onestop.files import write_whole
from onestop.gate.volume import is_volume_excepted, usual_volume
from onestop.readers.refusals import FILE_RULES
from onestop.storage import text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from onestop.gate.verdict import UsualVolume
    from onestop.intake.delivery import Delivery
    from onestop.warehouse import Warehouse

_DATES = re.compile(r"\d{6,}")
_LOOKED_BACK = dt.timedelta(weeks=10)


def is_volume_rule(code: str) -> bool:
    """Whether a rule compares a file's number of rows with the usual one: one of each suite."""
    return code.endswith("-F05") and code not in FILE_RULES


class PastVolumes:
    """Row counts of deliveries of past nights, by series.

    Only validated rows count: no repeats, footers, rows that the mapping leaves out, and sheets
    that are not read.
    """

    def __init__(self, warehouse: Warehouse, first: dt.date, last: dt.date) -> None:
        """Read what the nights from the first to the last are compared with.

        Args:
            warehouse: with the record, open.
            first: the first night.
            last: the last night.
        """
        rows = warehouse.rows(
            "select source, feed, kind, file_name, night, known_from,"
            " rows_accepted + rows_rejected as rows_judged"
            " from audit.delivery as d where state = 'loaded' and night < :last and night >= :since"
            " and not exists (select 1 from audit.delivery as earlier"
            " where earlier.state = 'loaded' and earlier.delivery_id = d.delivery_id"
            " and earlier.attempt < d.attempt)",
            {"last": last, "since": first - _LOOKED_BACK},
        )
        self._found: dict[str, list[tuple[dt.date, dt.date, int]]] = defaultdict(list)
        for row in rows:
            series = series_of(row["source"], row["feed"], row["kind"], row["file_name"])
            self._found[series].append((row["night"], row["known_from"], int(row["rows_judged"])))

    def __iter__(self) -> Iterator[str]:
        """The series."""
        return iter(self._found)

    def before(self, series: str, night: dt.date) -> dict[dt.date, int]:
        """The row counts of the last ten weeks of a series that were known before a night."""
        counts: dict[dt.date, list[int]] = defaultdict(list)
        for day, known_from, rows in self._found.get(series, ()):
            if night - _LOOKED_BACK <= day < night and known_from < night:
                counts[day].append(rows)
        # Several files of one night under the same series have no usual size.
        return {day: found[0] for day, found in counts.items() if len(found) == 1}


def note_volumes(
    warehouse: Warehouse, night: dt.date, path: Path, accepted: Collection[str] = ()
) -> None:
    """Write the row counts of the last ten weeks' deliveries, for gates that run in parallel.

    Args:
        warehouse: open.
        night: the night that is run.
        path: the file to write.
        accepted: feeds, as ``source/feed``, whose volume that night is accepted and not compared.
    """
    past = PastVolumes(warehouse, night, night)
    volumes = {
        series: {day.isoformat(): rows for day, rows in past.before(series, night).items()}
        for series in past
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
