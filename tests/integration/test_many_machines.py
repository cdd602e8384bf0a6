"""A night whose steps run on machines that share PostgreSQL and object storage, and no disk."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
import steps_by_hand as steps
from clean_processes import clean_process, status_of
from postgres_replica import programs_of
from published_marts import FIRST
from shared_stores import Installation, kill_before_request, object_store

from onestop.figures.web import make_app
from onestop.intake.delivery import RefusedDeliveryError
from onestop.record.night_steps import noting_steps
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.storage import listed, names_in
from onestop.upkeep.backup import make_backup, restore_backup
from onestop.upkeep.doctor import examine
from onestop.upkeep.housekeeping import RETENTION, housekeep
from onestop.upkeep.verify import verify
from onestop.warehouse import open_warehouse

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # a deprecation warning about the HTTP client
    from starlette.testclient import TestClient

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.settings import Settings

pytestmark = pytest.mark.whole_night

BROKEN = "dossiers_20221115_broken.json"


@dataclass
class Machines:
    """Machines that come and go; each has an empty disk at first and takes it along at the end."""

    installation: Installation
    folder: Path
    count: int = 0

    @contextmanager
    def one(self):
        self.count += 1
        own = self.folder / f"machine-{self.count}"
        here = self.installation.machine(own)
        with noting_steps(here.folders.steps, FIRST):
            yield here
        # of the files of a night, none may stay behind
        left = [name for name in listed(own) if not name.startswith("locks/")]
        shutil.rmtree(own, ignore_errors=True)
        assert left == []


def take_in_and_die(installation, folder, requests):
    """A worker that is killed while it takes in the night's files."""
    settings = installation.machine(folder)
    kill_before_request(requests)
    with noting_steps(settings.folders.steps, FIRST):
        steps.take_in_all(settings, FIRST)


def take_in(machines):
    """The steps of each file, each on a machine of its own; returns the candidates."""
    with machines.one() as here:
        candidates = steps.discover(here, FIRST)
    for candidate in candidates:
        with suppress(RefusedDeliveryError):
            with machines.one() as here:
                delivery = steps.land(here, candidate)
            with machines.one() as here:
                steps.read(here, delivery)
            with machines.one() as here:
                steps.validate(here, delivery, FIRST)
            with machines.one() as here:
                steps.load(here, delivery)
    return candidates


@pytest.fixture(scope="module")
def published(one_night, postgres, tmp_path_factory):
    """The last machine, after a night of which a worker was killed in the middle."""
    folder = tmp_path_factory.mktemp("machines")
    shutil.copytree(one_night.exports, folder / "exports")
    (folder / "exports" / BROKEN).write_bytes(b"[{")
    before = dict(os.environ)
    with object_store() as variables:
        installation = Installation(
            folder / "exports", postgres.make_database(), variables, "a city"
        )
        killed = clean_process(take_in_and_die, installation, folder / "killed", 9)
        killed.start()
        assert status_of(killed) == -signal.SIGKILL
        machines = Machines(installation, folder)
        candidates = take_in(machines)
        with machines.one() as here:
            steps.require(here, FIRST, candidates)
        for step in (steps.compute, steps.check, steps.publish):
            with machines.one() as here:
                step(here, FIRST)
        yield installation.machine(folder / "last")
    os.environ.clear()
    os.environ.update(before)


def read(settings: Settings, query):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        return warehouse.rows(query)


def test_the_figures_are_those_of_one_machine(published, one_night):
    digests = "select as_of_date, figures_sha256 from audit.publication"
    with open_warehouse(one_night.warehouse, read_only=True) as warehouse:
        expected = warehouse.rows(digests)
    assert read(published, digests) == expected


def test_every_file_is_in_the_record_once(published):
    rows = read(
        published,
        "select file_name, state, count(*) as times from audit.delivery group by 1, 2 order by 1",
    )
    assert {row["times"] for row in rows} == {1}
    assert [row["file_name"] for row in rows if row["state"] == "refused"] == [BROKEN]


