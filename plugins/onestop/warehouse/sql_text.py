"""Changes to SQL texts: parameters, statements of a script, and the tables that a query reads.

A text is not regenerated from a syntax tree: only the characters of a name or a parameter are
replaced. Their positions come from DuckDB's tokenizer and, for tables, its parser. PostgreSQL has
the same lexical rules; ``sql/check.py`` reads the queries for all engines as both engines do.
"""

from __future__ import annotations

import atexit
import hashlib
import itertools
import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import duckdb

from onestop.warehouse.duckdb_files import open_duckdb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PARAMETER_NAME = re.compile(rb"([a-z_]\w*)\s*")
#: A colon right after one of these belongs to a slice, a cast or a literal.
_MAYBE_A_PARAMETER = re.compile(r":\w")
_NO_PARAMETER_AFTER = re.compile(rb"[\w:'\"\])]")
_TEXTS = 1024
#: Words between ``create table`` and the table's name.
_OPTIONAL = {"if", "not", "exists"}


class SqlTextError(ValueError):
    """A SQL text that cannot be changed as requested; names the part that prevents it."""


# --- parameters and statements ---------------------------------------------------------------


@lru_cache(_TEXTS)
def with_parameters(sql: str, style: str) -> str:
    """The text with its ``:name`` parameters in a driver's style.

    Args:
        sql: a statement.
        style: a template with ``{}`` for the name, such as ``${}`` or ``%({})s``.
    """
    return _splice(sql, [(place, style.format(name)) for name, place in _parameters(sql)])


def with_expressions(sql: str, expressions: Mapping[str, str]) -> str:
    """The text with some of its ``:name`` parameters replaced by SQL expressions."""
    return _splice(
        sql,
        [(place, expressions[name]) for name, place in _parameters(sql) if name in expressions],
    )


def statements(script: str) -> Iterator[str]:
    """The statements of a script, in order, without the semicolons and comments between them."""
    text = script.encode()
    found: list[_Token] = []
    for token in [*_tokens(script), None]:
        if token is None or text[token.start : token.end].strip() == b";":
            if found:
                yield text[found[0].start : found[-1].end].decode().strip()
            found = []
        elif not token.is_comment:
            found.append(token)


@lru_cache(_TEXTS)
def script_digest(script: str) -> str:
    """SHA-256 of a script's statements, without comments, blanks and line ends."""
    text = script.encode()
    parts = [text[token.start : token.end] for token in _tokens(script) if not token.is_comment]
    return hashlib.sha256(b" ".join(b"".join(parts).split())).hexdigest()


def created_relations(script: str) -> set[tuple[str, str]]:
    """Schema and name of every table and view that a script creates."""
    found = set()
    for statement in statements(script):
        words = [word.lower() for word in _words(statement)[:8] if word.lower() not in _OPTIONAL]
        if words[:1] == ["create"] and words[1] in {"table", "view"} and words[3] == ".":
            found.add((words[2], words[4]))
    return found


@dataclass(frozen=True)
class _Token:
    """A token: where it is, in bytes; blanks after it are part of it."""

    start: int
    end: int
    is_comment: bool


@lru_cache(_TEXTS)
def _tokens(sql: str) -> tuple[_Token, ...]:
    found = duckdb.tokenize(sql)
    ends = [*(start for start, _ in found[1:]), len(sql.encode())]
    comment = duckdb.token_type.comment
    return tuple(
        _Token(start, end, kind == comment) for (start, kind), end in zip(found, ends, strict=True)
    )


def _words(sql: str) -> list[str]:
    """The tokens' own texts, without comments."""
    text = sql.encode()
    return [
        text[token.start : token.end].strip().decode()
        for token in _tokens(sql)
        if not token.is_comment
    ]


@lru_cache(_TEXTS)
def _parameters(sql: str) -> tuple[tuple[str, slice], ...]:
    """The parameters: their names, and where they are in the encoded text."""
    if not _MAYBE_A_PARAMETER.search(sql):  # finding the tokens of a long text takes a while
        return ()
    text = sql.encode()
    tokens = _tokens(sql)
    found = []
    for colon, name in itertools.pairwise(tokens):
        if text[colon.start : colon.end] != b":":
            continue
        if _NO_PARAMETER_AFTER.match(text[max(colon.start - 1, 0) : colon.start]):
            continue
        if named := _PARAMETER_NAME.fullmatch(text[name.start : name.end]):
            found.append((named[1].decode(), slice(colon.start, name.start + named.end(1))))
    return tuple(found)


