"""A night on PostgreSQL that is killed anywhere ends like an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from clean_processes import CONTEXT, clean_process, status_of
from engines import assert_same, content
from published_marts import settings_in
from worked_dossiers import LATER, NIGHT, write_exports

from onestop.night import run_night
from onestop.warehouse import open_warehouse
from onestop.warehouse.postgres_engine import PostgreSQLWarehouse

if TYPE_CHECKING:
    import datetime as dt

    from onestop.settings import Settings

pytestmark = pytest.mark.whole_night

NIGHTS = (NIGHT, LATER)


def run_nights(settings, nights, kill_at, count):
    """Run the nights; the process is killed before its ``kill_at``-th statement."""
    run = PostgreSQLWarehouse._run

    def counted(self, sql, parameters):
        count.value += 1
        if count.value == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(self, sql, parameters)

    PostgreSQLWarehouse._run = counted
    for night in nights:
        assert run_night(settings, night).is_good
    os._exit(0)


def in_a_process(settings, nights, *, kill_at=0):
    count = CONTEXT.Value("i", 0)
    process = clean_process(run_nights, settings, nights, kill_at, count)
    process.start()
    return status_of(process), count.value


@dataclass(frozen=True)
class Undisturbed:
    """A finished warehouse: settings, nights, content, and the number of statements it took."""

    settings: Settings
    nights: tuple[dt.date, ...]
    content: dict[str, object]
    statements: int


def run_undisturbed(postgres, folder, nights):
    settings = replace(settings_in(folder), warehouse=postgres.make_database())
    write_exports(settings.exports)
    code, statements = in_a_process(settings, nights)
    assert code == 0
    assert statements > 250 * len(nights)
    return Undisturbed(settings, nights, read(settings), statements)


@pytest.fixture(scope="module")
def one_night(postgres, tmp_path_factory):
    return run_undisturbed(postgres, tmp_path_factory.mktemp("one_night"), NIGHTS[:1])


@pytest.fixture(scope="module")
def two_nights(postgres, tmp_path_factory):
    return run_undisturbed(postgres, tmp_path_factory.mktemp("two_nights"), NIGHTS)


def read(settings):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        return content(warehouse)


def check_after_kills(undisturbed, postgres, folder, kills, seed):
    """Kill runs repeatedly, let one run end, and compare."""
    exports, nights = undisturbed.settings.exports, undisturbed.nights
    settings = replace(settings_in(folder), exports=exports, warehouse=postgres.make_database())
    chance = random.Random(seed)
    for _ in range(kills):
        # a repeated run executes fewer statements: finished steps are skipped
        kill_at = chance.randint(1, undisturbed.statements * 2 // 3)
        code, _ = in_a_process(settings, nights, kill_at=kill_at)
        assert code in {0, -signal.SIGKILL}
    code, _ = in_a_process(settings, nights)
    assert code == 0
    assert_same(read(settings), undisturbed.content)


def test_a_kill_changes_nothing(one_night, postgres, tmp_path):
    check_after_kills(one_night, postgres, tmp_path, kills=1, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_many_kills_change_nothing(two_nights, postgres, tmp_path, seed):
    check_after_kills(two_nights, postgres, tmp_path, kills=12, seed=100 + seed)
