"""Loading: a validated delivery becomes part of the record, in one transaction.

``core.<entity>_version`` only grows. ``core.<entity>_history`` is derived from it by
``sql/core/history.sql`` for the keys that the delivery touched.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onestop.schema.feeds import FEEDS, Feed
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from onestop.intake.delivery import Delivery
    from onestop.warehouse import Warehouse

VANISHED = "vanished"
#: Stands in audit.snapshot_scope for all keys of the source.
WHOLE_SOURCE = "*"
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
    covered = [
        "exists (select 1 from scope where scope.source = absent.absent_source"
        f" and scope.night = absent.absent_night and {condition})"
        for condition in _scope_conditions(feed, "absent")
    ]
    needed = [*feed.key, *feed.scope_columns]
    return _HISTORY_SQL.read_text(encoding="utf-8").format(
        entity=feed.entity,
        feed=feed.name,
        key=", ".join(feed.key),
        key_text=_key_text(feed, "version"),
        absence_key=", ".join(f"absence.{column}" for column in feed.key),
        statement_columns="".join(f"statement.{name}, " for name in needed),
        statement_of_version=_same_key(feed, "statement", "version"),
        statement_of_absence=_same_key(feed, "statement", "absence"),
        is_covered=f"({' or '.join(covered)})",
        columns=",\n        ".join(feed.column_names),
        vanished_columns=", ".join(
            name if name in feed.key else "null" for name in feed.column_names
        ),
        precedence="modified_at desc nulls last, " if _has_changes(feed) else "",
        saying="concat(content_hash, ' ', modified_at)" if _has_changes(feed) else "content_hash",
        touched=(
            f"inner join {touched} as touched on {_same_key(feed, 'version', 'touched')}"
            if touched
            else ""
        ),
        known_on=known_on,
    )


def history_insert(feed: Feed, select: str) -> str:
    """The statement that adds the rows of a SELECT to ``core.<entity>_history``."""
    columns = ", ".join(feed.history_columns)
    return (
        f"insert into core.{feed.entity}_history ({columns})"
        f" select {columns} from ({select}) as added"
    )


def _same_key(feed: Feed, one: str, other: str) -> str:
    return " and ".join(f"{one}.{column} = {other}.{column}" for column in feed.key)


def _scope_conditions(feed: Feed, alias: str, scope: str = "scope") -> list[str]:
    """Conditions, of which one must hold, under which a snapshot's scope covers a row."""
    return [
        f"{scope}.column_name = '{WHOLE_SOURCE}'",
        *(
            f"{scope}.column_name = '{name}' and {scope}.value = {alias}.{name}"
            for name in feed.scope_columns
        ),
    ]


def _covers(feed: Feed, alias: str, scope: str = "scope") -> str:
    conditions = " or ".join(f"({one})" for one in _scope_conditions(feed, alias, scope))
    return f"({conditions})"


def _has_changes(feed: Feed) -> bool:
    """Whether the rows of a feed say when they were last changed."""
    return "modified_at" in feed.column_names


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
    """The first night whose figures may rest on a delivery that describes ``night``.

    A published night is never reopened: what comes later is known from the next one on.
    Whichever run loads the delivery makes no difference.
    """
    last = warehouse.value("select max(as_of_date) from audit.publication")
    return night if last is None else max(night, last + dt.timedelta(days=1))


def load_delivery(warehouse: Warehouse, delivery: Delivery, staged: Path) -> dict[str, Any]:
    """Append a validated delivery's rows to the record and refresh the history they touch.

    Loading a delivery again changes nothing.

    Args:
        warehouse: open for writing.
        delivery: which one.
        staged: its staged file, with the gate's tables.

    Returns:
        Counts: ``rows_accepted``, ``rows_rejected``, ``versions``, ``already_loaded``.
    """
    if is_settled(warehouse, delivery.delivery_id):
        return {"delivery_id": delivery.delivery_id, "already_loaded": True}
    with warehouse.staged(staged) as prefix, warehouse.transaction():
        known_from = first_open_night(warehouse, delivery.night)
        attempt = _note_settlement(warehouse, delivery, prefix, known_from, state="loaded")
        load = _Load(warehouse, FEEDS[delivery.feed], delivery, prefix, f"{prefix}accepted_row")
        _quarantine(load, attempt)
        load.find_touched_keys(known_from)
        versions = load.write(known_from)
        _supersede(load)
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


