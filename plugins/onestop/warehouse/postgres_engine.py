"""The PostgreSQL warehouse: one writer at a time, any number of readers.

A publication replaces the rows of ``mart`` in one transaction; its tables stay the same. So each
statement of a reader (at isolation level REPEATABLE READ, each transaction) sees one whole night.

``sql/schema/*_roles.postgresql.sql`` creates the roles that a login may take, and their rights.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import psycopg
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
from psycopg import IsolationLevel
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from onestop.errors import first_line
from onestop.said import said
from onestop.schema.feeds import FEEDS
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse.base import (
    NoWarehouseError,
    Replica,
    SchemaError,
    Warehouse,
    WarehouseBusyError,
    WarehouseError,
    quoted,
    quoted_text,
)
from onestop.warehouse.duckdb_files import open_duckdb
from onestop.warehouse.postgres_dump import dump, restore_dump
from onestop.warehouse.sql_text import with_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import duckdb
    import sqlalchemy as sa

#: The role that owns the record's tables and changes the schema.
OWNER = "onestop_owner"
#: The role that runs nights.
PIPELINE = "onestop_pipeline"
#: The role that reads everything.
AUDITOR = "onestop_auditor"

_SCHEME = re.compile(r"^postgres(?:ql)?(?:\+\w+)?://")
_OLDEST = 17
_WAIT_SECONDS = 60
#: Key of the advisory lock used before the lock table exists; an arbitrary unique number.
_FIRST_LOCK = 3818_2022
#: How long a step waits for a reader that has locked a table to change.
_READER_WAIT_MINUTES = 15
_BATCH_ROWS = 100_000
#: Memory for sorting and hashing of the writer and the gate; more than others', since only one of
#: each runs at a time.
_OWN_MEMORY = "128MB"

_TYPES: dict[pa.DataType, str] = {
    pa.string(): "varchar",
    pa.large_string(): "varchar",
    pa.null(): "varchar",
    pa.bool_(): "boolean",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.date32(): "date",
}
_ARROW_TYPES: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float8": pa.float64(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", LOCAL_ZONE.key),
}
_DIGITS = 38
#: Letters of a name; the server cuts off what is longer.
_LONGEST_NAME = 63
_TEXT_TYPES = ("text", "varchar")


class PostgreSQLWarehouse(Warehouse):
    """A PostgreSQL database."""

    dialect = "postgres"
    engine = "postgresql"
    product = "PostgreSQL"
    copy_suffix = ".dump"
    has_readers_copy = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[dict[str, Any]] = _connect(url, dict_row)
        #: Holds the writer's lock as long as its transaction lasts; None for readers.
        self._lock_holder: psycopg.Connection[Any] | None = None

    @classmethod
    def open(cls, url: str, *, read_only: bool) -> Self:
        """Open the database.

        A writer takes the writer's lock, brings the schema up to date where its login may, and
        takes the role of the pipeline. A reader takes the auditor's role where it may and sees
        one state of the database until it closes.

        Raises:
            WarehouseBusyError: another process is still writing after a minute.
            NoWarehouseError: a reader finds no warehouse there.
            WarehouseError: the database cannot be reached or is not usable.
            SchemaError: the schema does not fit this release.
        """
        warehouse = cls(url)
        try:
            if read_only:
                warehouse._begin_reading()
            else:
                warehouse._begin_writing()
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    @classmethod
    def readers_address(cls, url: str, published: Path) -> str:  # noqa: ARG003 - for other engines
        """The warehouse's own: a publication changes what readers see by one commit."""
        return url

    @classmethod
    def file_of(cls, url: str) -> None:
        """None: the server holds it."""

    @classmethod
    def is_empty(cls, url: str) -> bool:
        """Whether the database holds no warehouse."""
        try:
            cls.open(url, read_only=True).close()
        except NoWarehouseError:
            return True
        return False

    @classmethod
    def require_empty(cls, url: str) -> None:
        """Refuse a database that holds a warehouse."""
        if not cls.is_empty(url):
            raise WarehouseError(
                "the database holds a warehouse already",
                remedy="restore into a new, empty database",
            )

    @classmethod
    def copy_out(cls, url: str, folder: Path) -> Path:
        """Dump the database."""
        copy = folder / f"warehouse{cls.copy_suffix}"
        dump(url, copy)
        return copy

    @classmethod
    def copy_in(cls, copy: Path, url: str) -> None:
        """Restore a dump, with the roles of the warehouse."""
        restore_dump(copy, url)

    def _begin_reading(self) -> None:
        if not self.value("select count(*) from pg_namespace where nspname = 'audit'"):
            name = self.value("select current_database()")
            raise NoWarehouseError(said("there is no warehouse in the database {name}", name=name))
        self.execute(_take_role(AUDITOR))
        self._connection.isolation_level = IsolationLevel.REPEATABLE_READ
        self._connection.autocommit = False

    def _begin_writing(self) -> None:
        self._check_database()
        if not self._has_lock_table():
            self._make_lock_table()
        self._take_lock()
        self.execute(f"set work_mem = '{_OWN_MEMORY}'")
        self.execute(f"set lock_timeout = '{_READER_WAIT_MINUTES}min'")
        self.migrate()
        self.execute(_take_role(PIPELINE))

    def _check_database(self) -> None:
        found = self.rows(
            "select current_setting('server_version_num')::integer / 10000 as version,"
            " current_setting('server_encoding') as encoding,"
            " 'B' < 'a' and 'a-b' < 'aa' as sorts_by_bytes, current_database() as name"
        )[0]
        if found["version"] < _OLDEST:
            raise WarehouseError(
                said("the warehouse is on PostgreSQL {version}", version=found["version"]),
                remedy=said("{oldest} or newer is needed", oldest=_OLDEST),
            )
        if found["encoding"] != "UTF8" or not found["sorts_by_bytes"]:
            raise WarehouseError(
                "must hold UTF-8 and sort text by its bytes, as the embedded warehouse does",
                subject=said("the database {name}", name=found["name"]),
                remedy="make it with: create database … template template0"
                " encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8'",
            )

    def _has_lock_table(self) -> bool:
        return bool(self.value("select to_regclass('meta.writer') is not null"))

    def _make_lock_table(self) -> None:
        """Migrate a warehouse without the lock table.

        Meanwhile an advisory lock separates processes that start at the same time.
        """
        with _waiting():
            self.execute(f"set lock_timeout = '{_WAIT_SECONDS}s'")
            self.execute(f"select pg_advisory_lock({_FIRST_LOCK})")
        self.execute("reset lock_timeout")
        try:
            self.migrate()
        finally:
            self.execute(f"select pg_advisory_unlock({_FIRST_LOCK})")

    def _take_lock(self) -> None:
        """Lock ``meta.writer`` until the warehouse is closed.

        Any login can take any advisory lock; a table can be locked only by roles with rights on
        it. A second connection holds the lock across this one's transactions; it has no snapshot,
        so it holds up no vacuum. The share lock waits for the last statement of a writer that was
        killed: that writer's own transactions hold the table in row exclusive mode.
        """
        self._lock_holder = _connect(self._url, psycopg.rows.tuple_row)
        self._lock_holder.autocommit = False
        try:
            with _waiting():
                for statement in (
                    f"set local lock_timeout = '{_WAIT_SECONDS}s'",
                    "lock table meta.writer in share update exclusive mode",
                    "savepoint alone",
                    "lock table meta.writer in share mode",
                    "rollback to savepoint alone",
                ):
                    self._lock_holder.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege as error:
            raise WarehouseError(
                said("the login may not write the warehouse ({cause})", cause=first_line(error)),
                remedy=said("use a login that has the role {pipeline}", pipeline=PIPELINE),
            ) from error

    def _check_lock(self) -> None:
        """Raise before a transaction if the connection that holds the lock is closed."""
        if self._lock_holder is not None:
            try:
                self._lock_holder.execute("select 1")
            except psycopg.OperationalError as error:
                raise WarehouseError(
                    said(
                        "the writer's lock was lost ({cause}): another process may be writing the"
                        " warehouse; the step was rolled back",
                        cause=first_line(error),
                    ),
                    remedy="run it again",
                ) from error

    def _has_roles(self) -> bool:
        return bool(
            self.value(
                "select count(*) from pg_namespace where nspname = 'core'"
                " and pg_get_userbyid(nspowner) = :owner",
                {"owner": OWNER},
            )
        )

    def _may_take(self, role: str) -> bool:
        return bool(
            self.value(
                "select count(*) from pg_roles where rolname = :role"
                " and pg_has_role(session_user, oid, 'SET')",
                {"role": role},
            )
        )

    def migrate(self) -> None:
        """Bring the schema up to date; raise if the login may not change it."""
        pending = self.pending()
        if pending and self._has_roles() and not self._may_take(OWNER):
            raise SchemaError(
                said(
                    "the warehouse has schema {version} and this release needs {needed}",
                    version=self.schema_version(),
                    needed=pending[-1].version,
                ),
                remedy=said(
                    "run `onestop migrate` with a login that may take the role {owner}", owner=OWNER
                ),
            )
        super().migrate()

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Change the schema as its owner, once the role exists."""
        with self.transaction():
            if self._has_roles():
                self.execute(f"set local role {OWNER}")
            yield

    @contextmanager
    def as_owner(self) -> Iterator[None]:
        """Work as the owner of the record's tables, if the login may, to comment on them."""
        role = self.value("select current_user")
        self.execute(_take_role(OWNER))
        try:
            yield
        finally:
            self.execute(f"set role {quoted(role)}")

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run one statement."""
        if self._lock_holder is None:
            self._run(sql, parameters)
        else:
            with self.transaction():
                self._run(sql, parameters)

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Run a query and return its rows as dictionaries."""
        return self._run(sql, parameters).fetchall()

    def arrow(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run a query and return it as an Arrow table."""
        cursor = self._run(sql, parameters)
        columns = cursor.description or []
        names = [column.name for column in columns]
        rows = cursor.fetchall()
        arrays = [
            pa.array([row[column.name] for row in rows], _arrow_type(column)) for column in columns
        ]
        return pa.Table.from_arrays(arrays, names=names)

    def batches(
        self, sql: str, parameters: Mapping[str, Any] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Run a query and return its rows in Arrow batches, at least one, as they arrive."""
        with (
            self.transaction(),
            self._explained(),
            psycopg.ServerCursor(
                self._connection, "batches", row_factory=psycopg.rows.tuple_row
            ) as cursor,
        ):
            cursor.execute(self._with_values(sql, parameters).encode(), binary=True)
            columns = cursor.description or []
            schema = pa.schema([(column.name, _arrow_type(column)) for column in columns])
            rows = cursor.fetchmany(_BATCH_ROWS)
            while True:
                cells = list(zip(*rows, strict=True)) or [()] * len(columns)
                yield pa.RecordBatch.from_arrays(
                    [pa.array(*one) for one in zip(cells, schema.types, strict=True)],
                    schema=schema,
                )
                rows = cursor.fetchmany(_BATCH_ROWS)
                if not rows:
                    return

    def csv(self, sql: str) -> Iterator[bytes | bytearray | memoryview]:
        """Run a query of texts and whole numbers; the server writes what Arrow would."""
        columns = self._run(f"select * from ({sql}) as query limit 0", None).description or []
        texts = [quoted(c.name) for c in columns if c.type_display in _TEXT_TYPES]
        yield ",".join(quoted(column.name) for column in columns).encode() + b"\n"
        force = f", force_quote ({', '.join(texts)})" if texts else ""
        with (
            self._explained(),
            self._connection.cursor() as cursor,
            cursor.copy(f"copy ({sql}) to stdout (format csv{force})".encode()) as copy,
        ):
            yield from copy

    @classmethod
    def readers_engine(cls, url: str) -> sa.Engine:
        """An engine whose sessions are read-only."""
        return sqlalchemy_engine(url, read_only=True)

    @classmethod
    def arrow_of(cls, cursor: psycopg.Cursor[Any]) -> pa.Table:
        """The rows of a cursor as an Arrow table."""
        columns = cursor.description or []
        values = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(columns)
        return pa.Table.from_arrays(
            [
                pa.array(cells, _declared_type(column))
                for column, cells in zip(columns, values, strict=True)
            ],
            names=[column.name for column in columns],
        )

    def _run(
        self, sql: str, parameters: Mapping[str, Any] | None
    ) -> psycopg.Cursor[dict[str, Any]]:
        with self._explained():
            # Binary values come by the extended protocol, which refuses more than one statement.
            return psycopg.Cursor(self._connection).execute(
                self._with_values(sql, parameters).encode(), binary=True
            )

    def _with_values(self, sql: str, parameters: Mapping[str, Any] | None) -> str:
        """The statement with its parameters' values as literals."""
        if not parameters:
            return sql
        return psycopg.ClientCursor(self._connection).mogrify(
            with_parameters(sql.replace("%", "%%"), "%({})s").encode(), parameters
        )

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self._connection)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: committed at the end, rolled back on any error."""
        is_outermost = self._connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        if is_outermost:
            self._check_lock()
        with self._explained(), self._connection.transaction():
            if is_outermost and self._lock_holder is not None:
                self._run("lock table meta.writer in row exclusive mode", None)
            yield

    def empty_schema(self, name: str) -> None:
        """Create a schema, or empty an existing one; its default privileges stay."""
        with self.transaction():
            if not self.value("select count(*) from pg_namespace where nspname = :name",
                              {"name": name}):  # fmt: skip
                self.execute(f"create schema {quoted(name)}")
            for relation, is_view in self.relations(name).items():
                kind = "view" if is_view else "table"
                self.execute(f"drop {kind} if exists {quoted(name, relation)} cascade")

    def make_table(self, name: str, select: str, *, is_lookup: bool = False) -> None:
        """Replace a table by a query's rows; for data that can be computed again.

        The table is unlogged: it is empty after a crash of the server.
        """
        with self.transaction():
            self._drop(name)
            if is_lookup:
                # few keys are looked up: few pages are read, most of them in memory
                self.execute("set local random_page_cost = 1.1")
            else:
                # Whole tables are joined: a nested loop chosen for an estimate of one row that
                # proves to be a thousand takes hours. Joins by spans of days still use one.
                self.execute("set local enable_nestloop = off")
                # Groups are far fewer than the estimate, so that hashing them is cheaper. What can
                # only be sorted still is.
                self.execute("set local enable_sort = off")
            self.execute(f"create unlogged table {name} as {select}")
            self.execute(f"analyze {name}")

    def make_view(self, name: str, select: str) -> None:
        """Create a view, replacing a table or view of its name; an identical view stays.

        Replacing a view waits for its readers and blocks others, so it is not done every night. The
        views of its schema that read it are dropped with it: a publication creates each view after
        those that it reads.

        Raises:
            WarehouseError: a view of another schema reads it.
        """
        with self.transaction():
            self.execute(f"create temporary view wanted_view as {select}")
            found = self.rows(
                "select pg_get_viewdef(c.oid) = pg_get_viewdef('pg_temp.wanted_view'::regclass)"
                " as is_same from pg_class as c where c.oid = to_regclass(:name)"
                " and c.relkind = 'v'",
                {"name": name},
            )
            self.execute("drop view pg_temp.wanted_view")
            if not (found and found[0]["is_same"]):
                self._drop(name)
                self.execute(f"create view {name} as {select}")

    def _drop(self, name: str) -> None:
        schema, table = name.split(".")
        is_view = self.relations(schema).get(table)
        if is_view:
            self.execute(f"drop view {', '.join([name, *self._readers(name)])}")
        elif is_view is not None:
            self.execute(f"drop table {name}")

    def _readers(self, view: str) -> list[str]:
        """The views of the same schema that read a view, directly or through others."""
        schema = view.partition(".")[0]
        found = self.rows(
            "with recursive reader as (select to_regclass(:view)::oid as oid union"
            " select rule.ev_class from reader inner join pg_depend as d on d.refobjid = reader.oid"
            " and d.refclassid = 'pg_class'::regclass and d.classid = 'pg_rewrite'::regclass"
            " inner join pg_rewrite as rule on d.objid = rule.oid)"
            " select c.relname from reader inner join pg_class as c on reader.oid = c.oid"
            " inner join pg_namespace as n on c.relnamespace = n.oid"
            " where n.nspname = :schema and c.oid <> to_regclass(:view)::oid order by c.relname",
            {"view": view, "schema": schema},
        )
        return [f"{schema}.{row['relname']}" for row in found]

    @contextmanager
    def staged(self, path: Path) -> Iterator[str]:
        """Copy a staged delivery's columns that loading reads into temporary tables."""
        copied = []
        try:
            with open_duckdb(path, read_only=True) as file:
                file.execute("set timezone = 'UTC'")
                for table, columns in _columns_loaded(file).items():
                    copied.append(f"staged_{table}")
                    batches = file.sql(f"select {columns} from {table}").to_arrow_reader(
                        _BATCH_ROWS
                    )
                    self._copy_in(copied[-1], batches)
            yield "staged_"
        finally:
            if not self._connection.broken:
                for table in copied:
                    self.execute(f"drop table if exists pg_temp.{table}")

    def _copy_in(self, name: str, batches: pa.RecordBatchReader) -> None:
        """Create a temporary table from Arrow batches."""
        columns = ", ".join(
            f"{quoted(field.name)} {_type_of(field.type)}" for field in batches.schema
        )
        self.execute(f"drop table if exists pg_temp.{name}")
        self.execute(f"create temporary table {name} ({columns})")
        self._copy(f"pg_temp.{name}", batches.schema, batches)
        self.execute(f"analyze pg_temp.{name}")

    def _copy(self, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        names = ", ".join(map(quoted, schema.names))
        options = arrow_csv.WriteOptions(include_header=False)
        with self._connection.cursor() as cursor, cursor.copy(
            f"copy {name} ({names}) from stdin (format csv)".encode()
        ) as copy:  # fmt: skip
            for batch in batches:
                with pa.BufferOutputStream() as text:
                    arrow_csv.write_csv(_writable(batch), text, options)
                    copy.write(memoryview(text.getvalue()))

    def put_table(self, name: str, table: pa.Table) -> None:
        """Replace all rows of a table by those of an Arrow table; equal rows stay."""
        with self.transaction():
            self._copy_in("incoming_rows", table.to_reader())
            self.renew_table(name, "pg_temp.incoming_rows")
            self.execute("drop table pg_temp.incoming_rows")

    def put_temporary_table(self, name: str, table: pa.Table) -> None:
        """Create a temporary table from an Arrow table; it replaces one of that name."""
        self._copy_in(name, table.to_reader())

    def renew_table(self, name: str, by: str) -> None:
        """Like :meth:`replace_table`; equal rows stay."""
        types = self._types(by)
        if self._types(name) != types or self._differ(name, by, types):
            self.replace_table(name, by)

    def _differ(self, one: str, other: str, columns: Iterable[str]) -> bool:
        names = ", ".join(map(quoted, columns))
        return bool(
            self.value(
                f"select count(*) from ((select {names} from {one} except all"
                f" select {names} from {other}) union all (select {names} from {other}"
                f" except all select {names} from {one})) as differing"
            )
        )

    def append(self, name: str, table: pa.Table) -> None:
        """Add rows to a table; columns are matched by name."""
        self._copy(name, table.schema, table.to_batches())

    def append_parquet(self, name: str, files: Sequence[Path]) -> None:
        """Add the rows of Parquet files to a table; columns are matched by name."""
        with self.transaction():
            for path in files:
                with pq.ParquetFile(path) as file:
                    self._copy(name, file.schema_arrow, file.iter_batches(_BATCH_ROWS))
            self.execute(f"analyze {name}")

    def replace_table(self, name: str, by: str) -> None:
        """Replace all rows of a table by those of another, in the running transaction.

        The table itself stays: readers do not wait, and see the earlier rows until the commit. Only
        a release that changes its columns locks it briefly.
        """
        types = self._types(by)
        self._have_columns(name, types)
        names = ", ".join(map(quoted, types))
        self.execute(f"delete from {name}")
        self.execute(f"insert into {name} ({names}) select {names} from {by}")

    def keep_index(self, name: str, columns: Sequence[str]) -> None:
        """Create an index, once; readers do not wait for it."""
        table = name.split(".")[1]
        index = "_".join((table, *columns, "index"))[:_LONGEST_NAME]
        self.execute(
            f"create index if not exists {quoted(index)}"
            f" on {name} ({', '.join(map(quoted, columns))})"
        )

    def _have_columns(self, name: str, types: dict[str, str]) -> None:
        schema, table = name.split(".")
        relations = self.relations(schema)
        if relations.get(table):
            self.execute(f"drop view {name}")
        standing = {} if relations.get(table) is None else self._types(name)
        if not standing:
            columns = ", ".join(f"{quoted(column)} {type_}" for column, type_ in types.items())
            self.execute(f"create table {name} ({columns})")
            return
        unfit = [column for column, type_ in standing.items() if types.get(column) != type_]
        if unfit:
            # views of mart read other schemas too, and a publication creates them again
            for views in dict.fromkeys((schema, "mart")):
                for view in (view for view, is_view in self.relations(views).items() if is_view):
                    self.execute(f"drop view if exists {quoted(views, view)} cascade")
            self.execute(f"delete from {name}")
        for column in unfit:
            self.execute(f"alter table {name} drop column {quoted(column)}")
        for column, type_ in types.items():
            if standing.get(column) != type_:
                self.execute(f"alter table {name} add column {quoted(column)} {type_}")

    def _types(self, name: str) -> dict[str, str]:
        """Columns of a table and their types, in order; nothing when there is no such table."""
        found = self.rows(
            "select attname, format_type(atttypid, atttypmod) as type from pg_attribute"
            " where attrelid = to_regclass(:name) and attnum > 0 and not attisdropped"
            " order by attnum",
            {"name": name},
        )
        return {row["attname"]: row["type"] for row in found}

    def _comments(self) -> dict[tuple[str, str, str], str]:
        """The comments that this login may change; ``onestop migrate`` sets those of the record."""
        found = self.rows(
            "select n.nspname, c.relname, coalesce(a.attname, '') as attname,"
            " coalesce(case when a.attnum is null then obj_description(c.oid, 'pg_class')"
            " else col_description(c.oid, a.attnum) end, '') as text from pg_class as c"
            " inner join pg_namespace as n on c.relnamespace = n.oid"
            " inner join (select attrelid, attname, attnum from pg_attribute where attnum > 0"
            " and not attisdropped union all select oid, null, null from pg_class"
            " where relkind in ('r', 'p', 'v')) as a on a.attrelid = c.oid"
            " where n.nspname in ('mart', 'ref', 'core', 'audit', 'national')"
            " and pg_has_role(c.relowner, 'USAGE')"
        )
        return {(row["nspname"], row["relname"], row["attname"]): row["text"] for row in found}

    def gather_statistics(self, *schemas: str) -> None:
        """Update the planner's statistics of the tables that changed since they were made."""
        tables = self._changed_tables(schemas)
        if tables:
            self.execute(f"analyze {', '.join(tables)}")

    def gather_statistics_of(self, table: str, added: int) -> None:
        """Update the planner's statistics of a table without any, or that grew by a twentieth.

        It does without while another session maintains the table.
        """
        schema, name = table.split(".")
        # the number of rows stays known when the transaction that counted them is rolled back
        before = self.value(
            "select c.reltuples from pg_class as c where c.oid = to_regclass(:table) and exists"
            " (select 1 from pg_stats as s where s.schemaname = :schema and s.tablename = :name)",
            {"table": table, "schema": schema, "name": name},
        )
        if before is None or added > before / 20:
            self.execute(f"analyze (skip_locked) {table}")

    def _changed_tables(self, schemas: Iterable[str]) -> list[str]:
        """The tables without statistics, or of which a twentieth changed since they were made."""
        self.rows("select pg_stat_force_next_flush()")
        names = ", ".join(map(quoted_text, schemas))
        found = self.rows(
            "select schemaname, relname from pg_stat_all_tables"
            f" where schemaname in ({names}) and (coalesce(last_analyze, last_autoanalyze) is null"
            " or n_mod_since_analyze > n_live_tup / 20)"
        )
        return [quoted(row["schemaname"], row["relname"]) for row in found]

    def replica(self) -> Replica | None:
        """How far a streaming replica is behind its server."""
        found = self.rows(
            "select pg_is_in_recovery() as is_replica,"
            " exists (select 1 from pg_stat_wal_receiver where pid is not null) as is_fed,"
            " case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0 else"
            " coalesce(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()), 0)"
            " end as seconds_behind"
        )[0]
        if not found["is_replica"]:
            return None
        return Replica(found["is_fed"], float(found["seconds_behind"]))

    def publish_copy(self, target: Path) -> None:  # noqa: ARG002 - readers need no file
        """Vacuum the rows of the night before; readers read the database itself."""
        tables = [
            quoted(schema, name)
            for schema in ("mart", "ref")
            for name, is_view in self.relations(schema).items()
            if not is_view
        ]
        # outside of any transaction
        self._run(f"vacuum (truncate false, skip_locked) {', '.join(tables)}", None)
        changed = [table for table in self._changed_tables(("mart", "ref")) if table in tables]
        if changed:
            self._run(f"analyze (skip_locked) {', '.join(changed)}", None)

    def close(self) -> None:
        """Close the connection, then release the writer's lock."""
        self._connection.close()
        if self._lock_holder is not None:
            self._lock_holder.close()


def sqlalchemy_engine(
    url: str, *, read_only: bool = False, joins_whole_tables: bool = False
) -> sa.Engine:
    """A SQLAlchemy engine that reads as the auditor where the login may.

    Each statement has its own transaction, so that a failing rule affects no other. A session is
    kept for the next statement until the engine is disposed of; a read-only one is closed after
    each use, because pages wait for requests most of the time.

    Args:
        url: of the database.
        read_only: whether the server refuses every change.
        joins_whole_tables: whether nested loops are avoided, as in
            :meth:`PostgreSQLWarehouse.make_table`.
    """
    import sqlalchemy as sa  # noqa: PLC0415 - only the gate needs it

    def connect() -> psycopg.Connection[Any]:
        connection = _connect(url, psycopg.rows.tuple_row)
        connection.execute(_take_role(AUDITOR).encode())
        if read_only:
            connection.execute("set default_transaction_read_only = on")
        else:
            connection.execute(f"set work_mem = '{_OWN_MEMORY}'".encode())
        if joins_whole_tables:
            connection.execute("set enable_nestloop = off")
        return connection

    return sa.create_engine(
        "postgresql+psycopg://",
        creator=connect,
        poolclass=sa.pool.NullPool if read_only else sa.pool.QueuePool,
        # a session that was lost meanwhile is opened again
        pool_pre_ping=not read_only,
        isolation_level="AUTOCOMMIT",
    )


@contextmanager
def explained(connection: psycopg.Connection[Any] | None = None) -> Iterator[None]:
    """Turn the server's refusals and a broken connection into errors with a remedy.

    Args:
        connection: whose state says whether it broke; None where it is not known.

    Raises:
        WarehouseError: the server refused a statement, or cannot be reached.
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise WarehouseError(
            said("the login lacks a right: {cause}", cause=first_line(error)),
            remedy="the README says which role has which rights",
        ) from error
    except psycopg.errors.DependentObjectsStillExist as error:
        raise WarehouseError(
            f"{first_line(error)}: {error.diag.message_detail}",
            remedy="drop that view, run the step again, and create the view again",
        ) from error
    except psycopg.errors.LockNotAvailable as error:
        raise WarehouseBusyError(
            said(
                "a table could not be changed: {cause}; another session holds it"
                " (pg_stat_activity shows which)",
                cause=first_line(error),
            ),
            remedy="end that session and run the step again",
        ) from error
    except psycopg.OperationalError as error:
        if connection is not None and connection.broken:
            raise WarehouseError(
                said(
                    "the connection to the warehouse broke: {cause}; the step was rolled back",
                    cause=first_line(error),
                ),
                remedy="run it again",
            ) from error
        raise WarehouseError(
            said(
                "the warehouse cannot be used: {cause}; the step was rolled back",
                cause=first_line(error),
            ),
            remedy="remove the cause and run it again",
        ) from error


@contextmanager
def _waiting() -> Iterator[None]:
    """Wait for another writer; raise when it takes too long."""
    try:
        yield
    except (psycopg.errors.LockNotAvailable, WarehouseBusyError) as error:
        raise WarehouseBusyError(
            said(
                "another process is still writing the warehouse after {wait_seconds} s",
                wait_seconds=_WAIT_SECONDS,
            ),
            remedy="wait for that night to end or stop it, then run again",
        ) from error


def _take_role(role: str) -> str:
    """The statement that takes a role, if the warehouse has it and the login may."""
    return (
        f"select set_config('role', rolname, false) from pg_roles where rolname = '{role}'"
        " and pg_has_role(session_user, oid, 'SET') and exists (select 1 from pg_namespace"
        f" where nspname = 'core' and pg_get_userbyid(nspowner) = '{OWNER}')"
    )


def _connect(url: str, row_factory: Any) -> psycopg.Connection[Any]:  # noqa: ANN401 - of its rows
    try:
        options: dict[str, Any] = conninfo_to_dict(_SCHEME.sub("postgresql://", url))
    except psycopg.ProgrammingError:
        # the driver's message quotes the address with its password
        raise WarehouseError(
            "is not an address that PostgreSQL understands",
            subject="ONESTOP_WAREHOUSE",
            remedy="write it as postgresql://login@host:5432/database",
        ) from None
    options.setdefault("connect_timeout", 10)
    options.setdefault("application_name", "onestop")
    try:
        connection = psycopg.connect(
            **options,
            autocommit=True,
            cursor_factory=psycopg.ClientCursor,
            row_factory=row_factory,
        )
    except psycopg.OperationalError as error:
        raise WarehouseError(
            said("the PostgreSQL warehouse cannot be reached: {cause}", cause=first_line(error)),
            remedy="check that the server is up, and the address in ONESTOP_WAREHOUSE (in Airflow:"
            " in the Connection onestop_warehouse)",
        ) from error
    connection.execute(_SET_SESSION, [text for setting in _SESSION.items() for text in setting])
    return connection


#: Settings of every session: texts as in the embedded warehouse, and the end of a statement whose
#: process was killed.
_SESSION = {
    "timezone": LOCAL_ZONE.key,
    "datestyle": "ISO, YMD",
    "client_min_messages": "warning",
    "client_connection_check_interval": "5s",
    "jit": "off",
    # All our names are qualified: no other table can take the place of one.
    "search_path": "pg_catalog, pg_temp",
    # The database's limits are for the logins of readers.
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
}
#: One statement for all of them: a night opens dozens of sessions.
_SET_SESSION = "select " + ", ".join(["set_config(%s, %s, false)"] * len(_SESSION))


def _columns_loaded(file: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The columns of a staged file's tables that loading reads."""
    (name,) = file.execute("select feed from read_summary").fetchall()[0]
    feed = FEEDS[name]
    changed = ("modified_at",) if "modified_at" in feed.column_names else ()
    return {
        "accepted_row": ", ".join(("row_number", "content_hash", *feed.column_names)),
        "staged_row": ", ".join(("row_number", "is_repeat", *feed.key)),
        "rejected_row": "*",
        "rule_result": "*",
        "skipped_row": ", ".join(("row_number", "skip_reason", *feed.key, *changed)),
        "read_summary": "format, encoding, mapping_sha256, skip_reasons, covers, covered",
        "gate_summary": "*",
    }


def _type_of(type_: pa.DataType) -> str:
    """The PostgreSQL type that holds an Arrow type's values."""
    if pa.types.is_timestamp(type_):
        return "timestamptz"
    if isinstance(type_, pa.Decimal128Type):
        return f"numeric({type_.precision}, {type_.scale})"
    return _TYPES[type_]


def _arrow_type(column: psycopg.Column) -> pa.DataType:
    if column.type_display.startswith("numeric"):
        return pa.decimal128(column.precision or _DIGITS, column.scale or 0)
    return _ARROW_TYPES.get(column.type_display, pa.string())


def _declared_type(column: psycopg.Column) -> pa.DataType | None:
    """The type of a query's column; None for numbers without declared digits, as of ``avg``."""
    if column.type_display.startswith("numeric") and column.precision is None:
        return None
    return _arrow_type(column)


def _writable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch for CSV: a column without any value becomes text."""
    for place, field in enumerate(batch.schema):
        if pa.types.is_null(field.type):
            batch = batch.set_column(place, field.name, pa.nulls(len(batch), pa.string()))
    return batch
