"""Commands in forked processes print and end like commands of a new interpreter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

import pytest
from commands import Command, run_command, run_with_new_interpreter


@pytest.fixture
def env(tmp_path):
    return {**os.environ, "ONESTOP_VAR": str(tmp_path / "var"), "COLUMNS": "90"}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["scorecard"], 1),
        (["night", "no date"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_status_and_streams_are_those_of_a_new_interpreter(env, arguments, status):
    forked = run_command(*arguments, env=env)
    assert forked == run_with_new_interpreter(*arguments, env=env)
    assert forked.returncode == status
    assert forked.stdout + forked.stderr


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        (["2999-01-01"], "night 2999-01-01 is in the future"),
        (["2022-11-24", "--to", "2999-01-01"], "night 2999-01-01 is in the future"),
        (["2022-11-24", "--to", "2022-11-23"], "ends (2022-11-23) before it begins (2022-11-24)"),
    ],
)
def test_nights_that_cannot_be_run_are_refused_and_leave_no_trace(env, tmp_path, dates, message):
    done = run_command("night", *dates, env=env | {"COLUMNS": "200"})
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("program", "left_out"),
    [
        (
            "from onestop import cli; cli.app(['--help'], standalone_mode=False)",
            {"duckdb", "jinja2", "pyarrow", "pydantic", "rich", "yaml"},
        ),
        ("import onestop.night", {"great_expectations", "rich", "sqlalchemy", "sqlglot"}),
    ],
    ids=["the help", "the steps of a night"],
)
def test_nothing_is_imported_before_it_is_used(program, left_out):
    seen = f"{program}; import sys; print(sorted({left_out!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_temporary_files_lie_where_the_environment_says(env, tmp_path, monkeypatch):
    monkeypatch.setattr("commands.cli.main", lambda: sys.stdout.write(tempfile.gettempdir()))
    assert run_command("verify", env=env | {"TMPDIR": str(tmp_path)}).stdout == str(tmp_path)


def test_the_files_of_its_output_are_removed(env, monkeypatch):
    monkeypatch.setattr("commands.cli.main", lambda: None)
    command = Command("night", env=env)
    command.wait()
    assert not command._output.exists()


def test_a_fault_shows_its_traceback(env, monkeypatch):
    def break_down():
        raise RuntimeError("a fault of the code")

    monkeypatch.setattr("commands.cli.main", break_down)
    done = run_command("night", env=env)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("RuntimeError: a fault of the code\n")


def test_a_command_that_never_ends_is_killed(env, monkeypatch):
    monkeypatch.setattr("commands.cli.main", signal.pause)
    command = Command("night", env=env)
    with pytest.raises(TimeoutError):
        command.wait(0.2)
    assert command.poll() is not None
