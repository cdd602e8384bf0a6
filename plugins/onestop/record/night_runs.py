"""``audit.night_run``: how each night ended; and what the checks of its marts found."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow as pa

from onestop.record.night_files import files_of_night
from onestop.said import said_both
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from onestop.gate import MartsVerdict
    from onestop.gate.unpublished import NightRun
    from onestop.said import Language, Said
    from onestop.warehouse import Warehouse

#: Columns of ``audit.validation_result`` that a rule of a mart fills.
_RESULT: list[tuple[str, pa.DataType]] = [
    ("delivery_id", pa.string()),
    ("attempt", pa.int64()),
    ("rule_code", pa.string()),
    ("severity", pa.string()),
    ("expectation_type", pa.string()),
    ("is_success", pa.bool_()),
    ("rows_checked", pa.int64()),
    ("rows_failed", pa.int64()),
    ("message_vi", pa.string()),
    ("message_en", pa.string()),
    ("clause", pa.string()),
]


def record_night_run(warehouse: Warehouse, night: dt.date, state: str, message: Said) -> None:
    """Record how a night ended; recording the same again changes nothing.

    Args:
        warehouse: open for writing.
        night: the night.
        state: one of :data:`onestop.gate.unpublished.NIGHT_STATES`.
        message: one sentence for people.
    """
    files, refused = files_of_night(warehouse, night)
    row = {
        "as_of_date": night,
        "state": state,
        "message": str(message),
        "message_vi": message.in_language("vi"),
        "delivery_count": files - refused,
        "refused_count": refused,
    }
    same = " and ".join(f"{name} = :{name}" for name in row)
    if warehouse.value(f"select count(*) from audit.night_run where {same}", row):
        return
    with warehouse.transaction():
        warehouse.execute(
            "delete from audit.night_run where as_of_date = :as_of_date", {"as_of_date": night}
        )
        warehouse.execute(
            "insert into audit.night_run (as_of_date, state, message, message_vi,"
            " delivery_count, refused_count, computed, computed_why, computed_why_vi, counted_by,"
            " changed_at)"
            " select :as_of_date, :state, :message, :message_vi, :delivery_count, :refused_count,"
            " max(computed), max(computed_why), max(computed_why_vi), max(counted_by), :changed_at"
            " from audit.publication where as_of_date = :as_of_date",
            {**row, "changed_at": dt.datetime.now(LOCAL_ZONE)},
        )


def has_night(warehouse: Warehouse, night: dt.date) -> bool:
    """Whether a night was run or published, or has a file."""
    return bool(
        warehouse.value(
            "select (select count(*) from audit.night_run where as_of_date = :night)"
            " + (select count(*) from audit.publication where as_of_date = :night)"
            " + (select count(*) from audit.delivery where night = :night)",
            {"night": night},
        )
    )


def lacks_published_run(warehouse: Warehouse, night: dt.date) -> bool:
    """Whether the night is published and ``audit.night_run`` does not say so yet."""
    return bool(
        warehouse.value(
            "select count(*) from audit.publication where as_of_date = :night"
            " and as_of_date not in"
            " (select as_of_date from audit.night_run where state = 'published')",
            {"night": night},
        )
    )


def latest_night_runs(warehouse: Warehouse) -> list[NightRun]:
    """How the last 30 nights ended, the latest first; a publication takes precedence."""
    rows = warehouse.rows(
        "select as_of_date, case when as_of_date in (select as_of_date from audit.publication)"
        " then 'published' else state end as state, message,"
        " coalesce(message_vi, message) as message_vi from audit.night_run"
        " order by as_of_date desc limit 30"
    )
    return [
        {
            "as_of_date": row["as_of_date"],
            "state": row["state"],
            "message": said_both(vi=row["message_vi"], en=row["message"]),
        }
        for row in rows
    ]


def reason_sql(warehouse: Warehouse, table: str, column: str, lang: Language) -> str:
    """SQL for a sentence of the record in a language.

    It is in English where an earlier release recorded it, or made the warehouse's schema.

    Args:
        warehouse: open.
        table: of the schema ``audit``.
        column: that holds the sentence in English, such as ``message``.
        lang: of the reader.
    """
    own = f"{column}_vi"
    if lang == "vi" and own in warehouse.columns("audit", table):
        return f"coalesce({table}.{own}, {table}.{column})"
    return f"{table}.{column}"


def record_marts_verdict(warehouse: Warehouse, verdict: MartsVerdict) -> None:
    """Record what the suites found in a night's marts; identical findings are recorded once."""
    name = f"mart.{verdict.as_of_date:%Y%m%d}"
    known = warehouse.rows(
        "select rule_code, rows_failed, attempt from audit.validation_result"
        " where delivery_id = :name",
        {"name": name},
    )
    attempt = max((row["attempt"] for row in known), default=0)
    latest = {(row["rule_code"], row["rows_failed"]) for row in known if row["attempt"] == attempt}
    rules = [rule for found in verdict.results.values() for rule in found]
    if latest == {(rule.rule_code, rule.rows_failed) for rule in rules}:
        return
    found = [
        {
            "delivery_id": name,
            "attempt": attempt + 1,
            "rule_code": rule.rule_code,
            "severity": rule.severity,
            "expectation_type": rule.expectation_type,
            "is_success": rule.success,
            "rows_checked": rule.rows_checked,
            "rows_failed": rule.rows_failed,
            "message_vi": rule.message_vi,
            "message_en": rule.message_en,
            "clause": rule.clause,
        }
        for rule in rules
    ]
    with warehouse.transaction():
        warehouse.append("audit.validation_result", pa.Table.from_pylist(found, pa.schema(_RESULT)))
