"""The adapter between Airflow's tasks and the library."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import create_autospec

import fsspec
import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSkipException,
)
from airflow.sdk.execution_time.context import OutletEventAccessors
from airflow.sdk.io import attach

from onestop import airflow_adapter as steps
from onestop import night
from onestop import replay as replaying
from onestop.files import DiskFullError
from onestop.intake.candidate import Candidate
from onestop.intake.delivery import Delivery, RefusedDeliveryError
from onestop.intake.exports import ExportsError, list_exports
from onestop.marts import lineage
from onestop.night import ChecksFailedError, MissingDeliveryError, NightStep
from onestop.record.load import LoadedDelivery
from onestop.staging.staged_delivery import DamagedStagedError
from onestop.upkeep import doctor

NIGHT = dt.date(2022, 11, 24)
CANDIDATE = Candidate(
    source="one_stop",
    feed="dossiers",
    night=NIGHT,
    kind="delta",
    path="/exports/a.json",
    file_name="a.json",
    size_bytes=2,
    modified=1669300000.5,
)
DELIVERIES = [
    Delivery(
        delivery_id=name,
        source="one_stop",
        feed="dossiers",
        night=NIGHT,
        kind="delta",
        file_name=f"{name}.json",
        sha256="0" * 64,
        size_bytes=2,
        file_modified_at=dt.datetime(2022, 11, 24, 22, 0, tzinfo=dt.UTC),
        landed_path=f"one_stop/dossiers/20221124/{name}/{name}.json",
    )
    for name in "abc"
]
#: The deliveries as Airflow stores them between tasks.
BATCH = [delivery.to_json() for delivery in DELIVERIES]
STEPS = (
    "discover_deliveries",
    "awaited_deliveries",
    "land_delivery",
    "read_delivery_file",
    "validate_delivery_file",
    "load_delivery",
    "read_and_load",
    "require_expected",
    "compute_night",
    "check_night",
    "publish_night",
)


class Task(SimpleNamespace):
    """A task instance at the first of three tries; it records its XComs."""

    def xcom_push(self, key, value):
        self.kept.append((key, value))


@pytest.fixture
def context(monkeypatch, tmp_path):
    """The running task's context, which a test may change."""
    monkeypatch.setenv("ONESTOP_VAR", str(tmp_path))
    running = {
        "partition_key": "2022-11-24",
        "dag_run": SimpleNamespace(run_after=dt.datetime(2022, 11, 25, 18, 0, tzinfo=dt.UTC)),
        "ti": Task(try_number=1, max_tries=2, kept=[]),
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


def stand_in(monkeypatch, module, name):
    """Replace a function of a module by a mock with the same signature."""
    fake = create_autospec(getattr(module, name))
    monkeypatch.setattr(module, name, fake)
    return fake


@pytest.fixture
def library(monkeypatch, context, connections):  # noqa: ARG001 - fixtures used for their effect
    """Mocks of the library's steps, to test what the adapter does with their results."""
    return SimpleNamespace(**{name: stand_in(monkeypatch, night, name) for name in STEPS})


@pytest.mark.usefixtures("context")
def test_the_night_is_the_partition_key():
    assert steps.night_of_run() == dt.date(2022, 11, 24)


def test_a_manual_run_without_a_key_describes_the_last_night_ended_in_hanoi(context):
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


def test_storage_of_any_installed_provider_is_read_through_airflow(connections, monkeypatch):
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
def test_a_connection_without_a_readable_folder_is_an_error(connections, extra):
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


@pytest.mark.parametrize("task", ["read_deliveries", "validate_deliveries"])
def test_a_refusal_is_final_and_names_file_and_rule(library, context, task):
    refused = RefusedDeliveryError("a.json", "DOS-F01", "the file is empty")
    library.read_delivery_file.side_effect = library.validate_delivery_file.side_effect = refused
    with pytest.raises(AirflowFailException, match=r"^a\.json: DOS-F01: the file is empty$"):
        getattr(steps, task)(BATCH[:1])
    assert context["file_name"] == "a.json"


def test_each_sentence_about_a_refusal_has_its_own_log_line(library, caplog, monkeypatch):
    lines = ("The file is empty.", "DOS-R01: 3 rows.", "Export it again.")
    refused = RefusedDeliveryError("a.json", "DOS-F02", " ".join(lines), lines)
    refused.page = "2022-11-24/one_stop.dossiers.1.en.html"
    library.validate_delivery_file.side_effect = refused
    monkeypatch.setattr(steps.conf, "get", lambda *_, **__: "https://airflow.example/")
    with pytest.raises(AirflowFailException, match="The file is empty"):
        steps.validate_deliveries(BATCH[:1])
    assert [record.getMessage().strip() for record in caplog.records] == [
        "a.json: refused by DOS-F02",
        *lines,
        "https://airflow.example/onestop/reports/2022-11-24/one_stop.dossiers.1.en.html",
    ]


def test_a_refused_file_does_not_stop_the_others_of_its_batch(library, context, caplog):
    def read(delivery, *_):
        if delivery == DELIVERIES[1]:
            raise RefusedDeliveryError("b.json", "FILE-F01", "the file is empty")
        return Path("x.duckdb")

    library.read_delivery_file.side_effect = read
    with pytest.raises(AirflowFailException, match=r"1 of 3 files: b\.json: FILE-F01"):
        steps.read_deliveries(BATCH)
    assert context["ti"].kept == [("return_value", [BATCH[0], BATCH[2]])]
    assert context["file_name"] == "a.json … c.json (3)"
    assert all(name in caplog.text for name in ("a.json", "b.json", "c.json"))


def test_a_file_that_could_not_be_copied_completely_is_tried_again(library, context):
    library.land_delivery.side_effect = RefusedDeliveryError("a.json", "FILE-F08", "still growing")
    with pytest.raises(AirflowException, match="still growing; tried again") as tried:
        steps.land_deliveries([CANDIDATE.to_json()])
    assert not isinstance(tried.value, AirflowFailException)
    context["ti"].try_number = 3
    with pytest.raises(AirflowFailException, match="still growing"):
        steps.land_deliveries([CANDIDATE.to_json()])


def test_any_other_error_is_tried_again_before_the_rest_of_the_batch_goes_on(library, context):
    def load(delivery, *_):
        if delivery == DELIVERIES[0]:
            raise OSError("disk full")
        return LoadedDelivery(delivery.delivery_id, rows_read=3)

    library.load_delivery.side_effect = load
    with pytest.raises(AirflowException, match=r"1 of 3 files: a\.json: OSError: disk full; tried"):
        steps.load_deliveries(BATCH)
    assert context["ti"].kept == []
    context["ti"].try_number = 3
    with pytest.raises(AirflowFailException, match="disk full"):
        steps.load_deliveries(BATCH)
    [(_, kept)] = context["ti"].kept
    assert [(one["delivery_id"], one["rows_read"]) for one in kept] == [("b", 3), ("c", 3)]


def test_a_staged_file_that_is_damaged_before_loading_is_read_again(library):
    library.load_delivery.side_effect = DamagedStagedError("a.json")
    library.read_and_load.return_value = LoadedDelivery("a", rows_read=3)
    [loaded] = steps.load_deliveries(BATCH[:1])
    assert (loaded["delivery_id"], loaded["rows_read"]) == ("a", 3)


def test_a_staged_file_that_is_damaged_before_validation_is_read_again(library):
    verdict = library.validate_delivery_file.return_value
    counts = ("read", "accepted", "rejected", "repeated", "blank", "skipped")
    verdict.configure_mock(**{f"rows_{name}": 0 for name in counts}, warnings=0)
    verdict.to_json.return_value = {}
    library.validate_delivery_file.side_effect = [DamagedStagedError("a.json"), verdict]
    assert steps.validate_deliveries(BATCH[:1]) == BATCH[:1]
    library.read_delivery_file.assert_called_once()


@pytest.mark.parametrize(
    ("error", "has_trace"), [(DiskFullError(Path("/")), False), (KeyError("a fault"), True)]
)
def test_only_a_fault_of_the_code_logs_a_traceback(library, caplog, error, has_trace):
    library.load_delivery.side_effect = error
    with pytest.raises(AirflowException):
        steps.load_deliveries(BATCH[:1])
    [record] = [one for one in caplog.records if one.levelname == "ERROR"]
    assert bool(record.exc_info) == has_trace
    assert type(error).__name__ in record.getMessage()


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("came_through", [None, []])
@pytest.mark.parametrize("task", ["read_deliveries", "validate_deliveries", "load_deliveries"])
def test_a_step_without_files_is_skipped(task, came_through):
    with pytest.raises(AirflowSkipException):
        getattr(steps, task)(came_through)


@pytest.fixture
def events(context):
    """The events of the assets, as the running task sets them."""
    context["outlet_events"] = OutletEventAccessors()
    return context["outlet_events"]


def test_a_published_night_is_an_event_of_each_asset_with_the_night_as_partition(library, events):
    library.publish_night.return_value = NightStep(NIGHT, is_published=True)
    assert steps.publish_night() == {"night": "2022-11-24", "is_published": True}
    for asset in (steps.MART, steps.REFERENCE):
        assert events[asset].partition_keys == {"2022-11-24"}
        assert events[asset].extra == {"night": "2022-11-24"}


def test_a_night_that_can_no_longer_be_published_is_skipped_and_no_event(library, events):
    step = NightStep(NIGHT, frozen="not published in its time", is_published=False)
    library.publish_night.return_value = step
    with pytest.raises(AirflowSkipException, match="not published in its time"):
        steps.publish_night()
    assert events[steps.MART].partition_keys == set()


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (NightStep(NIGHT, rows={"a": 2, "b": 3}), "2 tables computed, 5 rows"),
        (NightStep(NIGHT, failed_rules=0), "checked; broken rules: 0"),
        (NightStep(NIGHT, frozen="published before", message="x"), "published before"),
    ],
)
def test_a_step_logs_a_sentence(library, caplog, step, sentence):
    caplog.set_level("INFO")
    library.check_night.return_value = step
    steps.check_night()
    assert [record.getMessage() for record in caplog.records] == [f"night 2022-11-24: {sentence}"]


