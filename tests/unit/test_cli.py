"""The command line: dates, languages, help, completion, version."""

from __future__ import annotations

import datetime as dt
import os
import re
import shlex
import subprocess
from typing import get_type_hints

import pytest
import typer
from typer.testing import CliRunner

from onestop import cli, help_texts
from onestop.cli import _day, app, report_app
from onestop.figures import scorecard
from onestop.schema.number_text import day
from onestop.schema.project import PROJECT_ROOT
from onestop.upkeep.verify import Verification
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
        assert lang == "en" or "[default" not in done.output, typed
        # values have names, not the types of the program: --limit N, not --limit <int range>
        assert not re.search(r"<[a-z]|\[\[", done.output), typed


def test_every_text_of_the_help_is_translated_and_no_other():
    helps, parameters = set(), set()
    for command in commands().values():
        helps.add(command.help.partition("\n\n")[0])
        for parameter in command.get_params(typer.Context(command)):
            parameters.add(parameter.help)
    assert helps == help_texts.COMMANDS.keys()
    assert parameters == help_texts.PARAMETERS.keys()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_help_names_the_common_options_and_shows_an_example(lang, monkeypatch):
    monkeypatch.setenv("LANG_UI", lang)
    for typed in commands():
        shown = CliRunner().invoke(app, [*typed, "--help"], prog_name="onestop").output
        for option in ("--lang", "--debug", "--progress"):
            assert re.search(rf"^  {option} ", shown, re.MULTILINE), (typed, option)
        examples = shown.partition("Ví dụ:" if lang == "vi" else "Examples:")[2]
        assert f"    {' '.join(['onestop', *typed])}" in examples, typed


def examples():
    """The lines of all examples, without ``onestop`` and what the shell does."""
    texts = {typed for found in help_texts.EXAMPLES.values() for _, _, typed in found}
    lines = "\n".join(texts).replace("\\\n", "").replace("{other}", "en").splitlines()
    return sorted(re.sub(r" 2?> .*", "", line.removeprefix("onestop ")) for line in lines)


@pytest.mark.parametrize("typed", examples())
def test_every_example_of_the_help_is_one_that_the_parser_takes(typed, monkeypatch):
    monkeypatch.setenv("LANG_UI", "en")
    command, words = typer.main.get_command(app), shlex.split(typed)
    name = "onestop"
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    if words == ["--help"]:
        return
    context = command.make_context(name, words)
    assert context.args == []


@pytest.mark.parametrize("typed", ["--debug --progress nights", "nights --progress --debug"])
def test_the_common_options_may_stand_before_and_after_the_command(
    typed, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("ONESTOP_VAR", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["onestop", *typed.split()])
    asked = []
    shown = cli._shown_progress
    monkeypatch.setattr(
        cli, "_shown_progress", lambda is_asked: asked.append(is_asked) or shown(is_asked=False)
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code, asked) == (1, [True])
    assert "Traceback" in capsys.readouterr().err


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
        ("night --pro", {"--progress"}),
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


#: English words of the parser. Options, kinds of values and names of commands are no sentences.
OF_THE_PARSER = re.compile(
    r"\b(Usage|Error|Try|Invalid|Missing|Option|Input|Value|error|Got|extra|should|valid|requires"
    r"|OPTIONS|ARGS|COMMAND|such|not|mean|than|help)\b(?!')"
)


@pytest.mark.parametrize(
    "typed",
    [
        "nope", "report issu q1", "night", "night x", "night 2022-11-21 more", "nights --nope",
        "scorecard --format xml", "scorecard --as-of", "scorecard --lang fr",
        "deliveries --limit 0",
        "deliveries --limit x", "explain on_time_rate", "doctor --quiet=1", "sample --dirt 90",
        "sample --dirt x", "explain x --role y", "--lang", "report --nope", "night 2099-01-01",
        "night 2022-11-24 --to 2022-11-20", "replay --from 2022-11-24 --to 2022-11-20",
        "report form-06a --unit CITY --from 2022-11-01 --to 2022-11-24 -o form.pdf",
    ],
)  # fmt: skip
def test_what_the_parser_refuses_is_said_in_vietnamese_without_english(typed, monkeypatch):
    monkeypatch.setenv("LANG_UI", "vi")
    done = CliRunner().invoke(app, typed.split())
    assert done.exit_code == 2
    said = re.sub(r"'[^'\n]*'|--[\w-]+", "", done.output)
    assert "Lỗi: " in said
    assert OF_THE_PARSER.findall(said) == []


@pytest.mark.parametrize(
    "typed", ["--lang en nights", "--lang=EN nights", "nights --lang en", "report --lang en list"]
)
def test_the_language_may_stand_before_and_after_the_command(typed, monkeypatch, tmp_path):
    monkeypatch.setenv("LANG_UI", "vi")
    monkeypatch.setenv("ONESTOP_VAR", str(tmp_path))
    done = CliRunner().invoke(app, typed.split())
    assert done.exit_code == 1
    assert os.environ["LANG_UI"] == "en"


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({}, "tệp xuất mẫu"),
        ({"LANG": "vi_VN.UTF-8"}, "tệp xuất mẫu"),
        ({"LANG": "en_US.UTF-8"}, "sample exports"),
        ({"LANG": "en_US.UTF-8", "LANG_UI": "vi"}, "tệp xuất mẫu"),
        ({"LANG_UI": "EN"}, "sample exports"),
    ],
)
def test_make_explains_each_target_in_the_reader_s_language(variables, word):
    shown = subprocess.run(
        ["make", "-s", "help"],
        cwd=PROJECT_ROOT, env={"PATH": os.environ["PATH"], **variables},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert word in shown
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    hidden = {"help", "secrets"}
    assert set(re.findall(r"^make ([a-z-]+)", shown, re.MULTILINE)) == set(targets) - hidden


def test_verify_says_how_many_differences_it_does_not_list(capsys):
    result = Verification(dt.date(2022, 11, 24), deliveries=2, figures=3_000)
    for number in range(1_021):
        result.differ(f"difference {number}")
    assert not cli._is_night_identical(result, "vi")
    shown = capsys.readouterr()
    assert shown.out.splitlines()[19:] == ["difference 19", "… và 1.001 chỗ khác nữa"]
    assert shown.err.strip() == "đêm 2022-11-24: 1.021 chỗ khác nhau"
