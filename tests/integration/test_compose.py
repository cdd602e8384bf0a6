"""The container set-up, started for real: nights are published, every container is restarted.

Runs only where a Docker engine and Compose are available; ``ONESTOP_TEST_COMPOSE`` names the
Compose command where it is not ``docker compose``. It builds the image, and takes some ten minutes.
"""

from __future__ import annotations

import datetime as dt
import os
import shlex
import shutil
import subprocess
import time

import pytest
from published_marts import settings_in

from onestop.local.local_airflow import free_port
from onestop.night import run_night
from onestop.sample import write_sample
from onestop.schema.project import PROJECT_ROOT
from onestop.warehouse import open_warehouse

NIGHTS = [dt.date(2022, 11, day) for day in (15, 16, 17)]
COMPOSE = shlex.split(os.environ.get("ONESTOP_TEST_COMPOSE", "docker compose"))


def has_engine():
    try:
        return not any(
            subprocess.run(command, capture_output=True, check=False, timeout=20).returncode
            for command in (["docker", "info"], [*COMPOSE, "version"])
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


pytestmark = [pytest.mark.slow, pytest.mark.docker, pytest.mark.whole_night]


class Stack:
    """One project of containers with an exports folder of its own."""

    def __init__(self, folder):
        self.exports = folder / "exports"
        self.exports.mkdir()
        (folder / "sources").mkdir()
        lines = (PROJECT_ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
        own = {
            "AIRFLOW_BIND": f"127.0.0.1:{free_port()}",
            "POSTGRES_BIND": f"127.0.0.1:{free_port()}",
            "EXPORTS_FOLDER": str(self.exports),
            "SOURCES_FOLDER": str(folder / "sources"),
            "BUILD_NETWORK": "host",
        }
        self.env_file = folder / "env"
        self.env_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.set(own)

    def set(self, own):
        """Write values into the settings file."""
        lines = self.env_file.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if line.partition("=")[0] not in own]
        self.env_file.write_text(
            "\n".join([*kept, *(f"{name}={value}" for name, value in own.items())]) + "\n",
            encoding="utf-8",
        )

    def __call__(self, *arguments, check=True):
        command = [
            *COMPOSE,
            *("--project-name", "onestop-test", "--project-directory", str(PROJECT_ROOT)),
            *("--file", str(PROJECT_ROOT / "docker-compose.yaml")),
            *("--env-file", str(self.env_file), *arguments),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def sql(self, database, query):
        out = self("exec", "-T", "postgres", "psql", "-U", "postgres", database, "-Atc", query)
        return out.split()

    def wait(self, what, is_there, seconds=1200):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if is_there():
                return
            time.sleep(3)
        raise AssertionError(f"{what}: not within {seconds} s\n{self('logs', '--tail', '40')}")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    if not has_engine():
        pytest.skip("no Docker engine with Compose answers here")
    running = Stack(tmp_path_factory.mktemp("compose"))
    write_sample(running.exports, NIGHTS[0], NIGHTS[-1], per_day=10)
    try:
        running("up", "--detach", "--wait", "--build")
        yield running
    finally:
        # the services of every profile that a test started, or their volumes would stay
        running("--profile", "*", "down", "--volumes", "--timeout", "10", check=False)


@pytest.fixture(scope="module")
def expected(stack, tmp_path_factory):
    """The figures' digests of the same exports without containers."""
    settings = settings_in(tmp_path_factory.mktemp("plain"))
    shutil.copytree(stack.exports, settings.exports)
    for night in NIGHTS:
        assert run_night(settings, night).state == "published"
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        rows = warehouse.rows("select figures_sha256 from audit.publication order by as_of_date")
        return [row["figures_sha256"] for row in rows]


def backfill(stack, first, last):
    # Airflow runs one backfill of a DAG at a time; it ends after its nights are published.
    stack.wait(
        "the last backfill to end",
        lambda: (
            stack.sql("airflow", "select count(*) from backfill where completed_at is null")
            == ["0"]
        ),
    )
    stack(
        *("exec", "-T", "scheduler", "airflow", "backfill", "create"),
        *("--dag-id", "onestop_nightly", "--max-active-runs", "1"),
        *("--from-date", str(first), "--to-date", f"{last}T23:59"),
        *("--reprocess-behavior", "completed"),
    )


DIGESTS = "select figures_sha256 from audit.publication order by as_of_date"


def test_nights_across_a_restart_of_every_container_give_the_right_figures(stack, expected):
    backfill(stack, NIGHTS[0], NIGHTS[1])
    stack.wait(
        "a file to be read",
        lambda: stack.sql(
            "airflow",
            "select 1 from task_instance where task_id = 'delivery.read' and state = 'success'",
        ),
    )
    stack("restart")
    stack.wait(
        "both nights to be published",
        lambda: stack.sql("onestop", "select count(*) from audit.publication") == ["2"],
    )
    assert stack.sql("onestop", DIGESTS) == expected[:2]


def test_a_night_runs_on_separate_workers(stack, expected):
    stack.set({"AIRFLOW_EXECUTOR": "CeleryExecutor", "COMPOSE_PROFILES": "celery"})
    stack("up", "--detach", "--wait")
    backfill(stack, NIGHTS[2], NIGHTS[2])
    stack.wait(
        "the third night to be published",
        lambda: stack.sql("onestop", "select count(*) from audit.publication") == ["3"],
    )
    assert stack.sql("onestop", DIGESTS) == expected
    assert "succeeded in" in stack("logs", "worker")


def test_a_night_is_verified_on_the_spark_cluster(stack):
    stack.set(
        {
            "AIRFLOW_EXECUTOR": "LocalExecutor",
            "COMPOSE_PROFILES": "spark",
            "COMPUTE": "spark://spark-master:7077",
            "IMAGE": "onestop-spark:local",
        }
    )
    stack("up", "--detach", "--wait", "--build", "--remove-orphans")
    doctor = stack("exec", "-T", "scheduler", "onestop", "doctor", "--lang", "en", check=False)
    assert "spark://spark-master:7077" in doctor
    verified = stack("exec", "-T", "scheduler", "onestop", "verify", "--lang", "en")
    assert "identical" in verified
    assert "Registering app" in stack("logs", "spark-master")
    for worker in ("spark-worker-1", "spark-worker-2"):
        assert "Executor app" in stack("logs", worker), worker


def test_no_service_runs_as_root_and_no_secret_is_in_the_image(stack):
    for service in ("api-server", "scheduler", "dag-processor", "triggerer"):
        assert stack("exec", "-T", service, "id", "-u").strip() == "50000"
    history = subprocess.run(
        ["docker", "history", "--no-trunc", "onestop:local"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "password" not in history.lower()
    mode = stack("exec", "-T", "scheduler", "stat", "-c", "%a %u", "/opt/onestop/landing")
    assert mode.split() == ["700", "50000"]
