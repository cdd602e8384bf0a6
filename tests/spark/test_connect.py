"""All marts of the worked set, counted over Spark Connect by a process that has no Java."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from engines import assert_same, content
from spark_here import needs_spark, put_thirteen_dossiers, small_spark
from worked_dossiers import LATER

from onestop.local.local_airflow import free_port
from onestop.local.spark_cluster import spark_process, wait_for_port
from onestop.marts.compute import compute_marts
from onestop.marts.publish import figures_digest, refresh_reference
from onestop.spark.address import Computing
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import STAGED

pytestmark = [*needs_spark, pytest.mark.slow]

#: What the process does; its computing is that of ``ONESTOP_COMPUTE``.
COUNTING = """
import datetime, sys
from onestop.marts.compute import compute_marts
from onestop.warehouse import open_warehouse

with open_warehouse(sys.argv[1]) as warehouse:
    compute_marts(warehouse, datetime.date.fromisoformat(sys.argv[2]))
"""


@pytest.fixture
def server(tmp_path):
    """The address of a server of Spark Connect."""
    port, log = free_port(), tmp_path / "connect.log"
    with small_spark(tmp_path), spark_process(
        log,
        "org.apache.spark.deploy.SparkSubmit",
        "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
        "--conf", f"spark.connect.grpc.binding.port={port}",
        "--conf", "spark.connect.grpc.binding.address=127.0.0.1",
        "--master", "local[2]",
        "spark-internal",
    ):  # fmt: skip
        wait_for_port(port, log)
        yield f"sc://127.0.0.1:{port}"


def worked_set(folder: Path, name: str) -> str:
    """The address of a warehouse with the worked set of thirteen dossiers."""
    url = f"duckdb:///{folder / name}.duckdb"
    with open_warehouse(url) as warehouse:
        refresh_reference(warehouse)
        put_thirteen_dossiers(warehouse)
    return url


def test_all_marts_are_equal_over_spark_connect(server, tmp_path):
    by_engine, by_spark = (worked_set(tmp_path, name) for name in ("engine", "spark"))
    with open_warehouse(by_engine) as warehouse:
        compute_marts(warehouse, LATER, Computing("", Path()))
    environment = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"}
    environment |= {
        "PATH": str(tmp_path / "no-java"),
        "ONESTOP_COMPUTE": server,
        "ONESTOP_RECORD_FILES": str(tmp_path / "record"),
    }
    subprocess.run(
        [sys.executable, "-c", COUNTING, by_spark, LATER.isoformat()], env=environment, check=True
    )
    found = []
    for url in (by_engine, by_spark):
        with open_warehouse(url) as warehouse:
            found.append((content(warehouse, ("core", STAGED)), figures_digest(warehouse, STAGED)))
            counted_by = warehouse.value(f"select counted_by from {STAGED}.night")
    assert counted_by.startswith("Apache Spark")
    assert_same(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
