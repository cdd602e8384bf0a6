"""A night on two Celery workers on machines of their own, one of which is killed in the middle.

The machines share PostgreSQL and object storage, the exports included, and reach the broker and
Airflow's API server. Each has its own network, disk and processes.
"""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import boto3
import celery_airflow
import namespace_machines
import pytest
import steps_by_hand as steps
from celery_airflow import CeleryAirflow, make_database, postgres_server, redis_server
from clean_processes import clean_process, status_of
from engines import assert_same, content
from many_sources import write_sources
from namespace_machines import here, machines, network
from postgres_replica import programs_of
from published_marts import FIRST
from shared_stores import BUCKET, Installation, object_store

from onestop.intake.candidate import Candidate
from onestop.local.backfill import NightResult, run_nights
from onestop.local.local_airflow import OF_A_NIGHT, PRELOADED
from onestop.settings import Settings
from onestop.warehouse import open_warehouse

pytestmark = [pytest.mark.slow, pytest.mark.airflow, pytest.mark.whole_night]

#: ``ONESTOP_TEST_SOURCES`` makes it a smaller night.
SOURCES = int(os.environ.get("ONESTOP_TEST_SOURCES", "63"))
FILES = int(os.environ.get("ONESTOP_TEST_FILES", "4"))
#: Tasks at the same time on each worker: most of them wait for Airflow.
CONCURRENCY = 6
#: Modules that a task imports for the store and for PostgreSQL.
OF_STORE = ("s3fs", "upath.implementations.cloud", "psycopg")
#: Processes that take files in on the one machine.
HANDS = 3
_DIGESTS = "select as_of_date, figures_sha256, delivery_count from audit.publication"


@dataclass(frozen=True)
class Ended:
    """What became of the night.

    Attributes:
        result: of the run.
        killed: address of the machine that was killed.
        survivor: address of the other one.
        lost: task and index of what ran on the killed machine at that moment.
        tasks: by task and index, the machine on which it ended, its state, and its try's number.
        left: the files on the survivor's disk at the end.
        settings: of the installation.
        alone: settings of one machine with the same files.
    """

    result: NightResult
    killed: str
    survivor: str
    lost: set[tuple[str, int]]
    tasks: dict[tuple[str, int], tuple[str, str, int]]
    left: list[str]
    settings: Settings
    alone: Settings


def put_exports(exports: Path, variables: dict[str, str]) -> str:
    """Put the exports into the store, where every machine reads them; returns their address."""
    store = boto3.client("s3", endpoint_url=variables["AWS_ENDPOINT_URL"], region_name="us-east-1")
    for file in exports.iterdir():
        store.upload_file(str(file), BUCKET, f"exports/{file.name}")
    return f"s3://{BUCKET}/exports"


def airflow_at(folder, settings, server, broker):
    return CeleryAirflow(
        home=folder / "airflow",
        settings=settings,
        host=here(),
        database=make_database(server, "airflow"),
        broker=broker,
        last_night="2022-11-16T00:00:00+07:00",
        parallelism=2 * CONCURRENCY,
        extra={
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "0",
            # A dead worker is noticed after one minute instead of five.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "240",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "3",
        },
        preloaded=(*PRELOADED, *OF_A_NIGHT, *OF_STORE),
    )


def start(airflow, workers, folder):
    """Switch the workers' machines on and wait until they take tasks."""
    logs = {machine: folder / f"worker-{machine.number}.log" for machine in workers}
    for machine, log in logs.items():
        command, environment = airflow.worker(CONCURRENCY), airflow.environment()
        machine.start(command, environment, folder / "mappings", log)
    deadline = time.monotonic() + 600
    for machine, log in logs.items():
        while " ready" not in (text := log.read_text(encoding="utf-8", errors="replace")):
            assert machine.is_on, text
            assert time.monotonic() < deadline, text
            time.sleep(0.5)


def take_in_share(settings, files):
    for file in files:
        steps.take_in(settings, Candidate.from_json(file), FIRST)


def finish(settings, candidates):
    steps.require(settings, FIRST, [Candidate.from_json(one) for one in candidates])
    for step in (steps.compute, steps.check, steps.publish):
        step(settings, FIRST)


def publish_alone(settings):
    """The same night on one machine, without Airflow."""
    files = [candidate.to_json() for candidate in steps.discover(settings, FIRST)]
    hands = [clean_process(take_in_share, settings, files[n::HANDS]) for n in range(HANDS)]
    for hand in hands:
        hand.start()
    assert [status_of(hand, 3600) for hand in hands] == [0] * HANDS
    last = clean_process(finish, settings, files)
    last.start()
    assert status_of(last, 3600) == 0


