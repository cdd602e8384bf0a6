"""The marts of one night, counted by Spark from the record's Parquet files.

The steps of the marts and their results are relations of one Spark session. A mart's result is
written as Parquet; the warehouse's engine gives the staged table its columns and types, and loads
the files.
"""

from __future__ import annotations

import logging
import shutil
import time
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from onestop.record.history import history_select
from onestop.said import said, said_number
from onestop.schema.feeds import FEEDS
from onestop.spark.address import ComputeError
from onestop.spark.dialect import for_spark, relation_name
from onestop.spark.record_files import record_files, write_parquet
from onestop.spark.session import first_line, planned_for, spark_session
from onestop.warehouse.sql_text import tables_read
from onestop.warehouse.staged_names import PUBLISHED, staged_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from onestop.spark.address import Computing
    from onestop.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: What the histories are derived from, beside the versions; no text for people is copied.
_COLUMNS = {
    "audit.rejected_row": "delivery_id, key_text, replayed_attempt",
    "audit.delivery": "delivery_id, attempt, state, source, feed, night, kind, file_name,"
    " file_modified_at, sha256, known_from",
}
#: A folder is left behind when nothing was added to it for this long.
_LEFT_FOR_SECONDS = 2 * 24 * 3600


@dataclass(frozen=True)
class MartQuery:
    """A mart for Spark.

    Attributes:
        name: of the mart.
        select: its SELECT for the night, reading ``mart``, ``ref`` and ``core``.
        is_view: whether the warehouse has it as a view, so that no rows of it are loaded.
    """

    name: str
    select: str
    is_view: bool

    @property
    def table(self) -> str:
        """Its name with the schema."""
        return f"{PUBLISHED}.{self.name}"


@dataclass(frozen=True)
class Counted:
    """A mart that Spark has counted.

    Attributes:
        name: of the mart.
        files: its rows as Parquet; none of a view.
        seconds: how long it took.
    """

    name: str
    files: tuple[Path, ...]
    seconds: float


@contextmanager
def counting(
    warehouse: Warehouse, marts: Sequence[MartQuery], computing: Computing
) -> Iterator[tuple[str, Iterator[Counted]]]:
    """Count marts on Spark, one after the other.

    Args:
        warehouse: has the record, and the reference rows staged.
        marts: all of them, each after those that it reads.
        computing: where Spark runs, and the folder of the files.

    Yields:
        Spark's version, and each mart after it is counted; the files are removed at the end.

    Raises:
        ComputeError: Spark cannot be used, or could not count a mart.
    """
    remove_left_behind(computing.folder)
    run = computing.folder / f"run-{uuid.uuid4().hex}"
    try:
        rows = _rows_of_record(warehouse)
        with spark_session(computing) as session, planned_for(session, rows):
            night = _Night(warehouse, session, computing.folder, run)
            yield session.version, night.count(marts)
    finally:
        shutil.rmtree(run, ignore_errors=True)


def _rows_of_record(warehouse: Warehouse) -> int:
    counts = (f"(select count(*) from core.{feed.entity}_version)" for feed in FEEDS.values())
    return int(warehouse.value(f"select {' + '.join(counts)}"))


def remove_left_behind(folder: Path) -> None:
    """Remove what killed computations left in the folder of the files, after two days."""
    for pattern in ("run-*", "verify-*"):
        for path in folder.glob(pattern):
            if time.time() - path.stat().st_mtime > _LEFT_FOR_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def require_rows(files: Sequence[Path], rows: int, name: str) -> None:
    """Refuse files that lack rows which Spark wrote.

    A worker that does not share the folder writes its part on its own machine, without an error.

    Args:
        files: as this machine sees them.
        rows: how many Spark wrote.
        name: of what was written.

    Raises:
        ComputeError: the files have other rows.
    """
    found = sum(pq.read_metadata(path).num_rows for path in files)
    if found != rows:
        raise ComputeError(
            said(
                "of {rows} rows of {name} that Spark wrote, this machine sees {found}",
                rows=said_number(rows),
                name=name,
                found=said_number(found),
            ),
            subject="ONESTOP_RECORD_FILES",
            remedy="set it to a folder that this machine and Spark's workers share",
        )


