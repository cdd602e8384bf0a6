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
from airflow.sdk.execution_time.context import OutletEventAccessors
from airflow.serialization.serialized_objects import DagSerialization
from published_marts import settings_in

from onestop import airflow_adapter as steps
from onestop import airflow_alerts as alerts
from onestop import airflow_decisions as decisions
from onestop import airflow_partitions as partitions
from onestop import decisions as deciding
from onestop.figures import issued
from onestop.figures.issued import ReportFilesError
from onestop.marts.published import NothingPublishedError, QuestionError
from onestop.schema.project import PROJECT_ROOT
from onestop.warehouse import open_warehouse

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NIGHT = dt.date(2022, 3, 8)
#: The due report, on the night before, which is the last published one.
Q1 = {"report_code": "q1", "night": "2022-03-07"}


@pytest.fixture(scope="module")
def dag():
    return DagBag(PROJECT_ROOT / "dags" / "onestop_report.py").dags["onestop_report"]


def test_every_task_takes_the_only_slot_of_the_warehouse_pool(dag):
    assert {task.task_id: task.pool for task in dag.tasks} == {
        "find_due": "warehouse_write",
        "issue": "warehouse_write",
        "find_approved": "warehouse_write",
        "decide": "default_pool",
        "complete": "warehouse_write",
        "alert": "warehouse_write",
    }


