"""The schemas of a night's tables before its publication."""

from __future__ import annotations

from functools import cache

from onestop.warehouse.sql_text import names_of_schemas, tables_read, with_tables

STAGED = "mart_staged"
PUBLISHED = "mart"
#: Schema ``ref`` and ``core.calendar`` of the night that is computed.
REFERENCE_STAGED = "ref_staged"
REFERENCE = "ref"
CALENDAR = "core.calendar"
#: Tables of schema ``mart`` that publications add to: before one, they are as the last one left
#: them.
KEPT = ("indicator_history", "form_06a_history", "night_change", "restatement")


@cache
def with_staged_tables(sql: str) -> str:
    """The query with published marts and reference rows replaced by the staged ones."""
    if not names_of_schemas(sql, PUBLISHED, REFERENCE, CALENDAR.partition(".")[0]):
        return sql
    staged = {table: staged_name(table) for table in tables_read(sql)}
    return with_tables(sql, {table: name for table, name in staged.items() if name != table})


def staged_name(table: str) -> str:
    """The staged table of a published ``schema.table``; other names are unchanged."""
    schema, name = table.split(".", 1)
    if schema == PUBLISHED and name in KEPT:
        return table
    if table == CALENDAR or schema == REFERENCE:
        return f"{REFERENCE_STAGED}.{name}"
    return f"{STAGED}.{name}" if schema == PUBLISHED else table
