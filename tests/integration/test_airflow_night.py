"""Nights through a real Airflow: the same warehouse as without it, and visible failures.

The nights are those of ``airflow_nights``.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import pytest
from airflow_nights import AFTER, FOLLOWER, GOOD, INCOMPLETE, NIGHTS, REFUSED
from engines import CLOCKS, TIMES
from planted_exports import MARKS, SHIFTED_MARKS, marks_in
from published_marts import settings_in

from onestop.local.backfill import DAG_ID
from onestop.marts.published import open_published
from onestop.night import run_night
from onestop.record.night_steps import STEPS, read_steps
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.settings import Settings

pytestmark = [pytest.mark.airflow, pytest.mark.whole_night]

#: What is written only where alerts are sent.
ALERTS = "audit.alert"


def test_other_teams_follow_published_nights_and_one_message_tells_of_each_cause(in_airflow):
    assert sorted(in_airflow.tasks[FOLLOWER]) == [str(GOOD), str(AFTER)]
    subjects = [mail.subject.split(" / ")[1] for mail in in_airflow.mails.mails]
    # the morning of today and the nights of 2022 know of other reports
    of_nights = [subject for subject in subjects if "night" in subject]
    assert len(set(of_nights)) == len(of_nights)
    assert {
        "Files were refused, night 15 Nov 2022",
        "Files of the night are missing, night 16 Nov 2022",
    } <= set(subjects)


def test_the_morning_starts_the_reports_of_its_night_and_a_backfill_starts_none(in_airflow):
    [run] = in_airflow.reports
    started = dt.datetime.fromisoformat(run["queued_at"]).astimezone(LOCAL_ZONE).date()
    assert (run["state"], run["partition_key"]) == ("success", str(started - dt.timedelta(days=1)))


@pytest.fixture(scope="module")
def without_airflow(tmp_path_factory, exports_of_nights):
    settings = replace(settings_in(tmp_path_factory.mktemp("plain")), exports=exports_of_nights)
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
    assert {night: result.succeeded for night, result in in_airflow.results.items()} == {
        GOOD: True,
        INCOMPLETE: False,
        AFTER: True,
    }, in_airflow.results
    with duckdb.connect(str(in_airflow.settings.published), read_only=True) as published:
        nights = published.execute(
            "select distinct as_of_date from audit.publication order by as_of_date"
        ).fetchall()
        assert nights == [(GOOD,), (AFTER,)]
        assert published.execute(
            "select count(*) > 0 and min(as_of_date) = max(as_of_date)"
            " and max(as_of_date) = date '2022-11-17' from mart.indicator_value"
        ).fetchone() == (True,)


def test_the_warehouse_equals_that_of_nights_without_airflow(in_airflow, without_airflow):
    for this, other in [
        (in_airflow.settings.published, without_airflow.published),
        (database_of(in_airflow.settings), database_of(without_airflow)),
    ]:
        mine, theirs = content(this), content(other)
        assert mine.keys() == theirs.keys()
        assert mine["core.dossier_version"], "there is nothing to compare"
        for table, rows in mine.items():
            if table == ALERTS:
                continue
            assert rows == theirs[table], f"{table} differs in {this}"


def test_a_refused_file_is_red_at_once_and_stops_no_other_file(in_airflow):
    of_night = states(in_airflow.tasks, GOOD)
    headless = f"dossiers_{GOOD:%Y%m%d}_headless.csv"
    for file in (REFUSED, headless):
        of_refused = {task: state for (task, name), state in of_night.items() if name == file}
        assert ("failed", 1) in of_refused.values(), of_refused
        assert of_refused["delivery.load"] == ("skipped", 1)
    reasons = [reason for _, reason in in_airflow.results[GOOD].failures]
    assert len(reasons) == 2
    assert all(any(file in reason for reason in reasons) for file in (REFUSED, headless))
    assert in_airflow.results[GOOD].files == len({file for _, file in of_night} - {None})
    others = {key: state for key, state in of_night.items() if key[1] not in {REFUSED, headless}}
    assert others.pop(("decide", None))[0] == "skipped"  # nothing was to be decided
    assert set(others.values()) == {("success", 1)}, others


def test_no_file_outside_the_landing_holds_personal_data(in_airflow):
    home = in_airflow.settings.landing.parent
    assert list((home / "airflow").rglob("*.log")), "there are no logs to look into"
    assert marks_in(in_airflow.settings.landing, MARKS)
    assert marks_in(home, MARKS, but=(in_airflow.settings.landing,)) == []
    assert (
        marks_in(
            home,
            SHIFTED_MARKS,
            but=(in_airflow.settings.landing, in_airflow.settings.folders.staging),
        )
        == []
    )


def test_mapped_tasks_carry_the_names_of_their_files(in_airflow, exports_of_nights):
    expected = {path.name for path in exports_of_nights.glob(f"*_{GOOD:%Y%m%d}*")}
    for step in ("land", "read"):
        labels = {
            task["rendered_map_index"]
            for task in in_airflow.tasks[str(GOOD)]
            if task["task_id"] == f"delivery.{step}"
        }
        assert labels == expected, step
    assert len(expected) >= 3


def test_a_night_without_its_expected_delivery_fails_at_the_end_of_waiting(in_airflow):
    of_night = states(in_airflow.tasks, INCOMPLETE)
    assert of_night["discover_deliveries", None] == ("success", 1)
    assert of_night["require_expected", None][0] == "failed"
    assert {of_night[task, None][0] for task in ("compute", "check", "publish")} == {
        "upstream_failed"
    }
    assert [task for task, _ in in_airflow.results[INCOMPLETE].failures] == ["require_expected"]
    reason = in_airflow.results[INCOMPLETE].failures[0][1]
    assert f"không có tệp dossiers_{INCOMPLETE:%Y%m%d}_snapshot*" in reason


def test_every_task_keeps_when_its_step_began_and_ended(in_airflow):
    with open_published(in_airflow.settings) as published:
        good, incomplete = (
            read_steps(published, in_airflow.settings.folders.steps, night)
            for night in (GOOD, INCOMPLETE)
        )
    assert {run.step for run in good} == set(STEPS)
    assert {run.file_name for run in good if run.outcome == "refused"} == {
        REFUSED,
        f"dossiers_{GOOD:%Y%m%d}_headless.csv",
    }
    assert all(run.seconds >= 0 for run in good)
    assert [run.outcome for run in incomplete if run.step == "require"] == ["failed"]


def test_the_replay_dag_reads_refused_files_again(in_airflow):
    found = {
        (task["task_id"], task["rendered_map_index"]): task for task in in_airflow.tasks["replay"]
    }
    assert {task["state"] for task in found.values()} == {"success"}, found
    with duckdb.connect(str(in_airflow.settings.published), read_only=True) as published:
        dirty = published.execute(
            "select file_name from audit.delivery as d where feed = 'visits' and (state = 'refused'"
            " or exists (select 1 from audit.rejected_row as r where r.state = 'open'"
            " and r.delivery_id = d.delivery_id))"
        ).fetchall()
    assert {name for task, name in found if task == "replay"} == {name for (name,) in dirty}
    assert REFUSED in {name for _, name in found}


def test_the_other_deliveries_of_a_night_without_its_expected_delivery_are_loaded(in_airflow):
    loaded = [
        state
        for (task, file), (state, _) in states(in_airflow.tasks, INCOMPLETE).items()
        if task == "delivery.load" and file
    ]
    assert loaded
    assert set(loaded) == {"success"}


def test_the_scheduler_starts_no_other_night(in_airflow):
    assert DAG_ID in in_airflow.dags
    assert set(in_airflow.tasks) == {"replay", FOLLOWER, *(str(night) for night in NIGHTS)}


def test_a_second_run_of_a_night_changes_nothing(without_airflow):
    before = content(database_of(without_airflow))
    run_night(without_airflow, AFTER, lambda _: None)
    assert content(database_of(without_airflow)) == before


def database_of(settings: Settings) -> Path:
    return settings.landing.parent / "warehouse.duckdb"


def test_the_lineage_of_every_column_is_sent_when_a_night_is_computed(in_airflow):
    events = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in in_airflow.settings.folders.lineage.glob("event-*")
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