def load_replayed(
    warehouse: Warehouse,
    delivery: Delivery,
    staged: Path,
    *,
    rows: Collection[int] | None = None,
    is_trial: bool = False,
) -> dict[str, Any]:
    """Take into the record those quarantined rows of a loaded delivery that are good by now.

    A row that passed before is not touched: what was loaded stands. A row that is still bad
    stays open; rules that it did not break before are added to its reasons. When nothing can be
    closed, nothing is written.

    Args:
        warehouse: open for writing.
        delivery: which one; it was loaded before.
        staged: its file, staged again, with the gate's tables.
        rows: only these row numbers; all that are open unless given.
        is_trial: only count.

    Returns:
        Counts: ``rows_replayed`` (closed now; of them ``rows_repeated`` only repeat another
        row), ``rows_open`` (still rejected) and ``versions``.
    """
    with warehouse.staged(staged) as prefix, warehouse.transaction():
        load = _Load(
            warehouse,
            FEEDS[delivery.feed],
            delivery,
            prefix,
            f"(select a.* from {prefix}accepted_row as a"
            " where a.row_number in (select row_number from replayed))",
            is_replay=True,
        )
        counts = _find_replayed(load, rows)
        if is_trial or not counts["rows_replayed"]:
            return {"delivery_id": delivery.delivery_id, **counts, "versions": 0}
        known_from = first_open_night(warehouse, delivery.night)
        attempt = _note_replay(load, known_from, counts)
        load.find_replayed_keys(known_from)
        _close_replayed(load, attempt)
        _quarantine(load, attempt)
        versions = load.write(known_from)
        _supersede(load)
    return {"delivery_id": delivery.delivery_id, **counts, "versions": versions}


def _find_replayed(load: _Load, rows: Collection[int] | None) -> dict[str, int]:
    """Temporary table ``replayed``: the quarantined rows that need not stay there.

    Those that a later version superseded are among them: they tell how things stood before. A
    row that the file is no longer seen to have stays open: nothing disappears by being read in
    another way.
    """
    warehouse, prefix = load.warehouse, load.prefix
    delivery = {"delivery_id": load.delivery.delivery_id}
    quarantined = (
        "select distinct row_number from audit.rejected_row"
        " where delivery_id = :delivery_id and replayed_attempt is null"
    )
    if rows is not None:
        quarantined += f" and row_number in ({', '.join(str(int(row)) for row in rows) or 'null'})"
    warehouse.execute("drop table if exists replayed")
    warehouse.execute(
        "create temporary table replayed as select s.row_number, s.is_repeat"
        f" from {prefix}staged_row as s where s.row_number in ({quarantined})"
        f" and s.row_number not in (select row_number from {prefix}rejected_row)",
        delivery,
    )
    found = warehouse.rows(
        "select count(*) as rows_replayed, count(case when is_repeat then 1 end) as rows_repeated"
        " from replayed"
    )[0]
    still = warehouse.value(
        "select count(distinct row_number) from audit.rejected_row where delivery_id = :delivery_id"
        " and state = 'open' and row_number not in (select row_number from replayed)",
        delivery,
    )
    return {**found, "rows_open": still}


def _note_replay(load: _Load, known_from: dt.date, counts: dict[str, int]) -> int:
    """A further attempt on the delivery: the counts of the last one, less what is closed now."""
    last = load.warehouse.rows(
        "select rows_read, rows_accepted, rows_rejected, rows_repeated, rows_blank, rows_skipped,"
        " skip_reasons from audit.delivery where delivery_id = :delivery_id and state = 'loaded'"
        " order by attempt desc",
        {"delivery_id": load.delivery.delivery_id},
    )[0]
    replayed, repeated = counts["rows_replayed"], counts["rows_repeated"]
    stands = {
        "rows_read": last["rows_read"],
        "rows_blank": last["rows_blank"],
        "rows_skipped": last["rows_skipped"],
        "skip_reasons": last["skip_reasons"],
        "rows_rejected": last["rows_rejected"] - replayed,
        "rows_accepted": last["rows_accepted"] + replayed - repeated,
        "rows_repeated": last["rows_repeated"] + repeated,
    }
    return _note_settlement(
        load.warehouse, load.delivery, load.prefix, known_from, state="loaded", more=stands
    )


