"""Running nights in Airflow: a backfill of the nightly DAG, followed by the REST API."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from onestop.local.local_airflow import LocalAirflow

DAG_ID = "onestop_nightly"
#: The task that returns the night's files, in batches.
_FINDING = "discover_deliveries"
_DONE = {"success", "failed"}
_POLL_SECONDS = 2.0
#: The scheduler looks every 30 seconds for backfills whose runs have ended.
_COMPLETION_SECONDS = 60.0


@dataclass(frozen=True)
class NightResult:
    """How one night's run ended.

    Attributes:
        night: the night.
        succeeded: whether its figures were published.
        seconds: wall time of the run.
        files: deliveries found.
        failures: each failed task, with the last error in its log. A night can succeed with
            failed tasks: a refused file does not stop the others.
    """

    night: dt.date
    succeeded: bool
    seconds: float
    files: int
    failures: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Progress:
    """The progress of a backfill.

    Attributes:
        night: the one that is running.
        tasks: names of its running tasks.
        done: nights that have ended.
        count: nights altogether.
    """

    night: dt.date
    tasks: tuple[str, ...]
    done: int
    count: int


def run_nights(
    airflow: LocalAirflow, nights: Sequence[dt.date], conf: Mapping[str, Any] | None = None
) -> Iterator[NightResult | Progress]:
    """Backfill nights, one after the other.

    Unfinished backfills of an interrupted session are cancelled first, and running nights waited
    for.

    Args:
        airflow: started.
        nights: the nights; all nights between the first and the last are run.
        conf: configuration of the runs.

    Yields:
        Progress every other second, and a result per night.
    """
    before = _settle_leftovers(airflow)
    airflow.post(
        "/backfills",
        {
            "dag_id": DAG_ID,
            # The partition timetable reads these as clock times of its own zone.
            "from_date": f"{min(nights)}T00:00:00Z",
            "to_date": f"{max(nights)}T23:59:59Z",
            "max_active_runs": 1,
            "reprocess_behavior": "completed",
            "dag_run_conf": dict(conf or {}),
        },
    )
    reported: set[str] = set()
    while True:
        airflow.check_alive()
        runs = [run for run in airflow.runs(DAG_ID) if run["dag_run_id"] not in before]
        for run in sorted(runs, key=lambda run: str(run["partition_key"])):
            if run["state"] in _DONE and run["dag_run_id"] not in reported:
                reported.add(run["dag_run_id"])
                yield _night_result(airflow, run)
            elif run["state"] == "running":
                yield _progress(airflow, run, done=len(reported), count=len(runs))
        if runs and len(reported) == len(runs):
            return
        time.sleep(_POLL_SECONDS)


def _settle_leftovers(airflow: LocalAirflow) -> set[str]:
    """End the backfills of earlier sessions and wait for running nights; returns all runs.

    A backfill whose nights have all ended is left to the scheduler, which completes it within
    half a minute. Any other is cancelled. The runs of a cancelled backfill stay queued for ever
    when they are cleared.
    """
    deadline = time.monotonic() + _COMPLETION_SECONDS
    while unfinished := [
        backfill["id"]
        for backfill in airflow.get("/backfills", dag_id=DAG_ID)["backfills"]
        if backfill["completed_at"] is None
    ]:
        airflow.check_alive()
        have_ended = all(run["state"] in _DONE for run in airflow.runs(DAG_ID))
        if not have_ended or time.monotonic() > deadline:
            for number in unfinished:
                airflow.put(f"/backfills/{number}/cancel")
            break
        time.sleep(_POLL_SECONDS)
    while True:
        airflow.check_alive()
        runs = airflow.runs(DAG_ID)
        if all(run["state"] in _DONE for run in runs):
            return {run["dag_run_id"] for run in runs}
        time.sleep(_POLL_SECONDS)


def _night_result(airflow: LocalAirflow, run: dict[str, Any]) -> NightResult:
    tasks = airflow.task_instances(DAG_ID, run["dag_run_id"])
    return NightResult(
        night=dt.date.fromisoformat(run["partition_key"]),
        succeeded=run["state"] == "success",
        seconds=run["duration"] or 0.0,
        files=sum(map(len, airflow.returned(DAG_ID, run["dag_run_id"], _FINDING) or ())),
        failures=tuple(
            (_label(task), airflow.failure_reason(task))
            for task in tasks
            if task["state"] == "failed"
        ),
    )


def _progress(airflow: LocalAirflow, run: dict[str, Any], *, done: int, count: int) -> Progress:
    tasks = airflow.task_instances(DAG_ID, run["dag_run_id"])
    return Progress(
        night=dt.date.fromisoformat(run["partition_key"]),
        tasks=tuple(sorted({t["task_id"] for t in tasks if t["state"] == "running"})),
        done=done,
        count=count,
    )


def _label(task: dict[str, Any]) -> str:
    name: str = task["task_id"]
    return f"{name} [{task['rendered_map_index']}]" if task["rendered_map_index"] else name
