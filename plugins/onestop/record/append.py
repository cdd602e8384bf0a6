"""Appending a delivery's rows to ``core.<entity>_version``, which only grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.record.history import VANISHED
from onestop.record.key_sql import WHOLE_SOURCE, has_changes, same_key
from onestop.record.snapshots import HELD_BEFORE, OF_SOURCE, snapshot_scope

if TYPE_CHECKING:
    import datetime as dt

    from onestop.record.incoming import Incoming


def append_versions(load: Incoming, known_from: dt.date) -> int:
    """Append the new and changed rows, and a version for each key that the snapshot lacks.

    Returns:
        Number of versions added.
    """
    entity, names = load.feed.entity, ", ".join(load.feed.column_names)
    parameters = {
        "delivery_id": load.delivery.delivery_id,
        "night": load.delivery.night,
        "known_from": known_from,
    }
    before = _own_versions(load)
    is_stored, more = unless_unchanged(load)
    load.warehouse.execute(
        f"insert into core.{entity}_version (delivery_id, row_number, night, known_from,"
        f" content_hash, is_vanished, {names})"
        " select :delivery_id, s.row_number, :night, :known_from, s.content_hash, false,"
        f" {names} from {load.accepted} as s{is_stored}",
        {**parameters, **more},
    )
    own = (
        f"select 1 from core.{entity}_version as v where v.delivery_id = :delivery_id"
        f" and {same_key(load.feed, 'v', 's')}"
    )
    load.warehouse.execute(
        f"insert into core.{entity}_version (delivery_id, row_number, night, known_from,"
        f" content_hash, is_vanished, {load.key})"
        f" select :delivery_id, null, :night, :known_from, '{VANISHED}', true, {load.key}"
        f" from (select distinct * from missing) as s where not exists ({own})",
        parameters,
    )
    _end_left_out(load, parameters)
    return _own_versions(load) - before


def _own_versions(load: Incoming) -> int:
    """Number of the delivery's versions."""
    own = f"core.{load.feed.entity}_version where delivery_id = :delivery_id"
    count = load.warehouse.value(
        f"select count(*) from {own}", {"delivery_id": load.delivery.delivery_id}
    )
    return int(count)


def unless_unchanged(load: Incoming) -> tuple[str, dict[str, Any]]:
    """Condition on accepted rows ``s`` that excludes the unchanged rows of a snapshot.

    An unchanged row is stored all the same if another file of the night has its key, or if the
    snapshot is not the anchor of its scope.

    Returns:
        A where clause, empty for a delta, and its query parameters.
    """
    if not load.is_snapshot:
        return "", {}
    covers, _ = snapshot_scope(load)
    anchored = (
        "select value from audit.snapshot_scope where delivery_id = :delivery_id"
        f" and column_name = '{covers}' and is_anchor"
    )
    is_anchored = (
        f"exists ({anchored})" if covers == WHOLE_SOURCE else f"s.{covers} in ({anchored})"
    )
    same_change = (
        " and h.modified_at is not distinct from s.modified_at" if has_changes(load.feed) else ""
    )
    return (
        " where exists (select 1 from stated as p where"
        f" {same_key(load.feed, 'p', 's')}) or not ({is_anchored} and exists"
        f" (select 1 from core.{load.feed.entity}_history as h where"
        f" {same_key(load.feed, 'h', 's')} and h.content_hash = s.content_hash{same_change}"
        f" and {HELD_BEFORE} and {OF_SOURCE}))"
    ), {
        "night": load.delivery.night,
        "source": load.delivery.source,
        "delivery_id": load.delivery.delivery_id,
    }


def keys_left_out(load: Incoming) -> str:
    """SELECT of the keys that occur only in rows that the mapping leaves out.

    On a replay, keys that the delivery had when it was loaded are excluded.
    """
    same = same_key(load.feed, "t", "s")
    named = " and ".join(f"{column} is not null" for column in load.feed.key)
    return (
        f"select distinct {load.key} from {load.left_out} as s where {named} and"
        f" not exists (select 1 from {load.prefix}staged_row as t where {same})"
        f" and not exists (select 1 from core.{load.feed.entity}_version as t where {same}"
        " and t.delivery_id = :delivery_id)"
    )


def _end_left_out(load: Incoming, parameters: dict[str, Any]) -> None:
    """End the history of a key whose only row in a delta is left out by the mapping.

    In a snapshot such a key counts as missing.
    """
    if load.delivery.kind != "delta":
        return
    entity = load.feed.entity
    changed = ", modified_at" if has_changes(load.feed) else ""
    last = ", max(modified_at) as modified_at" if changed else ""
    load.warehouse.execute(
        f"insert into core.{entity}_version (delivery_id, row_number, night, known_from,"
        f" content_hash, is_vanished, {load.key}{changed})"
        f" select :delivery_id, max(s.row_number), :night, :known_from, '{VANISHED}', true,"
        f" {', '.join(f's.{column}' for column in load.feed.key)}{last}"
        f" from {load.left_out} as s inner join ({keys_left_out(load)}) as k"
        f" on {same_key(load.feed, 's', 'k')}"
        f" group by {', '.join(f's.{column}' for column in load.feed.key)}",
        parameters,
    )
