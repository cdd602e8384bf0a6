"""The tasks that ask a person about a night, and do what was decided."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import create_autospec

import pytest
from airflow.sdk.exceptions import AirflowException
from alert_worlds import NIGHT, World, build_empty_world

from onestop import airflow_adapter as steps
from onestop import airflow_alerts as alerts
from onestop import airflow_decisions as decisions
from onestop.record.decisions import decisions_on
from onestop.warehouse import open_warehouse

DUTY = {"id": "1", "name": "duty"}


class Instance(SimpleNamespace):
    """A task instance with the XComs that the tasks exchange."""

    def xcom_push(self, key, value):
        self.kept[key] = value

    def xcom_pull(self, *, task_ids, key=None, map_indexes=None):
        if task_ids == "decide":
            return self.answers.get(map_indexes)
        return self.kept.get(key)


@pytest.fixture
def settings(kept, tmp_path, monkeypatch):
    """A night with a file that was refused for its number of rows."""
    made = kept.copy(build_empty_world, tmp_path / "var")
    monkeypatch.setenv("ONESTOP_VAR", str(tmp_path / "var"))
    with open_warehouse(made.warehouse) as warehouse:
        World(warehouse, made).deliver("{{ 7*7 }}<b>.csv", refused_by="VIS-F05")
    return made


@pytest.fixture
def instance(monkeypatch, settings):  # noqa: ARG001 - used for its effect
    """The running task; what it would send and require is left to doubles."""
    running = Instance(kept={}, answers={})
    run = SimpleNamespace(dag_id="onestop_nightly", run_id="r", run_type="scheduled", conf={})
    context = {"partition_key": NIGHT.isoformat(), "dag_run": run, "ti": running}
    for module in (steps, alerts, decisions):
        monkeypatch.setattr(module, "get_current_context", lambda: context)
    running.run = run
    running.sent = create_autospec(alerts._send)
    running.required = create_autospec(steps.require_expected)
    monkeypatch.setattr(alerts, "_send", running.sent)
    monkeypatch.setattr(steps, "require_expected", running.required)
    return running


def decided(settings):
    with open_warehouse(settings.warehouse) as warehouse:
        return [
            (one.subject, one.answer, one.because, one.decided_by)
            for one in decisions_on(warehouse, NIGHT)
        ]


def given(option, because="đúng", user=DUTY):
    return {
        "chosen_options": [option],
        "params_input": {"because": because},
        "responded_by_user": user,
    }


def test_a_question_names_the_file_as_text_and_is_announced(instance):
    [asked] = decisions.find_questions()
    assert "one_stop/visits" in asked["subject"]
    assert "(( 7*7 ))‹b>.csv" in asked["body"]
    assert "trong 5 giờ" in asked["body"]
    assert [call.args[1] for call in instance.sent.mock_calls] == [{"decision_wanted"}]


def test_a_message_that_fails_does_not_stop_the_question(instance):
    instance.sent.side_effect = AirflowException("no server")
    assert len(decisions.find_questions()) == 1


def test_a_backfill_asks_nobody(instance):
    instance.run.run_type = "backfill"
    assert decisions.find_questions() == []
    decisions.require_expected([])
    assert instance.required.mock_calls


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (given(decisions.REFUSE, "sai"), ("refused", "sai", "duty")),
        (given(decisions.ACCEPT, " "), ("refused", decisions._NO_REASON, "duty")),
        (given(decisions.REFUSE, "hỏi 0912345678"), ("refused", decisions._HIDDEN_REASON, "duty")),
        (given(decisions.REFUSE, "", user=None), ("refused", decisions._NO_ANSWER, None)),
        (given(decisions.ACCEPT, "x", user=None), ("refused", decisions._NO_ANSWER, None)),
        (None, ("refused", decisions._NO_ANSWER, None)),
    ],
)
def test_without_a_person_s_reasoned_acceptance_nothing_is_accepted(
    settings, instance, answer, expected
):
    decisions.find_questions()
    instance.answers[0] = answer
    decisions.require_expected([])
    assert decided(settings) == [("one_stop/visits", *expected)]
    assert decisions.find_questions() == []


def test_an_acceptance_is_recorded_and_its_files_are_loaded(settings, instance, monkeypatch):
    loaded = []
    monkeypatch.setattr(
        "onestop.decisions.replay", lambda _, wanted: loaded.append(wanted.delivery_id) or []
    )
    decisions.find_questions()
    instance.answers[0] = given(decisions.ACCEPT)
    decisions.require_expected(["found"])
    assert decided(settings) == [("one_stop/visits", "accepted", "đúng", "duty")]
    assert len(loaded) == 1
    instance.required.assert_called_once_with(["found"])
