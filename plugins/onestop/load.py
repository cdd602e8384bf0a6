"""Loading: a validated delivery becomes part of the record, in one transaction.

``core.<entity>_version`` only grows. ``core.<entity>_history`` is derived from it by
``sql/core/history.sql`` for the keys that the delivery touched.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from onestop.feeds import FEEDS, Feed
from onestop.settings import LOCAL_ZONE, PROJECT_ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.delivery import Delivery
    from onestop.warehouse import Warehouse

VANISHED = "vanished"
_HISTORY_SQL = PROJECT_ROOT / "sql" / "core" / "history.sql"


def history_select(
    feed: Feed, *, touched: str | None = None, known_on: str = "date '9999-12-31'"
) -> str:
    """The SELECT that derives ``core.<entity>_history``.

    Args:
        feed: whose history.
        touched: a relation with the key columns; only those keys are derived.
        known_on: SQL date; deliveries first known after it are left out.
    """
    matched = " and ".join(f"version.{column} = touched.{column}" for column in feed.key)
    return _HISTORY_SQL.read_text(encoding="utf-8").format(
        entity=feed.entity,
        feed=feed.name,
        key=", ".join(feed.key),
        columns=",\n        ".join(feed.column_names),
        precedence="modified_at desc nulls last, " if "modified_at" in feed.column_names else "",
        touched=f"inner join {touched} as touched on {matched}" if touched else "",
        known_on=known_on,
    )


def is_settled(warehouse: Warehouse, delivery_id: str) -> bool:
    """Whether the delivery was loaded."""
    return bool(
        warehouse.value(
            "select count(*) from audit.delivery"
            " where delivery_id = :delivery_id and state = 'loaded'",
            {"delivery_id": delivery_id},
        )
    )


def first_open_night(warehouse: Warehouse, night: dt.date) -> dt.date:
    """The first night whose figures may rest on what is loaded by the run of ``night``.

    A published night is never reopened: what comes later is known from the next one on.
    """
    last = warehouse.value("select max(as_of_date) from audit.publication")
    return night if last is None else max(night, last + dt.timedelta(days=1))


def load_delivery(
    warehouse: Warehouse, delivery: Delivery, staged: Path, night: dt.date
) -> dict[str, Any]:
    """Append a validated delivery's rows to the record and refresh the history they touch.

    Loading a delivery again changes nothing.

    Args:
        warehouse: open for writing.
        delivery: which one.
        staged: its staged file, with the gate's tables.
        night: the night whose run loads it.

    Returns:
        Counts: ``rows_accepted``, ``rows_rejected``, ``versions``, ``already_loaded``.
    """
    if is_settled(warehouse, delivery.delivery_id):
        return {"delivery_id": delivery.delivery_id, "already_loaded": True}
    feed = FEEDS[delivery.feed]
    with warehouse.staged(staged) as prefix, warehouse.transaction():
        known_from = first_open_night(warehouse, night)
        _note_settlement(warehouse, delivery, prefix, known_from, state="loaded")
        _find_touched_keys(warehouse, feed, delivery, prefix)
        _restate_snapshots(warehouse, feed, delivery, known_from)
        versions = _append_versions(warehouse, feed, delivery, prefix, known_from)
        _refresh_history(warehouse, feed)
        _quarantine(warehouse, feed, delivery, prefix)
        counts = warehouse.rows(
            "select rows_accepted, rows_rejected, rows_repeated, rows_read from audit.delivery"
            " where delivery_id = :delivery_id and state = 'loaded'",
            {"delivery_id": delivery.delivery_id},
        )[0]
    return {
        "delivery_id": delivery.delivery_id,
        "already_loaded": False,
        "versions": versions,
        **counts,
    }


def record_refusal(
    warehouse: Warehouse,
    delivery: Delivery,
    night: dt.date,
    *,
    staged: Path | None = None,
    rule_code: str,
    reason_vi: str,
    reason_en: str,
) -> None:
    """Note that a delivery was refused, with the reason; the same refusal is noted once.

    Args:
        warehouse: open for writing.
        delivery: which one.
        night: the night whose run refused it.
        staged: its staged file with the gate's tables, when it came that far.
        rule_code: the rule that refused it.
        reason_vi: why, in Vietnamese.
        reason_en: why, in English.
    """
    known = warehouse.value(
        "select count(*) from audit.delivery where delivery_id = :delivery_id"
        " and (state = 'loaded' or (refused_rule = :rule_code and reason_en = :reason_en))",
        {"delivery_id": delivery.delivery_id, "rule_code": rule_code, "reason_en": reason_en},
    )
    if known:
        return
    known_from = first_open_night(warehouse, night)
    refusal = {"refused_rule": rule_code, "reason_vi": reason_vi, "reason_en": reason_en}
    if staged is None:
        with warehouse.transaction():
            _insert_settlement(warehouse, delivery, known_from, "refused", {**_NO_ROWS, **refusal})
        return
    with warehouse.staged(staged) as prefix, warehouse.transaction():
        _note_settlement(warehouse, delivery, prefix, known_from, state="refused", more=refusal)


_NO_ROWS: dict[str, Any] = {
    "format": None,
    "encoding": None,
    "mapping_sha256": None,
    "rows_read": 0,
    "rows_accepted": 0,
    "rows_rejected": 0,
    "rows_repeated": 0,
    "rows_blank": 0,
    "warnings": 0,
    "refused_rule": None,
    "reason_vi": None,
    "reason_en": None,
}


def _note_settlement(
    warehouse: Warehouse,
    delivery: Delivery,
    prefix: str,
    known_from: dt.date,
    *,
    state: str,
    more: dict[str, Any] | None = None,
) -> None:
    counts = warehouse.rows(
        "select r.format, r.encoding, r.mapping_sha256, g.rows_read, g.rows_accepted,"
        " g.rows_rejected, g.rows_repeated, g.rows_blank, g.warnings"
        f" from {prefix}read_summary as r cross join {prefix}gate_summary as g"
    )[0]
    attempt = _insert_settlement(
        warehouse, delivery, known_from, state, {**_NO_ROWS, **counts, **(more or {})}
    )
    warehouse.execute(
        "insert into audit.validation_result"
        " select :delivery_id, :attempt, rule_code, severity, expectation_type, success,"
        " rows_checked, rows_failed, message_vi, message_en, clause, examples"
        f" from {prefix}rule_result",
        {"delivery_id": delivery.delivery_id, "attempt": attempt},
    )


def _insert_settlement(
    warehouse: Warehouse, delivery: Delivery, known_from: dt.date, state: str, facts: dict[str, Any]
) -> int:
    attempts = warehouse.value(
        "select count(*) from audit.delivery where delivery_id = :delivery_id",
        {"delivery_id": delivery.delivery_id},
    )
    row = {
        "delivery_id": delivery.delivery_id,
        "attempt": attempts + 1,
        "state": state,
        "source": delivery.source,
        "feed": delivery.feed,
        "night": delivery.night,
        "kind": delivery.kind,
        "file_name": delivery.file_name,
        "sha256": delivery.sha256,
        "size_bytes": delivery.size_bytes,
        "file_modified_at": delivery.file_modified_at,
        "landed_path": delivery.landed_path,
        "known_from": known_from,
        **facts,
        "settled_at": dt.datetime.now(LOCAL_ZONE),
    }
    warehouse.execute(
        f"insert into audit.delivery ({', '.join(row)}) values ({', '.join(f':{k}' for k in row)})",
        row,
    )
    return int(row["attempt"])


def _find_touched_keys(warehouse: Warehouse, feed: Feed, delivery: Delivery, prefix: str) -> None:
    """Temporary table ``touched``: keys whose history this delivery may change.

    Those that an earlier or a corrected file of the same name stated, those whose rows say
    something new, and for a snapshot those of its source that it no longer holds. ``stated``
    holds the keys that other files of this night speak of.
    """
    key = ", ".join(feed.key)
    same = " and ".join(f"t.{column} = s.{column}" for column in feed.key)
    of_night = (
        f"select distinct {key} from core.{feed.entity}_version where delivery_id in ("
        "select delivery_id from audit.delivery where state = 'loaded' and source = :source"
        " and feed = :feed and night = :night and delivery_id <> :delivery_id"
    )
    slot = {
        "source": delivery.source,
        "feed": delivery.feed,
        "night": delivery.night,
        "delivery_id": delivery.delivery_id,
    }
    warehouse.execute("drop table if exists touched")
    warehouse.execute("drop table if exists stated")
    warehouse.execute(f"create temporary table stated as {of_night})", slot)
    warehouse.execute(
        f"create temporary table touched as {of_night} and file_name = :file_name)",
        {**slot, "file_name": delivery.file_name},
    )
    says_new = _unless_unchanged(feed, delivery)
    warehouse.execute(
        f"insert into touched select distinct {key} from {prefix}accepted_row as s{says_new}",
        {"night": delivery.night} if says_new else None,
    )
    if delivery.kind == "snapshot" and not _has_nameless_rows(warehouse, feed, prefix):
        # A key whose row was rejected is still in the file: it has not vanished.
        warehouse.execute(
            f"insert into touched select distinct {key} from ("
            f"select {key} from core.{feed.entity}_history as h where {_BEFORE}"
            " and delivery_id in (select delivery_id from audit.delivery where source = :source)"
            f" union select {key} from stated) as s"
            f" where not exists (select 1 from {prefix}staged_row as t where {same})",
            {"night": delivery.night, "source": delivery.source},
        )


def _has_nameless_rows(warehouse: Warehouse, feed: Feed, prefix: str) -> bool:
    """Whether a row's key cannot be read: then no key can be said to be missing from the file."""
    unread = " or ".join(f"{column} is null" for column in feed.key)
    return bool(warehouse.value(f"select count(*) from {prefix}staged_row where {unread}"))


