"""A night on a real cluster: a master and two workers, one of which is killed in the middle."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import psutil
import pytest
from engines import assert_same, content
from random_worlds import build_world
from recorded_world import put_record
from spark_here import derive_histories, end_java, needs_spark, small_spark

from onestop.local.local_airflow import free_port
from onestop.local.spark_cluster import running_cluster
from onestop.marts import compute as compute_module
from onestop.marts.compute import compute_marts
from onestop.marts.publish import figures_digest, refresh_reference
from onestop.spark.address import Computing
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import STAGED

pytestmark = [*needs_spark, pytest.mark.slow]

NIGHT = dt.date(2022, 9, 30)
#: The worker is killed after this mart: its steps and shuffles are on both workers by then.
KILLED_AFTER = "counted_dossier"


@pytest.fixture
def cluster(tmp_path):
    end_java()
    with (
        small_spark(tmp_path),
        running_cluster(tmp_path / "logs", port=free_port()) as running,
    ):
        yield running
    end_java()


def kill(worker) -> None:
    """Kill a worker with its executors, as a machine that fails."""
    process = psutil.Process(worker.pid)
    for one in (process, *process.children(recursive=True)):
        one.kill()
    worker.wait()


def test_a_night_has_the_same_figures_when_a_worker_is_killed(cluster, tmp_path, monkeypatch):
    world = build_world(random.Random(3).choice, dossiers=200, tickets=100)
    found = []
    counted_off, killed = compute_module.counted_off, []

    def killing(marts):
        for mart in counted_off(marts):
            yield mart
            if getattr(mart, "name", "") == KILLED_AFTER and not killed:
                kill(cluster.workers[0])
                killed.append(mart.name)

    monkeypatch.setattr(compute_module, "counted_off", killing)
    for name, computing in (
        ("engine", Computing("", Path())),
        ("spark", Computing(cluster.address, tmp_path / "record")),
    ):
        with open_warehouse(f"duckdb:///{tmp_path / name}.duckdb") as warehouse:
            refresh_reference(warehouse)
            put_record(warehouse, world)
            derive_histories(warehouse)
            killed[:] = ["not on the engine"] if name == "engine" else []
            compute_marts(warehouse, NIGHT, computing)
            found.append((content(warehouse, ("core", STAGED)), figures_digest(warehouse, STAGED)))
    assert killed == [KILLED_AFTER]
    assert [worker.poll() is None for worker in cluster.workers] == [False, True]
    assert_same(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
