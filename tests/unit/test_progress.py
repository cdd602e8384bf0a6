"""Progress of long work is reported where it is done, and shown on a terminal only."""

from __future__ import annotations

import ast
import datetime as dt
import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from published_marts import FIRST, NIGHT, SECOND, publish, settings_in
from typer.testing import CliRunner

import onestop
from onestop import cli, console, progress
from onestop.console import LineProgress, TerminalProgress, progress_text
from onestop.federation.package import TABLES
from onestop.federation.packaging import package_night
from onestop.federation.signing import make_key
from onestop.figures.form_06a import write_form_06a
from onestop.figures.issued import issue_report
from onestop.marts.compute import compute_marts
from onestop.marts.files import mart_files
from onestop.marts.lineage import mart_lineage
from onestop.night import run_night
from onestop.progress import advance, counted_off, listening, working
from onestop.sample import write_sample
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.upkeep.backup import make_backup, restore_backup
from onestop.upkeep.doctor import examine
from onestop.upkeep.housekeeping import housekeep
from onestop.upkeep.verify import verify
from onestop.warehouse import base, open_warehouse, postgres_dump


class Heard:
    """A listener that keeps what it was told."""

    def __init__(self):
        self.told = []
        self._running = []

    def begin(self, work, subject, unit, total):
        self.told.append([work, subject, unit, total, 0])
        self._running.append(self.told[-1])

    def advance(self, count):
        self._running[-1][-1] += count

    def end(self):
        self._running.pop()


def test_work_is_reported_with_what_is_counted():
    heard = Heard()
    with listening(heard), working("reading", "a.json", unit="rows", total=5):
        advance(3)
        assert list(counted_off("xy")) == ["x", "y"]
    advance(7)  # nobody listens any more
    assert heard.told == [["reading", "a.json", "rows", 5, 5]]


def test_computing_a_night_counts_its_tables(tmp_path):
    settings = publish(tmp_path, [])
    heard = Heard()
    with listening(heard), open_warehouse(settings.warehouse) as warehouse:
        compute_marts(warehouse, NIGHT.replace(day=29))
    tables = len(mart_files())
    assert ["computing", "", "tables", tables, tables] in heard.told


def test_every_step_of_a_night_counts_what_it_has_done(tmp_path):
    settings = settings_in(tmp_path)
    write_sample(settings.exports, NIGHT, NIGHT, since=NIGHT.replace(day=1), per_day=20)
    name = f"dossiers_{NIGHT:%Y%m%d}_snapshot.json"
    heard = Heard()
    with listening(heard):
        run_night(settings, NIGHT)
    with open_warehouse(settings.warehouse) as warehouse:
        rows = warehouse.rows(
            "select rows_read, rows_repeated, rows_accepted from audit.delivery"
            " where file_name = :name",
            {"name": name},
        )[0]
    assert 0 < rows["rows_accepted"] < rows["rows_read"] - rows["rows_repeated"]
    assert [told for told in heard.told if told[1] == name] == [
        ["reading", name, "rows", None, rows["rows_read"]],
        ["checking", name, "rows", None, rows["rows_read"] - rows["rows_repeated"]],
        ["loading", name, "rows", None, rows["rows_accepted"]],
    ]
    counted = {work: (unit, done == total) for work, _, unit, total, done in heard.told if total}
    assert counted == dict.fromkeys(("computing", "publishing"), ("tables", True))
    heard = Heard()
    with listening(heard):
        verify(settings)
    [files] = [told for told in heard.told if told[0] == "verifying"]
    assert files[3] == files[4] > 1


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        (("reading a", 12000, None, "rows", 8000.4), "reading a: 12,000 rows, 8,000 rows/s"),
        (("checking", 3, 40.0, "tables", 0.2), "checking: 3/40 tables"),
        (("loading b.csv", 0, None, "", None), "loading b.csv"),
        (("loading b.csv", 0, None, "rows", None), "loading b.csv"),
        (("publishing", 0, 40.0, "tables", None), "publishing: 0/40 tables"),
    ],
)
def test_a_line_has_count_total_and_rate(cells, text):
    assert progress_text(*cells, "en") == text


