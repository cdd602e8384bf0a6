"""The variables of an installation: defaults, errors, and the list of all of them."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from onestop.errors import OneStopError, SettingsError
from onestop.schema.project import PROJECT_ROOT
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.settings import (
    FURTHER_VARIABLES,
    VARIABLES,
    Settings,
    wait_interval,
)

NIGHT = dt.date(2022, 11, 24)

#: A value with spaces.
WORDS = "two words"


def waits_until(monkeypatch, text):
    monkeypatch.setenv("ONESTOP_WAIT_UNTIL", text)
    return Settings.from_environment().waits_until(NIGHT)


def test_a_night_waits_until_six_in_the_morning_after_it_by_default(monkeypatch):
    expected = dt.datetime(2022, 11, 25, 6, tzinfo=LOCAL_ZONE)
    assert waits_until(monkeypatch, "") == expected
    assert wait_interval() == dt.timedelta(minutes=5)


def test_until_when_and_how_often_can_be_set(monkeypatch):
    expected = dt.datetime(2022, 11, 25, 7, 30, tzinfo=LOCAL_ZONE)
    assert waits_until(monkeypatch, "07:30") == expected
    monkeypatch.setenv("ONESTOP_WAIT_MINUTES", "2.5")
    assert wait_interval() == dt.timedelta(seconds=150)


@pytest.mark.parametrize("text", ["6 am", "25:00", "soon"])
def test_an_invalid_time_of_day_is_named_with_its_variable(monkeypatch, text):
    with pytest.raises(SettingsError, match=f"ONESTOP_WAIT_UNTIL: {text} is no time of day; write"):
        waits_until(monkeypatch, text)


@pytest.mark.parametrize("text", ["0", "-5", "often", "nan", "2000"])
def test_an_invalid_number_of_minutes_is_named_with_its_variable(monkeypatch, text):
    monkeypatch.setenv("ONESTOP_WAIT_MINUTES", text)
    with pytest.raises(SettingsError, match=f"ONESTOP_WAIT_MINUTES: {text} is no number"):
        wait_interval()


@pytest.fixture
def everything_set(monkeypatch, tmp_path):
    """Settings of which none has its default."""
    monkeypatch.chdir(tmp_path)
    values = {
        "ONESTOP_EXPORTS": "sftp://reader@host:2222/exports",
        "ONESTOP_LANDING": "landing",
        "ONESTOP_WAREHOUSE": "postgresql://nightly@db/onestop",
        "ONESTOP_PUBLISHED": "published.duckdb",
        "ONESTOP_SOURCES": "sources",
        "ONESTOP_SOURCES_ENABLED": "one_stop, permits",
        "ONESTOP_WORK": "work",
        "ONESTOP_WAIT_UNTIL": "07:30",
        "ONESTOP_PUBLISH_BY": "08:15",
        "ONESTOP_WAIT_MINUTES": "2.5",
        "ONESTOP_DECISION_HOURS": "3",
        "ONESTOP_COMPUTE": "spark://host:7077",
        "ONESTOP_RECORD_FILES": "record",
        "ONESTOP_RECORD_ROLES": "Auditor",
        "ONESTOP_MEMORY": "600MB",
        "ONESTOP_RETENTION": "retention.yaml",
        "ONESTOP_NATION_BY": "10:00",
        "ONESTOP_NATION_MINIMUM": "60",
        "ONESTOP_PACKAGES": "/srv/inbox",
        "ONESTOP_PACKAGE_KEY": "package.pem",
        "ONESTOP_PROVINCE": "H24",
        "ONESTOP_PROVINCES": "provinces.csv",
        "ONESTOP_THREADS": "2",
        "ONESTOP_EXPORTS_KEY_FILE": "key",
        "ONESTOP_EXPORTS_KNOWN_HOSTS": "known_hosts",
        "ONESTOP_EXPORTS_PASSWORD": WORDS,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return Settings.from_environment()


def test_another_process_can_be_given_the_same_settings(everything_set, monkeypatch, tmp_path):
    handed_on = everything_set.to_environment()
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir("/")
    for name, value in handed_on.items():
        monkeypatch.setenv(name, value)
    again = Settings.from_environment()
    assert str(again.exports) == str(everything_set.exports)
    assert {**vars(again), "exports": ""} == {**vars(everything_set), "exports": ""}
    assert wait_interval() == dt.timedelta(seconds=150)
    assert handed_on["ONESTOP_RETENTION"] == str(tmp_path / "retention.yaml")


def test_another_process_can_be_given_the_same_store(everything_set, monkeypatch):
    monkeypatch.setenv("ONESTOP_STORE", "s3://bucket/hai phong")
    shared = Settings.from_environment()
    assert str(shared.landing) == "s3://bucket/hai phong/landing"
    assert shared.folders.staging == everything_set.folders.staging
    for name, value in shared.to_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == shared


def test_machines_cannot_share_a_warehouse_that_is_a_file(monkeypatch):
    monkeypatch.setenv("ONESTOP_STORE", "s3://bucket/city")
    with pytest.raises(SettingsError, match=r"ONESTOP_STORE: .* is a file; set ONESTOP_WAREHOUSE"):
        Settings.from_environment().folders  # noqa: B018 - it raises


@pytest.mark.parametrize(
    "address",
    [
        "/srv/store",
        "gs://bucket/x",
        "s3://",
        "s3://key:word@b/x",  # pragma: allowlist secret
    ],
)
def test_an_invalid_store_is_named_with_its_variable_and_not_with_its_login(monkeypatch, address):
    monkeypatch.setenv("ONESTOP_STORE", address)
    with pytest.raises(OneStopError, match=r"ONESTOP_STORE: .* write it as s3://") as refused:
        Settings.from_environment()
    assert "word" not in str(refused.value)


def test_the_list_of_variables_is_complete(everything_set):
    local = {"ONESTOP_LOCAL_LAST_NIGHT", "ONESTOP_LOCAL_PRELOAD"}
    named = {*everything_set.to_environment(), "ONESTOP_VAR", "ONESTOP_STORE"}
    assert named | local == VARIABLES
    assert set(FURTHER_VARIABLES) < VARIABLES
    sources = [PROJECT_ROOT / "plugins", PROJECT_ROOT / "dags"]
    read = {
        name
        for folder in sources
        for path in folder.rglob("*.py")
        for name in re.findall(r"ONESTOP_[A-Z]\w*[A-Z]", path.read_text(encoding="utf-8"))
    }
    assert read == VARIABLES


def test_every_variable_of_an_installation_is_in_the_readme():
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    local = "ONESTOP_LOCAL_"
    missing = {n for n in VARIABLES if f"`{n}`" not in text and not n.startswith(local)}
    assert missing == set()
