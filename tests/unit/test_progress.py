"""Progress of long work is reported where it is done, and shown on a terminal only."""

from __future__ import annotations

import ast
import io
import sys
from pathlib import Path

import pytest
from published_marts import NIGHT, publish, settings_in

import onestop
from onestop import cli, console
from onestop.console import LineProgress, TerminalProgress, progress_text
from onestop.marts.compute import compute_marts
from onestop.marts.files import mart_files
from onestop.night import run_night
from onestop.progress import advance, counted_off, listening, working
from onestop.sample import write_sample
from onestop.upkeep.verify import verify
from onestop.warehouse import open_warehouse


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


def test_every_work_and_unit_that_is_reported_has_words_in_both_languages():
    names = set()
    for path in Path(onestop.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "working":
                names |= {node.args[0].value}
                names |= {k.value.value for k in node.keywords if k.arg == "unit"}
    assert len(names) > 15
    assert names == console._WORK.keys()