class Terminal(io.StringIO):
    """A text in memory that says it is a terminal."""

    def isatty(self):
        return True


def test_long_work_is_shown_on_a_terminal_and_taken_away(monkeypatch):
    monkeypatch.setattr(console, "_MOMENT_SECONDS", 0)
    monkeypatch.setenv("TERM", "xterm")
    shown = Terminal()
    with listening(TerminalProgress(shown, "vi")):
        with working("reading", "a.json", unit="rows"):
            for _ in range(100):
                advance(50)
                if "đọc a.json: " in shown.getvalue():
                    break
                console.threading.Event().wait(0.05)
        after = len(shown.getvalue())
        console.threading.Event().wait(0.3)
    assert "đọc a.json: " in shown.getvalue()
    assert len(shown.getvalue()) == after
    assert "\x1b[?25h" in shown.getvalue()  # the cursor is there again


def test_work_that_ends_soon_is_not_shown():
    shown = Terminal()
    with listening(TerminalProgress(shown, "en")), working("loading"):
        pass
    assert shown.getvalue() == ""


@pytest.mark.parametrize(
    ("is_terminal", "is_asked", "shown"),
    [
        (True, False, "TerminalProgress"),
        (True, True, "TerminalProgress"),
        (False, True, "LineProgress"),
        (False, False, None),
    ],
)
def test_a_pipe_has_no_progress_unless_it_is_asked_for(monkeypatch, is_terminal, is_asked, shown):
    monkeypatch.setattr(sys, "stderr", Terminal() if is_terminal else io.StringIO())
    begun = []
    for kind in (TerminalProgress, LineProgress):
        monkeypatch.setattr(kind, "begin", lambda self, *_: begun.append(type(self).__name__))
        monkeypatch.setattr(kind, "end", lambda _: None)
    with cli._shown_progress(is_asked=is_asked), working("loading"):
        pass
    assert begun == ([shown] if shown else [])


def test_lines_of_progress_have_count_rate_and_time(monkeypatch):
    clock = iter([0, 6, 6, 8, 10])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    lines = io.StringIO()
    with listening(LineProgress(lines, "vi")), working("verifying", "x", unit="files", total=40):
        advance(12)
        advance(18)
    assert lines.getvalue().splitlines() == [
        "soát x: 12/40 tệp, 2 tệp/s (6 s)",
        "soát x: 30/40 tệp, 3 tệp/s (10 s)",
    ]


def test_the_last_line_of_progress_is_written_once(monkeypatch):
    clock = iter([0, 6, 6])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    lines = io.StringIO()
    with listening(LineProgress(lines, "en")), working("verifying", unit="files", total=1):
        advance(1)
    assert lines.getvalue() == "verifying: 1/1 files (6 s)\n"


