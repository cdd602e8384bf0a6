"""The interface of all warehouse engines, with schema migration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from onestop.errors import OneStopError, first_line
from onestop.progress import counted_off, working
from onestop.said import said
from onestop.schema.project import PROJECT_ROOT
from onestop.warehouse.sql_text import created_relations, script_digest, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyarrow as pa
    import sqlalchemy as sa

SCHEMA_FOLDER = PROJECT_ROOT / "sql" / "schema"


class WarehouseError(OneStopError):
    """The warehouse cannot be used; says why, and what to do."""


class NoWarehouseError(WarehouseError):
    """There is no warehouse to read at the address."""


class WarehouseBusyError(WarehouseError):
    """Another process is writing the warehouse."""


class SchemaError(WarehouseError):
    """The warehouse's schema and this release do not fit together."""


@dataclass(frozen=True)
class Replica:
    """A copy of the warehouse that follows another server.

    Attributes:
        is_fed: whether it receives changes now.
        seconds_behind: age of the last change that it applied, while there are others; 0 where
            it has applied all that it received.
    """

    is_fed: bool
    seconds_behind: float


class Warehouse(ABC):
    """One open connection to the warehouse.

    SQL is written with ``:name`` parameters; each engine translates them to its driver's own.
    """

    #: sqlglot's name of the SQL dialect.
    dialect: ClassVar[str]
    #: The engine's part of the names of schema files for this engine only.
    engine: ClassVar[str]
    #: The engine's name for people.
    product: ClassVar[str]
    #: Ending of the file that :meth:`copy_out` writes.
    copy_suffix: ClassVar[str]
    #: Whether readers open a copy made by each publication, or the warehouse itself.
    has_readers_copy: ClassVar[bool]

    @classmethod
    @abstractmethod
    def open(cls, url: str, *, read_only: bool) -> Self:
        """Open the warehouse at an address; see :func:`onestop.warehouse.open_warehouse`."""

    @classmethod
    @abstractmethod
    def readers_address(cls, url: str, published: Path) -> str:
        """The address that readers open.

        Args:
            url: of the warehouse.
            published: the readers' copy, where the engine has one.
        """

    @classmethod
    @abstractmethod
    def file_of(cls, url: str) -> Path | None:
        """The file of the warehouse on this machine; None when it is on a server."""

    @classmethod
    @abstractmethod
    def is_empty(cls, url: str) -> bool:
        """Whether there is no warehouse at an address.

        Raises:
            WarehouseError: it cannot be reached.
        """

    @classmethod
    @abstractmethod
    def require_empty(cls, url: str) -> None:
        """Refuse an address at which there is a warehouse.

        Raises:
            WarehouseError: there is one, or it cannot be reached.
        """

    @classmethod
    @abstractmethod
    def copy_out(cls, url: str, folder: Path) -> Path:
        """Copy the warehouse as it is at one moment into a folder, as one file.

        Raises:
            NoWarehouseError: there is none.
            WarehouseError: it cannot be copied.
        """

    @classmethod
    @abstractmethod
    def copy_in(cls, copy: Path, url: str) -> None:
        """Restore a file of :meth:`copy_out` to an address at which there is no warehouse.

        Raises:
            WarehouseError: it cannot be restored.
        """

    @abstractmethod
    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run one statement."""

    @abstractmethod
    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Run a query and return its rows as dictionaries."""

    @abstractmethod
    def arrow(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run a query and return it as an Arrow table."""

    @abstractmethod
    def csv(self, sql: str) -> Iterator[bytes | bytearray | memoryview]:
        """Run a query of texts and whole numbers; the parts of its rows' CSV.

        All engines give the bytes of :func:`onestop.warehouse.csv_text.csv_text`.
        """

    @abstractmethod
    def batches(
        self, sql: str, parameters: Mapping[str, Any] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Run a query and return its rows in Arrow batches, at least one, as they arrive.

        Until the last one is taken, the connection runs no other statement.
        """

    @classmethod
    @abstractmethod
    def readers_engine(cls, url: str) -> sa.Engine:
        """A SQLAlchemy engine that reads the warehouse at an address and cannot write it.

        Raises:
            NoWarehouseError: there is none.
        """

    @classmethod
    @abstractmethod
    def arrow_of(cls, cursor: Any) -> pa.Table:  # noqa: ANN401 - of any driver
        """The rows of a driver's cursor, after a query, as an Arrow table."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """A transaction: committed at the end, rolled back on any error."""

    @abstractmethod
    def empty_schema(self, name: str) -> None:
        """Create a schema, or empty an existing one."""

    @abstractmethod
    def make_table(self, name: str, select: str, *, is_lookup: bool = False) -> None:
        """Replace a table by a query's rows; for data that can be computed again.

        Args:
            name: ``schema.table``.
            select: the query.
            is_lookup: whether it looks few keys up in large tables.
        """

    @abstractmethod
    def make_view(self, name: str, select: str) -> None:
        """Create a view, replacing a table or view of its name."""

    def keep_views(self, views: Mapping[str, str]) -> None:
        """Like :meth:`make_view` for several views of tables that have the columns they had.

        Identical views may stay, with their comments: creating one costs a look-up of all that it
        reads, and its comments are as many statements as it has columns.

        Args:
            views: the query of each ``schema.view``, those that others read first.
        """
        for name, select in views.items():
            self.make_view(name, select)

    @abstractmethod
    def staged(self, path: Path) -> AbstractContextManager[str]:
        """Make a staged delivery's tables readable; yields the prefix of their names."""

    @abstractmethod
    def put_table(self, name: str, table: pa.Table) -> None:
        """Replace all rows of a table by those of an Arrow table."""

    @abstractmethod
    def put_temporary_table(self, name: str, table: pa.Table) -> None:
        """Create a temporary table from an Arrow table; it replaces one of that name."""

    @abstractmethod
    def append(self, name: str, table: pa.Table) -> None:
        """Add rows to a table; columns are matched by name."""

    def replica(self) -> Replica | None:
        """How far this warehouse is behind the one it is a copy of; None where it is no copy."""
        return None

    @abstractmethod
    def keep_index(self, name: str, columns: Sequence[str]) -> None:
        """Let rows of a table be found by columns without reading all of it.

        Args:
            name: of the table.
            columns: of the index; it is made once.
        """

    def few_rows(self, table: str, condition: str, *columns: str) -> str:
        """The SELECT of a few rows of a large table.

        Args:
            table: ``schema.table``.
            condition: on its columns, as those of ``d``.
            columns: those that are wanted; all by default.
        """
        names = ", ".join(f"d.{column}" for column in columns or "*")
        return f"select {names} from {table} as d where {condition}"

    @abstractmethod
    def append_parquet(self, name: str, files: Sequence[Path]) -> None:
        """Add the rows of Parquet files to a table; columns are matched by name."""

    @abstractmethod
    def replace_table(self, name: str, by: str) -> None:
        """Replace all rows of a table by those of another, in the running transaction."""

    def renew_table(self, name: str, by: str) -> None:
        """Like :meth:`replace_table`, for a table that seldom changes."""
        self.replace_table(name, by)

    def describe(self, texts: Mapping[tuple[str, str, str], str]) -> None:
        """Comment on tables, views and their columns whose comment differs.

        Args:
            texts: the comment of each (schema, table, column), of the table itself where the
                column is empty; what does not exist, or what the login may not comment on, is
                skipped.
        """
        found = self._comments()
        kinds: dict[str, dict[str, bool]] = {}
        for (schema, table, column), text in texts.items():
            if found.get((schema, table, column), text) == text:
                continue
            literal = text.replace("'", "''")
            if column:
                what = f"column {quoted(schema, table, column)}"
            else:
                if schema not in kinds:
                    kinds[schema] = self.relations(schema)
                kind = "view" if kinds[schema][table] else "table"
                what = f"{kind} {quoted(schema, table)}"
            self.execute(f"comment on {what} is '{literal}'")

    @abstractmethod
    def _comments(self) -> dict[tuple[str, str, str], str]:
        """The comments of all tables (with an empty column) and columns that may have one.

        Without a comment it is empty.
        """

    @property
    def rows_at_once(self) -> int | None:
        """How many rows a statement may join and sum up; None where a server bounds its memory."""
        return None

    @abstractmethod
    def gather_statistics(self, *schemas: str) -> None:
        """Update the engine's statistics of schemas, if it needs that."""

    @abstractmethod
    def gather_statistics_of(self, table: str, added: int) -> None:
        """Update the engine's statistics of a table that grew, if it needs that.

        Args:
            table: its name.
            added: how many rows a delivery added to it in the running transaction.
        """

    @abstractmethod
    def publish_copy(self, target: Path) -> None:
        """Replace the read-only copy for BI tools atomically, if the engine has one."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

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

    def relations(self, schema: str) -> dict[str, bool]:
        """Tables and views of a schema by name, and whether each is a view."""
        found = self.rows(
            "select table_name, table_type from information_schema.tables"
            " where table_schema = :schema",
            {"schema": schema},
        )
        return {row["table_name"]: row["table_type"] == "VIEW" for row in found}

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """A context around each schema file's transaction, for engine settings."""
        with self.transaction():
            yield

    @contextmanager
    def as_owner(self) -> Iterator[None]:
        """Work as the owner of the record's tables, if the engine has owners."""
        yield

    def schema_version(self) -> int:
        """Number of the last schema file that was applied; 0 for an empty warehouse."""
        return max(self._applied(), default=0)

    def _applied(self) -> set[int]:
        if not self.columns("meta", "schema_version"):  # sooner known than all tables
            return set()
        return {row["version"] for row in self.rows("select version from meta.schema_version")}

    def pending(self) -> list[SchemaFile]:
        """Schema files that this engine has not applied yet, oldest first.

        Raises:
            SchemaError: the warehouse was made by a newer release, or a file was changed after
                it was applied.
        """
        files = schema_files(self.engine)
        applied = self._applied()
        self._refuse_changed(files)
        if files and applied and max(applied) > files[-1].version:
            raise SchemaError(
                said(
                    "the warehouse has schema {found}, made by a newer release; this one knows"
                    " schemas up to {known}",
                    found=max(applied),
                    known=files[-1].version,
                ),
                remedy="install the newer release, or restore a backup from before the upgrade",
            )
        return [file for file in files if file.version not in applied]

    def _keeps_digests(self) -> bool:
        """Whether the schema has the column for the files' digests."""
        return "sha256" in self.columns("meta", "schema_version")

    def _refuse_changed(self, files: list[SchemaFile]) -> None:
        if not self._keeps_digests():
            return
        found = self.rows("select version, file_name, sha256 from meta.schema_version")
        applied = {row["version"]: row for row in found if row["sha256"] is not None}
        for file in files:
            row = applied.get(file.version)
            if row is not None and row["sha256"] != file.sha256:
                raise SchemaError(
                    said(
                        "is not what it was when it was applied to this warehouse (as {file_name},"
                        " sha-256 {before}, now {now})",
                        file_name=row["file_name"],
                        before=row["sha256"][:12],
                        now=file.sha256[:12],
                    ),
                    subject=f"sql/schema/{file.path.name}",
                    remedy="put it back as it was released, and make the change in a new file"
                    " with the next number",
                )

    def migrate(self) -> None:
        """Bring the schema up to date, one numbered file and one transaction at a time.

        Raises:
            SchemaError: a file failed; the schema is as the files before it made it.
        """
        pending = self.pending()
        if not pending or pending[0].version == 1:  # an empty warehouse is made in no time
            for file in pending:
                self._apply_whole(file)
            return
        with working("migrating", unit="files", total=len(pending)):
            for file in counted_off(pending):
                self._apply_whole(file)

    def _apply_whole(self, file: SchemaFile) -> None:
        try:
            with self.migrating():
                self._apply(file)
        except WarehouseError:
            raise
        except Exception as error:
            cause = first_line(error)
            raise SchemaError(
                said(
                    "could not be applied: {cause}. Nothing of it is in the warehouse, which"
                    " keeps schema {version} and works with the release that made it",
                    cause=cause,
                    version=self.schema_version(),
                ),
                subject=f"sql/schema/{file.path.name}",
                remedy="remove the cause and run `onestop migrate`",
            ) from error

    def _apply(self, file: SchemaFile) -> None:
        if file.version == 1:
            self.execute("create schema if not exists meta")
            self.execute(
                "create table if not exists meta.schema_version"
                " (version integer not null, file_name varchar not null)"
            )
        for statement in statements(file.path.read_text(encoding="utf-8")):
            self.execute(statement)
        self.execute(
            "insert into meta.schema_version (version, file_name) values (:version, :file_name)",
            {"version": file.version, "file_name": file.path.name},
        )
        if self._keeps_digests():
            self._note_digests()

    def _note_digests(self) -> None:
        """Store missing digests of applied files, also of files applied by earlier releases."""
        digests = {file.version: file.sha256 for file in schema_files(self.engine)}
        missing = self.rows("select version from meta.schema_version where sha256 is null")
        for row in missing:
            self.execute(
                "update meta.schema_version set sha256 = :sha256 where version = :version",
                {"sha256": digests.get(row["version"]), "version": row["version"]},
            )


@dataclass(frozen=True)
class SchemaFile:
    """One numbered step of the schema.

    Attributes:
        version: its number.
        path: ``NNNN_name.sql`` for every engine, ``NNNN_name.<engine>.sql`` for one only.
    """

    version: int
    path: Path

    @property
    def sha256(self) -> str:
        """Digest of its statements; comments may change after it was applied."""
        return script_digest(self.path.read_text(encoding="utf-8"))


def schema_files(engine: str, folder: Path | None = None) -> list[SchemaFile]:
    """The numbered schema files of an engine, oldest first; those of a city by default.

    Numbers are final: a released file never changes, and later files change what it created.
    """
    found = []
    for path in sorted((folder or SCHEMA_FOLDER).glob("[0-9]*.sql")):
        only_for = path.name.split(".")[1:-1]
        if only_for in ([], [engine]):
            found.append(SchemaFile(int(path.name.split("_", 1)[0]), path))
    return found


def schema_tables(engine: str) -> set[tuple[str, str]]:
    """Schema and name of every table and view that the schema files of an engine create."""
    return {
        created
        for file in schema_files(engine)
        for created in created_relations(file.path.read_text(encoding="utf-8"))
    }


def quoted(*names: str) -> str:
    """A quoted identifier for SQL text: ``"mart"."unit"``.

    Names read from the catalogue may contain any character and must be quoted.
    """
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def quoted_text(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
