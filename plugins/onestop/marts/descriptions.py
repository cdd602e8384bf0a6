"""The bilingual comments on the warehouse's tables and columns."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from onestop.marts.files import SQL_FOLDER, mart_files
from onestop.schema.feeds import FEEDS
from onestop.schema.quick_yaml import safe_load
from onestop.schema.reference import reference_comments, reference_titles
from onestop.warehouse.base import schema_tables
from onestop.warehouse.staged_names import PUBLISHED

if TYPE_CHECKING:
    from onestop.warehouse import Warehouse


def describe_tables(warehouse: Warehouse) -> None:
    """Write the bilingual comments on the tables and columns of mart, audit and core."""
    meanings = column_texts()
    known = schema_tables(warehouse.engine) | {("core", "calendar")}
    known |= {(PUBLISHED, file.name) for file in mart_files()}
    found = warehouse.rows(
        "select table_schema, table_name, column_name from information_schema.columns"
        " where table_schema in ('mart', 'audit', 'core')"
    )
    texts = {
        (row["table_schema"], row["table_name"], row["column_name"]): meanings[row["column_name"]]
        for row in found
        if (row["table_schema"], row["table_name"]) in known and row["column_name"] in meanings
    }
    texts |= {
        ("ref", table, column): text
        for table, comments in reference_comments().items()
        for column, text in comments.items()
    }
    texts |= {
        (schema, table, ""): text
        for (schema, table), text in table_texts().items()
        if (schema, table) in known or schema == "ref"
    }
    warehouse.describe(texts)


def table_texts() -> dict[tuple[str, str], str]:
    """The meaning of a row of each table, "Vietnamese — English", by schema and table."""
    own = safe_load((SQL_FOLDER / "tables.yaml").read_text(encoding="utf-8"))
    return {
        **{
            (schema, table): f"{text['vi']} — {text['en']}"
            for schema, tables in own.items()
            for table, text in tables.items()
        },
        **{("ref", table): text for table, text in reference_titles().items()},
    }


def column_texts() -> dict[str, str]:
    """The meaning of each column, "Vietnamese — English", by its name."""
    own = _column_file()["columns"]
    canonical = {
        column.name: f"{column.vi} — {column.en}"
        for feed in FEEDS.values()
        for column in feed.columns
    }
    return {**canonical, **{name: f"{text['vi']} — {text['en']}" for name, text in own.items()}}


def label_kind(table: str, column: str) -> str | None:
    """The kind of ``mart.label`` that names a column's codes; None for a column without names.

    Args:
        table: its name, without the schema.
        column: the column's name.
    """
    kinds: dict[str, str | None] = _column_file()["labels"]
    return kinds.get(f"{table}.{column}", kinds.get(column))


@cache
def _column_file() -> dict[str, Any]:
    text = (SQL_FOLDER / "columns.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = safe_load(text)
    return found