def _splice(sql: str, changes: list[tuple[slice, str]]) -> str:
    if not changes:
        return sql
    text = sql.encode()
    parts = []
    done = 0
    for place, new in sorted(changes, key=lambda change: change[0].start):
        parts += [text[done : place.start], new.encode()]
        done = place.stop
    return b"".join([*parts, text[done:]]).decode()


# --- tables ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Named:
    """A ``schema.table`` in a text.

    Attributes:
        schema: its schema, in lower case unless quoted.
        table: its table, in the same way.
        written: its table as written in the text.
        place: its position in the encoded text.
        is_read: True for a table that is read; False for the qualifier of a column.
        has_alias: whether the query has another name for the table.
    """

    schema: str
    table: str
    written: str
    place: slice
    is_read: bool
    has_alias: bool

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


def tables_read(sql: str) -> set[str]:
    """Every ``schema.table`` that a query reads, in lower case unless quoted.

    Raises:
        SqlTextError: the text is not one query.
    """
    return {named.name for named in _named(sql) if named.is_read}


def with_tables(sql: str, relations: Mapping[str, str]) -> str:
    """The query with tables replaced by other relations.

    A replaced table without an alias gets its own name as alias.

    Args:
        sql: a query.
        relations: the relation to read for each ``schema.table``; other tables stay.

    Raises:
        SqlTextError: the text is not one query.
    """
    schemas = {table.partition(".")[0] for table in relations}
    return _renamed(sql, lambda named: relations.get(named.name), schemas)


def with_schema(sql: str, schema: str, by: str) -> str:
    """The query with one schema replaced by another.

    Raises:
        SqlTextError: the text is not one query.
    """
    return _renamed(sql, lambda named: f"{by}.{named.written}", {schema})


def step_select(sql: str, step: str) -> str:
    """The query, returning the rows of one of its common table expressions.

    Steps that it does not need are left out.

    Args:
        sql: a query that ends with ``select * from <its last step>``.
        step: the name of a common table expression.

    Raises:
        SqlTextError: it has no such step, or does not end with its last one.
    """
    steps = _steps(sql)
    if step not in steps:
        raise SqlTextError(f"there is no step {step}; there are {', '.join(steps)}")
    last = list(steps)[-1]
    if [word.lower() for word in _words(sql)[-4:]] != ["select", "*", "from", last]:
        raise SqlTextError(f"the query does not end with select * from {last}")
    needed: set[str] = set()
    waiting = [step]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            words = _words(steps[name])
            waiting += [
                word
                for before, word in itertools.pairwise(words)
                if before.lower() in {"from", "join"} and word in steps
            ]
    start = sql[: sql.index(next(iter(steps.values())))]
    parts = ",\n\n".join(text for name, text in steps.items() if name in needed)
    return f"{start}{parts}\n\nselect * from {step}"


def step_names(sql: str) -> tuple[str, ...]:
    """The names of a query's common table expressions, in order."""
    return tuple(_steps(sql))


def has_step(sql: str, step: str) -> bool:
    """Whether a query has a common table expression of that name."""
    # a text without the word is not parsed, which takes ten times as long as finding its words
    return step in _words(sql) and step in _steps(sql)


@lru_cache(_TEXTS)
def _steps(sql: str) -> dict[str, str]:
    """The common table expressions of a query, each as ``name as (query)``, in order."""
    text = sql.encode()
    tokens = [token for token in _tokens(sql) if not token.is_comment]
    words = [text[token.start : token.end].strip().decode() for token in tokens]
    names = [cte["key"] for cte in _tree(sql)["node"]["cte_map"]["map"]]
    found: dict[str, str] = {}
    depth, begin = 0, -1
    for number, word in enumerate(words):
        if depth == 0 and len(found) < len(names) and word == names[len(found)] and begin < 0:
            begin = number
        depth += (word == "(") - (word == ")")
        if word == ")" and depth == 0 and begin >= 0:
            end = tokens[number].start + 1
            found[names[len(found)]] = text[tokens[begin].start : end].decode()
            begin = -1
    return found


def selected_columns(sql: str) -> str:
    """The columns of a query without steps from one relation, as written: ``a, b as c``.

    Raises:
        SqlTextError: the text is not of the form ``select … from <relation>``.
    """
    tokens = [token for token in _tokens(sql) if not token.is_comment]
    words = [word.lower() for word in _words(sql)]
    if words[:1] != ["select"] or words[-2:-1] != ["from"]:
        raise SqlTextError(f"the text is not select … from <relation>: {sql[:60]!r}")
    return sql.encode()[tokens[0].end : tokens[-2].start].decode().strip()