def _close_replayed(load: _Load, attempt: int) -> None:
    load.warehouse.execute(
        "update audit.rejected_row set state = 'replayed', replayed_attempt = :attempt,"
        " state_changed_at = :now where delivery_id = :delivery_id"
        " and row_number in (select row_number from replayed)",
        {
            "attempt": attempt,
            "now": dt.datetime.now(LOCAL_ZONE),
            "delivery_id": load.delivery.delivery_id,
        },
    )


def record_refusal(
    warehouse: Warehouse,
    delivery: Delivery,
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
    known_from = first_open_night(warehouse, delivery.night)
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
    "suite_sha256": None,
    "rows_read": 0,
    "rows_accepted": 0,
    "rows_rejected": 0,
    "rows_repeated": 0,
    "rows_blank": 0,
    "rows_skipped": 0,
    "skip_reasons": None,
    "warnings": 0,
}
_NO_REFUSAL: dict[str, Any] = {"refused_rule": None, "reason_vi": None, "reason_en": None}


def _note_settlement(
    warehouse: Warehouse,
    delivery: Delivery,
    prefix: str,
    known_from: dt.date,
    *,
    state: str,
    more: dict[str, Any] | None = None,
) -> int:
    found = warehouse.rows(
        "select r.format, r.encoding, r.mapping_sha256, r.skip_reasons, g.*"
        f" from {prefix}read_summary as r cross join {prefix}gate_summary as g"
    )[0]
    # A file that an earlier release put through its gate does not say by which suite.
    facts = {name: found.get(name, nothing) for name, nothing in _NO_ROWS.items()}
    attempt = _insert_settlement(
        warehouse, delivery, known_from, state, {**facts, **_NO_REFUSAL, **(more or {})}
    )
    warehouse.execute(
        "insert into audit.validation_result (delivery_id, attempt, rule_code, severity,"
        " expectation_type, is_success, rows_checked, rows_failed, message_vi, message_en, clause,"
        " examples) select :delivery_id, :attempt, rule_code, severity, expectation_type, success,"
        " rows_checked, rows_failed, message_vi, message_en, clause, examples"
        f" from {prefix}rule_result",
        {"delivery_id": delivery.delivery_id, "attempt": attempt},
    )
    return attempt


def _insert_settlement(
    warehouse: Warehouse, delivery: Delivery, known_from: dt.date, state: str, facts: dict[str, Any]
) -> int:
    attempts = warehouse.value(
        "select count(*) from audit.delivery where delivery_id = :delivery_id",
        {"delivery_id": delivery.delivery_id},
    )
    is_read = bool(delivery.sha256)
    row = {
        "delivery_id": delivery.delivery_id,
        "attempt": attempts + 1,
        "state": state,
        "source": delivery.source,
        "feed": delivery.feed,
        "night": delivery.night,
        "kind": delivery.kind,
        "file_name": delivery.file_name,
        "sha256": delivery.sha256 if is_read else None,
        "size_bytes": delivery.size_bytes if is_read else None,
        "file_modified_at": delivery.file_modified_at if is_read else None,
        "landed_path": delivery.landed_path if is_read else None,
        "known_from": known_from,
        **facts,
        "settled_at": dt.datetime.now(LOCAL_ZONE),
    }
    warehouse.execute(
        f"insert into audit.delivery ({', '.join(row)}) values ({', '.join(f':{k}' for k in row)})",
        row,
    )
    return int(row["attempt"])


