"""Seconds and processor time of one night's marts on DuckDB and on Apache Spark, which must agree.

.venv/bin/python tests/benchmarks/bench_spark.py --dossiers 1500000 --compute local[2] [--keep DIR]

The record is that of bench_marts.py. Spark's settings are those of SPARK_CONF_DIR.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import psutil
from bench_marts import NIGHT, make_record

from onestop.marts.compute import compute_marts
from onestop.marts.files import mart_files
from onestop.marts.publish import figures_digest
from onestop.spark.address import Computing
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import STAGED

_KEPT = "on_duckdb"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=1_500_000)
    parser.add_argument("--compute", default="local[2]")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--again", action="store_true", help="once more, the files being there")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="onestop-bench-") as made:
        folder = wanted.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        with open_warehouse(f"duckdb:///{folder / 'w.duckdb'}") as warehouse:
            if not warehouse.value("select count(*) from core.dossier_history"):
                make_record(warehouse, wanted.dossiers)
            if "digest" not in warehouse.tables(_KEPT):
                digest = timed("DuckDB", warehouse, Computing("", Path()))
                warehouse.empty_schema(_KEPT)
                for name in tables():
                    warehouse.make_table(f"{_KEPT}.{name}", f"select * from {STAGED}.{name}")
                warehouse.make_table(f"{_KEPT}.digest", f"select '{digest}' as digest")
            digest = warehouse.value(f"select digest from {_KEPT}.digest")
            turns = ("with the record's files written", "with the files there")
            for turn in turns if wanted.again else turns[:1]:
                print(f"Spark at {wanted.compute}, {turn}:")
                on_spark = timed("Spark", warehouse, Computing(wanted.compute, folder / "record"))
            print("figures_digest:", "equal" if on_spark == digest else "DIFFERENT")
            for name in tables():
                if count := differing(warehouse, name):
                    print(f"{name}: {count} rows differ")
        size = sum(path.stat().st_size for path in (folder / "record").rglob("*.parquet"))
        files = len(list((folder / "record").rglob("*.parquet")))
        print(f"the record as Parquet: {size >> 20} MB in {files} files")


def tables() -> list[str]:
    return [file.name for file in mart_files() if not file.is_view]


def timed(what, warehouse, computing) -> str:
    begun, busy = time.perf_counter(), processor_seconds()
    compute_marts(warehouse, NIGHT, computing)
    wall, cpu = time.perf_counter() - begun, processor_seconds() - busy
    print(f"  {what}: {wall:.0f} s, {cpu:.0f} s of processor", flush=True)
    return figures_digest(warehouse, STAGED)


def processor_seconds() -> float:
    """Of this process, Spark's process and the workers of a cluster on this machine."""
    own = psutil.Process()
    java = [one for one in psutil.process_iter(["name"]) if one.info["name"] == "java"]
    found = 0.0
    for process in (own, *java):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        found += times.user + times.system
    return found


def differing(warehouse, name: str) -> int:
    columns = ", ".join(f'"{column}"' for column in warehouse.columns(STAGED, name))
    one, other = (f"select {columns} from {schema}.{name}" for schema in (_KEPT, STAGED))
    return warehouse.value(
        f"select count(*) from (({one} except all {other}) union all ({other} except all {one}))"
    )


if __name__ == "__main__":
    main()