def test_a_publication_logs_what_its_figures_lack():
    assert str(NightStep(NIGHT, message="night x is published; y")) == "night x is published; y"


def test_a_missing_delivery_and_a_broken_check_are_final(library):
    library.require_expected.side_effect = MissingDeliveryError("no dossiers")
    with pytest.raises(AirflowFailException, match="no dossiers"):
        steps.require_expected([[CANDIDATE.to_json()]])
    library.check_night.side_effect = ChecksFailedError("MRT-F01")
    with pytest.raises(AirflowFailException, match="MRT-F01"):
        steps.check_night()
    library.publish_night.side_effect = OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        steps.publish_night()


SIBLING = replace(CANDIDATE, file_name="b.json")


@pytest.mark.parametrize(
    ("found", "candidates"),
    [
        (None, None),
        ([[CANDIDATE.to_json()], [SIBLING.to_json()]], [CANDIDATE, SIBLING]),
    ],
)
def test_require_expected_gets_the_files_that_were_found(library, found, candidates):
    steps.require_expected(found)
    [(night_asked, asked, *_)] = [call.args for call in library.require_expected.mock_calls]
    assert (night_asked, asked) == (NIGHT, candidates)


def test_values_passed_between_tasks_are_json_and_read_back_unchanged():
    kept = json.loads(json.dumps([CANDIDATE.to_json(), BATCH[0]]))
    assert Candidate.from_json(kept[0]) == CANDIDATE
    assert Delivery.from_json(kept[1]) == DELIVERIES[0]


