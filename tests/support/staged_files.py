"""Staged delivery files made from rows given as dictionaries, without reading any export."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from onestop.intake.delivery import Delivery
from onestop.schema.feeds import DUCKDB_TYPES, FEEDS, Feed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ZONE = "Asia/Ho_Chi_Minh"

#: The tables that validation adds to a staged file whose rows are all valid.
AFTER_A_CLEAN_GATE = """
create view accepted_row as select * from staged_row;
create table rejected_row (row_number bigint, key_text varchar, rule_code varchar,
    severity varchar, message_vi varchar, message_en varchar, offending varchar);
create table rule_result (rule_code varchar, severity varchar, expectation_type varchar,
    success boolean, rows_checked bigint, rows_failed bigint, message_vi varchar,
    message_en varchar, clause varchar, examples varchar);
create table gate_summary as select {rows} as rows_read, 0 as rows_blank, 0 as rows_repeated,
    0 as rows_rejected, {rows} as rows_accepted, 0 as warnings
"""


def a_delivery(feed: str = "dossiers", night: str = "2022-06-30", **values: Any) -> Delivery:
    """A delivery record as landing makes it."""
    day = dt.date.fromisoformat(night)
    sha256 = hashlib.sha256(json.dumps([feed, night, str(values)]).encode()).hexdigest()
    fields = {
        "delivery_id": f"one_stop.{feed}.{day:%Y%m%d}.{sha256[:12]}",
        "source": "one_stop",
        "feed": feed,
        "night": day,
        "kind": "delta",
        "file_name": f"{feed}_{day:%Y%m%d}.json",
        "sha256": sha256,
        "size_bytes": 1,
        "file_modified_at": dt.datetime(2022, 6, 30, 18, tzinfo=dt.UTC),
        "landed_path": f"{feed}_{day:%Y%m%d}.json",
    }
    return Delivery(**{**fields, **values})


def write_staged(
    path: Path,
    delivery: Delivery,
    rows: list[dict[str, Any]],
    *,
    rows_blank: int = 0,
    without: tuple[str, ...] = (),
    skipped: Sequence[dict[str, Any]] = (),
    **summary: Any,
) -> Path:
    """Write a staged file.

    Each row gives canonical columns, timestamps as local text ("2022-06-01 08:30:00"). The
    ``_text`` of a column defaults to its value; ``row_number`` counts up from 1. Columns named in
    ``without`` are left out, like columns that a mapping does not have. ``skipped`` are the keys
    of rows that the mapping leaves out; they come last in the file.
    """
    feed = FEEDS[delivery.feed]
    with duckdb.connect(path) as connection:
        connection.execute(f"set timezone = '{ZONE}'")
        columns = [name for name in _columns(feed) if name not in without]
        types = _columns(feed)
        connection.execute(
            f"create table staged_row ({', '.join(f'{name} {types[name]}' for name in columns)})"
        )
        seen: set[tuple[Any, ...]] = set()
        ready = [_full_row(feed, number, row, seen) for number, row in enumerate(rows, start=1)]
        if ready:
            texts = {
                name: pa.array([_as_text(row.get(name)) for row in ready], pa.string())
                for name in columns
            }
            connection.register("given", pa.table(texts))
            cast = ", ".join(f"cast({name} as {types[name]})" for name in columns)
            connection.execute(
                f"insert into staged_row ({', '.join(columns)}) select {cast} from given"
            )
            connection.unregister("given")
        kept = [*feed.key, *(name for name in ("modified_at",) if name in feed.column_names)]
        connection.execute(
            f"create table skipped_row as select row_number, {', '.join(kept)},"
            " null::varchar as skip_reason from staged_row limit 0"
        )
        for number, row in enumerate(skipped, start=len(rows) + 1):
            values = {"row_number": number, **{name: row.get(name) for name in kept}}
            values["skip_reason"] = "left out"
            connection.execute(
                f"insert into skipped_row ({', '.join(values)})"
                f" values ({', '.join('?' * len(values))})",
                list(values.values()),
            )
        counts = {"rows_skipped": len(skipped), "rows_read": len(rows) + rows_blank + len(skipped)}
        _write_summary(connection, delivery, len(rows), rows_blank, {**counts, **summary})
    return path


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)


def _columns(feed: Feed) -> dict[str, str]:
    texts = {
        f"{column.name}_text": "varchar"
        for column in feed.columns
        if column.derived_from is None and (column.type != "text" or column.codes)
    }
    return {
        "row_number": "bigint",
        "sheet": "varchar",
        **{column.name: DUCKDB_TYPES[column.type] for column in feed.columns},
        **texts,
        "content_hash": "varchar",
        "is_repeat": "boolean",
        "read_problem": "varchar",
    }


def _full_row(
    feed: Feed, number: int, row: dict[str, Any], seen: set[tuple[Any, ...]]
) -> dict[str, Any]:
    full: dict[str, Any] = {"row_number": number, **row}
    for column in feed.columns:
        value = full.get(column.name)
        if column.derived_from is not None:
            moment = full.get(column.derived_from)
            full.setdefault(column.name, moment[:10] if moment else None)
        elif column.type == "timestamp" and value is not None and len(value) == 10:
            full[column.name] = f"{value} 09:00:00"
        if column.derived_from is None and (column.type != "text" or column.codes):
            full.setdefault(f"{column.name}_text", None if value is None else str(value))
    business = [
        str(full.get(column.name)) for column in feed.columns if column.name != "modified_at"
    ]
    full.setdefault("content_hash", hashlib.md5("|".join(business).encode()).hexdigest())
    identity = (
        *(full.get(name) for name in feed.key),
        full["content_hash"],
        full.get("modified_at"),
    )
    full.setdefault("is_repeat", identity in seen)
    seen.add(identity)
    return full


def _write_summary(
    connection: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    rows: int,
    rows_blank: int,
    summary: dict[str, Any],
) -> None:
    values = {
        "delivery_id": delivery.delivery_id,
        "source": delivery.source,
        "feed": delivery.feed,
        "night": delivery.night,
        "kind": delivery.kind,
        "file_name": delivery.file_name,
        "format": "json",
        "encoding": "utf-8",
        "dialect": None,
        "covers": "source",
        "covered": None,
        "mapping_sha256": "0" * 64,
        "rows_read": rows + rows_blank,
        "rows_blank": rows_blank,
        "rows_skipped": 0,
        "skip_reasons": None,
        "rows_repeated": connection.execute(
            "select count(*) from staged_row where is_repeat"
        ).fetchall()[0][0],
        "columns_mapped": [],
        "columns_missing": [],
        "columns_unknown": [],
        "columns_dropped": [],
        "tables_left": [],
        **summary,
    }
    connection.execute(
        "create table read_summary (delivery_id varchar, source varchar, feed varchar, night date,"
        " kind varchar, file_name varchar, format varchar, encoding varchar, dialect varchar,"
        " covers varchar, covered varchar,"
        " mapping_sha256 varchar, rows_read bigint, rows_blank bigint, rows_skipped bigint,"
        " skip_reasons varchar, rows_repeated bigint,"
        " columns_mapped varchar[], columns_missing varchar[], columns_unknown varchar[],"
        " columns_dropped varchar[], tables_left varchar[])"
    )
    connection.execute(
        f"insert into read_summary ({', '.join(values)}) values ({', '.join('?' * len(values))})",
        list(values.values()),
    )


def table(path: Path, query: str) -> list[dict[str, Any]]:
    """Rows of a query on a staged file."""
    with duckdb.connect(path, read_only=True) as connection:
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
