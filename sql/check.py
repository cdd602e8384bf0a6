"""Check every SQL file: the engines can read it, and its layout follows the rules.

DuckDB and PostgreSQL read all files; the SELECTs can be rendered for Apache Spark, too.

    check.py         exit 1 with what is wrong, file by file
    check.py --fix   format the files where sqlfluff can

The rules are in ``pyproject.toml`` (tool.sqlfluff); ``.sqlfluffignore`` lists files without layout
checks.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tomllib
from pathlib import Path

import duckdb
import sqlglot

from onestop.record.history import history_select
from onestop.schema.feeds import FEEDS
from onestop.spark.dialect import SparkTextError, for_spark
from onestop.warehouse.sql_text import with_parameters

FOLDER = Path(__file__).parent
_TEMPLATE = FOLDER / "core" / "history.sql"


def main(arguments: list[str]) -> int:
    """Check the files; the exit status."""
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # of statements that it passes on as text
    unread = [
        f"{name}: {problem}" for name, text in texts().items() for problem in read(name, text)
    ]
    for problem in unread:
        sys.stderr.write(f"{problem}\n")
    command = "fix" if "--fix" in arguments else "lint"
    laid_out = [
        _sqlfluff([command, str(FOLDER)]),
        # People never read a filled template, so its layout is not checked.
        _sqlfluff(
            ["lint", "-", "--exclude-rules", ",".join([*_excluded_rules(), "layout"])],
            history_select(FEEDS["units"], touched="touched"),
        ),
    ]
    return 1 if unread or any(laid_out) else 0


def _excluded_rules() -> list[str]:
    """The rules that pyproject.toml leaves out; the command line replaces them otherwise."""
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8"))
    excluded: list[str] = project["tool"]["sqlfluff"]["core"]["exclude_rules"]
    return excluded


def texts() -> dict[str, str]:
    """The files' texts by their names below ``sql/``; a template's for every feed."""
    found = {
        str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.rglob("*.sql"))
        if path != _TEMPLATE
    }
    for feed in FEEDS.values():
        found[f"core/history.sql ({feed.name})"] = history_select(feed, touched="touched")
    return found


def read(name: str, text: str) -> list[str]:
    """The parse errors of the engines that the file is for."""
    readers = {"duckdb": _read_by_duckdb, "postgresql": _read_as_postgresql}
    engines = [engine for engine in readers if f".{engine}." in name] or list(readers)
    if not name.startswith("schema/"):
        readers["spark"] = _read_for_spark
        engines.append("spark")
    problems = []
    for engine in engines:
        try:
            readers[engine](text)
        except (duckdb.Error, sqlglot.errors.SqlglotError, SparkTextError) as error:
            problems.append(f"{engine}: {str(error).splitlines()[0]}")
    return problems


def _read_by_duckdb(text: str) -> None:
    duckdb.extract_statements(with_parameters(text, "${}"))


def _read_as_postgresql(text: str) -> None:
    sqlglot.parse(text, read="postgres")


def _read_for_spark(text: str) -> None:
    for_spark(text)


def _sqlfluff(arguments: list[str], text: str | None = None) -> int:
    done = subprocess.run(  # noqa: S603 - a tool of ours, our own arguments
        [sys.executable, "-m", "sqlfluff", *arguments, "--disable-progress-bar"],
        input=text, text=True, check=False, cwd=FOLDER.parent,
    )  # fmt: skip
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
