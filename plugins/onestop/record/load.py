"""Loading: a validated delivery becomes part of the record, in one transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from onestop.progress import advance, working
from onestop.record.append import append_versions
from onestop.record.history import refresh_history
from onestop.record.incoming import Incoming
from onestop.record.quarantine import (
    close_replayed,
    find_replayed,
    quarantine_rows,
    supersede_rejected,
)
from onestop.record.settlements import first_open_night, is_loaded, note_replay, note_settlement
from onestop.record.snapshots import store_implicit_rows
from onestop.record.touched import find_replayed_keys, find_touched_keys
from onestop.schema.feeds import FEEDS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection
    from pathlib import Path

    from onestop.intake.delivery import Delivery
    from onestop.record.quarantine import ReplayedRows
    from onestop.warehouse import Warehouse


@dataclass(frozen=True)
class LoadedDelivery:
    """What a delivery added to the record.

    Attributes:
        delivery_id: the delivery.
        is_repeat: whether it was loaded before, so that nothing was written; counts are 0 then.
        versions: versions added, those of vanished keys included.
        rows_read: records of the file, blank and footer rows included.
        rows_accepted: rows that passed the gate.
        rows_rejected: rows in quarantine.
        rows_repeated: exact repeats of an earlier row.
        rows_blank: blank, title and footer rows.
        rows_skipped: rows that the mapping leaves out.
        warnings: findings of all warning rules together.
    """

    delivery_id: str
    is_repeat: bool = False
    versions: int = 0
    rows_read: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0
    rows_repeated: int = 0
    rows_blank: int = 0
    rows_skipped: int = 0
    warnings: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def load_delivery(warehouse: Warehouse, delivery: Delivery, staged: Path) -> LoadedDelivery:
    """Append a validated delivery's rows to the record and refresh the histories of their keys.

    Loading a delivery again changes nothing.

    Args:
        warehouse: open for writing.
        delivery: the delivery.
        staged: its staged file, with the gate's tables.
    """
    if is_loaded(warehouse, delivery.delivery_id):
        return LoadedDelivery(delivery.delivery_id, is_repeat=True)
    loading = working("loading", delivery.file_name, unit="rows")
    with loading, warehouse.staged(staged) as prefix, warehouse.transaction():
        known_from = first_open_night(warehouse, delivery.night)
        attempt = note_settlement(warehouse, delivery, prefix, known_from, state="loaded")
        load = Incoming(warehouse, FEEDS[delivery.feed], delivery, prefix, f"{prefix}accepted_row")
        quarantine_rows(load, attempt)
        find_touched_keys(load, known_from)
        versions = _write_rows(load, known_from)
        supersede_rejected(load)
        counts = warehouse.rows(
            "select rows_read, rows_accepted, rows_rejected, rows_repeated, rows_blank,"
            " rows_skipped, warnings from audit.delivery"
            " where delivery_id = :delivery_id and state = 'loaded'",
            {"delivery_id": delivery.delivery_id},
        )[0]
        advance(counts["rows_accepted"])
    return LoadedDelivery(delivery.delivery_id, versions=versions, **counts)


def load_replayed(
    warehouse: Warehouse,
    delivery: Delivery,
    staged: Path,
    *,
    rows: Collection[int] | None = None,
    is_trial: bool = False,
) -> ReplayedRows:
    """Load rejected rows of a loaded delivery that pass now; close those that are left out now.

    Rows that were loaded before do not change. A row that still fails stays open; rules that it
    newly breaks are added to its reasons. When no row is closed, nothing is written.

    Args:
        warehouse: open for writing.
        delivery: the delivery; it was loaded before.
        staged: its file, staged again, with the gate's tables.
        rows: only these row numbers; defaults to all that are not replayed yet.
        is_trial: count only, write nothing.
    """
    with warehouse.staged(staged) as prefix, warehouse.transaction():
        load = Incoming(
            warehouse,
            FEEDS[delivery.feed],
            delivery,
            prefix,
            f"(select a.* from {prefix}accepted_row as a"
            " where a.row_number in (select row_number from replayed))",
            is_replay=True,
        )
        found = find_replayed(load, rows)
        if is_trial or not found.rows_closed:
            return found
        known_from = first_open_night(warehouse, delivery.night)
        attempt = note_replay(load, known_from, found)
        find_replayed_keys(load, known_from)
        close_replayed(load, attempt)
        quarantine_rows(load, attempt)
        versions = _write_rows(load, known_from)
        supersede_rejected(load)
    return replace(found, versions=versions)


def _write_rows(load: Incoming, known_from: dt.date) -> int:
    """Append the versions of the touched keys and refresh their histories.

    Returns:
        Number of versions added.
    """
    store_implicit_rows(load, known_from)
    versions = append_versions(load, known_from)
    load.warehouse.gather_statistics_of(f"core.{load.feed.entity}_version", versions)
    refresh_history(load.warehouse, load.feed)
    return versions
