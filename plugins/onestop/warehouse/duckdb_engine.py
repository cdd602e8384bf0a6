"""The embedded warehouse: one DuckDB file, one writer, a copy for readers."""

from __future__ import annotations

import shutil
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import duckdb
import pyarrow as pa

from onestop.errors import first_line
from onestop.files import READ_ONLY, READABLE, copy_whole, drafted
from onestop.progress import working_on_bytes
from onestop.said import said
from onestop.warehouse.base import (
    NoWarehouseError,
    Warehouse,
    WarehouseBusyError,
    WarehouseError,
    quoted,
    quoted_text,
)
from onestop.warehouse.csv_text import csv_text
from onestop.warehouse.duckdb_files import (
    OUTSIDE,
    copy_held,
    is_copy_of_held,
    memory_gigabytes,
    named_when_disk_full,
    open_duckdb,
    remedy_of,
    roll_back,
)
from onestop.warehouse.sql_text import with_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import sqlalchemy as sa

_WAIT_SECONDS = 60.0
_SCHEME = "duckdb:///"
_BATCH_ROWS = 1 << 17
#: Rows of sums and joins, of some 300 bytes each, for which a GB beyond the fixed part is enough.
_ROWS_PER_GIGABYTE, _FIXED_GIGABYTES, _FEWEST_ROWS = 2_000_000, 0.2, 10_000
#: Rows of a table whose deleted ones are looked for.
_LARGE_TABLE = 200_000
#: Above this share of deleted rows, a checkpoint moves the others together.
_LARGEST_GAPS = 0.3
#: Mode of a restored warehouse: its owner writes, the owner's group reads.
_WAREHOUSE_MODE = 0o640


def duckdb_address(path: Path) -> str:
    """The address of a DuckDB file."""
    return f"{_SCHEME}{path}"


def _log_of(path: Path) -> Path:
    """The write-ahead log of a DuckDB file."""
    return path.with_name(f"{path.name}.wal")


