"""What a delivery and a night cost on a large record of ten sources on PostgreSQL.

.venv/bin/python tests/benchmarks/bench_record.py --dossiers 2000000

The record is that of ``bench_marts.py``, its dossiers divided among ten sources. A first night is
computed, checked and published in full; then each source delivers its part of ``--changed``
dossiers, and their night is computed by changes, checked and published, while a reader asks for
figures. A third of them is received that day, the others are closed or wait for a supplement. The
statements of the load, the computation and the publication that read a large table whole are listed
with ``--plans``, the dearest ones of each part with ``--statements 20``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import psutil
import psycopg
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from bench_engines import DAY, delivery, make_staged_file, timed
from bench_marts import NIGHT, make_record
from postgres_server import running_server
from statement_plans import whole_scans

from onestop.gate.evaluation import load_engine
from onestop.gate.mart_checks import check_marts
from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.record.load import load_delivery
from onestop.schema.feeds import DOSSIERS, FEEDS
from onestop.warehouse import open_warehouse
from onestop.warehouse.postgres_engine import PostgreSQLWarehouse

if TYPE_CHECKING:
    import datetime as dt

SOURCES = 10
_BATCH_ROWS = 200_000
_LARGE = 50_000
_SHOWN = 120
#: Number of the source of a dossier.
_OFFICE = f"(hash(h.dossier_code) % {SOURCES})"
_CHANGED = """
with open_one as (
    select h.*, row_number() over (order by hash(h.dossier_code)) as place
    from record.core.dossier_history as h
    where h.valid_to is null and h.resolved_date is null
    limit {changed} * 2 // 3
),
changed as (
    select * exclude (place) replace (
        case when place % 2 = 0 then 'returned' else 'awaiting_supplement' end as status,
        case when place % 2 = 0 then 'resolved' end as closing_class,
        case when place % 2 = 0 then date '{night}' + interval 15 hour end as resolved_at,
        case when place % 2 = 0 then date '{night}' end as resolved_date
    )
    from open_one
    union all
    select h.* replace (
        h.dossier_code || '-N' as dossier_code,
        'processing' as status,
        null as closing_class,
        null as resolved_at,
        null as resolved_date,
        date '{night}' + interval 8 hour as submitted_at,
        date '{night}' + interval 9 hour as received_at,
        date '{night}' as received_date,
        date '{night}' + 10 + interval 17 hour as due_at,
        date '{night}' + 10 as due_date,
        date '{night}' + 10 + interval 17 hour as original_due_at,
        date '{night}' + 10 as original_due_date
    )
    from (
        from record.core.dossier_history where valid_to is null limit {changed}
    ) as h
)
select {columns}, h.content_hash || '{night}' as content_hash
from (from changed limit {changed}) as h where {office} = {{number}}
"""


def copy_record(record: Path, target) -> None:
    """Put the record into PostgreSQL, each dossier under one of ten sources."""
    office = f"'office_' || {_OFFICE} || substr(delivery_id, 9)"
    with duckdb.connect(record, read_only=True) as source, without_indexes(target):
        source.execute("set timezone = 'UTC'")
        selects = {
            "audit.delivery": "select * from audit.delivery where feed <> 'dossiers' union all"
            " select d.* replace ('office_' || n || substr(delivery_id, 9) as delivery_id,"
            f" 'office_' || n as source) from audit.delivery as d, range({SOURCES}) as made (n)"
            " where feed = 'dossiers'"
        }
        for feed in FEEDS.values():
            for kind in ("version", "history"):
                table = f"core.{feed.entity}_{kind}"
                more = f" replace ({office} as delivery_id)" if feed.name == "dossiers" else ""
                selects[table] = f"select *{more} from {table} as h"
        for table, select in selects.items():
            for batch in source.sql(select).to_arrow_reader(_BATCH_ROWS):
                target.append(table, pa.Table.from_batches([batch]))


@contextmanager
def without_indexes(target):
    """Drop the indexes of the record while it is filled, and make them again."""
    indexes = target.rows(
        "select format('core.%I', indexname) as name, indexdef as statement from pg_indexes"
        " where schemaname = 'core'"
    )
    with target.as_owner():
        for index in indexes:
            target.execute(f"drop index {index['name']}")
    yield
    with target.as_owner():
        for index in indexes:
            target.execute(index["statement"])


def stage_night(record: Path, folder: Path, night: dt.date, changed: int) -> None:
    """Make one staged file for each source: ``office_<n>.duckdb``."""
    columns = ", ".join(f"h.{name}" for name in DOSSIERS.column_names)
    select = _CHANGED.format(changed=changed, night=night, columns=columns, office=_OFFICE)
    for number in range(SOURCES):
        path = folder / f"office_{number}.duckdb"
        make_staged_file(record, path, select.format(number=number))


def load_night(warehouse, folder: Path, night: dt.date) -> None:
    made = delivery(night)
    for number in range(SOURCES):
        source = f"office_{number}"
        identity = made.delivery_id.replace("one_stop", source)
        of_source = replace(made, source=source, delivery_id=identity)
        load_delivery(warehouse, of_source, folder / f"{source}.duckdb")


class Reader(threading.Thread):
    """Asks for the city's figures each second, and keeps how long the answers took."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._connection = psycopg.connect(url, autocommit=True)
        self.backend = self._connection.info.backend_pid
        self._ended, self.seconds = threading.Event(), []

    def run(self) -> None:
        query = "select value from mart.indicator_value where unit_code = 'H24.40'"
        with self._connection as connection:
            while not self._ended.wait(1):
                started = time.perf_counter()
                connection.execute(query).fetchall()
                self.seconds.append(time.perf_counter() - started)

    def __str__(self) -> str:
        taken = sorted(self.seconds)
        return (
            f"{len(taken)} answers, median {1000 * taken[len(taken) // 2]:.0f} ms,"
            f" slowest {1000 * taken[-1]:.0f} ms"
        )

    def end(self) -> None:
        self._ended.set()
        self.join()


