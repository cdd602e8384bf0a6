"""Seconds for all marts of one night, table by table, over a made-up record of a whole city-year.

.venv/bin/python tests/benchmarks/bench_marts.py --dossiers 1500000 [--keep FILE]

The record is made in the warehouse itself, so that only the marts are measured: 252 units, 2000
procedures, three states of each dossier in core.dossier_history, 400 000 queue tickets.
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onestop.marts.compute import compute_marts
from onestop.marts.files import mart_files
from onestop.marts.publish import publish_marts
from onestop.record.history import history_insert, history_select
from onestop.schema.feeds import FEEDS
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import STAGED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NIGHT = dt.date(2022, 11, 24)

_DELIVERIES = """
insert into audit.delivery (delivery_id, attempt, state, source, feed, night, kind, file_name,
    known_from, rows_read, rows_accepted, rows_rejected, rows_repeated, rows_blank, warnings,
    settled_at)
select 'one_stop.' || feed || '.' || strftime(night, '%Y%m%d') || '.000000000000', 1, 'loaded',
    'one_stop', feed, night, 'delta', feed || '_' || strftime(night, '%Y%m%d') || '.json', night,
    0, 0, 0, 0, 0, 0, now()
from (select cast(unnest(generate_series(date '2021-12-31', date '2022-11-24', interval 1 day))
    as date) as night)
cross join (select unnest(['dossiers', 'visits', 'units', 'procedures']) as feed)
"""

_UNITS = """
insert into core.unit_version by name
select 'one_stop.units.20211231.000000000000' as delivery_id, n as row_number,
    date '2021-12-31' as night, date '2021-12-31' as known_from, cast(n as varchar) as content_hash,
    false as is_vanished, 'H24.' || n as unit_code, 'Đơn vị ' || n as unit_name,
    case when n < 20 then 'department' when n < 35 then 'district' else 'commune' end as unit_level,
    true as has_one_stop, n < 90 as has_queue_system,
    date '2022-01-01' + cast(n as integer) as digitisation_date
from range(252) as made (n)
"""

_PROCEDURES = """
insert into core.procedure_version by name
select 'one_stop.procedures.20211231.000000000000' as delivery_id, n as row_number,
    date '2021-12-31' as night, date '2021-12-31' as known_from, cast(n as varchar) as content_hash,
    false as is_vanished, '1.' || lpad(cast(n as varchar), 6, '0') || '.000.00.00.H24'
    as procedure_code, 'Thủ tục ' || n as procedure_name, 'G' || (n % 40) as field_code,
    case when n < 1550 then 'department' when n < 1850 then 'district' else 'commune' end
    as authority_level,
    1 + n % 4 as service_level, n % 2 = 0 as is_level4_eligible, n % 50 = 0 as is_internal,
    n % 60 <> 0 as is_published, 1 + n % 20 as duration_workdays, true as has_result
from range(2000) as made (n)
"""

#: 17, 36 and 47 % at departments, districts and communes; each unit handles its own procedures.
_DOSSIERS = """
create temporary table made as
with placed as (
    select n, case when hash(n) % 100 < 17 then hash(n, 7) % 20
        when hash(n) % 100 < 53 then 20 + hash(n, 7) % 15 else 35 + hash(n, 7) % 217 end as unit
    from range({dossiers}) as made (n)
)
select
    n,
    unit,
    'H24.' || unit || '-' || lpad(cast(n as varchar), 8, '0') as dossier_code,
    case when unit < 20 then unit * 77 + hash(n, 1) % 77
        when unit < 35 then 1550 + hash(n, 1) % 300 else 1850 + hash(n, 1) % 150 end as procedure,
    date '2022-01-01' + cast(hash(n, 2) % 327 as integer) as received_date,
    cast(hash(n, 3) % 20 as integer) + 1 as days_allowed,
    cast(case when hash(n, 4) % 100 < 4 then hash(n, 5) % 20 else -1 * (hash(n, 5) % 4) end
        as integer) as slip,
    hash(n, 6) % 1000 as fate
from placed
"""

_DOSSIER_VERSIONS = """
insert into core.dossier_version by name
with dated as (
    select *, received_date + days_allowed as due_date,
        greatest(received_date, received_date + days_allowed + slip) as resolved_date
    from made
),
-- at most one state a night: a dossier that is closed on a day has no other state that day, and
-- none after it
state as (
    select dated.*, received_date as night, 'processing' as status from dated
    where fate < 10 or resolved_date > received_date
    union all
    select dated.*, received_date + 1, 'awaiting_supplement' from dated
    where fate < 10 or (fate < 300 and resolved_date > received_date + 1)
    union all
    select dated.*, resolved_date, case when fate >= 990 then 'withdrawn' else 'returned' end
    from dated where fate >= 10
)
select
    'one_stop.dossiers.' || strftime(night, '%Y%m%d') || '.000000000000' as delivery_id,
    n as row_number, night, night as known_from, cast(hash(n, night, status) as varchar)
    as content_hash, false as is_vanished, dossier_code,
    '1.' || lpad(cast(procedure as varchar), 6, '0') || '.000.00.00.H24' as procedure_code,
    'G' || (procedure % 40) as field_code, 'H24.' || unit as receiving_unit_code,
    'H24.' || unit as resolving_unit_code,
    ['counter', 'online', 'online', 'post'][cast(1 + n % 4 as integer)] as channel,
    1 + procedure % 4 as service_level, received_date + interval 8 hour as submitted_at,
    received_date + interval 9 hour as received_at, due_date + interval 17 hour as due_at,
    due_date + interval 17 hour as original_due_at,
    case when status in ('withdrawn', 'returned') then resolved_date + interval 15 hour end
    as resolved_at, status,
    case status when 'withdrawn' then 'withdrawn' when 'returned' then 'resolved' end
    as closing_class, fate % 3 = 0 as result_digitised, received_date, due_date,
    due_date as original_due_date,
    case when status in ('withdrawn', 'returned') then resolved_date end as resolved_date
