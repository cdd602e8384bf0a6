"""The DAGs of a national office: the roll-up with a minimum, the set hour, and their tasks."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
from types import SimpleNamespace

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowSkipException
from airflow.serialization.serialized_objects import DagSerialization
from generated_provinces import NIGHT, make_nation, national_settings

from onestop import airflow_nation as nation_tasks
from onestop.federation.awaited import Awaited, find_awaited
from onestop.federation.refusal import FederationError
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.time_zone import LOCAL_ZONE

pytestmark = pytest.mark.usefixtures("registered_plugin")

PROVINCES = ("P01", "P02", "P03", "P04")
DAWN = dt.datetime.combine(NIGHT + dt.timedelta(days=1), dt.time(5), LOCAL_ZONE)
HOUR = DAWN.replace(hour=9)
ROLL_UP = {"name": "onestop_package", "uri": "x-onestop://received/package"}
DUE = {"name": "onestop_nation_due", "uri": "x-onestop://received/due"}


@pytest.fixture(scope="module")
def nation(one_night, tmp_path_factory):
    return make_nation(one_night, tmp_path_factory.mktemp("nation"), len(PROVINCES))


def stored_timetable():
    """The timetable of the DAG as Airflow's scheduler has it."""
    bag = DagBag(PROJECT_ROOT / "dags" / "onestop_nation.py")
    assert bag.import_errors == {}
    stored = DagSerialization.to_dict(bag.dags["onestop_nation"])
    return DagSerialization.from_dict(stored).timetable


@pytest.mark.parametrize(("minimum", "fewest"), [("3", 3), ("", 4)])
def test_the_roll_up_of_a_night_waits_for_the_minimum_of_the_registry_s_provinces(
    nation, monkeypatch, minimum, fewest
):
    monkeypatch.setenv("ONESTOP_PROVINCES", str(nation.registry))
    monkeypatch.setenv("ONESTOP_NATION_MINIMUM", minimum)
    mapper = stored_timetable().get_partition_mapper(**ROLL_UP)
    keys = [f"{code}|2022-11-15" for code in PROVINCES]
    assert {mapper.to_downstream(key) for key in keys} == {"2022-11-15"}
    expected = mapper.to_upstream("2022-11-15")
    assert expected == set(keys)

    def fires(came):
        return mapper.wait_policy.is_satisfied_by_keys(
            matched=set(came), expected=expected
        ).satisfied

    assert [fires(keys[:count]) for count in range(5)] == [count >= fewest for count in range(5)]
    others = [f"{code}|2022-11-14" for code in PROVINCES] + ["X|2022-11-15", "Y|2022-11-15"]
    assert not fires([*others, keys[0]])


def test_an_event_of_the_set_hour_alone_starts_the_night(nation, monkeypatch):
    monkeypatch.setenv("ONESTOP_PROVINCES", str(nation.registry))
    timetable = stored_timetable()
    assert not timetable.get_partition_mapper(**DUE).is_rollup
    assert timetable.get_partition_mapper(**DUE).to_downstream("2022-11-15") == "2022-11-15"
    assert type(timetable.asset_condition).__name__ == "SerializedAssetAny"
    assert {(one.name, one.uri) for one in timetable.asset_condition.objects} == {
        tuple(ROLL_UP.values()),
        tuple(DUE.values()),
    }


def test_in_a_city_the_dags_are_loaded_paused_and_never_fire(monkeypatch):
    monkeypatch.delenv("ONESTOP_PROVINCES", raising=False)
    bag = DagBag(PROJECT_ROOT / "dags")
    for dag_id in ("onestop_packages", "onestop_nation"):
        assert bag.dags[dag_id].is_paused_upon_creation
        assert {task.pool for task in bag.dags[dag_id].tasks} == {"warehouse_write"}
    mapper = stored_timetable().get_partition_mapper(**ROLL_UP)
    assert mapper.to_upstream("2022-11-15") == {"(none)|2022-11-15"}


def test_a_minimum_above_the_number_of_provinces_is_refused(nation, monkeypatch):
    monkeypatch.setenv("ONESTOP_PROVINCES", str(nation.registry))
    monkeypatch.setenv("ONESTOP_NATION_MINIMUM", "5")
    with pytest.raises(
        FederationError, match="ONESTOP_NATION_MINIMUM: 5 is no number of provinces"
    ):
        nation_tasks.enough_packages()


