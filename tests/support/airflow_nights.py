"""Three nights through a real Airflow: a good one, one without its file, and another good one.

The first has one refused file. An e-mail server receives the alerts, and the example for other
teams follows the nights.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from message_servers import email_connection, mail_server
from planted_exports import write_planted_exports
from published_marts import settings_in

from onestop.local.backfill import DAG_ID, NightResult, run_nights
from onestop.local.local_airflow import OF_A_NIGHT, PRELOADED, USER, LocalAirflow
from onestop.sample import write_sample
from onestop.schema.project import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from message_servers import MailServer

    from onestop.settings import Settings

GOOD, INCOMPLETE, AFTER = (dt.date(2022, 11, day) for day in (15, 16, 17))
NIGHTS = [GOOD, INCOMPLETE, AFTER]
REFUSED = "visits_20221115_again.csv"
FOLLOWER = "after_publication"
#: A user who may read figures and no record; the other one is the administrator.
READER = "reader"
_PLANTED = ("_p.json", "_headless.csv")
_EXAMPLES = PROJECT_ROOT / "docs" / "examples"


@dataclass(frozen=True)
class AirflowNights:
    """What the nights left behind.

    Attributes:
        airflow: of which only the API server still runs, with the pages.
        settings: of the installation.
        results: by night.
        tasks: the task instances of each night, by its text, and of the replay; the nights of the
            runs of :data:`FOLLOWER`.
        reports: the runs of the reports' DAG.
        dags: names of all DAGs.
        mails: the e-mail server.
    """

    airflow: LocalAirflow
    settings: Settings
    results: dict[dt.date, NightResult]
    tasks: dict[str, Any]
    reports: list[dict[str, Any]]
    dags: set[str]
    mails: MailServer


def write_exports_of_nights(folder: Path) -> None:
    """Write the files of the nights: one with rejected rows, and two that are refused."""
    write_sample(folder, GOOD, AFTER, per_day=6, communes=1)
    (folder / REFUSED).write_bytes(b"")
    write_planted_exports(folder, f"{GOOD:%Y%m%d}", ending=_PLANTED)
    for file in folder.glob(f"dossiers_{INCOMPLETE:%Y%m%d}*"):
        file.unlink()


@contextmanager
def nights_in_airflow(folder: Path, exports: Path) -> Iterator[AirflowNights]:
    """Run the nights; the pages are served until the end."""
    settings = replace(settings_in(folder), exports=exports)
    with mail_server() as mails:
        airflow = LocalAirflow(
            home=folder / "airflow",
            settings=settings,
            last_night="2022-11-18T00:00:00+07:00",
            extra={
                "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "0",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin,{READER}:viewer",
                "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
                    [_bundle("dags", PROJECT_ROOT / "dags"), _bundle("examples", _EXAMPLES)]
                ),
                "AIRFLOW_CONN_ONESTOP_ALERTS_EMAIL": json.dumps(email_connection(mails)),
            },
            preloaded=(*PRELOADED, *OF_A_NIGHT),
        )
        with airflow:
            _wait_for_follower(airflow)
            # before any night is published: nothing is due
            _pass_a_morning(airflow)
            results = {
                event.night: event
                for event in run_nights(airflow, NIGHTS, {"send_alerts": True})
                if isinstance(event, NightResult)
            }
            tasks: dict[str, Any] = {
                run["partition_key"]: airflow.task_instances(DAG_ID, run["dag_run_id"])
                for run in airflow.runs(DAG_ID)
            }
            dags = {dag["dag_id"] for dag in airflow.get("/dags")["dags"]}
            reports = airflow.runs("onestop_report")
            tasks["replay"] = _replayed(airflow, {"first": str(GOOD), "feed": "visits"})
            tasks[FOLLOWER] = [run["partition_key"] for run in airflow.runs(FOLLOWER)]
            airflow.stop_running()
            yield AirflowNights(airflow, settings, results, tasks, reports, dags, mails)


def _wait_for_follower(airflow: LocalAirflow) -> None:
    """Wait until the example is read: only then do events start it."""
    for _ in range(600):
        airflow.check_alive()
        if FOLLOWER in {dag["dag_id"] for dag in airflow.get("/dags", limit=100)["dags"]}:
            return
        time.sleep(0.3)


def _bundle(name: str, folder: Path) -> dict[str, Any]:
    """One folder of DAGs, as Airflow's configuration lists them."""
    classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return {"name": name, "classpath": classpath, "kwargs": {"path": str(folder)}}


def _replayed(airflow: LocalAirflow, filters: dict[str, str]) -> list[dict[str, Any]]:
    """Trigger the replay DAG as a person would; returns its task instances when it has ended."""
    run = airflow.post("/dags/onestop_replay/dagRuns", {"logical_date": None, "conf": filters})[
        "dag_run_id"
    ]
    _wait_for_end(airflow, "onestop_replay")
    return airflow.task_instances("onestop_replay", run)


def _pass_a_morning(airflow: LocalAirflow) -> None:
    """Trigger the morning's DAG, and wait for the reports that it starts."""
    airflow.post("/dags/onestop_watch/dagRuns", {"logical_date": None})
    _wait_for_end(airflow, "onestop_report")


def _wait_for_end(airflow: LocalAirflow, dag_id: str) -> None:
    """Wait until a DAG has a run and none that goes on."""
    for _ in range(600):
        airflow.check_alive()
        states = {run["state"] for run in airflow.runs(dag_id)}
        if states and states <= {"success", "failed"}:
            return
        time.sleep(0.3)
    raise AssertionError(f"{dag_id} has not ended: {states}")
