"""Nights through a real Airflow: the same warehouse as without it, and visible failures.

One Airflow runs three nights: a good one with one refused file, one whose expected delivery never
arrives, and another good one.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import pytest
from engines import CLOCKS, TIMES
from message_servers import email_connection, mail_server
from planted_exports import MARKS, SHIFTED_MARKS, marks_in, write_planted_exports

from onestop.local.backfill import DAG_ID, NightResult, run_nights
from onestop.local.local_airflow import OF_A_NIGHT, PRELOADED, LocalAirflow
from onestop.marts.published import open_published
from onestop.night import run_night
from onestop.record.night_steps import STEPS, read_steps
from onestop.sample import write_sample
from onestop.schema.project import PROJECT_ROOT
from onestop.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.airflow, pytest.mark.whole_night]

GOOD, INCOMPLETE, AFTER = (dt.date(2022, 11, day) for day in (15, 16, 17))
NIGHTS = [GOOD, INCOMPLETE, AFTER]
REFUSED = "visits_20221115_again.csv"
PLANTED = ("_p.json", "_headless.csv")
#: Columns that hold the time of processing; all others must be equal.
#: What is written only where alerts are sent.
ALERTS = "audit.alert"
FOLLOWER = "after_publication"
EXAMPLES = PROJECT_ROOT / "docs" / "examples"


def settings_in(folder: Path, exports: Path) -> Settings:
    return Settings(
        exports=exports,
        landing=folder / "landing",
        warehouse=f"duckdb:///{folder / 'warehouse.duckdb'}",
        published=folder / "published" / "onestop.duckdb",
        sources=None,
        work=folder / "work",
    )


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    write_sample(folder, GOOD, AFTER, per_day=6, communes=1)
    (folder / REFUSED).write_bytes(b"")
    # one file with rejected rows, one that is refused
    write_planted_exports(folder, f"{GOOD:%Y%m%d}", ending=PLANTED)
    for file in folder.glob(f"dossiers_{INCOMPLETE:%Y%m%d}*"):
        file.unlink()
    return folder


@pytest.fixture(scope="module")
def in_airflow(tmp_path_factory, exports):
    """Results and task instances by night, the settings, and the names of the DAGs.

    An e-mail server receives its alerts, and the example for other teams follows its nights.
    """
    folder = tmp_path_factory.mktemp("airflow")
    with mail_server() as mails:
        yield (*run_in_airflow(folder, exports, mails), mails)


def run_in_airflow(folder, exports, mails):
    settings = settings_in(folder, exports)
    airflow = LocalAirflow(
        home=folder / "airflow",
        settings=settings,
        last_night="2022-11-18T00:00:00+07:00",
        extra={
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "0",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
                [bundle("dags", PROJECT_ROOT / "dags"), bundle("examples", EXAMPLES)]
            ),
            "AIRFLOW_CONN_ONESTOP_ALERTS_EMAIL": json.dumps(email_connection(mails)),
        },
        preloaded=(*PRELOADED, *OF_A_NIGHT),
    )
    with airflow:
        wait_for_follower(airflow)
        results = {
            event.night: event
            for event in run_nights(airflow, NIGHTS, {"send_alerts": True})
            if isinstance(event, NightResult)
        }
        tasks = {
            run["partition_key"]: airflow.task_instances(DAG_ID, run["dag_run_id"])
            for run in airflow.runs(DAG_ID)
        }
        dags = {dag["dag_id"] for dag in airflow.get("/dags")["dags"]}
        tasks["replay"] = replayed(airflow, {"first": str(GOOD), "feed": "visits"})
        tasks[FOLLOWER] = [run["partition_key"] for run in airflow.runs(FOLLOWER)]
    return results, tasks, settings, dags


def wait_for_follower(airflow):
    """Wait until the example is read: only then do events start it."""
    for _ in range(600):
        airflow.check_alive()
        if FOLLOWER in {dag["dag_id"] for dag in airflow.get("/dags", limit=100)["dags"]}:
            return
        time.sleep(0.3)


def bundle(name, folder):
    """One folder of DAGs, as Airflow's configuration lists them."""
    classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return {"name": name, "classpath": classpath, "kwargs": {"path": str(folder)}}


def test_other_teams_follow_published_nights_and_one_message_tells_of_each_cause(in_airflow):
    _, tasks, _, _, mails = in_airflow
    assert sorted(tasks[FOLLOWER]) == [str(GOOD), str(AFTER)]
    subjects = [mail.subject.split(" / ")[1] for mail in mails.mails]
    assert len(set(subjects)) == len(subjects)
    assert {
        "Files were refused, night 15 Nov 2022",
        "Files of the night are missing, night 16 Nov 2022",
    } <= set(subjects)


