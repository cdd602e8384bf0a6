"""Where the tables of a night are while it is not published."""

from __future__ import annotations

from functools import cache

from onestop.warehouse.sql_text import tables_read, with_tables

STAGED = "mart_staged"
PUBLISHED = "mart"
#: Schema ``ref`` and ``core.calendar`` of the night that is computed.
REFERENCE_STAGED = "ref_staged"
REFERENCE = "ref"
CALENDAR = "core.calendar"


@cache
def with_staged_tables(sql: str) -> str:
    """The query, reading staged marts and reference rows in the place of published ones."""
    staged = {table: staged_name(table) for table in tables_read(sql)}
    return with_tables(sql, {table: name for table, name in staged.items() if name != table})


def staged_name(table: str) -> str:
    """The staged table of a published ``schema.table``; any other table's own name."""
    schema, name = table.split(".", 1)
    if table == CALENDAR or schema == REFERENCE:
        return f"{REFERENCE_STAGED}.{name}"
    return f"{STAGED}.{name}" if schema == PUBLISHED else table