from state
where night <= date '2022-11-24'
"""

_VISITS = """
insert into core.visit_version by name
select 'one_stop.visits.' || strftime(day, '%Y%m%d') || '.000000000000' as delivery_id,
    n as row_number, day as night, day as known_from, cast(n as varchar) as content_hash,
    false as is_vanished, 'T' || n as ticket_code, 'H24.' || (hash(n, 1) % 90) as unit_code,
    'completed' as ticket_status,
    day + interval 7 hour + to_seconds(cast(hash(n, 2) % 30000 as integer)) as issued_at,
    case when n % 17 <> 0 then day + interval 7 hour
    + to_seconds(cast(hash(n, 2) % 30000 + hash(n, 3) % 2400 as integer)) end as called_at,
    'DV' || (n % 9) as service_code, day as issued_date,
    case when n % 25 = 0 then 'T' || (n - 1) end as transferred_from
from (select n, date '2022-01-03' + cast(hash(n) % 320 as integer) as day
    from range({visits}) as made (n)) as dated
"""


def make_record(warehouse, dossiers: int) -> None:
    """Deliveries, units, procedures, dossiers and tickets, and the history of each."""
    with warehouse.transaction():
        warehouse.execute(_DELIVERIES)
        warehouse.execute(_UNITS)
        warehouse.execute(_PROCEDURES)
        warehouse.execute(_DOSSIERS.format(dossiers=dossiers))
        warehouse.execute(_DOSSIER_VERSIONS)
        warehouse.execute(_VISITS.format(visits=400_000))
        for feed in FEEDS.values():
            warehouse.execute(history_insert(feed, history_select(feed)))
    repeated = warehouse.value(
        "select count(*) - count(distinct (delivery_id, row_number)) from core.dossier_version"
    )
    if repeated:
        raise RuntimeError(f"{repeated} rows of core.dossier_version have another's file and row")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=1_500_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--publish", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="onestop-bench-") as folder:
        path = wanted.keep or Path(folder) / "w.duckdb"
        with open_warehouse(f"duckdb:///{path}") as warehouse:
            if not warehouse.value("select count(*) from core.dossier_history"):
                make_record(warehouse, wanted.dossiers)
        with open_warehouse(f"duckdb:///{path}") as warehouse:
            for name in ("dossier_history", "visit_history", "procedure_history", "unit_history"):
                rows = warehouse.value(f"select count(*) from core.{name}")
                print(f"core.{name:<30}{rows:>12,} rows")
            _measure(warehouse, has_publication=wanted.publish)


def _measure(warehouse, *, has_publication: bool) -> None:
    make_table, execute = warehouse.make_table, warehouse.execute
    cost = defaultdict(lambda: [0.0, 0.0])

    def timed(name: str, run: Callable[[], None]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        cost[name][0] += time.perf_counter() - wall
        cost[name][1] += time.process_time() - cpu

    def timed_execute(sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        # the further parts of a table's rows
        added_to = sql.split(maxsplit=3)[2] if sql.startswith("insert into ") else ""
        timed(added_to, lambda: execute(sql, parameters))

    warehouse.execute = timed_execute
    warehouse.make_table = lambda name, select, **how: timed(
        name, lambda: make_table(name, select, **how)
    )
    wall, cpu = time.perf_counter(), time.process_time()
    counts = compute_marts(warehouse, NIGHT)
    total = (time.perf_counter() - wall, time.process_time() - cpu)
    for file in mart_files():
        if not file.is_view:
            rows, (seconds, busy) = counts[file.name], cost[f"{STAGED}.{file.name}"]
            print(f"{file.name:<25}{rows:>12,} rows {seconds:>7.2f} s {busy:>7.2f} s of processor")
    print(f"all marts of one night: {total[0]:.1f} s, {total[1]:.1f} s of processor, {_peak()} MB")
    warehouse.make_table, warehouse.execute = make_table, execute
    if has_publication:
        wall = time.perf_counter()
        publish_marts(warehouse, NIGHT)
        print(f"published: {time.perf_counter() - wall:.1f} s, {_peak()} MB")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
