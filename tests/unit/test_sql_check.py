"""`make check` finds SQL files that an engine cannot parse."""

from __future__ import annotations

import importlib.util

import pytest

from onestop.schema.project import PROJECT_ROOT

_SPEC = importlib.util.spec_from_file_location("check", PROJECT_ROOT / "sql" / "check.py")
check = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(check)


@pytest.mark.parametrize(("name", "text"), check.texts().items(), ids=lambda text: text[:40])
def test_both_engines_can_parse_every_file(name, text):
    assert check.read(name, text) == []


def test_every_sql_file_is_checked():
    names = {name.partition(" (")[0] for name in check.texts()}
    folder = PROJECT_ROOT / "sql"
    assert names == {str(path.relative_to(folder)) for path in folder.rglob("*.sql")}


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("select * from (select 1 as x", "duckdb"),
        ("select * from (select 1 as x", "postgresql"),
    ],
)
def test_sql_that_an_engine_cannot_parse_is_found(text, engine):
    assert any(problem.startswith(engine) for problem in check.read("a.sql", text))


def test_a_file_for_one_engine_is_parsed_for_that_engine_only():
    assert check.read("a.postgresql.sql", "grant maintain on a.b to c") == []
