"""The schema of ``core`` by the feeds, and the schema file that adds missing columns.

``feeds.py`` defines the record's columns; the numbered files of ``sql/schema`` create its tables.
``make schema`` writes the next file when a feed has a column that the files do not create.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from onestop.said import said
from onestop.schema.feeds import FEEDS
from onestop.warehouse import SchemaError, base, open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.warehouse import Warehouse

Columns = dict[str, dict[str, str]]


def wanted_columns() -> Columns:
    """The tables of ``core`` that hold the feeds: SQL type of each column, by table and column."""
    return {
        table: columns for feed in FEEDS.values() for table, columns in feed.record_tables.items()
    }


def made_columns(warehouse: Warehouse) -> Columns:
    """The same tables as they are in a warehouse."""
    found: Columns = {table: {} for table in wanted_columns()}
    for row in warehouse.rows(
        "select table_name, column_name, data_type, numeric_precision as digits,"
        " numeric_scale as decimals from information_schema.columns"
        " where table_schema = 'core' order by table_name, ordinal_position"
    ):
        if row["table_name"] in found:
            found[row["table_name"]][row["column_name"]] = _sql_type(row)
    return found


#: The record's types by their names in the engines' information schemas.
_TYPES = {"character varying": "varchar", "timestamp with time zone": "timestamptz"}


def _sql_type(row: dict[str, object]) -> str:
    name = str(row["data_type"]).lower()
    if name.startswith(("decimal", "numeric")):
        return f"decimal({row['digits']}, {row['decimals']})"
    return _TYPES.get(name, name)


def new_columns(made: Columns) -> Columns:
    """The columns that the feeds have and a warehouse does not, by table.

    Args:
        made: from :func:`made_columns`.

    Raises:
        SchemaError: a feed lacks a recorded column, or has it with another type.
    """
    missing: Columns = {}
    for table, wanted in wanted_columns().items():
        found = made[table]
        gone = sorted(found.keys() - wanted.keys())
        changed = sorted(
            name for name in found.keys() & wanted.keys() if found[name] != wanted[name]
        )
        if gone or changed:
            raise SchemaError(
                said(
                    "{names}: the record keeps every column with its type",
                    names=", ".join(gone + changed),
                ),
                subject=f"core.{table}",
                remedy="leave it in feeds.py as it is, and add a column with another name",
            )
        if added := {name: type_ for name, type_ in wanted.items() if name not in found}:
            missing[table] = added
    return missing


def write_schema_file() -> Path | None:
    """Write the numbered schema file that adds the feeds' new columns to the record.

    Returns:
        The file; None where no column is new.

    Raises:
        SchemaError: a feed lacks a recorded column, or has it with another type.
    """
    with open_warehouse("duckdb:///:memory:") as warehouse:
        missing = new_columns(made_columns(warehouse))
    if not missing:
        return None
    names = sorted({name for columns in missing.values() for name in columns})
    folder = base.SCHEMA_FOLDER
    number = max(int(path.name.partition("_")[0]) for path in folder.glob("[0-9]*.sql")) + 1
    path = folder / f"{number:04}_{'_and_'.join(names)[:60]}.sql"
    statements = [
        f"alter table core.{table} add column {name} {type_};"
        for table, columns in missing.items()
        for name, type_ in columns.items()
    ]
    text = f"-- New in the exports: {', '.join(names)}. Rows of before have no value.\n\n"
    path.write_text(text + "\n\n".join(statements) + "\n", encoding="utf-8")
    return path


def main() -> None:
    """Write the next schema file if one is needed, and print its name."""
    path = write_schema_file()
    sys.stdout.write(
        f"written: sql/schema/{path.name}\n" if path else "the schema files make every column\n"
    )


if __name__ == "__main__":
    main()