def kill_in_the_middle(airflow, machine):
    """Kill the machine if it is at work on files in the middle of the night.

    Returns:
        Task and index of what ran on it; nothing where it was not killed.
    """
    running = airflow.running()
    of_machine = {
        (task, index)
        for address, task, index in running
        if address == machine.address and task in ("delivery.read", "delivery.validate")
    }
    if not of_machine or 3 * airflow.count("delivery.read") < airflow.count("delivery.land"):
        return set()
    machine.kill()
    return {(task, index) for address, task, index in running if address == machine.address}


@pytest.fixture(scope="module")
def ended(postgres, tmp_path_factory):
    for why_not in (namespace_machines.why_not, celery_airflow.why_not):
        if reason := why_not():
            pytest.skip(f"no Celery workers on machines of their own: {reason}")
    folder = tmp_path_factory.mktemp("celery")
    exports, mappings = folder / "exports", folder / "mappings"
    write_sources(exports, mappings, SOURCES, FILES)
    programs = programs_of(postgres.make_database())
    with (
        patch.dict(os.environ),
        machines(2, folder) as (first, second),
        postgres_server(here(), str(network()), programs, owner_of(postgres)) as server,
        redis_server(here()) as broker,
        object_store(here()) as variables,
        ThreadPoolExecutor(1) as beside,
    ):
        installation = Installation(exports, make_database(server, "onestop"), variables, "all")
        settings = installation.machine(folder / "work")
        os.environ["ONESTOP_SOURCES"] = str(mappings)
        os.environ["ONESTOP_EXPORTS"] = put_exports(exports, variables)
        settings = Settings.from_environment()
        alone = replace(
            settings,
            exports=exports,
            store="",
            landing=folder / "alone" / "landing",
            published=folder / "alone" / "published" / "onestop.duckdb",
            work=folder / "alone" / "work",
            warehouse=make_database(server, "alone"),
        )
        alone_published = beside.submit(publish_alone, alone)
        lost = set()
        with airflow_at(folder, settings, server, broker) as airflow:
            start(airflow, (first, second), folder)
            for event in run_nights(airflow, [FIRST], {}):
                if isinstance(event, NightResult):
                    result = event
                elif not lost:
                    lost = kill_in_the_middle(airflow, first)
                time.sleep(1)  # each event asks for all tasks
            tasks, left = airflow.ended(), second.files()
        alone_published.result()
        yield Ended(result, first.address, second.address, lost, tasks, left, settings, alone)
    shutil.rmtree(folder, ignore_errors=True)


def owner_of(postgres):
    """The user of the system that the tests' PostgreSQL server runs as."""
    return Path(postgres._socket_folder).stat().st_uid


def test_the_night_ends_on_the_other_worker(ended):
    assert ended.result.succeeded, ended.result.failures
    assert ended.result.failures == ()
    assert ended.lost, "the worker was not killed in the middle"
    for lost in ended.lost:
        machine, state, tries = ended.tasks[lost]
        assert (machine, state) == (ended.survivor, "success"), lost
        assert tries > 1, lost


def test_both_workers_took_files(ended):
    of_files = [
        machine for (task, _), (machine, _, _) in ended.tasks.items() if task == "delivery.read"
    ]
    assert set(of_files) == {ended.killed, ended.survivor}


def test_the_figures_and_marts_are_those_of_one_machine(ended):
    with (
        open_warehouse(ended.settings.warehouse, read_only=True) as of_many,
        open_warehouse(ended.alone.warehouse, read_only=True) as of_one,
    ):
        digests = of_many.rows(_DIGESTS)
        assert digests == of_one.rows(_DIGESTS)
        assert digests[0]["delivery_count"] >= SOURCES * FILES
        assert_same(content(of_many, ("mart",)), content(of_one, ("mart",)))


def test_the_record_is_that_of_one_machine(ended):
    with (
        open_warehouse(ended.settings.warehouse, read_only=True) as of_many,
        open_warehouse(ended.alone.warehouse, read_only=True) as of_one,
    ):
        assert_same(content(of_many, ("core",)), content(of_one, ("core",)))


def test_every_file_is_in_the_record_once(ended):
    with open_warehouse(ended.settings.warehouse, read_only=True) as warehouse:
        rows = warehouse.rows(
            "select file_name, count(*) as times from audit.delivery where state = 'loaded'"
            " group by file_name"
        )
    assert {row["times"] for row in rows} == {1}
    assert len(rows) >= SOURCES * FILES


def test_no_task_leaves_a_file_on_the_disk_of_its_worker(ended):
    of_work = {name.split("/")[1] for name in ended.left if name.startswith("work/")}
    assert of_work <= {"locks", "lineage"}
    assert {name.split("/")[0] for name in ended.left} <= {"work", "airflow", "mappings"}