def reported_works():
    """Work and unit of each place in the code that reports work; the unit is None without one."""
    found = []
    for path in Path(onestop.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name in {"working", "working_on_bytes"} and isinstance(node.args[0], ast.Constant):
                units = [k.value.value for k in node.keywords if k.arg == "unit"]
                unit = "MiB" if name == "working_on_bytes" else next(iter(units), None)
                found.append((f"{path.name}:{node.lineno}", node.args[0].value, unit))
    return found


def test_every_work_and_unit_that_is_reported_has_words_in_both_languages():
    names = {name for _, *names in reported_works() for name in names} - {None}
    assert len(names) > 15
    assert names == console._WORK.keys()


def test_every_work_that_is_reported_has_a_unit_and_therefore_a_rate():
    assert [place for place, _, unit in reported_works() if unit is None] == []


@pytest.fixture
def heard(monkeypatch):
    """What is reported, where every file is a large one and a MiB is a KiB."""
    monkeypatch.setattr(progress, "_LARGE", 0)
    monkeypatch.setattr(progress, "_MIB", 1 << 10)
    heard = Heard()
    with listening(heard):
        yield heard


def copied(heard, work, name, size):
    """Whether a file was counted from its first to its last byte."""
    total = size >> 10
    assert total > 0
    return [work, name, "MiB", total, total] in heard.told


def test_the_readers_copy_is_counted_by_its_size(tmp_path, heard):
    settings = publish(tmp_path, [])
    heard.told.clear()
    with open_warehouse(settings.warehouse) as warehouse:
        warehouse.publish_copy(settings.published)
    size = settings.published.stat().st_size
    assert copied(heard, "copying", "onestop.duckdb", size)
    assert copied(heard, "comparing", "onestop.duckdb", size)


def test_a_backup_and_its_restore_count_the_warehouse_by_its_size(after_one_night, tmp_path, heard):
    made = make_backup(after_one_night, tmp_path / "backups")
    size = (made.folder / "warehouse.duckdb").stat().st_size
    assert copied(heard, "copying", "warehouse.duckdb", size)
    assert ["comparing", "", "files", None, made.files] in heard.told
    assert [told for told in heard.told if told[1].startswith(".")] == []  # names of drafts
    heard.told.clear()
    restore_backup(settings_in(tmp_path / "new"), tmp_path / "backups")
    assert copied(heard, "checking", "warehouse.duckdb", size)
    assert copied(heard, "copying", "warehouse.duckdb", size)
    assert ["copying", "", "files", made.files, made.files] in heard.told
    assert [told for told in heard.told if told[1] == "due_soon" and told[3] == told[4] > 1]


def test_a_file_is_counted_by_its_size_while_it_lands_and_is_read(tmp_path, heard):
    settings = settings_in(tmp_path)
    write_sample(settings.exports, NIGHT, NIGHT, per_day=20)
    heard.told.clear()
    run_night(settings, NIGHT)
    name = f"dossiers_{NIGHT:%Y%m%d}.json"
    size = (settings.exports / name).stat().st_size
    assert copied(heard, "copying", name, size)
    assert copied(heard, "checking", name, size)  # its SHA-256, before it is read


def test_a_copy_of_a_postgresql_warehouse_is_counted_by_its_size(tmp_path, monkeypatch):
    mib = 1 << 20
    tools = {
        "pg_dump": f'for word in "$@"; do case "$word" in --file=*)'
        f' head -c {3 * mib + 7} /dev/zero > "${{word#--file=}}" ;; esac; done',
        "pg_restore": "cat > /dev/null",
    }
    for name, text in tools.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(postgres_dump, "_run", lambda *_: None)
    url, copy, heard = "postgresql://somebody@nowhere/onestop", tmp_path / "w.dump", Heard()
    with listening(heard):
        postgres_dump.dump(url, copy)
        postgres_dump.restore_dump(copy, url)
    assert copy.stat().st_size == 3 * mib + 7
    assert heard.told == [
        ["copying", "w.dump", "MiB", None, 3],
        ["copying", "w.dump", "MiB", 3, 3],
    ]


def test_an_interrupted_restoration_ends_its_process(tmp_path, monkeypatch):
    late, copy = tmp_path / "late", tmp_path / "w.dump"
    copy.write_bytes(b"dump")
    (tmp_path / "pg_restore").write_text(f"#!/bin/sh\nsleep 2\ntouch {late}\n")
    (tmp_path / "pg_restore").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(postgres_dump, "_run", lambda *_: None)

    def interrupted(_):
        raise InterruptedError

    monkeypatch.setattr(postgres_dump, "advance", interrupted)
    with pytest.raises(InterruptedError):
        postgres_dump.restore_dump(copy, "postgresql://somebody@nowhere/onestop")
    assert not late.exists()


def test_a_small_file_is_not_reported(tmp_path):
    settings = publish(tmp_path, [])
    heard = Heard()
    with listening(heard), open_warehouse(settings.warehouse) as warehouse:
        warehouse.publish_copy(settings.published)
    assert heard.told == []


@pytest.mark.whole_night
def test_the_reports_and_lists_of_a_night_are_counted_in_files(after_one_night, heard):
    shutil.rmtree(after_one_night.work / "reports")
    shutil.rmtree(after_one_night.published.parent / "due_soon", ignore_errors=True)
    run_night(after_one_night, FIRST)
    reporting = [told for told in heard.told if told[0] == "reporting"]
    assert {told[2] for told in reporting} == {"files"}
    pages = [*(after_one_night.work / "reports").rglob("*.html")]
    assert sum(told[4] for told in reporting) >= len(pages) > 4
    [lists] = [told for told in heard.told if told[1] == "due_soon"]
    files = [*(after_one_night.published.parent / "due_soon").glob("*.*")]
    assert lists[3] == lists[4] == len(files) - 1  # less the mark of the publication


def test_commands_count_what_they_read_and_write(after_two_nights, tmp_path, heard):
    settings = after_two_nights
    key = tmp_path / "key.pem"
    make_key(key)
    span = (dt.date(2022, 11, 1), SECOND)

    def told_by(work):
        heard.told.clear()
        work()
        return [(work, unit, done) for work, _, unit, total, done in heard.told if done == total]

    tables = 2 * len(TABLES)
    done = told_by(lambda: package_night(settings, None, tmp_path, province_code="H24", key=key))
    assert done == [("writing", "tables", tables)]
    issued = told_by(lambda: issue_report(settings, "year", because="a test of progress"))
    heard.told[:] = [told for told in heard.told if told[0] == "reporting"]
    folder = settings.published.parent / "reports" / "year" / "1"
    assert heard.told == [["reporting", "year", "files", None, len([*folder.iterdir()])]]
    assert ("comparing", "MiB", settings.published.stat().st_size >> 10) in issued
    form = tmp_path / "form.xlsx"
    done = told_by(lambda: write_form_06a(settings, "CITY", *span, None, "calendar", form))
    assert done == [("reporting", "files", 1)]
    [(work, unit, count)] = told_by(lambda: examine(settings))
    assert (work, unit) == ("checking", "checks")
    assert count > 10


def test_explain_and_diff_count_what_they_read(after_two_nights, monkeypatch, heard):
    for name, value in after_two_nights.to_environment().items():
        monkeypatch.setenv(name, value)
    runner = CliRunner()
    words = ["--unit", "CITY", "--from", "2022-11-01", "--to", f"{SECOND}", "--format", "json"]
    done = runner.invoke(cli.app, ["explain", "on_time_rate", *words])
    rows = len(json.loads(done.stdout)["dossiers"])
    assert rows > 0
    assert heard.told == [
        ["computing", "on_time_rate", "rows", None, rows],
        ["writing", "", "rows", rows, rows],
    ]
    heard.told.clear()
    assert runner.invoke(cli.app, ["diff", f"{FIRST}", f"{SECOND}"]).exit_code == 0
    [comparing] = heard.told
    assert comparing[:4] == ["comparing", "", "tables", None]
    assert comparing[4] > 3


def test_an_upgrade_counts_the_schema_files_that_it_applies(tmp_path, monkeypatch, heard):
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    files = base.schema_files("duckdb")
    with monkeypatch.context() as earlier:
        earlier.setattr(base, "schema_files", lambda _: files[:-3])
        open_warehouse(url).close()
    assert heard.told == []  # a new warehouse is made in no time
    open_warehouse(url).close()
    assert heard.told == [["migrating", "", "files", 3, 3]]


def test_lineage_counts_the_tables_that_it_reads(heard):
    mart_lineage.cache_clear()
    mart_lineage()
    assert heard.told == [["reading", "", "tables", len(mart_files()), len(mart_files())]]


def test_housekeeping_counts_what_it_deletes(after_one_night, heard):
    later = dt.datetime(2042, 1, 1, tzinfo=LOCAL_ZONE)
    removals = housekeep(after_one_night, now=later).removals
    assert removals
    assert heard.told == [["deleting", "", "files", len(removals), len(removals)]]


def test_a_million_rows_are_reported_in_batches():
    class Counting(Heard):
        calls = 0

        def advance(self, count):
            self.calls += 1
            super().advance(count)

    heard = Counting()
    with listening(heard), working("reading", unit="rows"):
        assert sum(1 for _ in counted_off(range(2500), every=1000)) == 2500
    assert (heard.told[0][-1], heard.calls) == (2500, 3)
