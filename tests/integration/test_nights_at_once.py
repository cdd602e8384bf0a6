"""Nights that run at the same time as other nights and commands: each succeeds or says why not."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import replace

from commands import Command
from kept_installations import copied
from polling_readers import reading
from published_marts import FIRST, SECOND, THIRD

from onestop.night import run_night
from onestop.upkeep.verify import verify
from onestop.warehouse import open_warehouse

#: Number of other commands during a night; more would only slow it down.
AT_ONCE = 2
#: Texts that must not appear in any output.
RAW = ("Traceback", "Could not set lock", "FileNotFoundError", "IO Error", "FileExistsError")


def start(settings, *arguments):
    return Command(*arguments, env={**os.environ, **settings.to_environment()})


def ended(command):
    done = command.wait()
    output = done.stdout + done.stderr
    assert not [word for word in RAW if word in output], output
    return done.returncode, output


def published(settings):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        rows = warehouse.rows("select as_of_date from audit.publication order by 1")
        return [row["as_of_date"] for row in rows]


def test_two_simultaneous_runs_of_one_night_publish_it_once(one_night, tmp_path):
    settings = copied(one_night, tmp_path / "same")
    runs = [start(settings, "night", SECOND) for _ in range(2)]
    results = [ended(run) for run in runs]
    assert {status for status, _ in results} == {0}, results
    assert published(settings) == [FIRST, SECOND]
    assert verify(settings, SECOND).is_identical


def test_two_simultaneous_nights_never_mix_their_figures(one_night, tmp_path):
    settings = copied(one_night, tmp_path / "two")
    runs = [start(settings, "night", night) for night in (SECOND, THIRD)]
    results = [ended(run) for run in runs]
    assert 0 in {status for status, _ in results}, results
    nights = published(settings)
    assert nights[0] == FIRST
    assert set(nights) & {SECOND, THIRD}
    for night in nights[1:]:
        found = verify(settings, night)
        assert found.is_identical, found.differences
    # a night that was replaced by the other says so, and can be run again
    for night, (status, output) in zip((SECOND, THIRD), results, strict=True):
        if night not in nights:
            assert status == 1 or "cannot be after night" in output, output


def test_two_simultaneous_nights_on_postgresql_never_show_readers_half_a_night(
    one_night, postgres, tmp_path
):
    url = postgres.make_database()
    there = copied(one_night, tmp_path / "two")
    settings = replace(there, warehouse=url, landing=tmp_path / "landing", work=tmp_path / "work")
    assert run_night(settings, FIRST).state == "published"
    reader = postgres.as_login(url, postgres.make_login("onestop_bi"))
    with reading(reader, joins=False, pause=0.5) as readers:
        runs = [start(settings, "night", night) for night in (SECOND, THIRD)]
        results = [ended(run) for run in runs]
    assert 0 in {status for status, _ in results}, results
    nights = published(settings)
    assert set(nights) & {SECOND, THIRD}
    for found in readers:
        assert found.wrong == []
        assert found.is_finished
        assert found.nights <= set(nights)
    for night in nights[1:]:
        found = verify(settings, night)
        assert found.is_identical, found.differences


def test_a_night_is_published_while_replay_backup_housekeeping_and_readers_run(one_night, tmp_path):
    settings = copied(one_night, tmp_path / "beside")
    night = start(settings, "night", SECOND)
    others = [
        ("replay",),
        ("backup", tmp_path / "backup"),
        ("housekeeping",),
        ("doctor",),
        ("deliveries",),
        ("scorecard",),
    ]
    running, begun = [], set()
    for arguments in itertools.cycle(others):
        if night.poll() is not None and begun == set(others):
            break
        while len(running) == AT_ONCE:
            running = [one for one in running if one.poll() is None or not ended(one)]
            time.sleep(0.1)
        running.append(start(settings, *arguments))
        begun.add(arguments)
    for command in running:
        ended(command)
    status, output = ended(night)
    assert status == 0, output
    assert published(settings) == [FIRST, SECOND]
    assert verify(settings, SECOND).is_identical
