"""Snapshots in the record: their scopes, and the unchanged rows that they leave implicit.

A snapshot's unchanged rows are not stored. ``audit.snapshot_scope`` holds the keys that a snapshot
covers; a covered key without a version from the snapshot is unchanged in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.record.history import VANISHED
from onestop.record.key_sql import WHOLE_SOURCE, covers_row, key_text, same_key

if TYPE_CHECKING:
    import datetime as dt

    from onestop.record.incoming import Incoming

#: Condition: the row of the history was valid at the start of the night, before its files.
HELD_BEFORE = "h.valid_from < :night and (h.valid_to is null or h.valid_to >= :night)"
#: Condition: the row of the history comes from a delivery of this source.
OF_SOURCE = "h.delivery_id in (select delivery_id from audit.delivery where source = :source)"
#: SELECT of the night's snapshot files, without those that a later file of the same path replaces.
CURRENT_SNAPSHOTS = (
    "select delivery_id from (select *, row_number() over (partition by file_name"
    " order by file_modified_at desc, sha256 desc) as recency from (select distinct delivery_id,"
    " kind, file_name, file_modified_at, sha256 from audit.delivery where state = 'loaded'"
    " and source = :source and feed = :feed and night = :night) as loaded) as ranked"
    " where recency = 1 and kind = 'snapshot'"
)
#: Condition: file {file} has a rejected row with the key {key_text} that was not replayed.
_QUARANTINED = (
    "exists (select 1 from audit.rejected_row as r where r.delivery_id = {file}.delivery_id"
    " and r.replayed_attempt is null and r.key_text = {key_text})"
)


def enter_scopes(load: Incoming, known_from: dt.date) -> bool:
    """Record the scopes that a snapshot covers.

    The first file that covers a scope is its anchor. Unchanged rows of the anchor are not stored:
    a key of the scope without a version from the anchor is unchanged in it.

    Returns:
        Whether it covers a scope that no other file of the night covers.
    """
    if not load.is_snapshot:
        return False
    covers, value = snapshot_scope(load)
    if covers == WHOLE_SOURCE:
        values = f"select '{WHOLE_SOURCE}' as column_name, '' as value"
    elif value is not None:
        values = f"select '{covers}' as column_name, cast(:value as varchar) as value"
    else:
        values = (
            f"select distinct '{covers}' as column_name, {covers} as value"
            f" from {load.accepted} as a where {covers} is not null"
        )
    others = (
        "select 1 from audit.snapshot_scope as o where o.delivery_id in"
        " (select delivery_id from sibling) and"
    )
    own = {"delivery_id": load.delivery.delivery_id}
    before = load.warehouse.value("select count(*) from audit.snapshot_scope")
    load.warehouse.execute(
        "insert into audit.snapshot_scope (delivery_id, column_name, value, is_anchor,"
        " known_from) select :delivery_id, n.column_name, n.value, not exists"
        f" ({others} (o.column_name <> n.column_name or o.value = n.value)), :known_from"
        f" from ({values}) as n where not exists (select 1 from audit.snapshot_scope as o"
        " where o.delivery_id = :delivery_id and o.column_name = n.column_name"
        " and o.value = n.value)",
        {**own, "known_from": known_from, **({"value": value} if value is not None else {})},
    )
    if before == load.warehouse.value("select count(*) from audit.snapshot_scope"):
        return False
    return bool(
        load.warehouse.value(
            "select count(*) from audit.snapshot_scope as n where n.delivery_id = :delivery_id"
            f" and not exists ({others} o.column_name = n.column_name and o.value = n.value)",
            own,
        )
    )


def snapshot_scope(load: Incoming) -> tuple[str, str | None]:
    """The column whose values the snapshot covers, and the value in its path, if any."""
    found = load.warehouse.rows(f"select covers, covered from {load.prefix}read_summary")[0]
    covers = found["covers"]
    if covers not in load.feed.scope_columns:
        return WHOLE_SOURCE, None
    return str(covers), found["covered"]


def in_scopes(alias: str, scopes: list[tuple[str, str]]) -> tuple[str, dict[str, Any]]:
    """Condition that one of the scopes covers a row, and its query parameters."""
    if any(name == WHOLE_SOURCE for name, _ in scopes):
        return "true", {}
    parameters: dict[str, Any] = {}
    conditions = ["false"]
    for column in sorted({name for name, _ in scopes}):
        names = []
        for value in sorted(value for name, value in scopes if name == column):
            names.append(f"scope_{len(parameters)}")
            parameters[names[-1]] = value
        conditions.append(f"{alias}.{column} in ({', '.join(f':{name}' for name in names)})")
    return f"({' or '.join(conditions)})", parameters


def store_implicit_rows(load: Incoming, known_from: dt.date) -> None:
    """Store the rows that snapshots left implicit (unchanged) for the touched keys.

    Another file of the night, or an earlier night loaded later, would change what "unchanged"
    refers to. So before the load, the rows that each snapshot holds of the touched keys are stored,
    and the keys that the snapshots of later nights lack, up to the night that states the key or
    decides that it vanished.
    """
    warehouse, feed, delivery = load.warehouse, load.feed, load.delivery
    slot = {"source": delivery.source, "feed": delivery.feed, "night": delivery.night}
    later = warehouse.rows(
        "select distinct night from audit.delivery where state = 'loaded' and kind = 'snapshot'"
        " and source = :source and feed = :feed and night > :night order by night",
        slot,
    )
    key = ", ".join(feed.key)
    for name in ("pending", "candidate"):
        warehouse.execute(f"drop table if exists {name}")
    warehouse.execute(f"create temporary table pending as select distinct {key} from touched")
    if warehouse.value("select count(*) from sibling"):
        _store_held(load, "sibling", delivery.night, known_from)
    if not later:
        return
    # All scopes that a pending key may belong to.
    columns = ", ".join((*feed.key, *feed.scope_columns))
    warehouse.execute(
        f"create temporary table candidate as select distinct {columns} from ("
        f"select {columns} from core.{feed.entity}_version as v where not is_vanished and exists"
        f" (select 1 from pending as t where {same_key(feed, 't', 'v')})"
        f" union all select {columns} from {load.accepted} as v where exists"
        f" (select 1 from pending as t where {same_key(feed, 't', 'v')})) as c"
    )
    for night in (row["night"] for row in later):
        warehouse.execute("drop table if exists part")
        warehouse.execute(
            f"create temporary table part as {CURRENT_SNAPSHOTS}", {**slot, "night": night}
        )
        _store_held(load, "part", night, known_from)
        _store_absent(load, night, known_from)
        _remove_decided(load)
        if not warehouse.value("select count(*) from pending"):
            return


def _store_held(load: Incoming, files: str, night: dt.date, known_from: dt.date) -> None:
    """Store the unchanged rows of pending keys as versions from the anchors of their scope."""
    feed = load.feed
    values = ", ".join(f"h.{name}" for name in feed.column_names)
    quarantined = _QUARANTINED.format(file="scope", key_text=key_text(feed, "h"))
    load.warehouse.execute(
        f"insert into core.{feed.entity}_version (delivery_id, row_number, night, known_from,"
        f" content_hash, is_vanished, {', '.join(feed.column_names)})"
        f" select scope.delivery_id, null, :night, :known_from, h.content_hash, false, {values}"
        f" from pending as t inner join core.{feed.entity}_history as h"
        f" on {same_key(feed, 't', 'h')} and {HELD_BEFORE}"
        f" inner join audit.snapshot_scope as scope on {covers_row(feed, 'h')} and scope.is_anchor"
        f" where scope.delivery_id in (select delivery_id from {files}) and {OF_SOURCE}"
        f" and not {quarantined}"
        f" and not exists (select 1 from core.{feed.entity}_version as v"
        f" where v.delivery_id = scope.delivery_id and {same_key(feed, 'v', 't')})",
        {"night": night, "known_from": known_from, "source": load.delivery.source},
    )


def _store_absent(load: Incoming, night: dt.date, known_from: dt.date) -> None:
    """Store which pending keys the snapshot files of a later night lack."""
    feed = load.feed
    keys = ", ".join(f"c.{column}" for column in feed.key)
    quarantined = _QUARANTINED.format(file="scope", key_text=key_text(feed, "c"))
    load.warehouse.execute(
        f"insert into core.{feed.entity}_version (delivery_id, row_number, night, known_from,"
        f" content_hash, is_vanished, {', '.join(feed.key)})"
        f" select distinct scope.delivery_id, cast(null as bigint), cast(:night as date),"
        f" cast(:known_from as date), '{VANISHED}', true, {keys}"
        f" from candidate as c inner join audit.snapshot_scope as scope on {covers_row(feed, 'c')}"
        " where scope.delivery_id in (select delivery_id from part)"
        f" and exists (select 1 from pending as t where {same_key(feed, 't', 'c')})"
        " and (scope.is_anchor or not exists (select 1 from audit.snapshot_scope as o"
        " where o.is_anchor and o.delivery_id in (select delivery_id from part)"
        " and o.column_name = scope.column_name and o.value = scope.value))"
        f" and not {quarantined}"
        f" and not exists (select 1 from core.{feed.entity}_version as v"
        f" where v.delivery_id = scope.delivery_id and {same_key(feed, 'v', 'c')})",
        {"night": night, "known_from": known_from},
    )


def _remove_decided(load: Incoming) -> None:
    """Remove the pending keys whose state the files of a night decide by themselves."""
    feed, warehouse = load.feed, load.warehouse
    warehouse.execute(
        f"delete from pending as t where exists (select 1 from core.{feed.entity}_version as v"
        " where not v.is_vanished and v.delivery_id in (select delivery_id from part)"
        f" and {same_key(feed, 'v', 't')})"
    )
    has_unread = warehouse.value(
        "select count(*) from audit.rejected_row where replayed_attempt is null"
        " and delivery_id in (select delivery_id from part)"
    )
    if not has_unread:
        warehouse.execute(
            "delete from pending as t where not exists (select 1 from candidate as c"
            f" where {same_key(feed, 'c', 't')} and not exists (select 1"
            " from audit.snapshot_scope as scope where scope.delivery_id in"
            f" (select delivery_id from part) and {covers_row(feed, 'c')}))"
        )
