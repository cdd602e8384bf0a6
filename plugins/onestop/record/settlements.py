"""``audit.delivery``: one row for each time a delivery was loaded, replayed or refused."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from onestop.record.publications import last_published
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from onestop.intake.delivery import Delivery
    from onestop.record.incoming import Incoming
    from onestop.record.quarantine import ReplayedRows
    from onestop.warehouse import Warehouse

#: Columns of a delivery that was refused before its rows were read.
NO_ROWS: dict[str, Any] = {
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


def is_loaded(warehouse: Warehouse, delivery_id: str) -> bool:
    """Whether the delivery was loaded."""
    return bool(
        warehouse.value(
            "select count(*) from audit.delivery"
            " where delivery_id = :delivery_id and state = 'loaded'",
            {"delivery_id": delivery_id},
        )
    )


def first_open_night(warehouse: Warehouse, night: dt.date) -> dt.date:
    """The first night whose figures may include a delivery of ``night``.

    A published night never changes: a delivery loaded after it counts from the next night on.
    """
    last = last_published(warehouse)
    return night if last is None else max(night, last + dt.timedelta(days=1))


def note_settlement(
    warehouse: Warehouse,
    delivery: Delivery,
    prefix: str,
    known_from: dt.date,
    *,
    state: str,
    more: dict[str, Any] | None = None,
) -> int:
    """Record one attempt on a staged delivery, with what each rule found.

    Args:
        warehouse: in a transaction.
        delivery: the delivery.
        prefix: prefix of the names of the staged file's tables.
        known_from: first night whose figures include it.
        state: ``loaded`` or ``refused``.
        more: values of ``audit.delivery`` that replace those of the staged file.

    Returns:
        The attempt's number.
    """
    found = warehouse.rows(
        "select r.format, r.encoding, r.mapping_sha256, r.skip_reasons, g.*"
        f" from {prefix}read_summary as r cross join {prefix}gate_summary as g"
    )[0]
    # Files that an earlier release validated lack the suite's digest.
    facts = {name: found.get(name, nothing) for name, nothing in NO_ROWS.items()}
    attempt = insert_settlement(
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


def insert_settlement(
    warehouse: Warehouse, delivery: Delivery, known_from: dt.date, state: str, facts: dict[str, Any]
) -> int:
    """Add a row to ``audit.delivery``; returns the attempt's number."""
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


def note_replay(load: Incoming, known_from: dt.date, found: ReplayedRows) -> int:
    """Record a replay: the counts of the last attempt, minus the rows closed now."""
    last = load.warehouse.rows(
        "select rows_read, rows_accepted, rows_rejected, rows_repeated, rows_blank, rows_skipped,"
        " skip_reasons from audit.delivery where delivery_id = :delivery_id and state = 'loaded'"
        " order by attempt desc",
        {"delivery_id": load.delivery.delivery_id},
    )[0]
    remaining = {
        "rows_read": last["rows_read"],
        "rows_blank": last["rows_blank"],
        "rows_skipped": (last["rows_skipped"] or 0) + found.rows_left_out,
        "skip_reasons": _skip_reasons(load, last["skip_reasons"]),
        "rows_rejected": last["rows_rejected"] - found.rows_closed,
        "rows_accepted": last["rows_accepted"] + found.rows_replayed - found.rows_repeated,
        "rows_repeated": last["rows_repeated"] + found.rows_repeated,
    }
    return note_settlement(
        load.warehouse, load.delivery, load.prefix, known_from, state="loaded", more=remaining
    )


def _skip_reasons(load: Incoming, before: str | None) -> str | None:
    """The counts of left-out rows by reason, with the rows that a replay closes as left out."""
    counts: Counter[str] = Counter(json.loads(before) if before else {})
    for row in load.warehouse.rows(
        f"select skip_reason, count(*) as n from {load.left_out} as s group by skip_reason"
    ):
        counts[row["skip_reason"]] += int(row["n"])
    return json.dumps(dict(sorted(counts.items())), ensure_ascii=False) if counts else None