@dataclass(frozen=True)
class _Load:
    """Rows of one staged delivery on their way into the record.

    Attributes:
        warehouse: in a transaction.
        feed: of the delivery.
        delivery: which one.
        prefix: names the staged file's tables.
        accepted: relation of the rows that are taken.
        is_replay: whether the delivery was loaded before; what it said then stands.
    """

    warehouse: Warehouse
    feed: Feed
    delivery: Delivery
    prefix: str
    accepted: str
    is_replay: bool = False

    @property
    def slot(self) -> dict[str, Any]:
        """What tells files of the same source, feed and night."""
        return {
            "source": self.delivery.source,
            "feed": self.delivery.feed,
            "night": self.delivery.night,
            "delivery_id": self.delivery.delivery_id,
        }

    @property
    def key(self) -> str:
        """The key columns."""
        return ", ".join(self.feed.key)

    def write(self, known_from: dt.date) -> int:
        """Append what the rows say of the touched keys; returns how many versions."""
        _write_out_snapshots(self, known_from)
        versions = self.append_versions(known_from)
        _refresh_history(self.warehouse, self.feed)
        return versions

    @property
    def _is_snapshot(self) -> bool:
        return self.delivery.kind == "snapshot"

    def find_touched_keys(self, known_from: dt.date) -> None:
        """Temporary table ``touched``: keys whose history this delivery may change.

        Those that an earlier or a corrected file of the same path stated, those whose rows say
        something new, and for a snapshot those that it does not hold.
        """
        self._find_stated_keys()
        self.warehouse.execute(
            f"create temporary table touched as {self._keys_of_night} and file_name = :file_name)",
            {**self.slot, "file_name": self.delivery.file_name},
        )
        replaces = self.warehouse.value(
            "select count(*) from audit.delivery where state = 'loaded' and source = :source"
            " and feed = :feed and night = :night and file_name = :file_name"
            " and delivery_id <> :delivery_id",
            {**self.slot, "file_name": self.delivery.file_name},
        )
        is_new = self._enter_scopes(known_from)
        self._touch_new()
        if not self._is_snapshot:
            self.warehouse.execute(f"insert into touched ({self.key}) {self._keys_left_out}")
        else:
            self._touch_missing()
            self._touch_rejected()
            if replaces or is_new or self._has_nameless_rows():
                self._touch_absent()

    @property
    def _keys_left_out(self) -> str:
        """SELECT of the keys that the mapping leaves out, and that no other row of the file has."""
        same = " and ".join(f"t.{column} = s.{column}" for column in self.feed.key)
        named = " and ".join(f"{column} is not null" for column in self.feed.key)
        return (
            f"select distinct {self.key} from {self.prefix}skipped_row as s where {named} and"
            f" not exists (select 1 from {self.prefix}staged_row as t where {same})"
        )

    def find_replayed_keys(self, known_from: dt.date) -> None:
        """Temporary table ``touched``, where rows of a loaded delivery are replayed.

        A snapshot whose keys can all be read only now has only now let keys vanish.
        """
        self._find_stated_keys()
        self.warehouse.execute(
            f"create temporary table touched as select {self.key} from stated where 1 = 0"
        )
        is_new = self._enter_scopes(known_from)
        self._touch_new()
        if self._is_snapshot:
            self._touch_missing()
            if is_new or self._replays_nameless_rows():
                self._touch_absent()

    @property
    def _keys_of_night(self) -> str:
        return (
            f"select distinct {self.key} from core.{self.feed.entity}_version where delivery_id in"
            " (select delivery_id from audit.delivery where state = 'loaded' and source = :source"
            " and feed = :feed and night = :night and delivery_id <> :delivery_id"
        )

    def _find_stated_keys(self) -> None:
        """Temporary table ``stated``: the keys that other files of this night speak of."""
        for name in ("touched", "stated", "missing", "sibling"):
            self.warehouse.execute(f"drop table if exists {name}")
        self.warehouse.execute(
            f"create temporary table stated as {self._keys_of_night})", self.slot
        )
        self.warehouse.execute(
            f"create temporary table missing as select {self.key} from stated where 1 = 0"
        )
        self.warehouse.execute(
            f"create temporary table sibling as {_CURRENT_SNAPSHOTS} and file_name <> :file_name",
            {
                **{name: self.slot[name] for name in ("source", "feed", "night")},
                "file_name": self.delivery.file_name,
            },
        )

    def _enter_scopes(self, known_from: dt.date) -> bool:
        """Note what a snapshot covers; returns whether the night's other parts did not.

        The first part that covers a scope is its anchor: rows that it holds unchanged need not be
        stored, because a key of the scope without any version by the anchor is held by it.
        """
        if not self._is_snapshot:
            return False
        covers, value = self._scope
        if covers == WHOLE_SOURCE:
            values = f"select '{WHOLE_SOURCE}' as column_name, '' as value"
        elif value is not None:
            values = f"select '{covers}' as column_name, cast(:value as varchar) as value"
        else:
            values = (
                f"select distinct '{covers}' as column_name, {covers} as value"
                f" from {self.accepted} as a where {covers} is not null"
            )
        others = (
            "select 1 from audit.snapshot_scope as o where o.delivery_id in"
            " (select delivery_id from sibling) and"
        )
        own = {"delivery_id": self.delivery.delivery_id}
        before = self.warehouse.value("select count(*) from audit.snapshot_scope")
        self.warehouse.execute(
            "insert into audit.snapshot_scope (delivery_id, column_name, value, is_anchor,"
            " known_from) select :delivery_id, n.column_name, n.value, not exists"
            f" ({others} (o.column_name <> n.column_name or o.value = n.value)), :known_from"
            f" from ({values}) as n where not exists (select 1 from audit.snapshot_scope as o"
            " where o.delivery_id = :delivery_id and o.column_name = n.column_name"
            " and o.value = n.value)",
            {**own, "known_from": known_from, **({"value": value} if value is not None else {})},
        )
        if before == self.warehouse.value("select count(*) from audit.snapshot_scope"):
            return False
        return bool(
            self.warehouse.value(
                "select count(*) from audit.snapshot_scope as n where n.delivery_id = :delivery_id"
                f" and not exists ({others} o.column_name = n.column_name and o.value = n.value)",
                own,
            )
        )

    @property
    def _scope(self) -> tuple[str, str | None]:
        """The column whose values the snapshot covers, and the value that its path names."""
        found = self.warehouse.rows(f"select covers, covered from {self.prefix}read_summary")[0]
        covers = found["covers"]
        if covers not in self.feed.scope_columns:
            return WHOLE_SOURCE, None
        return str(covers), found["covered"]

    def _touch_new(self) -> None:
        says_new, parameters = self._unless_unchanged()
        self.warehouse.execute(
            f"insert into touched ({self.key}) select distinct {self.key}"
            f" from {self.accepted} as s{says_new}",
            parameters or None,
        )

    def _touch_missing(self) -> None:
        """Temporary table ``missing``: keys that the source stated and the snapshot lacks.

        Only in scopes without another anchor, which has noted its own. A key whose row was
        rejected is still in the file: it is not missing.
        """
        rows = self.warehouse.rows(
            "select distinct column_name, value from audit.snapshot_scope as g where delivery_id in"
            " (select delivery_id from sibling union all select cast(:delivery_id as varchar))"
            " and not exists (select 1 from audit.snapshot_scope as o where o.is_anchor"
            " and o.delivery_id in (select delivery_id from sibling)"
            " and o.column_name = g.column_name and o.value = g.value)",
            {"delivery_id": self.delivery.delivery_id},
        )
        conditions, parameters = _in_scopes("h", [(r["column_name"], r["value"]) for r in rows])
        self.warehouse.execute(
            f"insert into missing ({self.key}) select distinct {self.key}"
            f" from core.{self.feed.entity}_history as h where {_BEFORE} and {_OF_SOURCE}"
            f" and {conditions} and not exists (select 1 from {self.prefix}staged_row as t"
            f" where {_same_key(self.feed, 't', 'h')})",
            {"night": self.delivery.night, "source": self.delivery.source, **parameters},
        )
        self.warehouse.execute(f"insert into touched ({self.key}) select {self.key} from missing")

    def _touch_rejected(self) -> None:
        """Keys that the file holds in rejected rows, and that other parts do not hold."""
        self.warehouse.execute(
            f"insert into touched ({self.key}) select {self.key} from stated as s where exists"
            f" (select 1 from {self.prefix}staged_row as t where {_same_key(self.feed, 't', 's')}"
            f" and t.row_number in (select row_number from {self.prefix}rejected_row))"
        )

    def _touch_absent(self) -> None:
        """Keys that parts of this night's snapshot do not hold."""
        self.warehouse.execute(
            f"insert into touched ({self.key}) {self._keys_of_night}) and is_vanished", self.slot
        )

    def _has_nameless_rows(self) -> bool:
        """Whether a row's key cannot be read."""
        unread = " or ".join(f"{column} is null" for column in self.feed.key)
        return bool(
            self.warehouse.value(f"select count(*) from {self.prefix}staged_row where {unread}")
        )

    def _replays_nameless_rows(self) -> bool:
        """Whether a row is replayed whose key could not be read before."""
        return bool(
            self.warehouse.value(
                "select count(*) from audit.rejected_row where delivery_id = :delivery_id"
                " and key_text is null and row_number in (select row_number from replayed)",
                {"delivery_id": self.delivery.delivery_id},
            )
        )

    def _unless_unchanged(self) -> tuple[str, dict[str, Any]]:
        """Condition on accepted rows ``s``: a snapshot's row is stored where it says a new thing.

        Also where another file of the same night speaks of the key, and outside the scopes that
        the file is the anchor of.
        """
        if not self._is_snapshot:
            return "", {}
        covers, _ = self._scope
        anchored = (
            "select value from audit.snapshot_scope where delivery_id = :delivery_id"
            f" and column_name = '{covers}' and is_anchor"
        )
        is_anchored = (
            f"exists ({anchored})" if covers == WHOLE_SOURCE else f"s.{covers} in ({anchored})"
        )
        same_change = (
            " and h.modified_at is not distinct from s.modified_at"
            if _has_changes(self.feed)
            else ""
        )
        return (
            " where exists (select 1 from stated as p where"
            f" {_same_key(self.feed, 'p', 's')}) or not ({is_anchored} and exists"
            f" (select 1 from core.{self.feed.entity}_history as h where"
            f" {_same_key(self.feed, 'h', 's')} and h.content_hash = s.content_hash{same_change}"
            f" and {_BEFORE} and {_OF_SOURCE}))"
        ), {
            "night": self.delivery.night,
            "source": self.delivery.source,
            "delivery_id": self.delivery.delivery_id,
        }

    def append_versions(self, known_from: dt.date) -> int:
        """What the rows say, and which keys a snapshot lacks."""
        entity, names = self.feed.entity, ", ".join(self.feed.column_names)
        parameters = {
            "delivery_id": self.delivery.delivery_id,
            "night": self.delivery.night,
            "known_from": known_from,
        }
        before = self.warehouse.value(f"select count(*) from core.{entity}_version")
        says_new, more = self._unless_unchanged()
        self.warehouse.execute(
            f"insert into core.{entity}_version (delivery_id, row_number, night, known_from,"
            f" content_hash, is_vanished, {names})"
            " select :delivery_id, s.row_number, :night, :known_from, s.content_hash, false,"
            f" {names} from {self.accepted} as s{says_new}",
            {**parameters, **more},
        )
        own = (
            f"select 1 from core.{entity}_version as v where v.delivery_id = :delivery_id"
            f" and {_same_key(self.feed, 'v', 's')}"
        )
        self.warehouse.execute(
            f"insert into core.{entity}_version (delivery_id, row_number, night, known_from,"
            f" content_hash, is_vanished, {self.key})"
            f" select :delivery_id, null, :night, :known_from, '{VANISHED}', true, {self.key}"
            f" from (select distinct * from missing) as s where not exists ({own})",
            parameters,
        )
        self._end_left_out(parameters)
        return int(self.warehouse.value(f"select count(*) from core.{entity}_version") - before)

    def _end_left_out(self, parameters: dict[str, Any]) -> None:
        """Let what was known of a key end where a delta's row of it is left out by the mapping.

        In a snapshot such a key is one that is not there.
        """
        if self.delivery.kind != "delta" or self.is_replay:
            return
        entity = self.feed.entity
        changed = ", modified_at" if _has_changes(self.feed) else ""
        last = ", max(modified_at) as modified_at" if changed else ""
        keys = " and ".join(f"s.{column} = k.{column}" for column in self.feed.key)
        self.warehouse.execute(
            f"insert into core.{entity}_version (delivery_id, row_number, night, known_from,"
            f" content_hash, is_vanished, {self.key}{changed})"
            f" select :delivery_id, max(s.row_number), :night, :known_from, '{VANISHED}', true,"
            f" {', '.join(f's.{column}' for column in self.feed.key)}{last}"
            f" from {self.prefix}skipped_row as s inner join ({self._keys_left_out}) as k on {keys}"
            f" group by {', '.join(f's.{column}' for column in self.feed.key)}",
            parameters,
        )


