"""What every warehouse engine can do."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from onestop.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyarrow as pa

SCHEMA_FOLDER = PROJECT_ROOT / "sql" / "schema"
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")


class WarehouseBusyError(Exception):
    """Another process has the embedded warehouse open; says which, and what to do."""


class Warehouse(ABC):
    """One open connection to the warehouse.

    SQL is written with ``:name`` parameters; each engine translates them to its driver's own.
    """

    #: sqlglot's name of the SQL dialect.
    dialect: str

    @abstractmethod
    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run one statement."""

    @abstractmethod
    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Run a query and return its rows as dictionaries."""

    @abstractmethod
    def arrow(self, sql: str) -> pa.Table:
        """Run a query and return it as an Arrow table."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing: commit at the end, roll back on any error."""

    @abstractmethod
    def staged(self, path: Path) -> AbstractContextManager[str]:
        """Make a staged delivery's tables readable; yields the prefix to name them with."""

    @abstractmethod
    def put_table(self, name: str, table: pa.Table) -> None:
        """Replace a table, whole, by the rows of an Arrow table."""

    @abstractmethod
    def append(self, name: str, table: pa.Table) -> None:
        """Add rows to a table; columns are matched by name."""

    @abstractmethod
    def replace_table(self, name: str, by: str) -> None:
        """Replace a table, whole, by the rows of another; part of the running transaction."""

    @abstractmethod
    def describe(self, table: str, column: str, text: str) -> None:
        """Comment on one column of a table or view."""

    @abstractmethod
    def publish_copy(self, target: Path) -> None:
        """Put a read-only copy for BI tools in place, atomically, where the engine needs one."""

    @abstractmethod
    def close(self) -> None:
        """Give the connection back."""

    def __enter__(self) -> Self:
        """The open warehouse itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def value(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - a cell may hold anything
        """The single value of a one-row, one-column query; None when there is no row."""
        rows = self.rows(sql, parameters)
        return next(iter(rows[0].values())) if rows else None

    def tables(self, schema: str) -> list[str]:
        """Names of the tables of a schema, sorted."""
        found = self.rows(
            "select table_name from information_schema.tables"
            " where table_schema = :schema order by table_name",
            {"schema": schema},
        )
        return [row["table_name"] for row in found]

    def columns(self, schema: str, table: str) -> list[str]:
        """Names of a table's columns, in order."""
        found = self.rows(
            "select column_name from information_schema.columns where table_schema = :schema"
            " and table_name = :table order by ordinal_position",
            {"schema": schema, "table": table},
        )
        return [row["column_name"] for row in found]

    def migrate(self) -> None:
        """Bring the schema up to date, one numbered file and one transaction at a time.

        A file that fails leaves the schema as the files before it made it.
        """
        with self.transaction():
            self.execute("create schema if not exists meta")
            self.execute(
                "create table if not exists meta.schema_version"
                " (version integer not null, file_name varchar not null)"
            )
        applied = {row["version"] for row in self.rows("select version from meta.schema_version")}
        for version, path in schema_files():
            if version in applied:
                continue
            with self.transaction():
                for statement in statements(path.read_text(encoding="utf-8")):
                    self.execute(statement)
                self.execute(
                    "insert into meta.schema_version values (:version, :file_name)",
                    {"version": version, "file_name": path.name},
                )


def schema_files() -> Iterator[tuple[int, Path]]:
    """The numbered schema files, oldest first."""
    for path in sorted(SCHEMA_FOLDER.glob("[0-9]*.sql")):
        yield int(path.name.split("_", 1)[0]), path


def statements(script: str) -> Iterator[str]:
    """The statements of a script that ends each one with a semicolon at a line's end."""
    without_comments = re.sub(r"--.*", "", script)
    for statement in re.split(r";\s*(?:\n|$)", without_comments):
        if statement.strip():
            yield statement.strip()


def translate_parameters(sql: str, style: str) -> str:
    """Rewrite ``:name`` parameters; ``style`` is a template with ``{}`` for the name."""
    return _PARAMETER.sub(lambda found: style.format(found.group(1)), sql)