#: The state that a night found: what held before any of its own files spoke.
_BEFORE = "h.valid_from < :night and (h.valid_to is null or h.valid_to >= :night)"


def _unless_unchanged(feed: Feed, delivery: Delivery) -> str:
    """Condition on accepted rows ``s``: a snapshot's row counts only where it says a new thing.

    Where another file of the same night speaks of the key, the snapshot's word is kept too:
    which of the two holds does not depend on which was loaded first.
    """
    if delivery.kind == "delta":
        return ""
    known = " and ".join(f"h.{column} = s.{column}" for column in feed.key)
    spoken_of = " and ".join(f"p.{column} = s.{column}" for column in feed.key)
    return (
        f" where exists (select 1 from stated as p where {spoken_of}) or not exists"
        f" (select 1 from core.{feed.entity}_history as h where {known}"
        f" and h.content_hash = s.content_hash and {_BEFORE})"
    )


def _restate_snapshots(
    warehouse: Warehouse, feed: Feed, delivery: Delivery, known_from: dt.date
) -> None:
    """Write out what later snapshots said in silence about the keys touched now.

    A snapshot's unchanged rows are not stored. When an earlier night is loaded after it, "as
    before" would come to mean something else; so, for the touched keys, the snapshot's word is
    stored first, as it stood.
    """
    for snapshot in _later_snapshots(warehouse, delivery):
        _restate(warehouse, feed, snapshot, known_from)


