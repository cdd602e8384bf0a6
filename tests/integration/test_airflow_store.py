"""A night through a real Airflow whose tasks share object storage and PostgreSQL, and no folder."""

from __future__ import annotations

import datetime as dt
import os

import pytest
from shared_stores import Installation, object_store

from onestop.local.backfill import DAG_ID, NightResult, run_nights
from onestop.local.local_airflow import OF_A_NIGHT, PRELOADED, LocalAirflow
from onestop.sample import write_sample
from onestop.storage import listed, names_in
from onestop.warehouse import open_warehouse

pytestmark = [pytest.mark.slow, pytest.mark.airflow, pytest.mark.whole_night]

NIGHT = dt.date(2022, 11, 15)


def test_a_night_is_published_and_no_task_leaves_a_file_on_its_machine(postgres, tmp_path):
    exports = tmp_path / "exports"
    write_sample(exports, NIGHT, NIGHT, per_day=6, communes=1)
    before = dict(os.environ)
    with object_store() as variables:
        installation = Installation(exports, postgres.make_database(), variables, "airflow")
        settings = installation.machine(tmp_path / "own")
        airflow = LocalAirflow(
            home=tmp_path / "airflow",
            settings=settings,
            last_night="2022-11-16T00:00:00+07:00",
            extra={"AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "0"},
            preloaded=(*PRELOADED, *OF_A_NIGHT),
        )
        with airflow:
            [result] = [
                event
                for event in run_nights(airflow, [NIGHT], {})
                if isinstance(event, NightResult)
            ]
            [run] = airflow.runs(DAG_ID)
            states = {
                (task["task_id"], task["state"])
                for task in airflow.task_instances(DAG_ID, run["dag_run_id"])
            }
        with open_warehouse(settings.warehouse, read_only=True) as warehouse:
            steps = warehouse.rows(
                "select distinct step, outcome from audit.night_step order by step"
            )
        own = {name.split("/")[0] for name in listed(tmp_path / "own")}
        reports = names_in(settings.folders.reports)
    os.environ.clear()
    os.environ.update(before)
    assert result.succeeded, result.failures
    assert {state for _, state in states} <= {"success", "skipped"}
    assert {row["outcome"] for row in steps} == {"done"}
    assert own <= {"locks", "lineage"}
    assert {"index.html", str(NIGHT)} <= reports
