"""A real Apache Spark in this process, small and quick to start; and marts counted on it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from worked_dossiers import IN_JULY, LATE_FILE, LATER, NIGHT, THIRTEEN, record, record_unit

from onestop.marts.files import dated, mart_files
from onestop.record.history import history_insert, history_select
from onestop.schema.feeds import FEEDS
from onestop.spark.address import Computing, obstacles
from onestop.spark.compute import MartQuery, counting
from onestop.spark.session import spark_session
from onestop.warehouse.staged_names import STAGED

if TYPE_CHECKING:
    import datetime as dt

    from onestop.warehouse import Warehouse

#: Few rows: the time goes into starting, compiling and planning.
SMALL = """
spark.driver.memory 1g
spark.sql.shuffle.partitions 2
spark.sql.adaptive.enabled false
spark.sql.codegen.wholeStage false
spark.sql.codegen.factoryMode NO_CODEGEN
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
  -XX:ReservedCodeCacheSize=240m
"""
LOCAL = Computing("local[2]", Path())


def why_not() -> str:
    """Why there is no Spark here; empty where there is."""
    return next((f"no Apache Spark: {what}" for what, _ in obstacles(LOCAL)), "")


#: Marks tests that count on Spark.
needs_spark = [
    pytest.mark.spark,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "Spark is here"),
]


@contextmanager
def small_spark(folder: Path):
    """Spark's processes that are started in the block have the settings for few rows."""
    (folder / "spark-defaults.conf").write_text(SMALL, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        yield


@contextmanager
def running_spark(folder: Path):
    """A session for several tests; its Java process is ended."""
    with small_spark(folder), spark_session(LOCAL) as session:
        yield session
    end_java()


def end_java() -> None:
    """End the Java process that pyspark started from this one."""
    from pyspark import SparkContext  # noqa: PLC0415 - only where it is installed

    gateway = SparkContext._gateway
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=60)
        SparkContext._gateway = SparkContext._jvm = None


def derive_histories(warehouse: Warehouse) -> None:
    """Derive the histories from the versions, as loading does."""
    for feed in FEEDS.values():
        warehouse.execute(f"create temporary table derived as {history_select(feed)}")
        warehouse.execute(f"delete from core.{feed.entity}_history")
        warehouse.execute(history_insert(feed, "select * from derived"))
        warehouse.execute("drop table derived")


def put_thirteen_dossiers(warehouse: Warehouse) -> None:
    """The worked set of thirteen dossiers, with a file that came a month late."""
    record_unit(warehouse, NIGHT)
    record(warehouse, NIGHT, THIRTEEN)
    record(warehouse, LATER, IN_JULY)
    record(warehouse, NIGHT, LATE_FILE, known_from=LATER)
    derive_histories(warehouse)


def differing_marts(
    warehouse: Warehouse, night: dt.date, names: set[str], folder: Path
) -> dict[str, list[dict[str, object]]]:
    """Rows of staged marts that Spark counts otherwise, by mart; marts without any are left out.

    Args:
        warehouse: the marts of the night are staged by its engine.
        night: the night.
        names: the marts; those that they read are counted with them.
        folder: for Spark's files.
    """
    files = {file.name: file for file in mart_files()}
    wanted = set[str]()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += files[name].reads & files.keys()
    marts = [
        MartQuery(file.name, dated(file.text, night), is_view=file.is_view and name not in names)
        for name, file in files.items()
        if name in wanted
    ]
    found = {}
    with counting(warehouse, marts, Computing("local[2]", folder)) as (_, counted):
        for mart in counted:
            if mart.files and (rows := _differing(warehouse, mart.name, mart.files)):
                found[mart.name] = rows
    return found


def _differing(warehouse: Warehouse, name: str, files: tuple[Path, ...]) -> list[dict[str, object]]:
    table, other = f"{STAGED}.{name}", f"{STAGED}.on_spark"
    warehouse.make_table(other, f"select * from {table} limit 0")
    warehouse.append_parquet(other, files)
    columns = ", ".join(warehouse.columns(STAGED, name))
    one, two = (f"select {columns} from {relation}" for relation in (table, other))
    rows = warehouse.rows(
        f"select 'engine' as counted_by, * from ({one} except all {two}) as a"
        f" union all select 'Spark', * from ({two} except all {one}) as b limit 5"
    )
    warehouse.execute(f"drop table {other}")
    return rows