def _later_snapshots(warehouse: Warehouse, delivery: Delivery) -> list[dict[str, Any]]:
    found = warehouse.rows(
        "select distinct delivery_id, night, source from audit.delivery where state = 'loaded'"
        " and kind = 'snapshot' and source = :source and feed = :feed and night >= :night"
        " and delivery_id <> :delivery_id order by night",
        {
            "source": delivery.source,
            "feed": delivery.feed,
            "night": delivery.night,
            "delivery_id": delivery.delivery_id,
        },
    )
    after = [row["night"] for row in found if row["night"] > delivery.night]
    wanted = {delivery.night, *after[:1]}
    return [row for row in found if row["night"] in wanted]


def _restate(
    warehouse: Warehouse, feed: Feed, snapshot: dict[str, Any], known_from: dt.date
) -> None:
    same = " and ".join(f"t.{column} = s.{column}" for column in feed.key)
    said = (
        f"select 1 from core.{feed.entity}_version as s"
        f" where s.delivery_id = :delivery_id and {same}"
    )
    values = ", ".join(
        f"t.{name}" if name in feed.key else f"h.{name}" for name in feed.column_names
    )
    warehouse.execute(
        f"insert into core.{feed.entity}_version (delivery_id, row_number, night, known_from,"
        f" content_hash, is_vanished, {', '.join(feed.column_names)})"
        " select :delivery_id, null, :night, :known_from,"
        f" coalesce(h.content_hash, '{VANISHED}'), h.content_hash is null,"
        f" {values}"
        f" from (select distinct * from touched) as t"
        f" left join core.{feed.entity}_history as h on {same.replace('s.', 'h.')} and {_BEFORE}"
        f" where not exists ({said}) and (h.delivery_id is not null or not exists"
        # a snapshot with a row whose key could not be read has let nothing vanish
        " (select 1 from audit.rejected_row where delivery_id = :delivery_id"
        " and key_text is null)) and (h.delivery_id is null or h.delivery_id in"
        " (select delivery_id from audit.delivery where source = :source))",
        {**snapshot, "known_from": known_from},
    )


