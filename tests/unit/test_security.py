"""The settings keep what the threat model promises of them."""

from __future__ import annotations

import importlib.util
import re

import pytest
import yaml

from onestop.local import local_airflow
from onestop.schema.project import PROJECT_ROOT

COMPOSE = PROJECT_ROOT / "docker-compose.yaml"
_spec = importlib.util.spec_from_file_location(
    "make_secrets", PROJECT_ROOT / "docker" / "make_secrets.py"
)
make_secrets = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_secrets)
#: Allowed values of a secret setting: a file, or a command that reads one.
SECRET_NAME = re.compile(r"PASSWORD|SECRET|FERNET|JWT|TOKEN")


@pytest.fixture(scope="module")
def services():
    found = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    assert {"api-server", "postgres", "scheduler"} <= found.keys()
    return found


def test_every_port_is_open_to_this_machine_only_by_default(services):
    ports = {name: service.get("ports", []) for name, service in services.items()}
    assert ports["api-server"], ports
    exposed = [
        (name, port)
        for name, listed in ports.items()
        for port in listed
        if not re.match(r"(\$\{\w+:-)?127\.0\.0\.1:", str(port))
    ]
    assert exposed == []


def test_the_settings_hold_no_secret_and_no_default_password(services):
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


def mounted(service):
    """The mounts of a service: source by folder in the container."""
    return dict(reversed(str(line).split(":")[:2]) for line in service.get("volumes", []))


def test_every_service_mounts_a_secrets_volume_of_its_own(services):
    seen = {
        name: mounted(service)["/secrets"]
        for name, service in services.items()
        if "/secrets" in mounted(service)
    }
    assert seen == {name: f"secrets-{name}" for name in seen}
    shared = [name for name, service in services.items() if "secrets" in mounted(service).values()]
    assert shared == ["secrets"], "only the service that makes the secrets mounts all of them"
    assert services["secrets"]["network_mode"] == "none"
    given = mounted(services["secrets"])
    assert given.pop("/secrets/all") == "secrets"
    assert given == {f"/secrets/{name}": f"secrets-{name}" for name in make_secrets.SERVICES}
    assert seen.keys() == make_secrets.SERVICES.keys()


def test_a_service_finds_every_secret_that_its_settings_name_and_has_no_other(services):
    for name, (files, logins) in make_secrets.SERVICES.items():
        settings = services[name].get("environment") or {}
        text = " ".join(map(str, settings.values()))
        wanted = set(re.findall(r"/secrets/(\w+)", text))
        if name == "init":
            script = (COMPOSE.parent / "docker" / "init.sh").read_text(encoding="utf-8")
            wanted |= set(re.findall(r"/secrets/(\w+)", script))
        assert wanted == {*files, *(["pgpass"] if logins else [])}, name
        if name != "init":
            assert set(re.findall(r"://(\w+)@postgres/", text)) == set(logins), name


def test_the_personal_data_is_mounted_only_where_tasks_run(services):
    seeing = [
        name
        for name, service in services.items()
        if {"/opt/onestop/landing", "/opt/onestop/exports"} & mounted(service).keys()
    ]
    assert seeing == ["scheduler", "worker"]


@pytest.fixture
def secrets_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(make_secrets.os, "chown", lambda *_: None)
    for name in ("all", *make_secrets.SERVICES):
        (tmp_path / name).mkdir()
    return tmp_path


def files_in(folder):
    return {
        f"{path.parent.name}/{path.name}": path.read_text(encoding="ascii")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_only_init_and_the_server_get_the_superusers_password(secrets_folder):
    make_secrets.main(secrets_folder)
    made = files_in(secrets_folder)
    superuser = made["all/database_superuser"].strip()
    seeing = {name.split("/")[0] for name, text in made.items() if superuser in text}
    assert seeing == {"all", "postgres", "init"}
    modes = {path.stat().st_mode & 0o777 for path in secrets_folder.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_the_secrets_of_an_earlier_installation_stay(secrets_folder):
    kept = secrets_folder / "all"
    (kept / "database_superuser").write_text("first\n", encoding="ascii")
    (kept / "fernet_key").write_text("second\n", encoding="ascii")
    (kept / "pgpass").write_text(
        "postgres:5432:*:postgres:first\npostgres:5432:airflow:airflow:third\n"
        "postgres:5432:onestop:onestop_writer:fourth\n",
        encoding="ascii",
    )
    (secrets_folder / "worker" / "fernet_key").write_text("left\n", encoding="ascii")
    make_secrets.main(secrets_folder)
    made = files_in(secrets_folder)
    assert made["scheduler/fernet_key"] == "second\n"
    assert made["worker/pgpass"] == (
        "postgres:5432:airflow:airflow:third\npostgres:5432:onestop:onestop_writer:fourth\n"
    )
    assert "worker/fernet_key" not in made
    make_secrets.main(secrets_folder)
    assert files_in(secrets_folder) == made


def test_airflow_requires_a_login(services):
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