def replayed(airflow, filters):
    """Trigger the replay DAG as a person would; returns its task instances when it has ended."""
    run = airflow.post("/dags/onestop_replay/dagRuns", {"logical_date": None, "conf": filters})[
        "dag_run_id"
    ]
    for _ in range(600):
        airflow.check_alive()
        [found] = [one for one in airflow.runs("onestop_replay") if one["dag_run_id"] == run]
        if found["state"] in {"success", "failed"}:
            break
        time.sleep(0.3)
    return airflow.task_instances("onestop_replay", run)


@pytest.fixture(scope="module")
def without_airflow(tmp_path_factory, exports):
    settings = settings_in(tmp_path_factory.mktemp("plain"), exports)
    for night in NIGHTS:
        run_night(settings, night, lambda _: None)
    return settings


def states(tasks, night):
    """State and number of attempts of each task of a night, by name and file.

    A task that never ran has no label: its file is the landed file with the same index.
    """
    of_night = tasks[str(night)]
    files = {
        task["map_index"]: task["rendered_map_index"]
        for task in of_night
        if task["task_id"] == "delivery.land"
    }
    return {
        (task["task_id"], files.get(task["map_index"])): (task["state"], task["try_number"])
        for task in of_night
    }


def content(database: Path) -> dict[str, list[tuple]]:
    """Every table of a DuckDB file, as sorted rows without the times of processing."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{database}' as looked_at (read_only)")
        tables = connection.execute(
            "select table_schema, table_name, list(column_name order by ordinal_position)"
            " from information_schema.columns"
            " where table_catalog = 'looked_at' group by all order by all"
        ).fetchall()
        found = {}
        for schema, table, columns in tables:
            if f"{schema}.{table}" in TIMES:
                continue
            kept = ", ".join(f'"{column}"' for column in columns if column not in CLOCKS)
            found[f"{schema}.{table}"] = connection.execute(
                f'select {kept} from looked_at."{schema}"."{table}" order by all'
            ).fetchall()
        return found


def test_every_night_with_its_expected_delivery_is_published(in_airflow):
    results, _, settings, _, _ = in_airflow
    assert {night: result.succeeded for night, result in results.items()} == {
        GOOD: True,
        INCOMPLETE: False,
        AFTER: True,
    }, results
    with duckdb.connect(str(settings.published), read_only=True) as published:
        nights = published.execute(
            "select distinct as_of_date from audit.publication order by as_of_date"
        ).fetchall()
        assert nights == [(GOOD,), (AFTER,)]
        assert published.execute(
            "select count(*) > 0 and min(as_of_date) = max(as_of_date)"
            " and max(as_of_date) = date '2022-11-17' from mart.indicator_value"
        ).fetchone() == (True,)


def test_the_warehouse_equals_that_of_nights_without_airflow(in_airflow, without_airflow):
    _, _, settings, _, _ = in_airflow
    for this, other in [
        (settings.published, without_airflow.published),
        (database_of(settings), database_of(without_airflow)),
    ]:
        mine, theirs = content(this), content(other)
        assert mine.keys() == theirs.keys()
        assert mine["core.dossier_version"], "there is nothing to compare"
        for table, rows in mine.items():
            if table == ALERTS:
                continue
            assert rows == theirs[table], f"{table} differs in {this}"


def test_a_refused_file_is_red_at_once_and_stops_no_other_file(in_airflow):
    results, tasks, _, _, _ = in_airflow
    of_night = states(tasks, GOOD)
    headless = f"dossiers_{GOOD:%Y%m%d}_headless.csv"
    for file in (REFUSED, headless):
        of_refused = {task: state for (task, name), state in of_night.items() if name == file}
        assert ("failed", 1) in of_refused.values(), of_refused
        assert of_refused["delivery.load"] == ("skipped", 1)
    reasons = [reason for _, reason in results[GOOD].failures]
    assert len(reasons) == 2
    assert all(any(file in reason for reason in reasons) for file in (REFUSED, headless))
    assert results[GOOD].files == len({file for _, file in of_night} - {None})
    others = {key: state for key, state in of_night.items() if key[1] not in {REFUSED, headless}}
    assert others.pop(("decide", None))[0] == "skipped"  # nothing was to be decided
    assert set(others.values()) == {("success", 1)}, others


def test_no_file_outside_the_landing_holds_personal_data(in_airflow):
    _, _, settings, _, _ = in_airflow
    home = settings.landing.parent
    assert list((home / "airflow").rglob("*.log")), "there are no logs to look into"
    assert marks_in(settings.landing, MARKS)
    assert marks_in(home, MARKS, but=(settings.landing,)) == []
    assert marks_in(home, SHIFTED_MARKS, but=(settings.landing, settings.folders.staging)) == []


def test_mapped_tasks_carry_the_names_of_their_files(in_airflow, exports):
    _, tasks, _, _, _ = in_airflow
    expected = {path.name for path in exports.glob(f"*_{GOOD:%Y%m%d}*")}
    for step in ("land", "read"):
        labels = {
            task["rendered_map_index"]
            for task in tasks[str(GOOD)]
            if task["task_id"] == f"delivery.{step}"
        }
        assert labels == expected, step
    assert len(expected) >= 3


def test_a_night_without_its_expected_delivery_fails_at_the_end_of_waiting(in_airflow):
    results, tasks, _, _, _ = in_airflow
    of_night = states(tasks, INCOMPLETE)
    assert of_night["discover_deliveries", None] == ("success", 1)
    assert of_night["require_expected", None][0] == "failed"
    assert {of_night[task, None][0] for task in ("compute", "check", "publish")} == {
        "upstream_failed"
    }
    assert [task for task, _ in results[INCOMPLETE].failures] == ["require_expected"]
    reason = results[INCOMPLETE].failures[0][1]
    assert f"không có tệp dossiers_{INCOMPLETE:%Y%m%d}_snapshot*" in reason


def test_every_task_keeps_when_its_step_began_and_ended(in_airflow):
    _, _, settings, _, _ = in_airflow
    with open_published(settings) as published:
        good, incomplete = (
            read_steps(published, settings.folders.steps, night) for night in (GOOD, INCOMPLETE)
        )
    assert {run.step for run in good} == set(STEPS)
    assert {run.file_name for run in good if run.outcome == "refused"} == {
        REFUSED,
        f"dossiers_{GOOD:%Y%m%d}_headless.csv",
    }
    assert all(run.seconds >= 0 for run in good)
    assert [run.outcome for run in incomplete if run.step == "require"] == ["failed"]


def test_the_replay_dag_reads_refused_files_again(in_airflow):
    _, tasks, settings, _, _ = in_airflow
    found = {(task["task_id"], task["rendered_map_index"]): task for task in tasks["replay"]}
    assert {task["state"] for task in found.values()} == {"success"}, found
    with duckdb.connect(str(settings.published), read_only=True) as published:
        dirty = published.execute(
            "select file_name from audit.delivery as d where feed = 'visits' and (state = 'refused'"
            " or exists (select 1 from audit.rejected_row as r where r.state = 'open'"
            " and r.delivery_id = d.delivery_id))"
        ).fetchall()
    assert {name for task, name in found if task == "replay"} == {name for (name,) in dirty}
    assert REFUSED in {name for _, name in found}


def test_the_other_deliveries_of_a_night_without_its_expected_delivery_are_loaded(in_airflow):
    _, tasks, _, _, _ = in_airflow
    loaded = [
        state
        for (task, file), (state, _) in states(tasks, INCOMPLETE).items()
        if task == "delivery.load" and file
    ]
    assert loaded
    assert set(loaded) == {"success"}


def test_the_scheduler_starts_no_other_night(in_airflow):
    _, tasks, _, dags, _ = in_airflow
    assert DAG_ID in dags
    assert set(tasks) == {"replay", FOLLOWER, *(str(night) for night in NIGHTS)}


def test_a_second_run_of_a_night_changes_nothing(without_airflow):
    before = content(database_of(without_airflow))
    run_night(replace(without_airflow), AFTER, lambda _: None)
    assert content(database_of(without_airflow)) == before


def database_of(settings: Settings) -> Path:
    return settings.landing.parent / "warehouse.duckdb"


def test_the_lineage_of_every_column_is_sent_when_a_night_is_computed(in_airflow):
    _, _, settings, _, _ = in_airflow
    events = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in settings.folders.lineage.glob("event-*")
    ]
    jobs = {event["job"]["name"] for event in events}
    assert {"onestop_nightly", "onestop_nightly.publish"} <= jobs
    computed = [
        event
        for event in events
        if event["job"]["name"] == "onestop_nightly.compute" and event["outputs"]
    ]
    assert len(computed) == 2
    (form,) = [one for one in computed[0]["outputs"] if one["name"] == "mart.form_06a"]
    sources = form["facets"]["columnLineage"]["fields"]["open_overdue"]["inputFields"]
    assert [(one["name"], one["field"]) for one in sources] == [
        ("mart.period_tally", "open_overdue")
    ]
