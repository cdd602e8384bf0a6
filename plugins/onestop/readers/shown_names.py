"""Names inside a file, masked for people: a sheet may be named after a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.schema.masked_text import masked_name
from onestop.schema.personal import put_tests
from onestop.warehouse.duckdb_files import open_duckdb

if TYPE_CHECKING:
    from collections.abc import Sequence

#: DuckDB's name of a database in memory.
_DATABASE = "memory"


def shown_names(names: Sequence[str]) -> list[str]:
    """The names, without what looks like a person's name, number or address."""
    with open_duckdb(":memory:") as connection:
        put_tests(connection, _DATABASE)
        rows = connection.execute(
            f"select {masked_name('name', _DATABASE)} from (select unnest($1) as name, "
            "generate_subscripts($1, 1) as place) order by place",
            [list(names)],
        ).fetchall()
    return [text for (text,) in rows]
