"""Airflow's own command for the local Airflow."""

from __future__ import annotations

import pytest

from onestop.local import demo


@pytest.fixture
def called(monkeypatch, tmp_path):
    """The calls of other programs; nothing is run."""
    calls = []

    def run(command, env, **_):
        calls.append((command[1:], env))
        return type("Done", (), {"returncode": 3})

    monkeypatch.setattr(demo.subprocess, "run", run)
    monkeypatch.setenv("ONESTOP_VAR", str(tmp_path))
    return calls


def test_airflow_s_command_is_called_for_the_airflow_of_the_installation(
    called, monkeypatch, tmp_path
):
    monkeypatch.setenv("ONESTOP_EXPORTS", str(tmp_path / "exports"))
    words = ["backfill", "create", "--to-date", "2022-11-24T23:59"]
    assert demo.main(["airflow", *words]) == 3
    [(command, environment)] = called
    assert command == ["-m", "airflow", *words]
    assert environment["AIRFLOW_HOME"] == str(tmp_path / "airflow")
    assert environment["ONESTOP_EXPORTS"] == str(tmp_path / "exports")
    assert "ONESTOP_LOCAL_LAST_NIGHT" not in environment


def test_airflow_s_command_is_called_for_the_demonstration_where_nothing_else_is_named(
    called, monkeypatch
):
    for name in ("ONESTOP_EXPORTS", "ONESTOP_WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
    demo.main(["airflow", "dags", "list"])
    [(_, environment)] = called
    assert environment["ONESTOP_LOCAL_LAST_NIGHT"].startswith("2022-11-25T00:00")
