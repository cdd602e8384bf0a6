"""A national office in a real Airflow: a night is published at its hour, at the minimum, again."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
import time

import pytest
from generated_provinces import make_nation, national_settings

from onestop.federation.national_warehouse import open_national_figures
from onestop.local.local_airflow import LocalAirflow
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.time_zone import LOCAL_ZONE

pytestmark = pytest.mark.airflow

DAGS = ("onestop_packages", "onestop_nation")
#: Last night, so that its set hour is not over; published at its end, so that this lies in the
#: past at whatever hour the test runs.
NIGHT = dt.datetime.now(LOCAL_ZONE).date() - dt.timedelta(days=1)
#: The night before, whose set hour is over.
EARLIER = NIGHT - dt.timedelta(days=1)
#: Midnight in Việt Nam, in hours after midnight (UTC).
MIDNIGHT = -7
_LONGEST = 240


class TwoDags(LocalAirflow):
    """An Airflow that has only the DAGs of a national office."""

    def _knows_dags(self):
        return set(DAGS) <= {dag["dag_id"] for dag in self.get("/dags", limit=100)["dags"]}


@pytest.fixture(scope="module")
def office(one_night, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("nation")
    nation = make_nation(one_night, tmp_path / "keys", 4)
    inbox, dags = tmp_path / "inbox", tmp_path / "dags"
    inbox.mkdir()
    dags.mkdir()
    for name in DAGS:
        shutil.copy(PROJECT_ROOT / "dags" / f"{name}.py", dags)
    extra = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "ONESTOP_PROVINCES": str(nation.registry),
        "ONESTOP_PACKAGES": str(inbox),
        "ONESTOP_NATION_MINIMUM": "3",
        "ONESTOP_NATION_BY": "23:59",
    }
    settings = national_settings(one_night, tmp_path / "office")
    with TwoDags(tmp_path / "airflow", settings, extra=extra, preloaded=("duckdb",)) as airflow:
        for dag_id in DAGS:
            assert airflow.get(f"/dags/{dag_id}")["is_paused"]
            subprocess.run(
                [sys.executable, "-m", "airflow", "dags", "unpause", "-y", dag_id],
                env=airflow.environment(),
                capture_output=True,
                check=True,
            )
        yield (
            airflow,
            settings,
            lambda code, night=NIGHT: (inbox / f"{code}.onestop.zip").write_bytes(
                nation.package(code, 3, night, hour=MIDNIGHT)
            ),
        )


def finished(airflow, dag_id, count):
    """The partitions and states of a DAG's runs, once so many have ended."""
    deadline = time.monotonic() + _LONGEST
    while time.monotonic() < deadline:
        runs = airflow.runs(dag_id)
        if len(runs) >= count and all(run["state"] in ("success", "failed") for run in runs):
            return [(run["partition_key"], run["state"]) for run in runs]
        time.sleep(1)
    raise AssertionError(f"{dag_id}: {airflow.runs(dag_id)}")


def take_in(airflow):
    """Run the DAG that takes packages in, and wait for it."""
    finished(airflow, DAGS[0], 0)
    count = len(airflow.runs(DAGS[0]))
    airflow.post(f"/dags/{DAGS[0]}/dagRuns", {"logical_date": None})
    states = finished(airflow, DAGS[0], count + 1)
    assert {state for _, state in states} == {"success"}


def publications(settings):
    with open_national_figures(settings) as warehouse:
        return [
            tuple(row.values())
            for row in warehouse.rows(
                "select as_of_date, provinces_in, provinces_missing from national.publication"
                " order by publication_id"
            )
        ]


def test_at_its_set_hour_a_night_is_published_though_provinces_are_missing(office):
    airflow, settings, receive = office
    receive("P01", EARLIER)
    take_in(airflow)
    assert finished(airflow, DAGS[1], 1) == [(str(EARLIER), "success")]
    assert publications(settings) == [(EARLIER, 1, 3)]


def test_the_nation_is_published_at_the_minimum_and_again_for_a_late_province(office):
    airflow, settings, receive = office
    runs = len(airflow.runs(DAGS[1]))
    receive("P01")
    receive("P02")
    take_in(airflow)
    time.sleep(5)
    assert len(airflow.runs(DAGS[1])) == runs
    receive("P03")
    take_in(airflow)
    assert finished(airflow, DAGS[1], runs + 1).count((str(NIGHT), "success")) == 1
    assert publications(settings)[-1] == (NIGHT, 3, 1)
    receive("P04")
    take_in(airflow)
    assert finished(airflow, DAGS[1], runs + 2).count((str(NIGHT), "success")) == 2
    assert publications(settings)[-2:] == [(NIGHT, 3, 1), (NIGHT, 4, 0)]