@pytest.fixture
def at_night(monkeypatch):
    """Function: sets the clock, in Hanoi time."""

    def set_clock(text):
        class Clock(dt.datetime):
            @classmethod
            def now(cls, tz=None):
                return dt.datetime.fromisoformat(f"{text}+07:00").astimezone(tz)

        monkeypatch.setattr(steps.dt, "datetime", Clock)

    return set_clock


@pytest.mark.parametrize(
    ("clock", "until", "is_done"),
    [
        ("2022-11-25T01:00:00", None, False),
        ("2022-11-25T05:59:00", None, False),
        ("2022-11-25T06:00:00", None, True),
        ("2022-11-25T06:00:00", "07:30", False),
        ("2022-11-25T02:15:00", "02:00", True),
        ("2022-12-24T01:00:00", None, True),
    ],
)
def test_an_expected_delivery_is_waited_for_until_the_set_time(
    library, at_night, monkeypatch, clock, until, is_done
):
    at_night(clock)
    if until:
        monkeypatch.setenv("ONESTOP_WAIT_UNTIL", until)
    library.discover_deliveries.return_value = [CANDIDATE]
    library.awaited_deliveries.return_value = ["no file dossiers_20221124* below /exports"]
    found = steps.discover_deliveries()
    assert found.is_done is is_done
    assert found.xcom_value == ([[CANDIDATE.to_json()]] if is_done else None)


def test_the_log_names_the_awaited_file_and_the_end_of_waiting(library, at_night, caplog):
    at_night("2022-11-25T01:00:00")
    caplog.set_level("INFO")
    library.discover_deliveries.return_value = []
    library.awaited_deliveries.return_value = ["no file dossiers_20221124* below /exports"]
    steps.discover_deliveries()
    assert "no file dossiers_20221124* below /exports" in caplog.text
    assert "waits until 2022-11-25 06:00" in caplog.text


