"""The Vietnamese README says the same as the English one: commands, names, tables, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = re.compile(r"(make|onestop|source|docker|psql|cp|mkdir|export|ONESTOP_\w+=)\b.*")


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def _code_names(text: str) -> list[str]:
    spans = re.findall(r"`([^`]+)`", _prose(text))
    return sorted({" ".join(span.split()) for span in spans})


def _first_cells(text: str) -> list[str]:
    rows = re.findall(r"^\| ([^|]*)\|", text, re.MULTILINE)
    return [names for row in rows if (names := ", ".join(re.findall(r"`[^`]+`", row)))]


def _commands(text: str) -> list[str]:
    lines = (line for line in text.split("\n") if COMMAND.fullmatch(line))
    return [re.split(r"\s{3,}|\s+#", line)[0] for line in lines]


def _links(text: str) -> list[str]:
    return sorted({link for link in re.findall(r"\]\(([^)#]+)\)", text) if "README" not in link})


@pytest.mark.parametrize("part", [_code_names, _first_cells, _commands, _links])
def test_both_readmes_name_the_same_things(part):
    assert part(_text("README.vi.md")) == part(_text("README.md"))


def test_the_readmes_say_where_the_commands_are_before_the_first_of_them():
    for name in ("README.vi.md", "README.md"):
        ours = [line for line in _commands(_text(name)) if not line.startswith("make ")]
        assert ours[0] == "source .venv/bin/activate"
        assert ".venv/bin/onestop" not in _text(name)


def test_both_readmes_have_the_same_sections():
    marks = [
        re.findall(r"^#+ ", _text(name), re.MULTILINE) for name in ("README.vi.md", "README.md")
    ]
    assert marks[0] == marks[1]
