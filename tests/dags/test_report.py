"""The DAG that issues the plan's periodic reports, and its adapter to the library."""

from __future__ import annotations

import datetime as dt
import logging
from types import SimpleNamespace
from unittest.mock import create_autospec
from zoneinfo import ZoneInfo

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DagRunInfo, TimeRestriction

from onestop import airflow_adapter as steps
from onestop.figures import issued
from onestop.figures.issued import ReportFilesError
from onestop.marts.published import NothingPublishedError, QuestionError
from onestop.schema.project import PROJECT_ROOT

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NIGHT = dt.date(2022, 3, 8)


@pytest.fixture(scope="module")
def dag():
    return DagBag(PROJECT_ROOT / "dags" / "onestop_report.py").dags["onestop_report"]


def test_every_task_takes_the_only_slot_of_the_warehouse_pool(dag):
    assert {task.task_id: task.pool for task in dag.tasks} == {
        "find_due": "warehouse_write",
        "issue": "warehouse_write",
        "complete": "warehouse_write",
        "alert": "warehouse_write",
    }


def test_each_report_is_a_separate_task_labelled_with_its_code(dag):
    assert dag.get_task("issue").map_index_template == "{{ report_code }}"
    assert dag.get_task("issue").upstream_task_ids == {"find_due"}


def test_the_morning_run_describes_the_night_that_has_just_ended(dag):
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    morning = dt.datetime(2022, 3, 9, 7, tzinfo=HANOI)
    run = stored.timetable.next_dagrun_info_v2(
        last_dagrun_info=DagRunInfo(
            run_after=morning - dt.timedelta(days=1), data_interval=None, partition_date=None
        ),
        restriction=TimeRestriction(earliest=None, latest=None, catchup=True),
    )
    assert (run.run_after, run.partition_key) == (morning, "2022-03-08")


@pytest.fixture
def running(monkeypatch):
    """A running task, and mocks of the report functions whose results a test sets."""
    context = {"partition_key": "2022-03-08"}
    answers = {
        "due_reports": lambda _, night: ["q1"] if night == NIGHT else [],
        "last_night_up_to": lambda _, night: night - dt.timedelta(days=1),
        "issue_line": lambda issue: f"{issue.folder}, late" if issue.is_late else issue.folder,
        "issue_report": None,
        "complete_reports": None,
    }
    library = SimpleNamespace()
    for name, answer in answers.items():
        double = create_autospec(getattr(issued, name), side_effect=answer)
        monkeypatch.setattr(issued, name, double)
        setattr(library, name, double)
    monkeypatch.setattr(steps, "get_current_context", lambda: context)
    monkeypatch.setattr(steps, "settings_of_task", lambda: None)
    return SimpleNamespace(context=context, library=library)


def issue(night, *, is_late):
    return SimpleNamespace(folder="reports/q1/1", as_of_date=night, is_late=is_late)


def test_reports_due_after_the_night_of_the_run_are_found(running):
    assert steps.find_due_reports() == ["q1"]
    running.context["partition_key"] = "2022-03-07"
    assert steps.find_due_reports() == []


@pytest.mark.parametrize("is_late", [False, True])
def test_a_report_uses_the_last_published_night_and_a_late_one_logs_a_warning(
    running, caplog, is_late
):
    running.library.issue_report.side_effect = lambda _, __, night: issue(night, is_late=is_late)
    with caplog.at_level(logging.INFO):
        answer = steps.issue_report("q1")
    assert answer == {"folder": "reports/q1/1", "as_of_date": "2022-03-07", "is_late": is_late}
    assert running.context["report_code"] == "q1"
    assert [record.levelname for record in caplog.records] == ["WARNING" if is_late else "INFO"]


@pytest.mark.parametrize(
    "error", [QuestionError("no report q9"), NothingPublishedError("none"), ReportFilesError("x")]
)
def test_an_error_that_a_retry_cannot_cure_is_not_retried(running, error):
    running.library.issue_report.side_effect = error
    with pytest.raises(AirflowFailException, match=str(error)):
        steps.issue_report("q1")


def test_report_files_that_cannot_be_restored_turn_the_task_red(running):
    running.library.complete_reports.side_effect = ReportFilesError("reports/q1/1 is not there")
    with pytest.raises(AirflowFailException, match="reports/q1/1 is not there"):
        steps.complete_reports()