def test_the_record_says_which_steps_ran_and_which_was_killed(published):
    rows = read(
        published,
        "select step, outcome, count(*) as times from audit.night_step group by 1, 2",
    )
    times = {(row["step"], row["outcome"]): row["times"] for row in rows}
    files = times["land", "done"]
    assert times["load", "done"] >= 3
    assert [outcome for _, outcome in times].count("killed") == 1
    assert times["read", "refused"] == 1
    assert files > times["load", "done"]


def test_the_landing_holds_what_it_holds_on_one_machine(published, one_night):
    of_one = {
        name: entry.size_bytes
        for name, entry in listed(one_night.landing).items()
        if not name.startswith("publications/")
    }
    of_many = {name: entry.size_bytes for name, entry in listed(published.landing).items()}
    assert of_one.items() <= of_many.items()
    more = [name for name in of_many.keys() - of_one if not name.startswith("publications/")]
    assert {name.rsplit("/", 1)[-1] for name in more} == {BROKEN, "delivery.json"}


def test_no_note_and_no_mark_is_left(published):
    assert names_in(published.folders.refusals) == set()
    assert names_in(published.folders.places) == set()
    assert names_in(published.folders.under_work) == set()


@pytest.mark.slow
def test_the_figures_are_the_same_again_from_the_shared_landing(published):
    assert verify(published, FIRST).is_identical


@pytest.fixture
def browser(published):
    app = make_app(
        lambda: published,
        guard=lambda: None,
        login_url=lambda page: page,
        reads_record=lambda: True,
    )
    return TestClient(app)


def test_the_pages_serve_the_reports_that_other_machines_wrote(published, browser):
    reports = published.folders.reports
    pages = [name for name in listed(reports) if name.endswith(".html")]
    assert len(pages) > 20
    for page in (pages[0], pages[-1]):
        shown = browser.get(f"/reports/{page}").text
        assert shown.split("</p>", 1)[-1] in (reports / page).read_text(encoding="utf-8")
    assert browser.get("/reports/../landing/x").status_code == 404


def test_the_pages_serve_the_lists_of_dossiers_that_fall_due(browser):
    index = browser.get("/due_soon/index.csv").text
    assert index.lstrip("\ufeff").startswith("as_of_date,unit_code")
    assert len(index.splitlines()) > 5


def test_the_doctor_says_that_the_store_keeps_what_is_written_once(published):
    found = {one.check: one for one in examine(published)}
    assert found["store"].state == "OK"
    assert {name for name, one in found.items() if one.state == "FAIL"} <= {"exports", "warehouse"}


@pytest.mark.slow
def test_a_backup_of_the_store_is_restored_into_an_empty_one(
    published, postgres, monkeypatch, tmp_path
):
    programs = programs_of(published.warehouse)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    make_backup(published, tmp_path / "backup")
    empty = replace(
        published,
        landing=published.landing.parent.parent / "another city" / "landing",
        warehouse=postgres.make_database(),
        work=tmp_path / "work",
    )
    restored = restore_backup(empty, tmp_path / "backup")
    assert restored.night == FIRST
    of_backup, of_store = listed(published.landing), listed(empty.landing)
    assert {name: one.size_bytes for name, one in of_store.items()} == {
        name: one.size_bytes for name, one in of_backup.items()
    }


def test_housekeeping_deletes_what_is_past_its_retention_and_no_evidence(
    published, monkeypatch, tmp_path
):
    rules = RETENTION.read_text(encoding="utf-8").replace("keep: forever", "keep: 2 years", 1)
    (tmp_path / "retention.yaml").write_text(rules, encoding="utf-8")
    monkeypatch.setenv("ONESTOP_RETENTION", str(tmp_path / "retention.yaml"))
    landed = listed(published.landing).keys()
    work = published.folders.work
    assert any(name.startswith("staging/") for name in listed(work))
    later = dt.datetime.now(LOCAL_ZONE) + dt.timedelta(days=3660)
    assert not housekeep(published, now=later, is_trial=True).is_done
    removed = housekeep(published, now=later).summary()
    left = {name.split("/")[0] for name in listed(work)}
    assert {"staged_files", "validation_results", "refused_deliveries"} <= removed.keys()
    assert not left & {"staging", "validation", "volumes"}
    gone = landed - listed(published.landing).keys()
    assert {name.rsplit("/", 1)[-1] for name in gone} == {BROKEN, "delivery.json"}
