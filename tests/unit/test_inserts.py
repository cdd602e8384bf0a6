"""Inserts name their columns, so that a column added later does not shift the others."""

from __future__ import annotations

import ast
import re
from itertools import chain

import pytest

from onestop.schema.project import PROJECT_ROOT
from onestop.warehouse.sql_text import statements

_INSERT = re.compile(
    r"\binsert\s+into\s+(?P<table>[\w.{}\"]+)(?=[\s(])\s*(?P<then>.*)",
    re.IGNORECASE | re.DOTALL,
)
#: Inserts with named columns, by name, or of a table's own rows.
_NAMES = r"(?i)\(|by name\b|select \* from {table}(?!\w)"


def unnamed(sql):
    """The inserts in a text that depend on the table's column order."""
    return [
        found.group().strip()
        for part in re.split(r"(?=\binsert\s+into\b)", sql, flags=re.IGNORECASE)
        if (found := _INSERT.search(part))
        and not re.match(
            _NAMES.format(table=re.escape(found["table"])), found["then"], re.IGNORECASE
        )
    ]


def texts_of(path):
    """All string literals of a Python file; ``{}`` stands for inserted values."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value
        elif isinstance(node, ast.JoinedStr) and id(node) not in inner:
            yield (
                "".join(
                    part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part)}}}"
                    for part in node.values
                )
                .replace("{f'{", "{")
                .replace("}'}", "}")
            )


PYTHON = sorted(
    path
    for folder in ("plugins", "dags", "docker", "requirements", "tests")
    for path in (PROJECT_ROOT / folder).rglob("*.py")
    if path.name != "test_inserts.py"
)
SCRIPTS = sorted((PROJECT_ROOT / "sql").rglob("*.sql"))


@pytest.mark.parametrize(
    "folder", sorted({path.relative_to(PROJECT_ROOT).parts[0] for path in PYTHON})
)
def test_inserts_in_python_name_their_columns(folder):
    found = {
        str(path.relative_to(PROJECT_ROOT)): bad
        for path in PYTHON
        if path.relative_to(PROJECT_ROOT).parts[0] == folder
        if (bad := list(chain.from_iterable(map(unnamed, texts_of(path)))))
    }
    assert found == {}


def test_inserts_in_sql_name_their_columns():
    found = {
        path.name: bad
        for path in SCRIPTS
        if (bad := list(chain.from_iterable(map(unnamed, statements(path.read_text("utf-8"))))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "sql",
    [
        "insert into a.b values (1)",
        "insert into a.b select 1",
        "INSERT INTO a.b\n  select * from c",
        "insert into {table} {select}",
        "insert into a (x) select 1; insert into b select 1",
        "insert into a ",
    ],
)
def test_an_insert_by_order_is_found(sql):
    assert len(unnamed(sql)) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "insert into a.b (c) values (1)",
        "insert into {table} ({columns}) {select}",
        "insert into a by name select 1 as c",
        "insert into a.b select * from a.b",
    ],
)
def test_an_insert_by_name_is_accepted(sql):
    assert unnamed(sql) == []
