"""The seam between Airflow's tasks and the library."""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException

from onestop import airflow_adapter as steps
from onestop.delivery import RefusedDeliveryError
from onestop.night import ChecksFailedError, MissingDeliveryError

CANDIDATE = {
    "source": "one_stop",
    "feed": "dossiers",
    "night": "2022-11-24",
    "kind": "delta",
    "file_name": "a.json",
}


@pytest.fixture
def context(monkeypatch):
    """The running task's context, which a test may change."""
    running = {
        "partition_key": "2022-11-24",
        "dag_run": SimpleNamespace(run_after=dt.datetime(2022, 11, 25, 18, 0, tzinfo=dt.UTC)),
        "ti": SimpleNamespace(try_number=1, max_tries=2),
    }
    monkeypatch.setattr(steps, "get_current_context", lambda: running)
    return running


@pytest.fixture
def connections(monkeypatch):
    known: dict[str, Connection] = {}

    def get_connection(connection_id):
        if connection_id not in known:
            raise AirflowNotFoundException(connection_id)
        return known[connection_id]

    monkeypatch.setattr(steps.BaseHook, "get_connection", get_connection)
    return known


@pytest.fixture
def library(monkeypatch, context, connections):  # noqa: ARG001 - they must be in place
    """A stand-in for the library's steps, to see what the adapter makes of their answers."""
    fake = SimpleNamespace(
        MissingDeliveryError=MissingDeliveryError, ChecksFailedError=ChecksFailedError
    )
    monkeypatch.setattr(steps, "_library", lambda: fake)
    return fake


def raising(error):
    def step(*_):
        raise error

    return step


@pytest.mark.usefixtures("context")
def test_the_night_is_the_partition_key():
    assert steps.night_of_run() == dt.date(2022, 11, 24)


def test_a_run_by_hand_without_a_key_means_the_last_night_that_is_over_in_hanoi(context):
    context["partition_key"] = None
    assert steps.night_of_run() == dt.date(2022, 11, 25)
    context["dag_run"].run_after = dt.datetime(2022, 11, 25, 16, 0, tzinfo=dt.UTC)
    assert steps.night_of_run() == dt.date(2022, 11, 24)


def test_connections_override_the_environment(connections, monkeypatch, tmp_path):
    monkeypatch.setenv("ONESTOP_EXPORTS", "/from/environment")
    assert str(steps.settings_of_task().exports) == "/from/environment"
    connections["onestop_exports"] = Connection(
        conn_id="onestop_exports", conn_type="fs", extra=json.dumps({"path": str(tmp_path)})
    )
    connections["onestop_warehouse"] = Connection(
        conn_id="onestop_warehouse", conn_type="duckdb", host="/srv/warehouse.duckdb"
    )
    settings = steps.settings_of_task()
    assert settings.exports == tmp_path
    assert settings.warehouse == "duckdb:////srv/warehouse.duckdb"


def test_a_postgresql_connection_becomes_its_sqlalchemy_address():
    connection = Connection(
        conn_id="w", conn_type="postgres", host="db", login="onestop", password="p@ss", schema="one"
    )
    assert steps.warehouse_url(connection) == "postgresql://onestop:p%40ss@db/one"


@pytest.mark.parametrize("task", ["read_delivery", "validate_delivery"])
def test_a_refusal_is_final_and_names_file_and_rule(library, context, task):
    refuse = raising(RefusedDeliveryError("a.json", "DOS-F01", "the file is empty"))
    library.read_delivery_file = library.validate_delivery_file = refuse
    with pytest.raises(AirflowFailException, match=r"a\.json: DOS-F01: the file is empty"):
        getattr(steps, task)({"file_name": "a.json"})
    assert context["file_name"] == "a.json"


def test_a_file_that_could_not_be_copied_whole_is_tried_again(library):
    growing = RefusedDeliveryError("a.json", "FILE-F01", "still growing")
    library.land_delivery = raising(growing)
    with pytest.raises(RefusedDeliveryError, match="still growing"):
        steps.land_delivery(CANDIDATE)


def test_any_other_error_is_left_to_the_retries(library):
    library.load_delivery = raising(OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        steps.load_delivery({"file_name": "a.json"})


def test_a_missing_delivery_and_a_broken_check_are_final(library):
    library.require_expected = raising(MissingDeliveryError("no dossiers"))
    with pytest.raises(AirflowFailException, match="no dossiers"):
        steps.require_expected()
    library.check_night = raising(ChecksFailedError("MRT-F01"))
    with pytest.raises(AirflowFailException, match="MRT-F01"):
        steps.check_night()
    library.publish_night = raising(OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        steps.publish_night()


def test_an_expected_delivery_that_is_not_there_yet_is_waited_for(library, context):
    library.discover_deliveries = lambda *_: [CANDIDATE]
    library.awaited_deliveries = lambda *_: ["one_stop dossiers"]
    with pytest.raises(AirflowException, match="one_stop dossiers; attempt 1 of 3"):
        steps.discover_deliveries()
    context["ti"].try_number = 3
    assert steps.discover_deliveries() == [CANDIDATE]


def test_nothing_is_waited_for_when_the_expected_delivery_is_there(library):
    library.discover_deliveries = lambda *_: [CANDIDATE]
    library.awaited_deliveries = lambda *_: []
    assert steps.discover_deliveries() == [CANDIDATE]
