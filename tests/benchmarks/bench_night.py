"""Cost of each step of a night, compared with a floor and with a naive pipeline of the same run.

make bench                                 200,000 dossiers of one year, from CSV and from JSON
make bench ARGS="--dossiers 1500000"       a whole city's year
make bench ARGS="--dossiers 1500000 --wide"    525 units that handle all of 1,800 procedures
make bench ARGS="--dossiers 12000000 --years 10 --forms csv"   a record of ten years

The floor is one DuckDB pass over the same file: read it, type its dates, store it. Each step runs
in a process of its own, so its memory is its own; the time of imports is given apart. The ratios
are written beside this file with ``--save``: in review they show what became slower.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import importlib
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from city_exports import City, write_changes, write_dossiers, write_registers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onestop.intake.delivery import Delivery
    from onestop.settings import Settings

RATIOS = Path(__file__).with_name("ratios.csv")
FLOOR = """
create table dossier as
select MaHoSo, MaTTHC, TenTTHC, MaLinhVuc, KenhThucHien, MucDo, TrangThaiHoSo, DonViTiepNhan,
    DonViXuLy, KetQuaDaSoHoa, try_strptime(NgayNopHoSo, '{clock}') as submitted_at,
    try_strptime(NgayTiepNhan, '{clock}') as received_at,
    try_strptime(NgayHenTra, '{clock}') as due_at,
    try_strptime(NgayKetThucXuLy, '{clock}') as resolved_at,
    try_strptime(NgayTra, '{clock}') as returned_at,
    try_strptime(NgayCapNhat, '{clock}') as modified_at