def test_waiting_ends_when_the_expected_delivery_is_there(library, at_night):
    at_night("2022-11-25T01:00:00")
    library.discover_deliveries.return_value = [CANDIDATE]
    library.awaited_deliveries.return_value = []
    assert steps.discover_deliveries().xcom_value == [[CANDIDATE.to_json()]]


def test_exports_that_cannot_be_reached_are_waited_for_too(library, at_night, caplog):
    at_night("2022-11-25T01:00:00")
    library.discover_deliveries.side_effect = ExportsError("nothing answers there")
    assert not steps.discover_deliveries().is_done
    assert "nothing answers there" in caplog.text
    at_night("2022-11-25T06:01:00")
    with pytest.raises(ExportsError, match="nothing answers"):
        steps.discover_deliveries()


def test_fifteen_hundred_files_make_fewer_batches_than_airflow_can_map(library):
    many = [replace(CANDIDATE, file_name=f"dossiers_20221124_{n}.json") for n in range(1500)]
    library.discover_deliveries.return_value = many
    library.awaited_deliveries.return_value = []
    found = steps.discover_deliveries().xcom_value
    assert len(found) <= 100
    assert [file for batch in found for file in batch] == [one.to_json() for one in many]


@pytest.mark.usefixtures("connections")
def test_fifteen_hundred_deliveries_to_replay_make_fewer_batches_than_airflow_can_map(
    context, monkeypatch
):
    many = [replace(DELIVERIES[0], delivery_id=str(number)) for number in range(1500)]
    stand_in(monkeypatch, replaying, "find_replayable").return_value = many
    context["params"] = {}
    found = steps.find_replayable()
    assert len(found) <= 100
    assert [file for batch in found for file in batch] == [one.to_json() for one in many]


def test_a_failure_to_send_lineage_does_not_stop_the_night(library, monkeypatch, caplog):
    library.compute_night.return_value = NightStep(NIGHT, rows={})
    monkeypatch.setattr("airflow.providers.openlineage.api.is_openlineage_active", lambda: True)
    unreadable = ValueError("SQL that nobody can read")
    stand_in(monkeypatch, lineage, "kept_lineage").side_effect = unreadable
    assert steps.compute_night() == {"night": "2022-11-24", "rows": {}}
    assert "was not sent" in caplog.text


@pytest.mark.usefixtures("context", "connections")
def test_a_failed_check_of_the_doctor_turns_the_task_red(monkeypatch):
    found = [
        SimpleNamespace(check="disk", state="WARN", message="4 GiB free", remedy="make room"),
        SimpleNamespace(check="landing", state="OK", message="closed", remedy=""),
    ]
    stand_in(monkeypatch, doctor, "examine").return_value = found
    steps.examine_installation()
    found.append(SimpleNamespace(check="clock", state="FAIL", message="is wrong", remedy="set it"))
    with pytest.raises(AirflowFailException, match="clock: is wrong"):
        steps.examine_installation()


@pytest.mark.parametrize(
    ("named", "user", "may"),
    [
        (None, SimpleNamespace(role="OP"), True),
        (None, SimpleNamespace(role="viewer"), False),
        (None, SimpleNamespace(role=None), False),
        ("Auditor", SimpleNamespace(role="admin"), False),
        ("Auditor, op", SimpleNamespace(roles=[SimpleNamespace(name="Auditor")]), True),
        ("Auditor", SimpleNamespace(roles=[SimpleNamespace(name="Viewer")]), False),
        ("Auditor", SimpleNamespace(roles=[]), False),
    ],
)
def test_only_the_roles_of_the_setting_read_the_record(monkeypatch, named, user, may):
    monkeypatch.delenv("ONESTOP_RECORD_ROLES", raising=False)
    if named:
        monkeypatch.setenv("ONESTOP_RECORD_ROLES", named)
    manager = SimpleNamespace(is_authorized_custom_view=lambda **_: pytest.fail("was asked"))
    assert steps.user_reads_record(user, manager) is may


@pytest.mark.parametrize("answer", [True, False])
def test_an_auth_manager_without_role_names_decides_itself_who_reads_the_record(answer):
    asked = []

    def is_authorized_custom_view(**question):
        asked.append((question["method"], question["resource_name"]))
        return answer

    manager = SimpleNamespace(is_authorized_custom_view=is_authorized_custom_view)
    assert steps.user_reads_record(SimpleNamespace(name="somebody"), manager) is answer
    assert asked == [("GET", steps.RECORD_VIEW)]