def test_each_report_is_a_separate_task_labelled_with_its_code(dag):
    assert dag.get_task("issue").map_index_template == "{{ report_code }}"
    assert dag.get_task("issue").upstream_task_ids == {"find_approved"}
    assert dag.get_task("find_approved").upstream_task_ids == {"find_due", "decide"}
    assert dag.get_task("find_approved").trigger_rule.value == "none_failed"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The moment at which a run works: 06:00 after the night, until a test sets another one."""
    set_to = SimpleNamespace(now=dt.datetime(2022, 3, 9, 6, tzinfo=HANOI))

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return set_to.now.astimezone(tz)

    # only theirs: a module that is first imported meanwhile would keep the class
    theirs = SimpleNamespace(**vars(dt) | {"datetime": Clock})
    for module in (decisions, partitions):
        monkeypatch.setattr(module, "dt", theirs)
    return set_to


@pytest.mark.usefixtures("registered_plugin")
def test_the_last_published_night_and_each_morning_start_a_run_and_earlier_nights_none(dag):
    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
    followed = {asset.name for asset, _ in timetable.asset_condition.iter_assets()}
    assert followed == {"onestop_mart", "onestop_morning"}
    for name in followed:
        mapper = timetable.get_partition_mapper(name=name)
        assert mapper.to_downstream("2022-03-08") == ["2022-03-08"]
        assert mapper.to_downstream("2022-03-07") == []


def test_the_morning_is_an_event_with_its_night_as_partition(running):
    events = running.context["outlet_events"] = OutletEventAccessors()
    steps.announce_morning()
    assert events[steps.MORNING].partition_keys == {"2022-03-08"}


@pytest.fixture
def running(monkeypatch):
    """A running task, and mocks of the report functions whose results a test sets."""
    context = {"partition_key": "2022-03-08"}
    answers = {
        "due_reports": lambda _, night: ["q1"] if night == NIGHT else [],
        "last_night_up_to": lambda _, night: night - dt.timedelta(days=1),
        "issue_line": lambda _, issue, __: (
            f"{issue.folder}, late" if issue.is_late else issue.folder
        ),
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


@pytest.fixture
def instance(running, monkeypatch, tmp_path):
    """The task instance of a run, and what was decided and announced."""

    class Instance(SimpleNamespace):
        def xcom_push(self, key, value):
            self.kept[key] = value

        def xcom_pull(self, *, task_ids, key=None, map_indexes=None):
            return self.answers.get(map_indexes) if task_ids == "decide" else self.kept.get(key)

    made = Instance(kept={}, answers={}, sent=[], decided=[])
    running.context |= {"ti": made, "dag_run": SimpleNamespace(run_type="scheduled")}
    for module in (decisions, alerts):
        monkeypatch.setattr(module, "get_current_context", lambda: running.context)
    monkeypatch.setattr(decisions, "settings_of_task", lambda: settings_in(tmp_path))
    open_warehouse(settings_in(tmp_path).warehouse).close()  # made by being opened
    monkeypatch.setattr(alerts, "send_question_alert", made.sent.append)
    made.really_decide = deciding.decide_on_report
    recorded = create_autospec(deciding.decide_on_report)
    recorded.side_effect = lambda _, night, code, **names: made.decided.append(
        (night, code, names["is_issued"], names["because"], names["decided_by"])
    )
    monkeypatch.setattr(deciding, "decide_on_report", recorded)
    return made


def answered(option, because="", name="duty"):
    user = name and {"id": "1", "name": name}
    given = {"chosen_options": [option], "params_input": {"because": because}}
    return given | {"responded_by_user": user}


def test_a_report_that_is_due_before_its_period_is_over_is_asked_about(instance):
    [question] = decisions.find_due_reports()
    assert "Báo cáo Quý I năm 2022" in question["subject"]
    assert "31/03/2022" in question["body"]
    assert "9 Mar 2022" in question["body"]
    assert instance.sent == ["report_late"]


@pytest.mark.parametrize(
    ("answer", "approved", "decided"),
    [
        (answered(decisions.ISSUE, "xong"), [Q1], (True, "xong", "duty")),
        (answered(decisions.WAIT, "sai"), [], (False, "sai", "duty")),
        (answered(decisions.WAIT), [], (False, decisions._NOT_STATED, "duty")),
        (answered("Chưa phát hành / Not yet", "sai"), [], (False, "sai", "duty")),
        (answered(decisions.ISSUE, name=None), [Q1], (True, decisions._IN_TIME, None)),
        (None, [Q1], (True, decisions._IN_TIME, None)),
    ],
)
def test_only_a_person_holds_a_report_back(instance, running, answer, approved, decided):
    decisions.find_due_reports()
    # a night that is published meanwhile is none that anybody was asked about
    running.library.last_night_up_to.side_effect = lambda _, night: night
    instance.answers[0] = answer
    assert decisions.find_approved_reports() == approved
    assert instance.decided == [(NIGHT - dt.timedelta(days=1), "q1", *decided)]
    running.library.complete_reports.assert_called_once()


@pytest.mark.parametrize("hour", [1, 6])
def test_a_late_report_waits_for_nobody(instance, running, clock, hour):
    running.library.due_reports.side_effect = lambda *_: ["q1"]
    running.context["partition_key"] = "2022-03-09"
    clock.now = dt.datetime(2022, 3, 10, hour, tzinfo=HANOI)
    assert decisions.find_due_reports() == []
    assert [each["report_code"] for each in decisions.find_approved_reports()] == ["q1"]
    assert (instance.sent, instance.decided) == ([], [])


def test_nobody_is_asked_before_the_morning(instance, clock):
    clock.now = dt.datetime(2022, 3, 9, 5, 59, tzinfo=HANOI)
    assert (decisions.find_due_reports(), decisions.find_approved_reports()) == ([], [])
    assert (instance.sent, instance.decided) == ([], [])
    clock.now += dt.timedelta(minutes=1)
    assert len(decisions.find_due_reports()) == 1


def test_a_question_of_an_earlier_release_is_answered_on_the_last_night(instance):
    decisions.find_due_reports()
    del instance.kept[decisions._RESTS_ON]
    instance.answers[0] = answered(decisions.ISSUE, "xong")
    assert decisions.find_approved_reports() == [Q1]


def test_a_report_that_was_issued_while_the_question_was_open_stays_as_it_is(instance, running):
    decisions.find_due_reports()
    running.library.due_reports.side_effect = lambda *_: []
    instance.answers[0] = answered(decisions.ISSUE, name=None)
    assert decisions.find_approved_reports() == []
    assert instance.decided == []


def test_nobody_is_asked_again_about_the_night_on_which_a_report_was_held_back(instance):
    settings, before = decisions.settings_of_task(), NIGHT - dt.timedelta(days=1)
    names = {"because": "sai", "decided_by": "duty"}
    for decided, asked in ((False, 0), (True, 1)):
        instance.really_decide(settings, before, "q1", is_issued=decided, **names)
        assert len(decisions.find_due_reports()) == asked
        assert instance.kept[decisions._DUE] == ["q1"] * asked


@pytest.mark.usefixtures("instance")
def test_on_other_days_nothing_is_due(running):
    running.context["partition_key"] = "2022-03-07"
    assert (decisions.find_due_reports(), decisions.find_approved_reports()) == ([], [])


@pytest.mark.parametrize("is_late", [False, True])
def test_a_report_uses_the_last_published_night_and_a_late_one_logs_a_warning(
    running, caplog, is_late
):
    running.library.issue_report.side_effect = lambda *given: issue(given[2], is_late=is_late)
    with caplog.at_level(logging.INFO):
        answer = steps.issue_report("q1", "2022-03-07")
    assert answer == {"folder": "reports/q1/1", "as_of_date": "2022-03-07", "is_late": is_late}
    assert running.context["report_code"] == "q1"
    assert [record.levelname for record in caplog.records] == ["WARNING" if is_late else "INFO"]


@pytest.mark.parametrize(
    "error", [QuestionError("no report q9"), NothingPublishedError("none"), ReportFilesError("x")]
)
def test_an_error_that_a_retry_cannot_cure_is_not_retried(running, error):
    running.library.issue_report.side_effect = error
    with pytest.raises(AirflowFailException, match=str(error)):
        steps.issue_report("q1", "2022-03-07")


def test_report_files_that_cannot_be_restored_turn_the_task_red(running):
    running.library.complete_reports.side_effect = ReportFilesError("reports/q1/1 is not there")
    with pytest.raises(AirflowFailException, match="reports/q1/1 is not there"):
        steps.complete_reports()