#: The state that a night found: what held before any of its own files spoke.
_BEFORE = "h.valid_from < :night and (h.valid_to is null or h.valid_to >= :night)"
#: This source stated the row of the history.
_OF_SOURCE = "h.delivery_id in (select delivery_id from audit.delivery where source = :source)"
#: The snapshot files of a night that no corrected file replaces.
_CURRENT_SNAPSHOTS = (
    "select delivery_id from (select *, row_number() over (partition by file_name"
    " order by file_modified_at desc, sha256 desc) as place from (select distinct delivery_id,"
    " kind, file_name, file_modified_at, sha256 from audit.delivery where state = 'loaded'"
    " and source = :source and feed = :feed and night = :night) as loaded) as ranked"
    " where place = 1 and kind = 'snapshot'"
)


def _in_scopes(alias: str, scopes: list[tuple[str, str]]) -> tuple[str, dict[str, Any]]:
    """Condition that one of the scopes covers a row, with its parameters."""
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


def _write_out_snapshots(load: _Load, known_from: dt.date) -> None:
    """Store what snapshots left implicit about the touched keys, before the load changes it.

    A snapshot's unchanged rows are not stored. Where another file of the night speaks of a key,
    or an earlier night is loaded after it, "unchanged" would come to mean something else. So, for
    the touched keys, what each snapshot holds is stored first; and which of them the later nights'
    snapshots lack, until a night states the key or certainly lets it vanish.
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
    _store_held(load, "sibling", delivery.night, known_from)
    if not later:
        return
    # Every scope that a pending key may belong to.
    columns = ", ".join((*feed.key, *feed.scope_columns))
    warehouse.execute(
        f"create temporary table candidate as select distinct {columns} from ("
        f"select {columns} from core.{feed.entity}_version as v where not is_vanished and exists"
        f" (select 1 from pending as t where {_same_key(feed, 't', 'v')})"
        f" union all select {columns} from {load.accepted} as v where exists"
        f" (select 1 from pending as t where {_same_key(feed, 't', 'v')})) as c"
    )
    for night in (row["night"] for row in later):
        warehouse.execute("drop table if exists part")
        warehouse.execute(
            f"create temporary table part as {_CURRENT_SNAPSHOTS}", {**slot, "night": night}
        )
        _store_held(load, "part", night, known_from)
        _store_absent(load, night, known_from)
        _settle(load)
        if not warehouse.value("select count(*) from pending"):
            return


#: Condition: the row of key text {key_text} of file {file} was rejected, and not replayed.
_QUARANTINED = (
    "exists (select 1 from audit.rejected_row as r where r.delivery_id = {file}.delivery_id"
    " and r.replayed_attempt is null and r.key_text = {key_text})"
)


def _store_held(load: _Load, files: str, night: dt.date, known_from: dt.date) -> None:
    """Store the unchanged rows of pending keys under the files that are anchors of their scope."""
    feed = load.feed
    values = ", ".join(f"h.{name}" for name in feed.column_names)
    quarantined = _QUARANTINED.format(file="scope", key_text=_key_text(feed, "h"))
    load.warehouse.execute(
        f"insert into core.{feed.entity}_version (delivery_id, row_number, night, known_from,"
        f" content_hash, is_vanished, {', '.join(feed.column_names)})"
        f" select scope.delivery_id, null, :night, :known_from, h.content_hash, false, {values}"
        f" from pending as t inner join core.{feed.entity}_history as h"
        f" on {_same_key(feed, 't', 'h')} and {_BEFORE}"
        f" inner join audit.snapshot_scope as scope on {_covers(feed, 'h')} and scope.is_anchor"
        f" where scope.delivery_id in (select delivery_id from {files}) and {_OF_SOURCE}"
        f" and not {quarantined}"
        f" and not exists (select 1 from core.{feed.entity}_version as v"
        f" where v.delivery_id = scope.delivery_id and {_same_key(feed, 'v', 't')})",
        {"night": night, "known_from": known_from, "source": load.delivery.source},
    )


def _store_absent(load: _Load, night: dt.date, known_from: dt.date) -> None:
    """Note which pending keys the parts of a later night lack, in scopes that they may be of."""
    feed = load.feed
    keys = ", ".join(f"c.{column}" for column in feed.key)
    quarantined = _QUARANTINED.format(file="scope", key_text=_key_text(feed, "c"))
    load.warehouse.execute(
        f"insert into core.{feed.entity}_version (delivery_id, row_number, night, known_from,"
        f" content_hash, is_vanished, {', '.join(feed.key)})"
        f" select distinct scope.delivery_id, cast(null as bigint), cast(:night as date),"
        f" cast(:known_from as date), '{VANISHED}', true, {keys}"
        f" from candidate as c inner join audit.snapshot_scope as scope on {_covers(feed, 'c')}"
        " where scope.delivery_id in (select delivery_id from part)"
        f" and exists (select 1 from pending as t where {_same_key(feed, 't', 'c')})"
        " and (scope.is_anchor or not exists (select 1 from audit.snapshot_scope as o"
        " where o.is_anchor and o.delivery_id in (select delivery_id from part)"
        " and o.column_name = scope.column_name and o.value = scope.value))"
        f" and not {quarantined}"
        f" and not exists (select 1 from core.{feed.entity}_version as v"
        f" where v.delivery_id = scope.delivery_id and {_same_key(feed, 'v', 'c')})",
        {"night": night, "known_from": known_from},
    )


def _settle(load: _Load) -> None:
    """Take away the pending keys on which the parts of a night decide, whatever was before."""
    feed, warehouse = load.feed, load.warehouse
    warehouse.execute(
        f"delete from pending as t where exists (select 1 from core.{feed.entity}_version as v"
        " where not v.is_vanished and v.delivery_id in (select delivery_id from part)"
        f" and {_same_key(feed, 'v', 't')})"
    )
    has_unread = warehouse.value(
        "select count(*) from audit.rejected_row where replayed_attempt is null"
        " and delivery_id in (select delivery_id from part)"
    )
    if not has_unread:
        warehouse.execute(
            "delete from pending as t where not exists (select 1 from candidate as c"
            f" where {_same_key(feed, 'c', 't')} and not exists (select 1"
            " from audit.snapshot_scope as scope where scope.delivery_id in"
            f" (select delivery_id from part) and {_covers(feed, 'c')}))"
        )


def _refresh_history(warehouse: Warehouse, feed: Feed) -> None:
    same = _same_key(feed, "t", "h")
    warehouse.execute("drop table if exists refreshed")
    warehouse.execute(
        "create temporary table refreshed as "
        + history_select(feed, touched="(select distinct * from touched)")
    )
    warehouse.execute(
        f"delete from core.{feed.entity}_history as h"
        f" where exists (select 1 from touched as t where {same})"
    )
    warehouse.execute(history_insert(feed, "select * from refreshed"))


def _quarantine(load: _Load, attempt: int) -> None:
    """Enter what is not there yet of the gate's rejected rows: the histories rest on them.

    On a replay, a row that passed when the delivery was loaded stands, whatever is said of it now.
    """
    load.warehouse.execute(
        "insert into audit.rejected_row (delivery_id, row_number, source, feed, night, key_text,"
        " rule_code, message_vi, message_en, offending, state, state_changed_at, attempt)"
        " select :delivery_id, row_number, :source, :feed, :night, key_text, rule_code,"
        " message_vi, message_en, offending, 'open', :now, :attempt"
        f" from {load.prefix}rejected_row as n where not exists (select 1 from audit.rejected_row"
        " as r where r.delivery_id = :delivery_id and r.row_number = n.row_number"
        " and r.rule_code = n.rule_code) and (:is_first or exists (select 1 from"
        " audit.rejected_row as r where r.delivery_id = :delivery_id"
        " and r.row_number = n.row_number and r.state = 'open'))",
        {
            **load.slot,
            "now": dt.datetime.now(LOCAL_ZONE),
            "attempt": attempt,
            "is_first": not _was_loaded_before(load, attempt),
        },
    )


def _was_loaded_before(load: _Load, attempt: int) -> bool:
    return bool(
        load.warehouse.value(
            "select count(*) from audit.delivery where delivery_id = :delivery_id"
            " and state = 'loaded' and attempt < :attempt",
            {"delivery_id": load.delivery.delivery_id, "attempt": attempt},
        )
    )


def _supersede(load: _Load) -> None:
    """Close rejected rows whose subject another file of that or a later night states well."""
    good = (
        f"select 1 from core.{load.feed.entity}_version as v where not v.is_vanished"
        f" and {_key_text(load.feed, 'v')} = r.key_text and v.night >= r.night"
        " and v.delivery_id <> r.delivery_id"
    )
    load.warehouse.execute(
        "update audit.rejected_row as r set state = 'superseded', state_changed_at = :now"
        " where r.state = 'open' and r.feed = :feed"
        " and (r.delivery_id = :delivery_id or r.key_text in"
        f" (select {_key_text(load.feed, 'a')} from {load.accepted} as a)) and exists ({good})",
        {
            "now": dt.datetime.now(LOCAL_ZONE),
            "feed": load.delivery.feed,
            "delivery_id": load.delivery.delivery_id,
        },
    )


def _key_text(feed: Feed, alias: str) -> str:
    """The key of a row as the quarantine writes it."""
    return " || '|' || ".join(f"cast({alias}.{column} as varchar)" for column in feed.key)
