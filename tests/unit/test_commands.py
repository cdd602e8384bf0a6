"""Commands in processes of the server print and end like commands of a new interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

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


def print_temporary_folder():
    sys.stdout.write(tempfile.gettempdir())


def do_nothing():
    pass


def never_end():
    time.sleep(1000)


def break_down():
    raise RuntimeError("a fault of the code")


def test_temporary_files_lie_where_the_environment_says(env, tmp_path):
    done = run_command(env=env | {"TMPDIR": str(tmp_path)}, main=print_temporary_folder)
    assert done.stdout == str(tmp_path)


def test_the_files_of_its_output_are_removed(env):
    command = Command(env=env, main=do_nothing)
    command.wait()
    assert not command._output.exists()


def test_a_fault_shows_its_traceback(env):
    done = run_command(env=env, main=break_down)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("RuntimeError: a fault of the code\n")


def test_a_command_that_never_ends_is_killed(env):
    command = Command(env=env, main=never_end)
    with pytest.raises(TimeoutError, match=r"longer than 3 seconds:\n(.*\n)*.*in never_end"):
        command.wait(3)
    assert command.poll() is not None
