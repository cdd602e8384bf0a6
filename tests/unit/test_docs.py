"""Pages for people: every link leads somewhere, every command is one that the parser takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from onestop.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
#: What stands for a value of the reader's in a command.
_FOR_VALUES = {"D": "2022-11-24", "DATE": "2022-11-24", "CODE": "year", "FILE": "file"}


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", _FENCED.sub("", page.read_text("utf-8")), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", one).strip().lower() for one in headings)
    return {re.sub(r"[^\w\- ]", "", one).replace(" ", "-") for one in plain}


def _broken_links(page: Path) -> list[str]:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        is_there = target.exists() and not (
            anchor and target.suffix == ".md" and anchor not in _anchors(target)
        )
        broken += [] if is_there else [link]
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    assert _broken_links(page) == []


def test_a_link_to_a_page_or_heading_that_is_not_there_is_found(tmp_path):
    (tmp_path / "a.md").write_text("# One `two`\n[x](b.md) [y](#one) [z](#one-two) [w](a.md#no)\n")
    assert _broken_links(tmp_path / "a.md") == ["b.md", "#one", "a.md#no"]


def _commands(text: str) -> list[str]:
    """The commands of a page, without comments and what the shell does."""
    lines = re.findall(
        r"^(?:[A-Z_]+=\S+ )*onestop (?!\w+: )(.*)$", "\n".join(_FENCED.findall(text)), re.MULTILINE
    )
    spans = re.findall(r"`onestop ([^`]+)`", _FENCED.sub("", text))
    found = [re.split(r"\s+(?:#|2?>|\|) ?", " ".join(one.split()))[0] for one in (*lines, *spans)]
    return [one for one in found if "…" not in one]


def _refusal(typed: str) -> str:
    """Why the parser does not take a command; empty when it does."""
    words = [
        _FOR_VALUES.get(word, word) for word in shlex.split(typed.replace("[", "").replace("]", ""))
    ]
    command, name = typer.main.get_command(app), "onestop"
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name, *words = words
        if name not in command.commands:
            return f"no command {name}"
        command = command.commands[name]
    known = {option for one in command.get_params(typer.Context(command)) for option in one.opts}
    unknown = [word for word in words if word.startswith("-") and word.split("=")[0] not in known]
    return f"{name} has no option {', '.join(unknown)}" if unknown else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_and_its_options_exist(page):
    refused = {one: _refusal(one) for one in _commands(page.read_text("utf-8"))}
    assert {one: why for one, why in refused.items() if why} == {}


def test_the_pages_have_many_commands_and_a_wrong_one_is_found():
    assert sum(len(_commands(page.read_text("utf-8"))) for page in PAGES) > 100
    assert _refusal("night D --nope") == "night has no option --nope"
    assert _refusal("nigth D") == "no command nigth"
