"""Which keys a delivery touches: their histories are derived again after it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.record.append import keys_left_out, unless_unchanged
from onestop.record.key_sql import same_key
from onestop.record.snapshots import (
    CURRENT_SNAPSHOTS,
    HELD_BEFORE,
    OF_SOURCE,
    enter_scopes,
    in_scopes,
)
from onestop.warehouse.base import quoted_text

if TYPE_CHECKING:
    import datetime as dt

    from onestop.record.incoming import Incoming
    from onestop.schema.feeds import Feed
    from onestop.warehouse import Warehouse


def find_touched_keys(load: Incoming, known_from: dt.date) -> None:
    """Make the temporary table ``touched``: keys whose history this delivery may change.

    These are the keys of other files of the same path and night, those with new or changed rows,
    and, for a snapshot, those that it lacks.
    """
    _find_stated_keys(load)
    load.warehouse.execute(
        f"create temporary table touched as {_keys_of_night(load)} and file_name = :file_name)",
        {**load.slot, "file_name": load.delivery.file_name},
    )
    replaces = load.warehouse.value(
        "select count(*) from audit.delivery where state = 'loaded' and source = :source"
        " and feed = :feed and night = :night and file_name = :file_name"
        " and delivery_id <> :delivery_id",
        {**load.slot, "file_name": load.delivery.file_name},
    )
    is_new = enter_scopes(load, known_from)
    _touch_new(load)
    if not load.is_snapshot:
        _touch_left_out(load)
    else:
        _touch_missing(load)
        _touch_rejected(load)
        if replaces or is_new or _has_nameless_rows(load):
            _touch_absent(load)


def find_replayed_keys(load: Incoming, known_from: dt.date) -> None:
    """Make the temporary table ``touched`` for replayed rows of a loaded delivery.

    Missing keys are added only when all keys of the snapshot are readable.
    """
    _find_stated_keys(load)
    load.warehouse.execute(
        f"create temporary table touched as select {load.key} from stated where 1 = 0"
    )
    is_new = enter_scopes(load, known_from)
    _touch_new(load)
    _touch_left_out(load)
    if load.is_snapshot:
        _touch_missing(load)
        if is_new or _replays_nameless_rows(load):
            _touch_absent(load)


def changed_keys_select(warehouse: Warehouse, feed: Feed, previous: dt.date, as_of: dt.date) -> str:
    """SELECT of the keys whose history deliveries may have changed since a published night.

    These have versions that became known since, or versions from a night of which both an earlier
    and a new file is known: a file that replaces another one ends statements without a version of
    its own, and a replayed row may let keys vanish that other files of the night lack.

    Args:
        warehouse: the record.
        feed: the feed.
        previous: the published night.
        as_of: the night whose marts are computed.
    """
    keys = ", ".join(f"v.{column}" for column in feed.key)
    select = (
        f"select distinct {keys} from core.{feed.entity}_version as v"
        f" where v.known_from > date '{previous}' and v.known_from <= date '{as_of}'"
    )
    reopened = warehouse.rows(
        "select distinct night, delivery_id from audit.delivery as d where state = 'loaded'"
        " and feed = :feed and exists (select 1 from audit.delivery as n where n.state = 'loaded'"
        " and n.feed = d.feed and n.source = d.source and n.night = d.night"
        " and n.known_from > :previous and n.known_from <= :as_of)"
        " and exists (select 1 from audit.delivery as k where k.state = 'loaded'"
        " and k.feed = d.feed and k.source = d.source and k.night = d.night"
        " and k.known_from <= :previous) order by night, delivery_id",
        {"feed": feed.name, "previous": previous, "as_of": as_of},
    )
    if not reopened:
        return select
    nights = ", ".join(sorted({f"date '{row['night']}'" for row in reopened}))
    deliveries = ", ".join(quoted_text(row["delivery_id"]) for row in reopened)
    return (
        f"{select} union select distinct {keys} from core.{feed.entity}_version as v"
        f" where v.night in ({nights}) and v.delivery_id in ({deliveries})"
    )


def _find_stated_keys(load: Incoming) -> None:
    """Make the temporary table ``stated``: the keys in other files of this night."""
    for name in ("touched", "stated", "missing", "sibling"):
        load.warehouse.execute(f"drop table if exists {name}")
    load.warehouse.execute(f"create temporary table stated as {_keys_of_night(load)})", load.slot)
    load.warehouse.execute(
        f"create temporary table missing as select {load.key} from stated where 1 = 0"
    )
    load.warehouse.execute(
        f"create temporary table sibling as {CURRENT_SNAPSHOTS} and file_name <> :file_name",
        {
            **{name: load.slot[name] for name in ("source", "feed", "night")},
            "file_name": load.delivery.file_name,
        },
    )


def _keys_of_night(load: Incoming) -> str:
    """SELECT of the keys in other files of this night; the caller closes the bracket."""
    return (
        f"select distinct {load.key} from core.{load.feed.entity}_version where delivery_id in"
        " (select delivery_id from audit.delivery where state = 'loaded' and source = :source"
        " and feed = :feed and night = :night and delivery_id <> :delivery_id"
    )


def _touch_new(load: Incoming) -> None:
    """Add the keys of new and changed rows."""
    is_stored, parameters = unless_unchanged(load)
    load.warehouse.execute(
        f"insert into touched ({load.key}) select distinct {load.key}"
        f" from {load.accepted} as s{is_stored}",
        parameters or None,
    )


def _touch_left_out(load: Incoming) -> None:
    """Add the keys that may end because the mapping leaves out the only row that states them.

    Of the parts of a snapshot, the last one that leaves a key out ends it; another part may have
    recorded already that it lacks the key.
    """
    load.warehouse.execute(
        f"insert into touched ({load.key}) {keys_left_out(load)}",
        {"delivery_id": load.delivery.delivery_id},
    )


def _touch_missing(load: Incoming) -> None:
    """Add the keys that the source had before and the snapshot lacks; table ``missing``.

    Scopes with another anchor are excluded, because the anchor recorded its missing keys. A key
    whose row was rejected is in the file and therefore not missing.
    """
    rows = load.warehouse.rows(
        "select distinct column_name, value from audit.snapshot_scope as g where delivery_id in"
        " (select delivery_id from sibling union all select cast(:delivery_id as varchar))"
        " and not exists (select 1 from audit.snapshot_scope as o where o.is_anchor"
        " and o.delivery_id in (select delivery_id from sibling)"
        " and o.column_name = g.column_name and o.value = g.value)",
        {"delivery_id": load.delivery.delivery_id},
    )
    conditions, parameters = in_scopes("h", [(r["column_name"], r["value"]) for r in rows])
    load.warehouse.execute(
        f"insert into missing ({load.key}) select distinct {load.key}"
        f" from core.{load.feed.entity}_history as h where {HELD_BEFORE} and {OF_SOURCE}"
        f" and {conditions} and not exists (select 1 from {load.prefix}staged_row as t"
        f" where {same_key(load.feed, 't', 'h')})",
        {"night": load.delivery.night, "source": load.delivery.source, **parameters},
    )
    load.warehouse.execute(f"insert into touched ({load.key}) select {load.key} from missing")


def _touch_rejected(load: Incoming) -> None:
    """Add the keys of rejected rows that other files of the night state."""
    load.warehouse.execute(
        f"insert into touched ({load.key}) select {load.key} from stated as s where exists"
        f" (select 1 from {load.prefix}staged_row as t where {same_key(load.feed, 't', 's')}"
        f" and t.row_number in (select row_number from {load.prefix}rejected_row))"
    )


def _touch_absent(load: Incoming) -> None:
    """Add the keys that other snapshot files of this night lack."""
    load.warehouse.execute(
        f"insert into touched ({load.key}) {_keys_of_night(load)}) and is_vanished", load.slot
    )


def _has_nameless_rows(load: Incoming) -> bool:
    """Whether the file has a row whose key cannot be read."""
    unread = " or ".join(f"{column} is null" for column in load.feed.key)
    return bool(
        load.warehouse.value(f"select count(*) from {load.prefix}staged_row where {unread}")
    )


def _replays_nameless_rows(load: Incoming) -> bool:
    """Whether a replayed row had no readable key before."""
    return bool(
        load.warehouse.value(
            "select count(*) from audit.rejected_row where delivery_id = :delivery_id"
            " and key_text is null and row_number in (select row_number from replayed)",
            {"delivery_id": load.delivery.delivery_id},
        )
    )
