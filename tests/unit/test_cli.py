"""Dates on the command line are accepted in the form in which they are printed."""

from __future__ import annotations

import datetime as dt
from typing import get_type_hints

import pytest
import typer
from typer.testing import CliRunner

from onestop import cli
from onestop.cli import _day, app, report_app
from onestop.figures import scorecard
from onestop.schema.number_text import day

NIGHT = dt.date(2022, 11, 4)


@pytest.mark.parametrize(
    "text",
    ["2022-11-04", "04/11/2022", "4/11/2022", "04-11-2022", "04.11.2022", "20221104",
     day(NIGHT, "vi"), day(NIGHT, "en")],
)  # fmt: skip
def test_a_date_is_accepted_as_it_is_printed(text):
    assert _day(text) == NIGHT


@pytest.mark.parametrize("text", ["11/24/2022", "2022-13-01", "yesterday", "24/11/22", ""])
def test_an_invalid_date_is_refused_with_both_accepted_forms(text):
    with pytest.raises(typer.BadParameter, match="write it as 2022-11-24 or 24/11/2022"):
        _day(text)


def test_every_date_option_of_every_command_accepts_both_forms():
    functions = [
        one.callback for one in (*app.registered_commands, *report_app.registered_commands)
    ]
    readers = {
        (function.__name__, name): [
            getattr(part, "parser", None) for part in getattr(hint, "__metadata__", ())
        ]
        for function in functions
        for name, hint in get_type_hints(function, vars(cli), include_extras=True).items()
        if "datetime.date" in str(hint)
    }
    assert len(readers) >= 15
    assert {name for name, found in readers.items() if found != [_day]} == set()


def test_the_command_names_the_invalid_date():
    done = CliRunner().invoke(app, ["night", "24.13.2022"])
    assert done.exit_code == 2
    assert "24/11/2022" in done.output


@pytest.mark.parametrize("asked", [["--lang", "EN"], []])
def test_the_command_reads_a_language_in_capital_letters(asked, monkeypatch, tmp_path):
    monkeypatch.setenv("LANG_UI", "VI" if asked else "EN")
    monkeypatch.setenv("ONESTOP_VAR", str(tmp_path))
    shown = []
    monkeypatch.setattr(scorecard, "print_scorecard", lambda _, lang, *__: shown.append(lang))
    done = CliRunner().invoke(app, ["scorecard", *asked])
    assert (done.exit_code, shown) == (0, ["en"])


def test_the_command_names_a_language_that_it_does_not_have(monkeypatch, capsys):
    monkeypatch.setenv("LANG_UI", "xx")
    monkeypatch.setattr("sys.argv", ["onestop", "scorecard"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "LANG_UI: xx is no language" in capsys.readouterr().err