# --- the tasks -----------------------------------------------------------------------------------


class Event:
    """What a task adds to an asset's event."""

    def __init__(self):
        self.extra, self.keys = {}, []

    def add_partitions(self, keys):
        self.keys += [keys] if isinstance(keys, str) else keys


@pytest.fixture
def office(nation, one_night, tmp_path, monkeypatch):
    """A national office in which tasks run at a set moment."""
    settings = national_settings(one_night, tmp_path / "office")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    events = {
        asset: Event() for asset in (nation_tasks.PACKAGE, nation_tasks.DUE, nation_tasks.NATION)
    }
    clock = SimpleNamespace(now=DAWN)
    monkeypatch.setenv("ONESTOP_PROVINCES", str(nation.registry))
    monkeypatch.setenv("ONESTOP_PACKAGES", str(inbox))
    monkeypatch.setenv("LANG_UI", "en")
    monkeypatch.setattr(nation_tasks, "settings_of_task", lambda: settings)
    monkeypatch.setattr(nation_tasks, "connection_of", lambda _: None)
    monkeypatch.setattr(nation_tasks, "night_of_run", lambda: NIGHT)
    context = {"outlet_events": events}
    monkeypatch.setattr(nation_tasks, "get_current_context", lambda: context)
    monkeypatch.setattr(
        nation_tasks, "dt", SimpleNamespace(datetime=SimpleNamespace(now=lambda _: clock.now))
    )
    yield SimpleNamespace(settings=settings, inbox=inbox, events=events, clock=clock)
    shutil.rmtree(tmp_path / "office", ignore_errors=True)


def receive(office, nation, *codes, hour=1, factor=1):
    for code in codes:
        data = nation.package(code, factor, hour=hour)
        (office.inbox / f"{code}-{hour}.onestop.zip").write_bytes(data)


def warnings_in(caplog):
    return [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]


def test_packages_are_reported_until_the_nation_is_published_with_them(office, nation, caplog):
    caplog.set_level(logging.INFO, logger="onestop")
    receive(office, nation, "P01", "P02")
    (office.inbox / "bad.onestop.zip").write_bytes(b"none")
    nation_tasks.take_in_packages()
    [warning] = warnings_in(caplog)
    assert warning == (
        "bad.onestop.zip: refused, PKG-F01: the file is no package of this format (BadZipFile);"
        " ask the province to send the package again"
    )
    caplog.clear()
    nation_tasks.take_in_packages()
    assert "bad.onestop.zip: refused, PKG-F01" in caplog.text
    assert warnings_in(caplog) == []
    nation_tasks.report_packages()
    keys = office.events[nation_tasks.PACKAGE].keys
    assert keys == ["P01|2022-11-15", "P02|2022-11-15"]
    with pytest.raises(AirflowSkipException, match="no night of the nation is due"):
        nation_tasks.report_due()

    office.clock.now = HOUR
    nation_tasks.report_due()
    assert office.events[nation_tasks.DUE].keys == ["2022-11-15"]

    caplog.clear()
    nation_tasks.publish_nation()
    assert "published with 2 of 4 provinces" in caplog.text
    for code in ("P03", "P04"):
        assert f"{code} is missing: no package so far" in caplog.text
    assert office.events[nation_tasks.NATION].keys == ["2022-11-15"]
    assert find_awaited(office.settings, HOUR) == Awaited((), None)
    for task in (
        nation_tasks.report_packages,
        nation_tasks.report_due,
        nation_tasks.publish_nation,
    ):
        with pytest.raises(AirflowSkipException):
            task()

    # a late province and a restated one: the night is due again, at any hour
    receive(office, nation, "P03")
    receive(office, nation, "P01", hour=7, factor=9)
    office.clock.now = DAWN
    nation_tasks.take_in_packages()
    assert find_awaited(office.settings, DAWN) == Awaited((), NIGHT)
    caplog.clear()
    nation_tasks.publish_nation()
    assert "published with 3 of 4 provinces" in caplog.text


def test_the_connection_names_the_place_of_packages(office, monkeypatch):
    assert nation_tasks._places() == [str(office.inbox)]
    monkeypatch.setattr(
        nation_tasks, "connection_of", lambda name: name == "onestop_packages" and "connection"
    )
    monkeypatch.setattr(nation_tasks, "exports_of", lambda connection: connection)
    assert nation_tasks._places() == ["connection"]
