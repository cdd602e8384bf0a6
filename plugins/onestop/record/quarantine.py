"""``audit.rejected_row``: the rows that the gate rejected, and their state."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.record.key_sql import key_text
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection

    from onestop.record.incoming import Incoming


@dataclass(frozen=True)
class ReplayedRows:
    """What a replay did with the rejected rows of one delivery.

    Attributes:
        rows_replayed: rows that pass now; they are closed.
        rows_repeated: those of them that only repeat another row.
        rows_left_out: rows that the mapping leaves out now; they are closed.
        rows_open: rows still rejected.
        versions: versions added to the record.
    """

    rows_replayed: int
    rows_repeated: int
    rows_left_out: int
    rows_open: int
    versions: int = 0

    @property
    def rows_closed(self) -> int:
        """Rows that are no longer rejected."""
        return self.rows_replayed + self.rows_left_out


def quarantine_rows(load: Incoming, attempt: int) -> None:
    """Record the rejected rows that are not recorded yet.

    On a replay, a row that was loaded before stays loaded even if a rule rejects it now.
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


def _was_loaded_before(load: Incoming, attempt: int) -> bool:
    return bool(
        load.warehouse.value(
            "select count(*) from audit.delivery where delivery_id = :delivery_id"
            " and state = 'loaded' and attempt < :attempt",
            {"delivery_id": load.delivery.delivery_id, "attempt": attempt},
        )
    )


def find_replayed(load: Incoming, rows: Collection[int] | None) -> ReplayedRows:
    """Make the temporary table ``replayed``: rejected rows that now pass or are left out.

    Superseded rows are included: they complete the earlier history. A row that the new reading of
    the file does not contain stays open, so that no row is lost.
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
        "create temporary table replayed as select s.row_number, s.is_repeat,"
        f" false as is_left_out from {prefix}staged_row as s where s.row_number in ({quarantined})"
        f" and s.row_number not in (select row_number from {prefix}rejected_row)"
        f" union all select s.row_number, false, true from {prefix}skipped_row as s"
        f" where s.row_number in ({quarantined})",
        delivery,
    )
    found = warehouse.rows(
        "select count(case when not is_left_out then 1 end) as rows_replayed,"
        " count(case when is_repeat then 1 end) as rows_repeated,"
        " count(case when is_left_out then 1 end) as rows_left_out from replayed"
    )[0]
    still = warehouse.value(
        "select count(distinct row_number) from audit.rejected_row where delivery_id = :delivery_id"
        " and state = 'open' and row_number not in (select row_number from replayed)",
        delivery,
    )
    return ReplayedRows(**found, rows_open=int(still))


def close_replayed(load: Incoming, attempt: int) -> None:
    """Mark the rows of ``replayed`` as loaded, or left out, by this attempt."""
    load.warehouse.execute(
        "update audit.rejected_row as r set state = case when row_number in"
        " (select row_number from replayed where is_left_out) then 'left_out' else 'replayed' end,"
        " replayed_attempt = :attempt, state_changed_at = :now where delivery_id = :delivery_id"
        " and row_number in (select row_number from replayed)",
        {
            "attempt": attempt,
            "now": dt.datetime.now(LOCAL_ZONE),
            "delivery_id": load.delivery.delivery_id,
        },
    )


def supersede_rejected(load: Incoming) -> None:
    """Mark rejected rows superseded once another file of the night or later has a valid row."""
    valid_row = (
        f"select 1 from core.{load.feed.entity}_version as v where not v.is_vanished"
        f" and {key_text(load.feed, 'v')} = r.key_text and v.night >= r.night"
        " and v.delivery_id <> r.delivery_id"
    )
    load.warehouse.execute(
        "update audit.rejected_row as r set state = 'superseded', state_changed_at = :now"
        " where r.state = 'open' and r.feed = :feed"
        " and (r.delivery_id = :delivery_id or r.key_text in"
        f" (select {key_text(load.feed, 'a')} from {load.accepted} as a)) and exists ({valid_row})",
        {
            "now": dt.datetime.now(LOCAL_ZONE),
            "feed": load.delivery.feed,
            "delivery_id": load.delivery.delivery_id,
        },
    )
