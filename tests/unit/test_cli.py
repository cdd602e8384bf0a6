"""The command line: dates, languages, help, completion, version."""

from __future__ import annotations

import datetime as dt
from typing import get_type_hints

import pytest
import typer
from typer.testing import CliRunner

from onestop import cli, help_texts
from onestop.cli import _day, app, report_app
from onestop.figures import scorecard
from onestop.schema.number_text import day
from onestop.version import __version__

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
    assert "LANG_UI: không có văn bản bằng ngôn ngữ xx; viết vi hoặc en" in capsys.readouterr().err


def commands():
    """Every command, by what is typed before ``--help``."""
    whole = typer.main.get_command(app)
    found = {(): whole}
    for name, command in whole.commands.items():
        found[name,] = command
        for inner, one in getattr(command, "commands", {}).items():
            found[name, inner] = one
    return found


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_help_fits_eighty_columns_in_either_language(lang, monkeypatch):
    monkeypatch.setenv("LANG_UI", lang)
    monkeypatch.setenv("COLUMNS", "80")
    runner = CliRunner()
    for typed in commands():
        done = runner.invoke(app, [*typed, "--help"])
        assert done.exit_code == 0, done.output
        assert max(map(len, done.output.splitlines())) <= 80, typed
        assert done.output.startswith("Cách dùng: " if lang == "vi" else "Usage: ")
        assert ("Tùy chọn:" in done.output) == (lang == "vi")


def test_every_text_of_the_help_is_translated_and_no_other():
    helps, parameters = set(), set()
    for command in commands().values():
        helps.add(command.help.partition("\n\n")[0])
        for parameter in command.get_params(typer.Context(command)):
            parameters.add(parameter.help)
    assert helps == help_texts.COMMANDS.keys()
    assert parameters == help_texts.PARAMETERS.keys()


def test_the_version_is_shown():
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"onestop {__version__}\n")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("expl", {"explain"}),
        ("explain on_t", {"on_time_rate"}),
        ("explain extended_t", {"extended_twice"}),
        ("explain on_time_rate --method cohort_e", {"cohort_ended_only"}),
        ("rejected --state re", {"replayed"}),
        ("deliveries --feed v", {"visits"}),
        ("report issue q", {"q1", "q3"}),
        ("scorecard --format j", {"json"}),
    ],
)
def test_the_shell_completes_commands_and_codes(typed, completed):
    words = f"onestop {typed}"
    env = {
        "_ONESTOP_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = CliRunner().invoke(app, [], env=env, prog_name="onestop")
    assert set(done.output.split()) == completed


def test_the_shell_completes_units_that_are_published(one_night, monkeypatch):
    monkeypatch.setenv("ONESTOP_WAREHOUSE", one_night.warehouse)
    monkeypatch.setenv("ONESTOP_PUBLISHED", str(one_night.published))
    assert cli._units("D") == ["DEPARTMENT", "DISTRICT"]
    monkeypatch.setenv("ONESTOP_PUBLISHED", str(one_night.published.with_name("none.duckdb")))
    assert cli._units("D") == []


def test_a_command_that_does_not_exist_is_answered_with_the_close_one():
    done = CliRunner().invoke(app, ["scorcard"])
    assert done.exit_code == 2
    assert "Did you mean 'scorecard'?" in done.output
