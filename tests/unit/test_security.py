"""What the threat model says of settings is so in the settings."""

from __future__ import annotations

import re

import pytest
import yaml

from onestop import local_airflow
from onestop.settings import PROJECT_ROOT

COMPOSE = PROJECT_ROOT / "docker-compose.yaml"
#: What may stand where a secret belongs: a file, or a command that reads one.
SECRET_NAME = re.compile(r"PASSWORD|SECRET|FERNET|JWT|TOKEN")


@pytest.fixture(scope="module")
def services():
    found = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    assert {"api-server", "postgres", "scheduler"} <= found.keys()
    return found


def test_every_port_is_open_to_this_machine_only_unless_somebody_says_otherwise(services):
    ports = {name: service.get("ports", []) for name, service in services.items()}
    assert ports["api-server"], ports
    exposed = [
        (name, port)
        for name, listed in ports.items()
        for port in listed
        if not re.match(r"(\$\{\w+:-)?127\.0\.0\.1:", str(port))
    ]
    assert exposed == []


def test_no_secret_and_no_default_password_stands_in_the_settings(services):
    stated = [
        (service, name, value)
        for service, settings in services.items()
        for name, value in (settings.get("environment") or {}).items()
        if SECRET_NAME.search(name)
        and not name.endswith("_FILE")
        and not re.fullmatch(r"cat /secrets/\w+", str(value))
    ]
    assert stated == []
    addresses = [
        value
        for settings in services.values()
        for value in (settings.get("environment") or {}).values()
        if re.search(r"://[^/@\s]+:[^/@\s]+@", str(value))
    ]
    assert addresses == []


def test_airflow_asks_who_logs_in(services):
    settings = services["api-server"]["environment"]
    assert "FabAuthManager" in settings["AIRFLOW__CORE__AUTH_MANAGER"]
    assert not [name for name in settings if "ALL_ADMINS" in name]


def test_the_local_airflow_listens_on_this_machine_and_makes_its_own_password(tmp_path):
    assert local_airflow.HOST == "127.0.0.1"
    passwords = {
        local_airflow.LocalAirflow(home=tmp_path / name, settings=None).password
        for name in ("one", "other")
    }
    assert len(passwords) == 2
    assert min(map(len, passwords)) >= 16
    assert (tmp_path / "one" / "secrets.json").stat().st_mode & 0o077 == 0
