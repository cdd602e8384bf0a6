"""A night that is killed anywhere, any number of times, ends like an undisturbed one."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import pytest
from clean_processes import CONTEXT, clean_process, start_server, status_of
from engines import CLOCKS, TIMES
from published_marts import FIRST, SECOND, settings_in
from three_nights import publish_second_night

from onestop import night as night_module
from onestop.night import run_night
from onestop.sample import write_sample
from onestop.warehouse.duckdb_engine import DuckDBWarehouse

if TYPE_CHECKING:
    from onestop.settings import Settings

pytestmark = pytest.mark.whole_night

NIGHTS = (dt.date(2022, 11, 15), dt.date(2022, 11, 16))
STEPS = (
    "land_delivery",
    "read_delivery_file",
    "validate_delivery_file",
    "load_delivery",
    "require_expected",
    "compute_night",
    "check_night",
    "publish_night",
)


class Events:
    """Counts step boundaries and SQL statements, and ends the process at one of them."""

    def __init__(self, kill_at):
        self.kill_at = kill_at
        self.count = 0

    def happen(self):
        self.count += 1
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function):
        def wrapped(*arguments, **named):
            self.happen()
            try:
                return function(*arguments, **named)
            finally:
                self.happen()

        return wrapped


def run_nights(settings, nights, kill_at, count):
    events = Events(kill_at)
    for name in STEPS:
        setattr(night_module, name, events.around(getattr(night_module, name)))
    DuckDBWarehouse.execute = events.around(DuckDBWarehouse.execute)
    DuckDBWarehouse.publish_copy = events.around(DuckDBWarehouse.publish_copy)
    for night in nights:
        assert run_night(settings, night).is_good
    count.value = events.count
    os._exit(0)


def in_a_process(settings, nights, *, kill_at=0, kill_after=None):
    """Run the nights in a process; returns its exit code (-9: killed) and number of events."""
    count = CONTEXT.Value("i", 0)
    process = clean_process(run_nights, settings, nights, kill_at, count)
    process.start()
    if kill_after is not None:
        time.sleep(kill_after)
        process.kill()
    return status_of(process), count.value


def content(settings):
    with duckdb.connect(settings.warehouse.removeprefix("duckdb:///"), read_only=True) as opened:
        tables = opened.execute(
            "select table_schema, table_name, list(column_name order by ordinal_position)"
            " from information_schema.columns group by all order by all"
        ).fetchall()
        found = {}
        for schema, table, columns in tables:
            if f"{schema}.{table}" in TIMES:
                continue
            kept = ", ".join(f'"{column}"' for column in columns if column not in CLOCKS)
            query = f'select {kept} from "{schema}"."{table}" order by all'
            found[f"{schema}.{table}"] = opened.execute(query).fetchall()
        return found


@dataclass(frozen=True)
class Undisturbed:
    """A finished warehouse, and the number of events and seconds that it took."""

    settings: Settings
    nights: tuple[dt.date, ...]
    events: int
    seconds: float


def run_undisturbed(folder, nights):
    settings = settings_in(folder)
    write_sample(settings.exports, *NIGHTS, per_day=4, communes=1)
    start_server()
    started = time.monotonic()
    code, events = in_a_process(settings, nights)
    assert code == 0
    assert events > 100 * len(nights)
    return Undisturbed(settings, nights, events, time.monotonic() - started)


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory):
    return run_undisturbed(tmp_path_factory.mktemp("two_nights"), NIGHTS)


@pytest.fixture(scope="module")
def one_night(tmp_path_factory):
    return run_undisturbed(tmp_path_factory.mktemp("one_night"), NIGHTS[:1])


def completed_after_kills(undisturbed, folder, wanted, *, seed):
    """Kill runs in one folder repeatedly, let one run end, and compare; returns the kills."""
    original, nights = undisturbed.settings, undisturbed.nights
    settings = settings_in(folder)
    settings.exports.symlink_to(original.exports)
    chance = random.Random(seed)
    kills = 0
    for _ in range(3 * wanted):
        if kills == wanted:
            break
        if chance.random() < 0.7:
            code, _ = in_a_process(settings, nights, kill_at=chance.randint(1, undisturbed.events))
        else:
            code, _ = in_a_process(
                settings, nights, kill_after=chance.uniform(0, undisturbed.seconds)
            )
        assert code in {0, -signal.SIGKILL}, code
        if code == 0:  # the run ended before the kill: start again from the beginning
            check(settings, undisturbed)
            folder = folder / "next"
            folder.mkdir()
            settings = settings_in(folder)
            settings.exports.symlink_to(original.exports)
        else:
            kills += 1
    code, _ = in_a_process(settings, nights)
    assert code == 0
    check(settings, undisturbed)
    return kills


def check(settings, undisturbed):
    original = undisturbed.settings
    found, expected = content(settings), content(original)
    assert found.keys() == expected.keys()
    for table, rows in expected.items():
        assert found[table] == rows, table
    manifests = {path.name: path.read_text() for path in settings.landing.glob("publications/*")}
    assert manifests == {
        path.name: path.read_text() for path in original.landing.glob("publications/*")
    }
    with duckdb.connect(str(settings.published), read_only=True) as published:
        assert published.execute("select max(as_of_date) from mart.dossier").fetchone() == (
            undisturbed.nights[-1],
        )


def test_a_sample_of_kills_changes_nothing(one_night, tmp_path):
    assert completed_after_kills(one_night, tmp_path, 2, seed=1) == 2


@pytest.mark.slow
def test_kills_from_one_night_into_the_next_change_nothing(two_nights, tmp_path):
    assert completed_after_kills(two_nights, tmp_path, 10, seed=2) == 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_many_kills_change_nothing(one_night, tmp_path, seed):
    assert completed_after_kills(one_night, tmp_path, 20, seed=100 + seed) == 20


def publish_second(settings, kill_before):
    """Run the second night; the process ends before a statement."""
    execute = DuckDBWarehouse.execute

    def execute_or_end(warehouse, sql, parameters=None):
        if kill_before and sql.startswith(kill_before):
            os.kill(os.getpid(), signal.SIGKILL)
        execute(warehouse, sql, parameters)

    DuckDBWarehouse.execute = execute_or_end
    assert run_night(settings, SECOND).is_good
    os._exit(0)


#: Statements in the transaction that applies a change set.
APPLIED = (
    "delete from mart.counted_dossier",
    "insert into mart.unit_tally",
    "insert into audit.publication",
)


def test_a_kill_while_changes_are_applied_leaves_all_of_them_or_none(
    kept, with_second_loaded, tmp_path
):
    undisturbed = kept.copy(publish_second_night, tmp_path / "undisturbed")
    for statement in (*APPLIED, None):
        process = clean_process(publish_second, with_second_loaded, statement)
        process.start()
        assert status_of(process) == (-signal.SIGKILL if statement else 0)
        nights = "select as_of_date, computed from audit.publication order by as_of_date"
        with duckdb.connect(str(warehouse_of(with_second_loaded)), read_only=True) as opened:
            published = opened.execute(nights).fetchall()
        expected = [(FIRST, "all")] if statement else [(FIRST, "all"), (SECOND, "changes")]
        assert published == expected
    found = content(with_second_loaded)
    for table, rows in content(undisturbed).items():
        assert found[table] == rows, table


def warehouse_of(settings):
    return settings.warehouse.removeprefix("duckdb:///")
