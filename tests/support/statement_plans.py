"""Which statements of a step on PostgreSQL read a large table from its first row to its last."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from onestop.warehouse.postgres_engine import PostgreSQLWarehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLANNED = ("select", "with", "insert", "update", "delete", "create t", "create unlogged")
_SHOWN = 1500


@contextmanager
def whole_scans(tables: set[str]) -> Iterator[list[tuple[str, str, str]]]:
    """The scans of whole tables that the statements of this block plan: kind, table, statement.

    Args:
        tables: the large ones, without schema.
    """
    found: list[tuple[str, str, str]] = []
    run = PostgreSQLWarehouse._run

    def explained(self, sql, parameters):
        if sql.lstrip().lower().startswith(_PLANNED):
            for kind, table in _scans(self, run, sql, parameters):
                if table in tables:
                    found.append((kind, table, " ".join(sql.split())[:_SHOWN]))
        return run(self, sql, parameters)

    PostgreSQLWarehouse._run = explained
    try:
        yield found
    finally:
        PostgreSQLWarehouse._run = run


def _scans(warehouse, run, sql, parameters):
    status = warehouse._connection.info.transaction_status
    in_transaction = status != psycopg.pq.TransactionStatus.IDLE
    if in_transaction:
        run(warehouse, "savepoint planning", None)
    try:
        rows = run(warehouse, f"explain (format json, costs off) {sql}", parameters).fetchall()
    except psycopg.Error:
        rows = []  # no statement that is planned, such as one that makes an empty table
    finally:
        if in_transaction:
            run(warehouse, "rollback to savepoint planning", None)
    for row in rows:
        plan = next(iter(row.values()))
        yield from _nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def _nodes(node):
    kind = node["Node Type"]
    if kind == "Seq Scan":
        yield kind, node["Relation Name"]
    elif kind in {"Index Scan", "Index Only Scan"} and "Index Cond" not in node:
        yield f"{kind} without a condition", node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _nodes(child)