class _Night:
    """The relations of one computation."""

    def __init__(
        self, warehouse: Warehouse, session: SparkSession, folder: Path, run: Path
    ) -> None:
        self._warehouse = warehouse
        self._session = session
        self._folder = folder
        self._run = run
        self._known: set[str] = set()

    def count(self, marts: Sequence[MartQuery]) -> Iterator[Counted]:
        """Count the marts in order; a view that no table reads is left out."""
        readers: Counter[str] = Counter()
        for mart in reversed(marts):
            if not mart.is_view or readers[mart.table]:
                readers.update(tables_read(mart.select))
        own = {mart.table for mart in marts}
        for mart in marts:
            begun, files = time.monotonic(), list[Path]()
            if not mart.is_view or readers[mart.table]:
                with _named(mart.name):
                    for table in sorted(tables_read(mart.select) - own):
                        self._provide(table)
                    files = self._count(mart, is_held=readers[mart.table] > 1)
            yield Counted(mart.name, tuple(files), time.monotonic() - begun)

    def _count(self, mart: MartQuery, *, is_held: bool) -> list[Path]:
        if mart.is_view and not is_held:
            frame, _ = self._selected(mart.select, mart.name)  # its steps stay as long as it
            frame.createOrReplaceTempView(relation_name(mart.table))
            return []
        files = self._made(mart.table, mart.select, mart.name)
        return [] if mart.is_view else files

    def _provide(self, table: str) -> None:
        """Make a table of the warehouse a relation."""
        if table in self._known:
            return
        self._known.add(table)
        schema, name = table.split(".")
        entity, _, kind = name.rpartition("_")
        feed = next((one for one in FEEDS.values() if one.entity == entity), None)
        if schema == "core" and kind == "version" and feed is not None:
            # The empty file has the columns of today, which older files may lack.
            columns = self._copied(table, f"select * from {table} where 1 = 0")
            files = [columns, *record_files(self._warehouse, feed, self._folder)]
            frame = self._read(files, self._read([columns]))
        elif schema == "core" and kind == "history" and feed is not None:
            select = history_select(feed)
            for one in sorted(tables_read(select)):
                self._provide(one)
            self._made(table, select, name)
            return
        else:
            names = _COLUMNS.get(table, "*")
            frame = self._read([self._copied(table, f"select {names} from {staged_name(table)}")])
        frame.createOrReplaceTempView(relation_name(table))

    def _copied(self, table: str, select: str) -> Path:
        """Rows of the warehouse as a Parquet file."""
        path = self._run / "tables" / f"{table}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_parquet(path, self._warehouse.batches(select))
        return path

    def _made(self, table: str, select: str, name: str) -> list[Path]:
        """Make a SELECT a relation, whose rows Spark has written into these files."""
        frame, steps = self._selected(select, name)
        files = self._written(frame, relation_name(table))
        for step in steps:
            shutil.rmtree(step, ignore_errors=True)
        return files

    def _selected(self, select: str, name: str) -> tuple[DataFrame, list[Path]]:
        """The relation of a SELECT, and the folders of its steps that are held.

        They are files, not Spark's memory: the plans that read them stay short, Spark knows their
        sizes, and they remain when a worker is lost.
        """
        query = for_spark(select, name)
        for step in query.steps:
            self._written(self._session.sql(step.select), step.name)
        return self._session.sql(query.select), [self._run / step.name for step in query.steps]

    def _written(self, frame: DataFrame, relation: str) -> list[Path]:
        """The files with all rows of a relation, which is read from them from now on."""
        from pyspark.sql import Observation  # noqa: PLC0415 - an optional extra
        from pyspark.sql.functions import count, lit  # noqa: PLC0415 - idem

        folder, written = self._run / relation, Observation()
        frame.observe(written, count(lit(1)).alias("rows")).write.parquet(str(folder))
        files = sorted(folder.glob("*.parquet"))
        require_rows(files, written.get["rows"], relation)
        self._read(files, frame).createOrReplaceTempView(relation)
        return files

    def _read(self, files: Sequence[Path], like: DataFrame | None = None) -> DataFrame:
        reader = self._session.read
        if like is not None:
            reader = reader.schema(like.schema)
        return reader.parquet(*map(str, files))


@contextmanager
def _named(mart: str) -> Iterator[None]:
    """Turn Spark's errors into one that names the mart."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 - an optional extra
    from pyspark.errors import PySparkException  # noqa: PLC0415 - idem

    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        raise ComputeError(
            said(
                "Apache Spark could not count mart.{mart}: {cause}",
                mart=mart,
                cause=first_line(error),
            ),
            remedy="see its log; run the night again, or unset ONESTOP_COMPUTE: the warehouse's"
            " engine counts the same figures",
        ) from error