class Clock:
    """Seconds of the clock, and of the server's processors and our own; others share them.

    A reader's work is left out: how often it asks would decide what a step costs.
    """

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:  # its process ends with it
            self._server = psutil.Process(connection.info.backend_pid).parent()
        #: The backend whose work is left out.
        self.reader: int | None = None

    @contextmanager
    def timed(self, label: str):
        started, busy, own = time.perf_counter(), self._busy(), time.process_time()
        yield
        taken, busy = time.perf_counter() - started, self._busy() - busy
        own = time.process_time() - own
        print(
            f"  {label:<44}{taken:8.1f} s, processors: server {busy:.1f} s, client {own:.1f} s",
            flush=True,
        )

    def _busy_of(self, backend: psutil.Process) -> float:
        """Of one backend, and of parallel workers, which end with their statement."""
        own, ended = backend.cpu_times(), self._server.cpu_times()
        return own.user + own.system + ended.children_user + ended.children_system

    def _busy(self) -> float:
        ended = self._server.cpu_times()
        seconds = ended.children_user + ended.children_system
        for child in self._server.children():
            if child.pid == self.reader:
                continue
            with suppress(psutil.NoSuchProcess):
                of_child = child.cpu_times()
                seconds += of_child.user + of_child.system
        return seconds

    @contextmanager
    def dearest(self, count: int):
        """Print the statements of this block that took the server's processors longest."""
        if not count:
            yield
            return
        run, costs = PostgreSQLWarehouse._run, []

        def measured(warehouse, sql, parameters):
            backend = psutil.Process(warehouse._connection.info.backend_pid)
            busy = self._busy_of(backend)
            cursor = run(warehouse, sql, parameters)
            costs.append((self._busy_of(backend) - busy, " ".join(sql.split())[:_SHOWN]))
            return cursor

        PostgreSQLWarehouse._run = measured
        try:
            yield
        finally:
            PostgreSQLWarehouse._run = run
        for seconds, sql in sorted(costs, reverse=True)[:count]:
            print(f"  {seconds:8.2f} s {sql}")


def large_tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            f"select relname from pg_class where relkind = 'r' and reltuples > {_LARGE}"
        )
        return {name for (name,) in found.fetchall()}


def measure(url: str, folder: Path, clock: Clock, wanted: argparse.Namespace) -> None:
    first_night(url, folder, clock, wanted.statements)
    night_of_changes(url, folder, clock, wanted)
    with psycopg.connect(url) as connection:
        for name, size in connection.execute(
            "select relname, pg_size_pretty(pg_total_relation_size(oid)) from pg_class"
            " where relkind = 'r' order by pg_total_relation_size(oid) desc limit 8"
        ).fetchall():
            print(f"  {name:<44}{size:>10}")


def check(url: str, night: dt.date, clock: Clock) -> None:
    with clock.timed("check what was computed"):
        verdict = check_marts(url, night)
    for failed in verdict.failed:
        print(f"  {failed.rule_code}: {failed.rows_failed} rows")


def first_night(url: str, folder: Path, clock: Clock, statements: int) -> None:
    with open_warehouse(url) as warehouse:
        with clock.timed("statistics"):
            warehouse.gather_statistics("core", "audit")
        with clock.dearest(statements), clock.timed("compute everything"):
            compute_marts(warehouse, NIGHT)
        check(url, NIGHT, clock)
        with clock.dearest(statements), clock.timed("publish everything"):
            publish_marts(warehouse, NIGHT)
        with clock.timed("vacuum and statistics"):
            warehouse.publish_copy(folder / "none")


def night_of_changes(url: str, folder: Path, clock: Clock, wanted: argparse.Namespace) -> None:
    reader = Reader(url)
    reader.start()
    clock.reader = reader.backend
    night, statements = NIGHT + DAY, wanted.statements
    with ExitStack() as stack:
        scans = stack.enter_context(whole_scans(large_tables(url))) if wanted.plans else []
        with open_warehouse(url) as warehouse:
            with (
                clock.dearest(statements),
                clock.timed(f"load {SOURCES} deliveries, {wanted.changed} dossiers"),
            ):
                load_night(warehouse, folder, night)
            with clock.dearest(statements), clock.timed("compute the changes"):
                compute_marts(warehouse, night)
            check(url, night, clock)
            with clock.dearest(statements), clock.timed("publish them"):
                publish_marts(warehouse, night)
            with clock.timed("vacuum and statistics"):
                warehouse.publish_copy(folder / "none")
    reader.end()
    print(f"  a reader meanwhile: {reader}")
    for kind, table, sql in scans:
        print(f"  {kind} {table}: {sql}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=200_000)
    parser.add_argument("--changed", type=int, default=20_000)
    parser.add_argument("--plans", action="store_true", help="list scans of whole tables")
    parser.add_argument("--statements", type=int, default=0, help="list the dearest ones")
    wanted = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onestop-bench-")))
        server = stack.enter_context(running_server())
        record = folder / "record.duckdb"
        print(f"{wanted.dossiers} dossiers of {SOURCES} sources")
        with open_warehouse(f"duckdb:///{record}") as warehouse, timed("make the record"):
            make_record(warehouse, wanted.dossiers)
        stage_night(record, folder, NIGHT + DAY, wanted.changed)
        url = server.make_database()
        clock = Clock(url)
        load_engine()
        with open_warehouse(url) as warehouse, timed("put it into PostgreSQL"):
            copy_record(record, warehouse)
        record.unlink()
        measure(url, folder, clock, wanted)


if __name__ == "__main__":
    main()
