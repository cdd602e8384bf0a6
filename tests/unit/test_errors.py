"""Output and exit status of a command: errors that people can act on, faults, and Ctrl-C."""

import ast
import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
import typer

import onestop
from onestop import cli
from onestop.errors import OneStopError
from onestop.intake.delivery import RefusedDeliveryError
from onestop.record.publications import last_published
from onestop.warehouse import open_warehouse

#: Error classes that are caught inside the package and never reach a command.
INNER = {"UnreadableError", "ScanError", "SqlTextError", "UnknownHostKeyError", "CommonRuleError",
         "ApiError", "DamagedError", "DoubtError", "_RowError"}  # fmt: skip


def run(monkeypatch, action, *arguments):
    """Run ``main`` with an application that does only this; returns the exit status."""
    app = typer.Typer()
    app.command(cls=cli._Command)(action)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["onestop", *arguments])
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert signal.getsignal(signal.SIGINT) is before
    return ended.value.code


def test_a_message_has_its_subject_its_problem_and_its_remedy():
    error = OneStopError("is no JSON", subject="dossiers.json", remedy="correct it")
    assert str(error) == "dossiers.json: is no JSON; correct it"
    assert str(OneStopError("the disk is full")) == "the disk is full"


def test_a_refused_delivery_is_about_its_file():
    error = RefusedDeliveryError("a.json", "FILE-F02", "it may not be read")
    assert (error.subject, str(error)) == ("a.json", "a.json: FILE-F02: it may not be read")


def test_an_error_for_people_is_one_line_and_a_status(monkeypatch, capsys):
    def fail():
        raise OneStopError("is no JSON", subject="dossiers.json", remedy="correct it")

    assert run(monkeypatch, fail) == 1
    assert capsys.readouterr().err == "dossiers.json: is no JSON; correct it\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_full_or_closed_disk_is_one_line_and_a_status(monkeypatch, capsys, number):
    def fail():
        raise OSError(number, os.strerror(number), "/srv/form.xlsx")

    assert run(monkeypatch, fail) == 1
    printed = capsys.readouterr().err
    assert printed.startswith(f"/srv/form.xlsx: {os.strerror(number)}")
    assert ("iB free)" in printed) == (number == errno.ENOSPC)
    assert printed.count("\n") == 1


@pytest.mark.parametrize("fault", [ValueError, FileNotFoundError, KeyError, RuntimeError])
def test_any_other_error_is_a_fault_in_one_line_with_a_file_for_its_traceback(
    monkeypatch, capsys, tmp_path, fault
):
    def fail():
        raise fault("a fault\nof the code")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run(monkeypatch, fail) == 1
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert f"{fault.__name__}: " in printed
    [file] = tmp_path.iterdir()
    assert f"Traceback: {file}, or run it again with --debug" in printed
    assert file.read_text("utf-8").startswith("Traceback (most recent call last)")
    assert file.stat().st_mode & 0o077 == 0


def test_a_fault_whose_file_cannot_be_written_shows_its_traceback(monkeypatch, capsys, tmp_path):
    def fail():
        raise RuntimeError("a fault of the code")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert run(monkeypatch, fail) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize("error", [RuntimeError("a fault"), OneStopError("is no JSON")])
def test_debug_shows_the_traceback_of_any_error(monkeypatch, capsys, tmp_path, error):
    def fail():
        raise error

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run(monkeypatch, fail, "--debug") == 1
    printed = capsys.readouterr().err
    assert "Traceback (most recent call last)" in printed
    assert str(error) in printed.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def base_names():
    """The bases of every class of the package, by the class's name."""
    return {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for path in Path(onestop.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }


def test_every_error_class_of_the_package_is_for_people_or_listed_as_an_inner_one():
    bases = base_names()

    def descends(name, ancestor):
        return name == ancestor or any(descends(base, ancestor) for base in bases.get(name, ()))

    errors = {name for name in bases if name.endswith("Error")}
    assert len(errors) > 20
    assert {name for name in errors if not descends(name, "OneStopError")} == INNER


#: A command that catches every error, as some libraries do.
_SWALLOWING = """
import signal, sys, typer
from pathlib import Path
from onestop import cli, files

# A shell starts background commands, such as this test's runner, with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

where, url = sys.argv[1:]
sys.argv = sys.argv[:1]

def statement():
    if where == "duckdb":
        import duckdb
        many = "range(1000000)"
        duckdb.sql(f"select sum(a.range * b.range) from {many} a, {many} b").fetchall()
    elif url:
        from onestop.warehouse import open_warehouse
        with open_warehouse(url) as warehouse, warehouse.transaction():
            warehouse.execute("insert into audit.publication (publication_id, as_of_date,"
                " published_at, delivery_count, dossier_count, figures_sha256)"
                " values (1, date '2022-01-01', now(), 0, 0, '')")
            warehouse.execute(where)
    else:
        import time
        time.sleep(60)

def command():
    with files.scratch_folder("test") as folder, files.drafted(Path("note.txt")) as draft:
        draft.write_text("half")
        print(folder, flush=True)
        try:
            statement()
        except BaseException:
            pass
    print("all is well", flush=True)

app = typer.Typer()
app.command()(command)
cli.app = app
cli.main()
"""


def interrupted(folder, where, url=""):
    """Interrupt the command during its statement; returns the seconds until it ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SWALLOWING, where, url],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    scratch = process.stdout.readline().strip() or process.stderr.read()
    assert Path(scratch).is_dir()
    if url:
        wait_for(lambda: running(url, where) == 1)
    else:
        time.sleep(1)  # the statement is running by then
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    printed, complained = process.communicate(timeout=30)
    assert process.returncode == 130
    assert printed == ""
    assert complained.strip() == "interrupted"
    assert not Path(scratch).exists()
    assert list(folder.iterdir()) == []
    return time.monotonic() - started


def running(url, statement):
    """How many other sessions are running a statement."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select count(*) from pg_stat_activity where state = 'active'"
            " and pid <> pg_backend_pid() and query = %s",
            [statement],
        ).fetchone()[0]


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize("where", ["duckdb", "python"])
def test_an_interrupt_ends_a_command_at_once_and_leaves_no_partial_file(tmp_path, where):
    assert interrupted(tmp_path, where) < 10


@pytest.mark.parametrize(
    "statement",
    [
        "select pg_sleep(300)",
        "select sum(a * b) from generate_series(1, 1000000) a, generate_series(1, 1000000) b",
    ],
)
def test_an_interrupt_ends_the_statement_in_postgresql_and_frees_the_writers_lock(
    tmp_path, postgres, statement
):
    url = postgres.make_database()
    assert interrupted(tmp_path, statement, url) < 10
    wait_for(lambda: running(url, statement) == 0, seconds=20)
    with open_warehouse(url) as warehouse:
        assert last_published(warehouse) is None