class DuckDBWarehouse(Warehouse):
    """A DuckDB file. No other process can read it while it is open for writing."""

    dialect = "duckdb"
    engine = "duckdb"
    product = "DuckDB"
    copy_suffix = ".duckdb"
    has_readers_copy = True

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @classmethod
    def open(cls, url: str, *, read_only: bool) -> Self:
        """Open the file named by ``duckdb:///path``; waits up to a minute for another writer."""
        path = cls.file_of(url)
        if read_only and not path.is_file():
            raise NoWarehouseError(said("there is no warehouse at {path}", path=path))
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        with explained(path):
            connection = connect_waiting(path, read_only=read_only)
        connection.execute("set timezone = 'Asia/Ho_Chi_Minh'")
        connection.execute("set preserve_insertion_order = false")
        warehouse = cls(connection, path)
        if not read_only:
            warehouse.migrate()
            if not warehouse._has_gaps():
                connection.execute("set max_vacuum_tasks = 0")
        return warehouse

    def _has_gaps(self) -> bool:
        """Whether a large table consists of deleted rows in a good part.

        A checkpoint moves rows together where few were deleted, and thereby writes most blocks of
        a table anew in which a night replaces some rows. So gaps are closed only where it pays.
        """
        large = self._connection.execute(
            "select schema_name, table_name, estimated_size from duckdb_tables()"
            " where database_name = current_database() and not internal and estimated_size > ?",
            [_LARGE_TABLE],
        ).fetchall()
        for schema, table, rows_and_gaps in large:
            counted = self._connection.execute(f"select count(*) from {quoted(schema, table)}")
            (rows,) = counted.fetchone() or (rows_and_gaps,)
            if rows_and_gaps - rows > _LARGEST_GAPS * rows_and_gaps:
                return True
        return False

    @classmethod
    def readers_address(cls, url: str, published: Path) -> str:  # noqa: ARG003 - for other engines
        """That of the readers' copy."""
        return duckdb_address(published)

    @classmethod
    def file_of(cls, url: str) -> Path:
        """The file that an address names."""
        return Path(url.removeprefix(_SCHEME))

    @classmethod
    def is_empty(cls, url: str) -> bool:
        """Whether there is no file."""
        return not cls.file_of(url).exists()

    @classmethod
    def require_empty(cls, url: str) -> None:
        """Refuse an address whose file is there, or its log."""
        for path in (cls.file_of(url), _log_of(cls.file_of(url))):
            if path.exists():
                raise WarehouseError(
                    "there is a warehouse already",
                    subject=str(path),
                    remedy="move it away, or set ONESTOP_WAREHOUSE to another file",
                )

    @classmethod
    def copy_out(cls, url: str, folder: Path) -> Path:
        """Copy the file, with the content of its log, while no process can write it."""
        path = cls.file_of(url)
        copy = folder / f"warehouse{cls.copy_suffix}"
        with cls.open(url, read_only=True):  # as long as it is open, no night can write
            if _log_of(path).is_file():
                shutil.copyfile(_log_of(path), _log_of(copy))
            size = path.stat().st_size
            with working_on_bytes("copying", path.name, size) as count:
                copy_held(path, copy, count)
        if _log_of(copy).exists():
            with cls.open(duckdb_address(copy), read_only=False) as warehouse:
                warehouse.execute("force checkpoint")
        copy.chmod(READ_ONLY)
        return copy

    @classmethod
    def copy_in(cls, copy: Path, url: str) -> None:
        """Copy the file to its place."""
        copy_whole(copy, cls.file_of(url), mode=_WAREHOUSE_MODE)

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run one statement."""
        self._run(sql, parameters)

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Run a query and return its rows as dictionaries."""
        cursor = self._run(sql, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def arrow(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run a query and return it as an Arrow table."""
        with explained(self._path):
            if parameters:
                query = with_parameters(sql, "${}")
                found = self._connection.sql(query, params=dict(parameters))
            else:
                found = self._connection.sql(sql)
            table: pa.Table = found.to_arrow_table()
        return table

    def csv(self, sql: str) -> Iterator[memoryview]:
        """Run a query of texts and whole numbers; its rows' CSV."""
        yield csv_text(self.arrow(sql))

    def batches(
        self, sql: str, parameters: Mapping[str, Any] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Run a query and return its rows in Arrow batches, at least one, as they arrive."""
        with explained(self._path):
            query = with_parameters(sql, "${}") if parameters else sql
            found = self._connection.sql(query, params=dict(parameters or {}))
            reader = found.to_arrow_reader(_BATCH_ROWS)
            count = 0
            for count, batch in enumerate(reader, start=1):  # noqa: B007 - whether there was one
                yield batch
            if not count:
                yield pa.RecordBatch.from_pylist([], reader.schema)

    @classmethod
    def readers_engine(cls, url: str) -> sa.Engine:
        """An engine that opens the file read-only for each connection."""
        # SQLAlchemy imports slowly
        from onestop.warehouse.duckdb_sqlalchemy import engine_of_readers  # noqa: PLC0415

        def opened() -> duckdb.DuckDBPyConnection:
            warehouse = cls.open(url, read_only=True)
            return warehouse._connection  # noqa: SLF001 - of this class

        return engine_of_readers(opened)

    @classmethod
    def arrow_of(cls, cursor: Any) -> pa.Table:  # noqa: ANN401 - of any driver
        """The rows of a cursor as an Arrow table, fetched in batches."""
        with warnings.catch_warnings():
            # the rows are held once more for a moment: the cursor is SQLAlchemy's, not a relation
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)
            table: pa.Table = cursor.to_arrow_reader().read_all()
        return table

    def _run(self, sql: str, parameters: Mapping[str, Any] | None) -> duckdb.DuckDBPyConnection:
        with explained(self._path):
            if not parameters:
                return self._connection.execute(sql)
            return self._connection.execute(with_parameters(sql, "${}"), dict(parameters))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: committed at the end, rolled back on any error."""
        self._connection.execute("begin transaction")
        try:
            yield
        except BaseException:
            roll_back(self._connection)
            raise
        self.execute("commit")

    def empty_schema(self, name: str) -> None:
        """Create a schema, or empty an existing one."""
        self.execute(f"drop schema if exists {name} cascade")
        self.execute(f"create schema {name}")

    def make_table(self, name: str, select: str, *, is_lookup: bool = False) -> None:  # noqa: ARG002 - for other engines
        """Replace a table by a query's rows; for data that can be computed again."""
        self._make("table", name, select)

    def make_view(self, name: str, select: str) -> None:
        """Create a view, replacing a table or view of its name."""
        self._make("view", name, select)

    def keep_views(self, views: Mapping[str, str]) -> None:
        """Create views that are not there or differ; DuckDB keeps the text in its own words."""
        standing = dict(
            self._connection.execute(
                "select schema_name || '.' || view_name, sql from duckdb_views()"
                " where database_name = current_database() and not internal"
            ).fetchall()
        )
        for name, select in views.items():
            (words,) = self._connection.execute(
                "select json_deserialize_sql(json_serialize_sql(?))", [select]
            ).fetchone() or ("",)
            if not standing.get(name, "").endswith(f" AS {words};"):
                self.make_view(name, select)

    def _make(self, kind: str, name: str, select: str) -> None:
        # `create or replace` refuses a relation of the other kind, and may abort the transaction
        other = "view" if kind == "table" else "table"
        found = self._connection.execute(
            f"select count(*) from duckdb_{other}s() where database_name = current_database()"
            f" and schema_name || '.' || {other}_name = ?",
            [name],
        ).fetchone()
        if found and found[0]:
            self.execute(f"drop {other} {name}")
        self.execute(f"create or replace {kind} {name} as {select}")

    @property
    def rows_at_once(self) -> int | None:
        """As many rows as the memory of the connection holds."""
        rows = _ROWS_PER_GIGABYTE * (memory_gigabytes() - _FIXED_GIGABYTES)
        return max(round(rows), _FEWEST_ROWS)

    def columns(self, schema: str, table: str) -> list[str]:
        """Names of a table's columns, in order."""
        try:
            found = self._connection.execute(f"select * from {quoted(schema, table)} limit 0")
        except duckdb.CatalogException:
            return []
        return [column[0] for column in found.description or ()]

    @contextmanager
    def staged(self, path: Path) -> Iterator[str]:
        """Attach a staged delivery read-only as ``staged``."""
        self._connection.execute(
            f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as staged (read_only)"
        )
        try:
            yield "staged."
        finally:
            self._connection.execute("detach staged")

    def put_table(self, name: str, table: pa.Table) -> None:
        """Replace all rows of a table by those of an Arrow table."""
        self._put("table", name, table)

    def put_temporary_table(self, name: str, table: pa.Table) -> None:
        """Create a temporary table from an Arrow table; it replaces one of that name."""
        self._put("temporary table", name, table)

    def _put(self, kind: str, name: str, table: pa.Table) -> None:
        with self._incoming(table):
            self.execute(f"create or replace {kind} {name} as select * from incoming_rows")

    def append(self, name: str, table: pa.Table) -> None:
        """Add rows to a table; columns are matched by name."""
        names = ", ".join(f'"{column}"' for column in table.column_names)
        with self._incoming(table):
            self.execute(f"insert into {name} ({names}) select {names} from incoming_rows")

    @contextmanager
    def _incoming(self, table: pa.Table) -> Iterator[None]:
        """Let one statement read a table, once, as ``incoming_rows``.

        DuckDB holds what is registered until the transaction ends, also once it is unregistered. So
        a reader is registered, which releases its rows as they are read.
        """
        rows = pa.RecordBatchReader.from_batches(table.schema, _batches_of(table))
        self._connection.register("incoming_rows", rows)
        try:
            yield
        finally:
            self._connection.unregister("incoming_rows")

    def append_parquet(self, name: str, files: Sequence[Path]) -> None:
        """Add the rows of Parquet files to a table; columns are matched by name."""
        if files:
            names = ", ".join(map(quoted, self.columns(*name.split("."))))
            paths = ", ".join(quoted_text(str(path)) for path in files)
            self.execute(
                f"insert into {name} ({names}) select {names} from read_parquet([{paths}])"
            )

    def keep_index(self, name: str, columns: Sequence[str]) -> None:
        """Does nothing: DuckDB keeps the bounds of every block of rows."""

    def few_rows(self, table: str, condition: str, *columns: str) -> str:
        """Finds the rows first: a scan whose condition is a join or an ``or`` reads all rows."""
        found = super().few_rows(table, condition, "rowid")
        return super().few_rows(table, f"d.rowid in ({found})", *columns)

    def replace_table(self, name: str, by: str) -> None:
        """Replace all rows of a table by those of another, in the running transaction."""
        self.make_table(name, f"select * from {by}")

    def _comments(self) -> dict[tuple[str, str, str], str]:
        found = self._connection.execute(
            "select schema_name, table_name, column_name, coalesce(comment, '')"
            " from duckdb_columns() where database_name = current_database() and not internal"
            " union all select schema_name, table_name, '', coalesce(comment, '')"
            " from duckdb_tables() where database_name = current_database() and not internal"
            " union all select schema_name, view_name, '', coalesce(comment, '')"
            " from duckdb_views() where database_name = current_database() and not internal"
        ).fetchall()
        return {(schema, table, column): text for schema, table, column, text in found}

    def gather_statistics(self, *schemas: str) -> None:
        """Does nothing: DuckDB updates its statistics while writing."""

    def gather_statistics_of(self, table: str, added: int) -> None:
        """Does nothing: DuckDB updates its statistics while writing."""

    def publish_copy(self, target: Path) -> None:
        """Copy the file after a checkpoint, and replace the readers' copy by one rename.

        The file stays locked until the copy is complete and checked.

        Raises:
            WarehouseError: the copy differs from the file; the earlier copy stays.
            OSError: it cannot be written; the earlier copy stays.
        """
        self.execute("force checkpoint")
        size = self._path.stat().st_size
        with drafted(target, mode=READABLE, needed=size) as draft:
            with working_on_bytes("copying", target.name, size) as count:
                copy_held(self._path, draft, count)
            with working_on_bytes("comparing", target.name, size) as count:
                is_same = self._is_same(draft, count)
            if not is_same:
                raise WarehouseError(
                    "what was read back of the readers' copy is not what was written; the one"
                    " before stays in place",
                    subject=target.name,
                    remedy=said(
                        "check the disk of {parent}, then publish again", parent=target.parent
                    ),
                )

    def _is_same(self, draft: Path, count: Callable[[int], None]) -> bool:
        """Whether a copy has the file's bytes, can be opened, and has the same publications."""
        if not is_copy_of_held(draft, self._path, count):
            return False
        published = "select * from audit.publication order by publication_id"
        try:
            with open_duckdb(draft, read_only=True) as copy:
                copy.execute("set timezone = 'Asia/Ho_Chi_Minh'")
                found = copy.execute(published).fetchall()
        except duckdb.Error:
            return False
        return bool(found == self._connection.execute(published).fetchall())

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors caused by the disk, the memory or the file into ones with a remedy.

    Raises:
        DiskFullError: there is no room.
        WarehouseError: the other causes.
    """
    try:
        with named_when_disk_full(path):
            yield
    except OUTSIDE as error:
        raise WarehouseError(
            said(
                "the warehouse cannot be used: {cause}; the step was rolled back",
                cause=first_line(error),
            ),
            remedy=remedy_of(error),
        ) from error


def connect_waiting(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open the warehouse's file; waits for another process that has it open.

    Raises:
        WarehouseBusyError: it did not close it in time.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            return open_duckdb(path, read_only=read_only)
        except duckdb.ConnectionException as error:
            raise WarehouseBusyError(
                "this process has the file open with other settings",
                subject=path.name,
                remedy="close that connection first (of SQLAlchemy: engine.dispose())",
            ) from error
        except duckdb.IOException as error:
            # Searched outside of the path, which may contain the word too.
            if "lock" not in str(error).replace(str(path), "").lower():
                raise
            if time.monotonic() > deadline:
                raise WarehouseBusyError(
                    said(
                        "another process still has the warehouse open after {wait_seconds:.0f} s",
                        wait_seconds=_WAIT_SECONDS,
                    ),
                    subject=path.name,
                    remedy="wait for that night to end or stop it, then run again",
                ) from error
            time.sleep(0.2)


def _batches_of(table: pa.Table) -> Iterator[pa.RecordBatch]:
    yield from table.to_batches()