from {source}
"""
COLUMNS = (
    *("MaHoSo", "MaTTHC", "TenTTHC", "MaLinhVuc", "KenhThucHien", "MucDo", "TrangThaiHoSo"),
    *("DonViTiepNhan", "DonViXuLy", "KetQuaDaSoHoa", "NgayNopHoSo", "NgayTiepNhan"),
    *("NgayHenTra", "NgayKetThucXuLy", "NgayTra", "NgayCapNhat"),
)
#: The modules that a step's time does not include.
_IMPORTS = {
    "floor": ["duckdb"],
    "naive": ["naive_pipeline"],
    "gate": ["onestop.night", "onestop.gate.gx_engine"],
    "check": ["onestop.night", "onestop.gate.gx_engine"],
}
#: Steps that get the landed files from the step before.
_OF_FILES = ("read", "gate", "load")
#: Those of the file of ratios: to the floor's seconds, and to its processor seconds, which other
#: work on the machine hardly changes.
_COLUMNS = ("city", "what", "step", "times_floor", "times_floor_processor", "peak_mb")
_NIGHT_STEPS = ("land", "read", "gate", "load", "compute", "check", "publish")


@dataclass
class Cost:
    """The cost of a step.

    Attributes:
        step: its name.
        seconds: without imports.
        import_seconds: of importing its modules.
        processor_seconds: of all its threads, without imports.
        peak_mb: peak memory of its process.
    """

    step: str
    seconds: float
    import_seconds: float
    processor_seconds: float
    peak_mb: float


# --- one step, in a process of its own ------------------------------------------------------


def floor(export: Path) -> None:
    """Read, type and store an export with DuckDB alone."""
    duckdb = importlib.import_module("duckdb")
    columns = ", ".join(f"{name}: 'varchar'" for name in COLUMNS)
    if export.suffix == ".json":
        source = f"read_json('{export}', format = 'array', columns = {{{columns}}})"
        clock = "%Y%m%d%H%M%S"
    else:
        source, clock = f"read_csv('{export}', all_varchar = true)", "%d/%m/%Y %H:%M:%S"
    with duckdb.connect(export.parent.parent / "floor.duckdb") as database:
        database.execute(FLOOR.format(clock=clock, source=source))


def naive(export: Path) -> None:
    """Run the naive pipeline."""
    module = importlib.import_module("naive_pipeline")
    module.run(export, export.parent.parent / "naive.sqlite")


def landed_files(settings: Settings, night: dt.date) -> list[Delivery]:
    """The deliveries of a night, as a task of Airflow gets them from the one before."""
    steps = importlib.import_module("onestop.night")
    systems, folders = settings.source_systems(), settings.folders
    return [
        steps.land_delivery(candidate, systems.exports, folders)
        for candidate in steps.discover_deliveries(night, systems, settings.warehouse, folders)
    ]


def night_step(
    step: str, settings: Settings, night: dt.date, deliveries: Sequence[Delivery]
) -> None:
    """Run one step of a night, for all its files."""
    steps = importlib.import_module("onestop.night")
    systems, folders, url = settings.source_systems(), settings.folders, settings.warehouse
    if step in ("compute", "check", "publish"):
        if step == "compute":
            candidates = steps.discover_deliveries(night, systems, url, folders)
            steps.require_expected(night, candidates, systems, url, folders)
            steps.compute_night(night, url)
        elif step == "check":
            steps.check_night(night, systems.mappings, url, folders)
        else:
            steps.publish_night(night, systems.mappings, url, folders)
        return
    if step == "land":
        landed_files(settings, night)
    for delivery in deliveries:
        if step == "read":
            steps.read_delivery_file(delivery, systems.mappings, folders)
        elif step == "gate":
            steps.validate_delivery_file(delivery, night, folders)
        elif step == "load":
            steps.load_delivery(delivery, url, folders)


def run_step(step: str, target: str) -> None:
    """Run one step in this process and print its cost as JSON."""
    started = time.perf_counter()
    for module in _IMPORTS.get(step, ["onestop.night"]):
        if module.startswith("onestop.gate"):
            importlib.import_module("onestop.gate.evaluation").load_engine()
        else:
            importlib.import_module(module)
    import_seconds = time.perf_counter() - started
    settings = importlib.import_module("onestop.settings").Settings.from_environment()
    night = None if step in ("floor", "naive") else dt.date.fromisoformat(target)
    deliveries = landed_files(settings, night) if night and step in _OF_FILES else []
    started = time.perf_counter()
    before = _processor_seconds()
    if night is None:
        (floor if step == "floor" else naive)(Path(target))
    else:
        night_step(step, settings, night, deliveries)
    cost = Cost(
        step,
        time.perf_counter() - started,
        import_seconds,
        _processor_seconds() - before,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )
    print(json.dumps(vars(cost)))


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


# --- the whole run ---------------------------------------------------------------------------


class Bench:
    """One run: the costs of its steps, each compared with the floor."""

    def __init__(self, root: Path, city: City, label: str) -> None:
        self._root = root
        self._city = city
        self._label = label
        self._floor: Cost | None = None
        self.rows: list[dict[str, Any]] = []

    def measure(self, what: str, step: str, target: str | Path, rows: int) -> Cost:
        """Run a step in a separate process and print its line."""
        done = subprocess.run(
            [sys.executable, __file__, "--step", step, "--target", str(target)],
            env={**os.environ, "ONESTOP_VAR": str(self._root)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        cost = Cost(**json.loads(done.stdout.strip().splitlines()[-1]))
        if step == "floor":
            self._floor = cost
        self.report(what, cost, rows)
        return cost

    def report(self, what: str, cost: Cost, rows: int) -> None:
        """Print a line and keep it for the file of ratios."""
        floor = self._floor or cost
        ratio = cost.seconds / floor.seconds
        processor_ratio = cost.processor_seconds / floor.processor_seconds
        print(
            f"  {what:<12}{cost.step:<10}{cost.seconds:8.1f} s {rows / cost.seconds:12,.0f} rows/s"
            f"{cost.peak_mb:8.0f} MB {ratio:8.1f} x floor"
            f"   imports {cost.import_seconds:.1f} s, processor {cost.processor_seconds:.1f} s",
            flush=True,
        )
        self.rows.append(
            {
                "city": self._label,
                "what": what,
                "step": cost.step,
                "times_floor": f"{ratio:.2f}",
                "times_floor_processor": f"{processor_ratio:.2f}",
                "peak_mb": f"{cost.peak_mb:.0f}",
            }
        )

    def night(self, what: str, night: dt.date, rows: int) -> float:
        """Measure a night step by step; returns its seconds together."""
        costs = [self.measure(what, step, night.isoformat(), rows) for step in _NIGHT_STEPS]
        whole = Cost(
            "whole",
            sum(cost.seconds for cost in costs),
            sum(cost.import_seconds for cost in costs),
            sum(cost.processor_seconds for cost in costs),
            max(cost.peak_mb for cost in costs),
        )
        self.report(what, whole, rows)
        return whole.seconds


def in_process_of_its_own(write: Callable[..., object], *arguments: object) -> None:
    """Write exports in another process: a step's process inherits the peak memory of its parent.

    Raises:
        SystemExit: it failed.
    """
    process = multiprocessing.get_context("spawn").Process(target=write, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def run(city: City, label: str, forms: list[str], changed: int) -> list[dict[str, Any]]:
    """Measure one city from each form of export."""
    rows = []
    for form in forms:
        with tempfile.TemporaryDirectory(prefix="onestop-bench-") as folder:
            root = Path(folder)
            exports = root / "exports"
            in_process_of_its_own(write_registers, city, exports)
            in_process_of_its_own(write_dossiers, city, exports, form)
            (export,) = exports.glob("dossiers_*")
            size = export.stat().st_size / 1e6
            print(f"{label}, {form}: {city.dossiers:,} dossiers, {size:,.0f} MB")
            bench = Bench(root, city, f"{label} {form}")
            bench.measure("", "floor", export, city.dossiers)
            first = bench.night("first night", city.night, city.dossiers)
            if form == "csv":
                alone = bench.measure("", "naive", export, city.dossiers)
                print(f"  the first night takes {first / alone.seconds:.2f} x the naive pipeline")
            in_process_of_its_own(write_changes, city, exports, changed, form)
            bench.night("next night", city.next_night, changed)
            rows += bench.rows
    return rows


def save(rows: list[dict[str, Any]]) -> None:
    """Replace the lines of these cities in the file of ratios."""
    kept: list[dict[str, Any]] = []
    cities = {row["city"] for row in rows}
    if RATIOS.exists():
        with RATIOS.open(encoding="utf-8", newline="") as file:
            kept = [row for row in csv.DictReader(file) if row["city"] not in cities]
    with RATIOS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows([*kept, *rows])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dossiers", type=int, default=200_000, help="default: 200000")
    parser.add_argument("--years", type=int, default=1, help="over which they were received")
    parser.add_argument("--wide", action="store_true", help="525 units times 1,800 procedures")
    parser.add_argument("--forms", nargs="+", choices=["csv", "json"], default=["csv", "json"])
    parser.add_argument("--changed", type=int, default=20_000, help="at most, in the next night")
    parser.add_argument("--save", action="store_true", help=f"write {RATIOS.name}")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--target", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        run_step(given.step, given.target)
        return
    city = City.wide(given.dossiers) if given.wide else City(given.dossiers, given.years)
    label = f"{given.dossiers:,} in {city.years} years" + (", wide" if given.wide else "")
    rows = run(city, label, given.forms, given.changed)
    if given.save:
        save(rows)


if __name__ == "__main__":
    main()
