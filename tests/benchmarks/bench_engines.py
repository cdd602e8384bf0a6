"""Cost of loading and computing on PostgreSQL and on DuckDB, on the same made-up record.

.venv/bin/python tests/benchmarks/bench_engines.py --dossiers 1500000

It loads one staged file with every dossier, then one with 2000 changed dossiers. The marts are
computed over a record with about three states for each dossier. The server runs with PostgreSQL's
default settings.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from bench_marts import NIGHT, make_record
from postgres_server import running_server

from onestop.intake.delivery import Delivery
from onestop.marts.compute import compute_marts
from onestop.marts.publish import figures_digest, publish_marts
from onestop.record.load import load_delivery
from onestop.schema.feeds import DOSSIERS, FEEDS
from onestop.warehouse import open_warehouse

_CHANGED = 2000
_BATCH_ROWS = 100_000


@contextmanager
def timed(label: str):
    started = time.perf_counter()
    yield
    print(f"  {label:<44}{time.perf_counter() - started:8.1f} s", flush=True)


def stage(record: str, path: Path, limit: int) -> None:
    """A validated staged file of the dossiers in a record."""
    columns = ", ".join(f"h.{name}" for name in DOSSIERS.column_names)
    make_staged_file(
        Path(record.removeprefix("duckdb:///")),
        path,
        f"select {columns}, h.content_hash || h.valid_from as content_hash"
        f" from record.core.dossier_history as h where valid_to is null limit {limit}",
    )


def make_staged_file(record: Path, path: Path, select: str) -> None:
    """A validated staged file of a query's rows; it reads the record as ``record``."""
    with duckdb.connect(path) as file:
        file.execute(f"attach '{record}' as record (read_only)")
        file.execute(
            "create table staged_row as select row_number() over () as row_number, chosen.*,"
            f" false as is_repeat from ({select}) as chosen"
        )
        file.execute(
            "create table rejected_row (row_number bigint, key_text varchar, rule_code varchar,"
            " severity varchar, message_vi varchar, message_en varchar, offending varchar)"
        )
        file.execute("create view accepted_row as select * from staged_row")
        file.execute(
            "create table skipped_row as select row_number, dossier_code, modified_at,"
            " null::varchar as skip_reason from staged_row limit 0"
        )
        file.execute(
            "create table rule_result (rule_code varchar, severity varchar,"
            " expectation_type varchar, success boolean, rows_checked bigint, rows_failed bigint,"
            " message_vi varchar, message_en varchar, clause varchar, examples varchar)"
        )
        file.execute(
            "create table read_summary as select 'dossiers' as feed, 'json_array' as format,"
            " 'utf-8' as encoding, '' as mapping_sha256, null::varchar as skip_reasons,"
            " 0 as rows_skipped, 'source' as covers, null::varchar as covered"
        )
        file.execute(
            "create table gate_summary as select count(*) as rows_read, count(*) as rows_accepted,"
            " 0 as rows_rejected, 0 as rows_repeated, 0 as rows_blank, 0 as warnings,"
            " '' as suite_sha256 from staged_row"
        )


def delivery(night: dt.date) -> Delivery:
    return Delivery(
        delivery_id=f"one_stop.dossiers.{night:%Y%m%d}.999999999999",
        source="one_stop",
        feed="dossiers",
        night=night,
        kind="delta",
        file_name=f"dossiers_{night:%Y%m%d}_bench.json",
        sha256="9" * 64,
        size_bytes=1,
        file_modified_at=dt.datetime(2022, 11, 25, tzinfo=dt.UTC),
        landed_path="bench",
    )


def copy_record(record: str, target) -> None:
    """Put a DuckDB record's rows into another warehouse."""
    with duckdb.connect(record.removeprefix("duckdb:///"), read_only=True) as source:
        source.execute("set timezone = 'UTC'")
        names = [
            f"{feed.entity}_{kind}" for feed in FEEDS.values() for kind in ("version", "history")
        ]
        for table in ("audit.delivery", *(f"core.{name}" for name in names)):
            for batch in source.sql(f"select * from {table}").to_arrow_reader(_BATCH_ROWS):
                target.append(table, pa.Table.from_batches([batch]))


def measure_load(name: str, url: str, folder: Path) -> None:
    print(f"{name}: load")
    with open_warehouse(url) as warehouse:
        for label, night in (("everything", NIGHT), (f"{_CHANGED} that changed", NIGHT + DAY)):
            with timed(label):
                load_delivery(warehouse, delivery(night), folder / f"{night}.duckdb")


def measure_marts(name: str, url: str, nights: int) -> str:
    print(f"{name}: count")
    with open_warehouse(url) as warehouse:
        for night in (NIGHT, NIGHT + DAY)[:nights]:
            with timed(f"compute night {night}"):
                compute_marts(warehouse, night)
            with timed(f"publish night {night}"):
                publish_marts(warehouse, night)
            with timed("readers' copy, or clearing away"):
                warehouse.publish_copy(Path(tempfile.mkdtemp()) / "published.duckdb")
        return figures_digest(warehouse, "mart")


DAY = dt.timedelta(days=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=200_000)
    parser.add_argument("--nights", type=int, choices=(1, 2), default=2)
    dossiers, nights = vars(parser.parse_args()).values()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onestop-bench-")))
        server = stack.enter_context(running_server())
        with psycopg.connect(server.address("postgres"), autocommit=True) as connection:
            connection.execute("alter system reset all")
            connection.execute("select pg_reload_conf()")
        record = f"duckdb:///{folder / 'record.duckdb'}"
        print(f"{dossiers} dossiers")
        with open_warehouse(record) as warehouse, timed("make the record"):
            make_record(warehouse, dossiers)
        stage(record, folder / f"{NIGHT}.duckdb", dossiers)
        stage(record, folder / f"{NIGHT + DAY}.duckdb", _CHANGED)
        measure_load("DuckDB", f"duckdb:///{folder / 'load.duckdb'}", folder)
        measure_load("PostgreSQL", server.make_database(), folder)
        counted = server.make_database()
        with open_warehouse(counted) as warehouse, timed("PostgreSQL: copy the record"):
            copy_record(record, warehouse)
        digests = {
            measure_marts("DuckDB", record, nights),
            measure_marts("PostgreSQL", counted, nights),
        }
        print("the figures are identical" if len(digests) == 1 else "THE FIGURES DIFFER")


if __name__ == "__main__":
    main()
