"""The bilingual comments on the warehouse's tables and columns."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from onestop.marts.files import SQL_FOLDER, mart_files
from onestop.schema.feeds import FEEDS
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.quick_yaml import safe_load
from onestop.schema.reference import reference_comments, reference_files
from onestop.warehouse.base import schema_tables
from onestop.warehouse.staged_names import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

    #: A text in each language.
    Meaning = Mapping[Language, str]

_SUITES = PROJECT_ROOT / "expectations" / "marts"


def describe_tables(warehouse: Warehouse) -> None:
    """Write the bilingual comments on the tables and columns of mart, audit, core and national."""
    known = schema_tables(warehouse.engine) | {("core", "calendar")}
    known |= {(PUBLISHED, file.name) for file in mart_files()}
    known |= {table for table in table_texts() if table[0] == "national"}
    found = warehouse.rows(
        "select table_schema, table_name, column_name from information_schema.columns"
        " where table_schema in ('mart', 'audit', 'core', 'national')"
    )
    texts = {
        (row["table_schema"], row["table_name"], row["column_name"]): text
        + _measured_in(row["table_name"], row["column_name"])
        + _named_by(row["table_name"], row["column_name"])
        for row in found
        if (row["table_schema"], row["table_name"]) in known
        and (text := column_text(row["table_name"], row["column_name"]))
    }
    texts |= {
        ("ref", table, column): text
        for table, comments in reference_comments().items()
        for column, text in comments.items()
    }
    keys = table_keys()
    texts |= {
        (schema, table, ""): text + _identified_by(keys.get((schema, table), ()))
        for (schema, table), text in table_texts().items()
        if (schema, table) in known or schema == "ref"
    }
    warehouse.describe(texts)


def _named_by(table: str, column: str) -> str:
    kind = label_kind(table, column)
    return f" (mart.label: {kind})" if kind else ""


def _measured_in(table: str, column: str) -> str:
    unit = _stated_unit(table, column)
    return f" [{_both(unit)}]" if unit else ""


def _identified_by(key: Sequence[str]) -> str:
    return f" [{', '.join(key)}]" if key else ""


def table_texts() -> dict[tuple[str, str], str]:
    """The meaning of a row of each table, "Vietnamese — English", by schema and table."""
    return {table: _both(meaning) for table, meaning in table_meanings().items()}


def table_meanings() -> dict[tuple[str, str], Meaning]:
    """The meaning of a row of each table, by schema and table."""
    return {
        **{
            (schema, table): {"vi": text["vi"], "en": text["en"]}
            for schema, tables in _table_file().items()
            for table, text in tables.items()
        },
        **{
            ("ref", name): {"vi": file.vi, "en": file.en}
            for name, file in reference_files().items()
        },
    }


def _both(meaning: Meaning) -> str:
    return f"{meaning['vi']} — {meaning['en']}"


def table_keys() -> dict[tuple[str, str], tuple[str, ...]]:
    """The columns that identify a row of each table, by schema and table.

    Of a table with a suite they are those of its rule ``one_row_per_key``. Tables whose rows are
    only added up have none.
    """
    found = {
        (schema, table): tuple(described["key"])
        for schema, tables in _table_file().items()
        for table, described in tables.items()
        if "key" in described
    }
    for path in sorted(_SUITES.glob("*.json")):
        for rule in json.loads(path.read_text(encoding="utf-8"))["expectations"]:
            if rule.get("common") == "one_row_per_key":
                found.setdefault((PUBLISHED, path.stem), tuple(rule["columns"]))
    for name, file in reference_files().items():
        found["ref", name] = (*file.key, *(("valid_from",) if file.is_dated else ()))
    return found


@cache
def _table_file() -> dict[str, Any]:
    found: dict[str, Any] = safe_load((SQL_FOLDER / "tables.yaml").read_text(encoding="utf-8"))
    return found


def column_texts() -> dict[str, str]:
    """The meaning of each column, "Vietnamese — English", as :func:`column_meanings` has it."""
    return {name: _both(meaning) for name, meaning in column_meanings().items()}


def column_text(table: str, column: str) -> str:
    """The meaning of a column, "Vietnamese — English"; empty where it is not described.

    Args:
        table: its name, without the schema.
        column: the column's name.
    """
    meaning = column_meaning(table, column)
    return _both(meaning) if meaning else ""


def column_meaning(table: str, column: str) -> Meaning | None:
    """The meaning of a column; None where it is not described.

    Args:
        table: its name, without the schema.
        column: the column's name.
    """
    meanings = column_meanings()
    return meanings.get(f"{table}.{column}", meanings.get(column))


@cache
def column_meanings() -> dict[str, Meaning]:
    """The meaning of each column, by its name, or by ``table.column`` where it has another one."""
    canonical: dict[str, Meaning] = {
        column.name: {"vi": column.vi, "en": column.en}
        for feed in FEEDS.values()
        for column in feed.columns
    }
    own: dict[str, Meaning] = {
        name: {"vi": text["vi"], "en": text["en"]}
        for name, text in _column_file()["columns"].items()
    }
    named: dict[str, Meaning] = {**canonical, **own}
    of_feeds: dict[str, Meaning] = {
        f"{table}.{column.name}": {"vi": column.vi, "en": column.en}
        for feed in FEEDS.values()
        for table in feed.record_tables
        for column in feed.columns
        if {"vi": column.vi, "en": column.en} != named[column.name]
    }
    return {**of_feeds, **named}


def label_kind(table: str, column: str) -> str | None:
    """The kind of ``mart.label`` that names a column's codes; None for a column without names.

    Args:
        table: its name, without the schema.
        column: the column's name.
    """
    kinds: dict[str, str | None] = _column_file()["labels"]
    return kinds.get(f"{table}.{column}", kinds.get(column))


#: The unit of a quantity, by the word of its name that says so.
_UNITS: Mapping[str, Meaning] = {
    "seconds": {"vi": "giây", "en": "seconds"},
    "workdays": {"vi": "ngày làm việc", "en": "working days"},
    "days": {"vi": "ngày", "en": "days"},
    "bytes": {"vi": "byte", "en": "bytes"},
}


def column_unit(table: str, column: str) -> Meaning | None:
    """The unit of a quantity; None of counts, codes and positions.

    Args:
        table: its name, without the schema.
        column: the name of a column of numbers.
    """
    stated = _stated_unit(table, column)
    return stated or next((_UNITS[word] for word in column.split("_") if word in _UNITS), None)


def _stated_unit(table: str, column: str) -> Meaning | None:
    """The unit of a quantity whose name does not say it."""
    units: dict[str, Meaning | None] = _column_file()["units"]
    return units.get(f"{table}.{column}", units.get(column))


@cache
def _column_file() -> dict[str, Any]:
    text = (SQL_FOLDER / "columns.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = safe_load(text)
    return found
