"""The content of two warehouses in a form that can be compared."""

from __future__ import annotations

from collections import Counter

#: Columns that hold the time of processing or the engine's name; all others must be equal.
CLOCKS = {"settled_at", "published_at", "changed_at", "state_changed_at", "counted_by"}
#: Tables that hold nothing else.
TIMES = {"audit.night_step"}
SCHEMAS = ("core", "audit", "ref", "mart", "mart_staged")
_SHOWN = 5


def content(warehouse, schemas=SCHEMAS):
    """By name, the rows of every table and view as counted texts; columns sorted by name."""
    found = {}
    for schema in schemas:
        for table in warehouse.tables(schema):
            if f"{schema}.{table}" in TIMES:
                continue
            columns = sorted(set(warehouse.columns(schema, table)) - CLOCKS)
            found[f"{schema}.{table}"] = (columns, lines(warehouse, f"{schema}.{table}", columns))
    return found


def lines(warehouse, table, columns):
    """A table's rows as texts, with the number of times each occurs."""
    cells = ", ".join(f"coalesce(cast({name} as varchar), '∅')" for name in columns)
    rows = warehouse.rows(f"select concat_ws('|', {cells}) as line from {table}")
    return Counter(row["line"] for row in rows)


def assert_same(one, other):
    """Fail with the first rows that only one of the two contents has."""
    assert one.keys() == other.keys()
    for table, (columns, rows) in one.items():
        other_columns, other_rows = other[table]
        assert columns == other_columns, table
        if rows != other_rows:
            missing, more = rows - other_rows, other_rows - rows
            shown = [f"{table}: {'|'.join(columns)}"]
            shown += [f"only in the first: {line}" for line in sorted(missing)[:_SHOWN]]
            shown += [f"only in the second: {line}" for line in sorted(more)[:_SHOWN]]
            raise AssertionError("\n".join(shown))
