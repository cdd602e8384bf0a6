"""Many sources' files in one night on two workers that share PostgreSQL and object storage only."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest
import steps_by_hand as steps
from clean_processes import clean_process, status_of
from many_sources import write_sources
from published_marts import FIRST, settings_in
from shared_stores import Installation, kill_before_request, object_store

from onestop.intake.candidate import Candidate
from onestop.night import run_night
from onestop.warehouse import open_warehouse

pytestmark = pytest.mark.slow

#: ``ONESTOP_TEST_SOURCES`` makes it a smaller night.
SOURCES = int(os.environ.get("ONESTOP_TEST_SOURCES", "63"))
FILES = 4
_DIGESTS = "select as_of_date, figures_sha256, delivery_count from audit.publication"
_LOADED = (
    "select file_name, count(*) as times from audit.delivery where state = 'loaded' group by 1"
)


def work(installation, mappings, folder, files, dies_before):
    """A worker: takes in its files one after the other."""
    os.environ["ONESTOP_SOURCES"] = str(mappings)
    settings = installation.machine(folder)
    if dies_before:
        kill_before_request(dies_before)
    for file in files:
        steps.take_in(settings, Candidate.from_json(file), FIRST)


def test_the_figures_are_those_of_one_machine(postgres, tmp_path):
    exports, mappings = tmp_path / "exports", tmp_path / "mappings"
    write_sources(exports, mappings, SOURCES, FILES)
    before = dict(os.environ)
    with object_store() as variables:
        installation = Installation(exports, postgres.make_database(), variables, "ministry")
        os.environ["ONESTOP_SOURCES"] = str(mappings)
        here = installation.machine(tmp_path / "scheduler")
        candidates = steps.discover(here, FIRST)
        assert len(candidates) >= SOURCES * FILES
        files = [candidate.to_json() for candidate in candidates]
        shares = (files[::2], files[1::2])
        workers = [
            clean_process(
                *(work, installation, mappings, tmp_path / f"worker-{number}", share),
                len(share) if number else 0,
            )
            for number, share in enumerate(shares)
        ]
        for worker in workers:
            worker.start()
        assert [status_of(worker, 3000) for worker in workers] == [0, -signal.SIGKILL]
        # the scheduler gives the files of the dead worker to another one
        third = clean_process(work, installation, mappings, tmp_path / "worker-2", shares[1], 0)
        third.start()
        assert status_of(third, 3000) == 0
        steps.require(here, FIRST, candidates)
        for step in (steps.compute, steps.check, steps.publish):
            step(here, FIRST)
        with open_warehouse(here.warehouse, read_only=True) as warehouse:
            figures, loaded = warehouse.rows(_DIGESTS), warehouse.rows(_LOADED)
    os.environ.clear()
    os.environ.update(before)
    assert {row["times"] for row in loaded} == {1}
    alone = replace(settings_in(tmp_path / "alone"), exports=exports, sources=mappings)
    assert run_night(alone, FIRST).state == "published"
    with open_warehouse(alone.warehouse, read_only=True) as warehouse:
        assert warehouse.rows(_DIGESTS) == figures
