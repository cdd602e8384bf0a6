"""A real Airflow with Celery workers on machines of their own, its broker and its database."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from onestop.local.local_airflow import LocalAirflow, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROVIDER = "airflow.providers.celery"


def why_not() -> str | None:
    """The reason why there can be no Celery workers here; None where there can."""
    if not importlib.util.find_spec(_PROVIDER):
        return "Celery is not installed: make setup-celery"
    if not shutil.which("redis-server"):
        return "there is no redis-server"
    return None


@contextlib.contextmanager
def redis_server(host: str) -> Iterator[str]:
    """A broker at an address of this machine; yields its URL."""
    port = free_port(host=host)
    command = ["redis-server", "--bind", host, "--port", str(port), "--protected-mode", "no"]
    with tempfile.TemporaryDirectory(prefix="onestop-redis-") as folder:
        server = subprocess.Popen(
            [*command, "--save", "", "--dir", folder], stdout=subprocess.DEVNULL
        )
        try:
            yield f"redis://{host}:{port}/0"
        finally:
            server.terminate()
            server.wait()


@contextlib.contextmanager
def postgres_server(host: str, network: str, programs: Path, owner: int) -> Iterator[str]:
    """A PostgreSQL server at an address of this machine.

    Args:
        host: the address.
        network: addresses of those who may log in.
        programs: folder of the server's programs.
        owner: the user of the system that it runs as.

    Yields:
        Its address, without a database.
    """
    port = free_port(host=host)
    folder = Path(tempfile.mkdtemp(prefix="onestop-postgres-"))
    os.chown(folder, owner, -1)
    data = folder / "data"
    user = pwd.getpwuid(owner).pw_name

    def run(program: str, *arguments: str) -> None:
        command = [programs / program, "-D", data, *arguments]
        subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)

    options = f"-h {host} -p {port} -k {folder} -c fsync=off -c max_connections=200"
    try:
        run(
            *("initdb", "--username=postgres", "--auth=trust", "--encoding=utf8"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        )
        with (data / "pg_hba.conf").open("a", encoding="utf-8") as logins:
            logins.write(f"host all all {network} trust\n")
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        yield f"postgresql://postgres@{host}:{port}"
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def make_database(server: str, name: str) -> str:
    """Make an empty database; returns its address."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return f"{server}/{name}"


@dataclass
class CeleryAirflow(LocalAirflow):
    """Scheduler, DAG processor and API server here; tasks run where a worker is started.

    Attributes:
        database: address of Airflow's own database.
        broker: address of the queue.
    """

    database: str = ""
    broker: str = ""

    def environment(self) -> dict[str, str]:
        sync = self.database.replace("postgresql:", "postgresql+psycopg:")
        return super().environment() | {
            "AIRFLOW__CELERY__BROKER_URL": self.broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{sync}",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sync,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": sync.replace("+psycopg", "+psycopg_async"),
        }

    def worker(self, concurrency: int) -> list[str]:
        """The program of a worker, with its arguments.

        Args:
            concurrency: how many tasks it runs at the same time.
        """
        return [
            *(sys.executable, "-m", "airflow", "celery", "worker"),
            *("--concurrency", str(concurrency), "--without-mingle", "--without-gossip"),
        ]

    def running(self) -> set[tuple[str, str, int]]:
        """The machine, task and index of the task instances that run now."""
        return set(self._rows("select hostname, task_id, map_index", "state = 'running'"))

    def count(self, task_id: str, state: str = "success") -> int:
        """How many instances of a task are in a state."""
        [[count]] = self._rows("select count(*)", "task_id = %s and state = %s", task_id, state)
        return count

    def ended(self) -> dict[tuple[str, int], tuple[str, str, int]]:
        """By task and index: the machine on which it ended, its state, and its try's number."""
        rows = self._rows("select task_id, map_index, hostname, state, try_number", "true")
        return {(task, index): (host, state, tries) for task, index, host, state, tries in rows}

    def _rows(self, select: str, where: str, *values: str) -> list[tuple]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(
                f"{select} from task_instance where dag_id = 'onestop_nightly' and {where}", values
            ).fetchall()
