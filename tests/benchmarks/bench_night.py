"""What each step of a night costs, against the floor: one DuckDB pass over the same bytes.

make bench                      200 000 dossiers
make bench DOSSIERS=1500000     a whole city's year; writing the sample takes minutes
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import duckdb

from onestop import night as steps
from onestop.sample import write_sample
from onestop.settings import Settings

NIGHT = dt.date(2022, 11, 24)
SINCE = dt.date(2022, 1, 1)
WORKDAYS = 228
FLOOR = """
select DonViXuLy, count(*), max(try_strptime(NgayHenTra, '%Y%m%d%H%M%S')),
    count(case when try_strptime(NgayKetThucXuLy, '%Y%m%d%H%M%S')::date
        <= try_strptime(NgayHenTra, '%Y%m%d%H%M%S')::date then 1 end)
from read_json('{path}', format = 'array', columns = {{DonViXuLy: 'varchar', NgayHenTra: 'varchar',
    NgayKetThucXuLy: 'varchar', NgayTiepNhan: 'varchar', TrangThaiHoSo: 'varchar'}})
group by all
"""


@contextmanager
def timed(label: str):
    started = time.perf_counter()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"  {label:<34}{time.perf_counter() - started:8.1f} s   peak {peak:6d} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=200_000)
    dossiers = parser.parse_args().dossiers
    with tempfile.TemporaryDirectory(prefix="onestop-bench-") as folder:
        root = Path(folder)
        settings = Settings(
            exports=root / "exports",
            landing=root / "landing",
            warehouse=f"duckdb:///{root / 'warehouse.duckdb'}",
            published=root / "published.duckdb",
            sources=None,
            work=root / "work",
        )
        print(f"{dossiers} dossiers")
        with timed("write the sample"):
            write_sample(
                settings.exports, NIGHT, NIGHT, since=SINCE, per_day=max(1, dossiers // WORKDAYS)
            )
        snapshot = next(settings.exports.glob("dossiers_*_snapshot*.json"))
        print(f"  {snapshot.stat().st_size / 1e6:.0f} MB of JSON")
        with timed("floor: one DuckDB pass"):
            duckdb.sql(FLOOR.format(path=snapshot)).fetchall()
        with timed("import Great Expectations"):
            from great_expectations.core import ExpectationSuite  # noqa: F401, PLC0415 - timed here
        run(settings)


def run(settings: Settings) -> None:
    systems, warehouse, folders = settings.source_systems(), settings.warehouse, settings.folders
    candidates = steps.discover_deliveries(NIGHT, systems, warehouse, folders)
    for candidate in candidates:
        is_large = "snapshot" in candidate.file_name
        label = "snapshot" if is_large else candidate.file_name.split("_")[0]
        with timed(f"{label}: land"):
            delivery = steps.land_delivery(candidate, systems.exports, folders)
        with timed(f"{label}: read"):
            steps.read_delivery_file(delivery, systems.mappings, folders)
        with timed(f"{label}: validate"):
            steps.validate_delivery_file(delivery, NIGHT, folders)
        with timed(f"{label}: load"):
            steps.load_delivery(delivery, warehouse, folders)
    with timed("require_expected"):
        steps.require_expected(NIGHT, candidates, systems, warehouse, folders)
    with timed("compute_night"):
        steps.compute_night(NIGHT, warehouse)
    with timed("check_night"):
        steps.check_night(NIGHT, systems.mappings, warehouse, folders)
    with timed("publish_night"):
        steps.publish_night(NIGHT, systems.mappings, warehouse, folders)


if __name__ == "__main__":
    main()
