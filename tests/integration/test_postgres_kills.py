"""A night on PostgreSQL that is killed, wherever, ends as one that was left alone."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from dataclasses import replace

import pytest
from engines import assert_same, content
from published_marts import settings_in
from worked_dossiers import LATER, NIGHT, write_exports

import onestop.gate
from onestop.night import run_night
from onestop.warehouse import open_warehouse
from onestop.warehouse.postgres_engine import PostgreSQLWarehouse

FORK = multiprocessing.get_context("fork")
NIGHTS = (NIGHT, LATER)


def run_nights(settings, kill_at, count):
    """Run the nights; the process ends before its ``kill_at``-th statement."""
    run = PostgreSQLWarehouse._run

    def counted(self, sql, parameters):
        count.value += 1
        if count.value == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(self, sql, parameters)

    PostgreSQLWarehouse._run = counted
    for night in NIGHTS:
        assert run_night(settings, night).is_good
    os._exit(0)


def in_a_process(settings, *, kill_at=0):
    count = FORK.Value("i", 0)
    process = FORK.Process(target=run_nights, args=(settings, kill_at, count))
    process.start()
    process.join(300)
    return process.exitcode, count.value


@pytest.fixture(scope="module")
def undisturbed(postgres, tmp_path_factory):
    """A finished warehouse's settings, its content, and how many statements it took."""
    onestop.gate.load_suite("dossiers")
    from great_expectations.core import ExpectationSuite  # noqa: F401, PLC0415 - once, for all forks

    settings = settings_in(tmp_path_factory.mktemp("undisturbed"))
    settings = replace(settings, warehouse=postgres.make_database())
    write_exports(settings.exports)
    code, statements = in_a_process(settings)
    assert code == 0
    assert statements > 500
    return settings, read(settings), statements


def read(settings):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        return content(warehouse)


def survives(undisturbed, postgres, folder, kills, seed):
    """Kill again and again, run once more to the end, and compare."""
    original, expected, statements = undisturbed
    settings = replace(
        settings_in(folder), exports=original.exports, warehouse=postgres.make_database()
    )
    chance = random.Random(seed)
    for _ in range(kills):
        # a later start has less to do: what is done already is left alone
        code, _ = in_a_process(settings, kill_at=chance.randint(1, statements * 2 // 3))
        assert code in {0, -signal.SIGKILL}
    code, _ = in_a_process(settings)
    assert code == 0
    assert_same(read(settings), expected)


def test_a_kill_changes_nothing(undisturbed, postgres, tmp_path):
    survives(undisturbed, postgres, tmp_path, kills=1, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_many_kills_change_nothing(undisturbed, postgres, tmp_path, seed):
    survives(undisturbed, postgres, tmp_path, kills=12, seed=100 + seed)
