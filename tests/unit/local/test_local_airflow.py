"""Files and environment of a local Airflow, without starting one."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from onestop.local import local_airflow
from onestop.local.local_airflow import LocalAirflow, LocalAirflowError, free_port
from onestop.settings import FURTHER_VARIABLES, Settings

#: A value with spaces.
WORDS = "two words"


@pytest.fixture
def settings(tmp_path):
    return Settings(
        exports=tmp_path / "exports",
        landing=tmp_path / "landing",
        warehouse="duckdb:///here.duckdb",
        published=tmp_path / "published.duckdb",
        sources=None,
        work=tmp_path / "work",
    )


@pytest.fixture
def airflow(tmp_path, settings):
    return LocalAirflow(home=tmp_path / "airflow", settings=settings)


def test_secrets_are_made_once_and_readable_by_their_owner_only(airflow, tmp_path, settings):
    password = airflow.password
    assert len(password) >= 16
    airflow.environment()
    for name in ("secrets.json", "passwords.json"):
        mode = stat.S_IMODE((airflow.home / name).stat().st_mode)
        assert mode == 0o600, name
    assert LocalAirflow(home=airflow.home, settings=settings).password == password
    assert LocalAirflow(home=tmp_path / "other", settings=settings).password != password


def test_the_callers_airflow_and_installation_settings_are_not_inherited(airflow, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_ONESTOP_WAREHOUSE", "postgres://elsewhere")
    monkeypatch.setenv("ONESTOP_SOURCES", "/elsewhere")
    environment = airflow.environment()
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW_CONN_ONESTOP_WAREHOUSE" not in environment
    assert "ONESTOP_SOURCES" not in environment
    assert environment["ONESTOP_WAREHOUSE"] == "duckdb:///here.duckdb"


def test_the_callers_limits_retention_roles_and_access_to_the_exports_are_kept(
    airflow, monkeypatch
):
    values = {
        "ONESTOP_MEMORY": "600MB",
        "ONESTOP_COMPUTE": "spark://host:7077",
        "ONESTOP_RECORD_FILES": "/srv/record",
        "ONESTOP_RECORD_ROLES": "Op",
        "ONESTOP_RETENTION": "/etc/onestop/retention.yaml",
        "ONESTOP_NATION_BY": "10:00",
        "ONESTOP_NATION_MINIMUM": "60",
        "ONESTOP_PACKAGES": "/srv/inbox",
        "ONESTOP_PACKAGE_KEY": "/etc/onestop/package.pem",
        "ONESTOP_PROVINCE": "H24",
        "ONESTOP_PROVINCES": "/etc/onestop/provinces.csv",
        "ONESTOP_THREADS": "2",
        "ONESTOP_WAIT_MINUTES": "1",
        "ONESTOP_DECISION_HOURS": "3",
        "ONESTOP_EXPORTS_PASSWORD": WORDS,
        "ONESTOP_EXPORTS_KEY_FILE": "/etc/onestop/key",
        "ONESTOP_EXPORTS_KNOWN_HOSTS": "/etc/onestop/known_hosts",
    }
    assert set(values) == set(FURTHER_VARIABLES)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    environment = airflow.environment()
    assert {name: environment[name] for name in values} == values


def test_airflow_reads_the_settings_that_stop_scheduled_nights(airflow):
    found = [
        Path(folder, "airflow_local_settings.py").is_file()
        for folder in airflow.environment()["PYTHONPATH"].split(os.pathsep)
    ]
    assert found == [False, True]


@pytest.mark.parametrize(
    ("component", "is_preloaded"), [("scheduler", True), ("api-server", False)]
)
def test_the_scheduler_imports_modules_and_calls_functions_before_it_forks_tasks(
    tmp_path, component, is_preloaded
):
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "preloaded_here.py").write_text("def call():\n    print('called')\n", "utf-8")
    local_settings = Path(local_airflow.__file__).parent / "local_settings"
    done = subprocess.run(
        [sys.executable, local_settings / "airflow_local_settings.py", component],
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            "ONESTOP_LOCAL_PRELOAD": "json preloaded_here:call",
        },
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == ("called\n" if is_preloaded else "")


def test_what_the_demonstration_preloads_is_there():
    for name in (*local_airflow.PRELOADED, *local_airflow.OF_A_NIGHT):
        module, _, function = name.partition(":")
        assert importlib.util.find_spec(module), name
        assert not function or callable(getattr(importlib.import_module(module), function)), name


def test_two_local_airflows_cannot_run_in_the_same_folder(airflow, settings):
    airflow.home.mkdir(parents=True)
    airflow._take_lock()
    second = LocalAirflow(home=airflow.home, settings=settings)
    with pytest.raises(LocalAirflowError, match="already runs there"):
        second.start()
    airflow.stop()
    second._take_lock()
    second.stop()


def test_processes_of_a_killed_session_are_ended_but_not_others_with_a_reused_pid(airflow):
    airflow.home.mkdir(parents=True)
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    left, stranger = (subprocess.Popen(sleeper, start_new_session=True) for _ in range(2))
    remembered = {
        left.pid: psutil.Process(left.pid).create_time(),
        stranger.pid: psutil.Process(stranger.pid).create_time() - 1000,
    }
    (airflow.home / "running.json").write_text(json.dumps(remembered))
    try:
        airflow._stop_leftovers()
        assert left.wait(10) == -9
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    assert not (airflow.home / "running.json").exists()


def test_the_configuration_of_a_moved_folder_is_renamed_and_not_used(airflow, tmp_path):
    airflow.home.mkdir()
    configuration = airflow.home / "airflow.cfg"
    for home, is_kept in [(tmp_path / "elsewhere", False), (airflow.home, True)]:
        text = f"[logging]\nbase_log_folder = {home}/logs\n"
        configuration.write_text(text, encoding="utf-8")
        airflow._leave_old_configuration()
        assert configuration.exists() is is_kept
    moved = (airflow.home / "airflow.cfg.moved").read_text(encoding="utf-8")
    assert "elsewhere" in moved


def test_the_next_free_port_is_used_when_a_port_is_busy():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert free_port(port) != port
    assert free_port() > 0


def test_a_failed_database_creation_names_its_log(airflow, monkeypatch):
    airflow.logs.mkdir(parents=True)
    environment = {**os.environ, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////no/such/a.db"}
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(LocalAirflowError, match=r"db-migrate\.log"):
        airflow._migrate(environment)
