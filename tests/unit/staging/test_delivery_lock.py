"""One delivery in two runs at once: the second waits, or ends with a clear message."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import signal
import time

import pytest
from exported_files import as_json, record
from published_marts import settings_in
from steps_by_hand import discover, land, load, read, validate

from onestop.staging.delivery_lock import DeliveryBusyError, working_on
from onestop.warehouse import WarehouseError, open_warehouse

NIGHT = dt.date(2022, 11, 15)
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def landed(tmp_path):
    settings = settings_in(tmp_path)
    settings.exports.mkdir()
    (settings.exports / "dossiers_20221115.json").write_bytes(as_json(record(1), record(2)))
    [candidate] = discover(settings, NIGHT)
    return settings, land(settings, candidate)


def hold(delivery, locks, is_held):
    with working_on(delivery, locks):
        is_held.set()
        time.sleep(60)


@pytest.fixture
def held(landed):
    """Another process that holds the delivery's lock."""
    settings, delivery = landed
    is_held = FORK.Event()
    process = FORK.Process(target=hold, args=(delivery, settings.folders.locks, is_held))
    process.start()
    assert is_held.wait(30)
    yield process
    process.kill()
    process.join()


def test_a_delivery_locked_by_another_run_is_an_error_that_names_its_file(landed, held):  # noqa: ARG001
    settings, delivery = landed
    with (
        pytest.raises(DeliveryBusyError, match=r"dossiers_20221115\.json: another run is still"),
        working_on(delivery, settings.folders.locks, wait_seconds=0.2),
    ):
        pass


def test_a_killed_run_holds_no_lock(landed, held):
    settings, delivery = landed
    os.kill(held.pid, signal.SIGKILL)
    held.join(30)
    with working_on(delivery, settings.folders.locks, wait_seconds=0.2):
        pass


def run_all_steps(settings, delivery, failures):
    try:
        for _ in range(3):
            read(settings, delivery)
            validate(settings, delivery, NIGHT)
            load(settings, delivery)
    except BaseException as error:  # noqa: BLE001 - the error is passed to the other process
        failures.put(f"{type(error).__name__}: {error}")


def test_two_simultaneous_runs_of_a_delivery_give_the_result_of_one(landed):
    settings, delivery = landed
    failures = FORK.Queue()
    runs = [
        FORK.Process(target=run_all_steps, args=(settings, delivery, failures)) for _ in range(3)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join(180)
    assert failures.empty(), failures.get()
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        assert warehouse.value("select count(*) from audit.delivery") == 1
        assert warehouse.value("select count(*) from core.dossier_version") == 2


def test_a_warehouse_that_cannot_be_opened_is_not_waited_for_even_in_a_folder_named_lock(tmp_path):
    folder = tmp_path / "lock"
    folder.mkdir()
    (folder / "warehouse.duckdb").write_bytes(b"x" * 20_000)
    started = time.monotonic()
    with pytest.raises(WarehouseError, match="not a valid DuckDB"):
        open_warehouse(f"duckdb:///{folder / 'warehouse.duckdb'}")
    assert time.monotonic() - started < 10