def _renamed(sql: str, new_name: Callable[[_Named], str | None], schemas: set[str]) -> str:
    changes = []
    found = [named for named in _named(sql) if named.schema in schemas]
    if len(found) != _count_qualified(sql, schemas):
        raise SqlTextError(
            f"a name before a dot is {' or '.join(sorted(schemas))} and stands for no table's"
            f" schema; give it another name: {sql[:60]!r}"
        )
    for named in found:
        new = new_name(named)
        if new is None or new == named.name:
            continue
        if not named.is_read:
            new = named.written
        elif not named.has_alias and new.rpartition(".")[2] != named.written:
            new = f"{new} as {named.written}"
        changes.append((named.place, new))
    return _splice(sql, changes)


def _count_qualified(sql: str, schemas: set[str]) -> int:
    """Number of names of ``schemas`` before a dot, counted by the tokens as a cross-check."""
    return sum(schema in schemas for schema, _ in _qualified(sql))


def names_of_schemas(sql: str, *schemas: str) -> set[str]:
    """Every ``schema.name`` of some schemas in a query, found by its tokens: the fastest way.

    As :func:`tables_read` where no other name before a dot is one of the schemas.
    """
    return {f"{schema}.{name}" for schema, name in _qualified(sql) if schema in schemas}


@lru_cache(_TEXTS)
def _qualified(sql: str) -> tuple[tuple[str, str], ...]:
    """The first two parts of all names with a dot, in lower case unless quoted."""
    words = _words(sql)
    return tuple(
        (_folded(first), _folded(second))
        for before, first, dot, second in zip(
            ["", *words], words, words[1:], [*words[2:], ""], strict=False
        )
        if dot == "." and before != "."
    )


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """A database without tables, whose parser is used."""
    connection = open_duckdb(":memory:")
    connection.execute("set threads = 1")  # a process that is forked from this one has no others
    return connection


# Before the interpreter frees DuckDB's module.
atexit.register(_parser.cache_clear)


@lru_cache(_TEXTS)
def _tree(sql: str) -> dict[str, Any]:
    """The syntax tree of one query, as DuckDB gives it."""
    # parameters of another style and the same length, so that places in the text are the same
    with _parser().cursor() as parser:
        found = parser.execute(
            "select json_serialize_sql($1)", [with_parameters(sql, "${}")]
        ).fetchone()
    tree = json.loads(found[0]) if found else {}
    if tree.get("error", True):
        raise SqlTextError(f"this is no query: {sql[:60]!r}: {tree.get('error_message')}")
    if len(tree["statements"]) != 1:
        raise SqlTextError(f"this is no query: {sql[:60]!r}: it is {len(tree['statements'])}")
    statement: dict[str, Any] = tree["statements"][0]
    return statement


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """All objects of a syntax tree."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


@lru_cache(_TEXTS)
def _named(sql: str) -> tuple[_Named, ...]:
    """Every ``schema.table`` of a query."""
    tree = _tree(sql)
    text = sql.encode()
    tokens = [token for token in _tokens(sql) if not token.is_comment]
    at = {token.start: number for number, token in enumerate(tokens)}
    found = {}
    for node in _nodes(tree):
        is_read = node.get("type") == "BASE_TABLE"
        names = node.get("column_names", ()) if node.get("class") == "COLUMN_REF" else ()
        if not (is_read and node["schema_name"]) and len(names) < _QUALIFIED:
            continue
        first = at[node["query_location"]]
        schema, dot, table = (text[t.start : t.end].rstrip() for t in tokens[first : first + 3])
        if dot != b".":
            raise SqlTextError(f"a table is not where it is said to be: {sql[:60]!r}")
        start = tokens[first].start
        place = slice(start, tokens[first + 2].start + len(table))
        found[start] = _Named(
            schema=_folded(schema.decode()),
            table=_folded(table.decode()),
            written=table.decode(),
            place=place,
            is_read=is_read,
            has_alias=bool(is_read and node["alias"]),
        )
    return tuple(found[start] for start in sorted(found))


#: Parts of the name of a column that is named by its table's schema too.
_QUALIFIED = 3


def _folded(name: str) -> str:
    if name.startswith('"'):
        return name[1:-1].replace('""', '"')
    return name.lower()
