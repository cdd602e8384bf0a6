"""The seam between Airflow's tasks and the library."""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace

import fsspec
import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException
from airflow.sdk.io import attach

from onestop import airflow_adapter as steps
from onestop.delivery import RefusedDeliveryError
from onestop.exports import ExportsError, list_exports
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


def test_an_sftp_connection_becomes_an_address_without_its_password(connections):
    connections["onestop_exports"] = Connection(
        conn_id="onestop_exports",
        conn_type="sftp",
        host="files.example.invalid",
        login="collector",
        password="hidden-word",  # pragma: allowlist secret
        port=2022,
        extra=json.dumps({"path": "/out/one-stop", "host_key": "ssh-ed25519 AAAA"}),
    )
    exports = steps.settings_of_task().exports
    assert exports.url == "sftp://collector@files.example.invalid:2022/out/one-stop"
    assert exports.path == "/out/one-stop"
    assert "hidden-word" not in repr(exports)


def test_an_aws_connection_becomes_a_bucket(connections):
    connections["onestop_exports"] = Connection(
        conn_id="onestop_exports",
        conn_type="aws",
        login="key",
        password="hidden-word",  # pragma: allowlist secret
        extra=json.dumps({"path": "s3://exports/one-stop/", "endpoint_url": "http://127.0.0.1:9"}),
    )
    exports = steps.settings_of_task().exports
    assert (exports.url, exports.path) == ("s3://exports/one-stop/", "exports/one-stop")
    assert "hidden-word" not in repr(exports)


def test_whatever_storage_an_installed_provider_reads_is_read_through_airflow(
    connections, monkeypatch
):
    storage = fsspec.filesystem("memory")
    storage.pipe("/exports/in/dossiers_20221124.json", b"[]")
    attach("memory", "onestop_exports", fs=storage)
    monkeypatch.setattr(steps, "has_fs", lambda scheme: scheme == "memory")
    connections["onestop_exports"] = Connection(
        conn_id="onestop_exports",
        conn_type="generic",
        extra=json.dumps({"path": "memory://exports/in"}),
    )
    (file,) = list_exports(steps.settings_of_task().exports)
    assert (file.name, file.facts.size_bytes) == ("dossiers_20221124.json", 2)


@pytest.mark.parametrize("extra", [{}, {"path": "gopher://old/in"}])
def test_a_connection_that_leads_nowhere_is_told_so(connections, extra):
    connections["onestop_exports"] = Connection(
        conn_id="onestop_exports", conn_type="generic", extra=json.dumps(extra)
    )
    with pytest.raises(ExportsError, match=r"names no folder|cannot be read here"):
        steps.settings_of_task()


def test_a_postgresql_connection_becomes_its_sqlalchemy_address():
    connection = Connection(
        conn_id="w", conn_type="postgres", host="db", login="onestop", password="p@ss", schema="one"
    )
    expected = "postgresql://onestop:p%40ss@db/one"  # pragma: allowlist secret
    assert steps.warehouse_url(connection) == expected


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


def test_lineage_that_cannot_be_told_does_not_hold_the_night_up(library, monkeypatch, caplog):
    library.compute_night = lambda *_: {"night": "2022-11-24", "rows": {}}
    monkeypatch.setattr("airflow.providers.openlineage.api.is_openlineage_active", lambda: True)
    broken = SimpleNamespace(kept_lineage=raising(ValueError("SQL that nobody can read")))
    monkeypatch.setattr(steps, "import_module", lambda _: broken)
    assert steps.compute_night()["night"] == "2022-11-24"
    assert "was not sent" in caplog.text


@pytest.mark.usefixtures("context", "connections")
def test_what_the_doctor_finds_wrong_turns_the_task_red(monkeypatch):
    found = [
        SimpleNamespace(check="disk", state="WARN", message="4 GiB free", remedy="make room"),
        SimpleNamespace(check="landing", state="OK", message="closed", remedy=""),
    ]
    doctor = SimpleNamespace(examine=lambda _: found)
    monkeypatch.setattr(steps, "import_module", lambda _: doctor)
    steps.examine_installation()
    found.append(SimpleNamespace(check="clock", state="FAIL", message="is wrong", remedy="set it"))
    with pytest.raises(AirflowFailException, match="clock: is wrong"):
        steps.examine_installation()