def _append_versions(
    warehouse: Warehouse, feed: Feed, delivery: Delivery, prefix: str, known_from: dt.date
) -> int:
    names = ", ".join(feed.column_names)
    parameters = {
        "delivery_id": delivery.delivery_id,
        "night": delivery.night,
        "known_from": known_from,
    }
    is_snapshot = delivery.kind == "snapshot"
    before = warehouse.value(f"select count(*) from core.{feed.entity}_version")
    warehouse.execute(
        f"insert into core.{feed.entity}_version (delivery_id, row_number, night, known_from,"
        f" content_hash, is_vanished, {names})"
        f" select :delivery_id, s.row_number, :night, :known_from, s.content_hash, false, {names}"
        f" from {prefix}accepted_row as s{_unless_unchanged(feed, delivery)}",
        parameters,
    )
    if is_snapshot and not _has_nameless_rows(warehouse, feed, prefix):
        keys = ", ".join(f"s.{column}" for column in feed.key)
        gone = " and ".join(f"t.{column} = s.{column}" for column in feed.key)
        warehouse.execute(
            f"insert into core.{feed.entity}_version (delivery_id, row_number, night, known_from,"
            f" content_hash, is_vanished, {', '.join(feed.key)})"
            f" select :delivery_id, null, :night, :known_from, '{VANISHED}', true, {keys}"
            f" from (select distinct * from touched) as s where not exists"
            f" (select 1 from {prefix}staged_row as t where {gone})",
            parameters,
        )
    return int(warehouse.value(f"select count(*) from core.{feed.entity}_version") - before)


def _refresh_history(warehouse: Warehouse, feed: Feed) -> None:
    same = " and ".join(f"t.{column} = h.{column}" for column in feed.key)
    warehouse.execute("drop table if exists refreshed")
    warehouse.execute(
        "create temporary table refreshed as "
        + history_select(feed, touched="(select distinct * from touched)")
    )
    warehouse.execute(
        f"delete from core.{feed.entity}_history as h"
        f" where exists (select 1 from touched as t where {same})"
    )
    warehouse.execute(f"insert into core.{feed.entity}_history select * from refreshed")


def _quarantine(warehouse: Warehouse, feed: Feed, delivery: Delivery, prefix: str) -> None:
    now = dt.datetime.now(LOCAL_ZONE)
    warehouse.execute(
        "insert into audit.rejected_row select :delivery_id, row_number, :source, :feed, :night,"
        " key_text, rule_code, message_vi, message_en, offending, 'open', :now"
        f" from {prefix}rejected_row",
        {
            "delivery_id": delivery.delivery_id,
            "source": delivery.source,
            "feed": delivery.feed,
            "night": delivery.night,
            "now": now,
        },
    )
    _supersede(warehouse, feed, delivery, prefix, now)


def _supersede(
    warehouse: Warehouse, feed: Feed, delivery: Delivery, prefix: str, now: dt.datetime
) -> None:
    """Close rejected rows whose subject another file of that or a later night states well."""
    key_text = " || '|' || ".join(f"v.{column}" for column in feed.key)
    good = (
        f"select 1 from core.{feed.entity}_version as v where not v.is_vanished"
        f" and {key_text} = r.key_text and v.night >= r.night and v.delivery_id <> r.delivery_id"
    )
    accepted = key_text.replace("v.", "")
    warehouse.execute(
        "update audit.rejected_row as r set state = 'superseded', state_changed_at = :now"
        " where r.state = 'open' and r.feed = :feed"
        " and (r.delivery_id = :delivery_id or r.key_text in"
        f" (select {accepted} from {prefix}accepted_row)) and exists ({good})",
        {"now": now, "feed": delivery.feed, "delivery_id": delivery.delivery_id},
    )
