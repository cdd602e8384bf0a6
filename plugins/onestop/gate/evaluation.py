"""Running a suite on any rows; the result rule by rule."""

from __future__ import annotations

import datetime as dt
import logging
import os
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onestop.errors import OneStopError, first_line
from onestop.gate.deferred_imports import deferring
from onestop.said import said, said_text
from onestop.schema.number_text import day, decimal_text, whole
from onestop.warehouse.duckdb_files import OUTSIDE
from onestop.warehouse.duckdb_sqlalchemy import engine_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    import duckdb
    import sqlalchemy as sa

    from onestop.gate.suite import Rule, Severity, Suite
    from onestop.schema.number_text import Language

#: How many failing rows a result shows; the quarantine holds all.
EXAMPLES = 5
_LONGEST_VALUE = 80
#: Greatest length of a list's item, such as a missing column with all its accepted headers.
_LONGEST_ITEM = 400
_GX = "great_expectations"
#: What Great Expectations imports for charts, tests of distributions and stores on S3, which take
#: half of its import and of which nothing is used.
_UNUSED = ("altair", "boto3", "scipy.stats")
#: What it imports where it is installed, to validate data frames of Spark; onestop/spark uses it.
_HIDDEN = ("pyspark",)
_DUCKDB_FILE = "duckdb:///"
#: Classes of PostgreSQL's errors (its manual, Appendix A) that the driver takes for the server's:
#: a limit of the program exceeded, an object in another state; of these, a lock is another's.
_OF_STATEMENT = ("54", "55")
_LOCKED = "55P03"


_REMEDY = said_text("correct the rule in its suite")


class BrokenRuleError(OneStopError):
    """A rule that could not be evaluated: a fault of the suite or the tables, not of the data."""


@dataclass(frozen=True)
class RuleResult:
    """The result of one rule.

    Attributes:
        rule_code: stable code.
        severity: ``critical``, ``error`` or ``warning``.
        expectation_type: Great Expectations' name of the expectation.
        success: whether no row failed.
        rows_checked: rows that were checked.
        rows_failed: rows that failed; all of them, however many.
        message_vi: the sentence for people.
        message_en: the same in English.
        clause: where the rule comes from.
        examples: the first failing rows: their numbers in a delivery, their columns in a mart.
    """

    rule_code: str
    severity: Severity
    expectation_type: str
    success: bool
    rows_checked: int
    rows_failed: int
    message_vi: str
    message_en: str
    clause: str
    examples: tuple[Any, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "examples": list(self.examples)}


@dataclass(frozen=True)
class Outcome:
    """Great Expectations' result for one rule.

    Attributes:
        rule: the rule.
        success: Great Expectations' verdict.
        failed: how many rows failed.
        rows: some failing rows, as Great Expectations lists them (at most 200).
        predicate: a query for all failing rows; None for expectations without one.
        result: Great Expectations' own result, without its lists of values.
    """

    rule: Rule
    success: bool
    failed: int
    rows: list[dict[str, Any]]
    predicate: str | None
    result: dict[str, Any]


@cache
def load_engine() -> ModuleType:
    """Import Great Expectations with logging, progress bars and analytics off.

    The import takes seconds, so no module imports it at its top.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger(_GX).setLevel(logging.WARNING)
    with deferring(_UNUSED, _HIDDEN):
        module = import_module("onestop.gate.gx_engine")
    for name in list(logging.Logger.manager.loggerDict):
        if name.startswith(f"{_GX}."):  # some of its modules set a level of their own
            logging.getLogger(name).setLevel(logging.NOTSET)
    return module


def run_suite(
    source: str | sa.Engine | duckdb.DuckDBPyConnection, query: str, suite: Suite
) -> list[RuleResult]:
    """Run all rules of a suite on the rows of a query or a table.

    Args:
        source: SQLAlchemy URL, SQLAlchemy engine, or open DuckDB connection; a DuckDB URL is
            opened read-only.
        query: a SELECT, or the name of a table (``mart_staged.form_06a``).
        suite: from :func:`onestop.gate.suite.load_suite`.

    Returns:
        One result per rule, in the suite's order.

    Raises:
        BrokenRuleError: a rule could not be evaluated.
    """
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    select = query if query.lstrip().lower().startswith("select") else f"select * from {query}"
    with opened(source) as engine:
        outcomes = evaluate(engine, select, suite, suite.rules, [])
        with _as_broken(suite, engine), engine.connect() as connection:
            checked = connection.execute(
                sa.text(f"select count(*) from ({select}) as checked")
            ).scalar_one()
    return [
        _as_result(outcome, int(checked), tuple(readable(row) for row in outcome.rows[:EXAMPLES]))
        for outcome in outcomes
    ]


def evaluate(
    engine: sa.Engine, query: str, suite: Suite, rules: Iterable[Rule], index_columns: list[str]
) -> list[Outcome]:
    """Have Great Expectations evaluate some rules of a suite.

    Raises:
        BrokenRuleError: a rule could not be evaluated.
    """
    rules = list(rules)
    if not rules:
        return []
    with _as_broken(suite, engine):
        results = load_engine().evaluate(engine, query, suite.as_expectations(rules), index_columns)
        found = {item["expectation_config"]["meta"]["rule_code"]: item for item in results}
        broken = {
            rule.code: cause
            for rule in rules
            for cause in _causes(found[rule.code].get("exception_info") or {})
        }
        if broken:
            causes = "; ".join(f"{code}: {cause}" for code, cause in broken.items())
            raise BrokenRuleError(
                causes, subject=said("suite {name}", name=suite.name), remedy=_REMEDY
            )
    return [_outcome(rule, found[rule.code], query) for rule in rules]


@contextmanager
def _as_broken(suite: Suite, engine: sa.Engine) -> Iterator[None]:
    """Raise what the engine cannot evaluate, such as a table that is gone, as a broken rule.

    What the engine is prevented from, by a full disk, too little memory or a server that is gone,
    is no fault of a rule: it is raised as it is, also where Great Expectations took it for one. The
    first error decides, because others follow from it in the same transaction.
    """
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    errors: list[sa.engine.ExceptionContext] = []

    def note(context: sa.engine.ExceptionContext) -> None:
        if not context.is_pre_ping:  # a session that was lost is opened again
            errors.append(context)

    sa.event.listen(engine, "handle_error", note)
    try:
        with engine.connect():  # Great Expectations would take a server that is gone for a fault
            pass
        yield
    except (ValueError, sa.exc.SQLAlchemyError, BrokenRuleError) as error:
        if errors and _is_outside(errors[0]):
            raise errors[0].original_exception from error
        if isinstance(error, BrokenRuleError):
            raise
        raise BrokenRuleError(
            first_line(error), subject=said("suite {name}", name=suite.name), remedy=_REMEDY
        ) from error
    finally:
        sa.event.remove(engine, "handle_error", note)


def _is_outside(context: sa.engine.ExceptionContext) -> bool:
    """Whether an error was caused by the disk, the memory, the file or the server."""
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    original = context.original_exception
    sqlstate = getattr(original, "sqlstate", None) or ""
    # what a statement asked for beyond a limit or out of turn is its own fault
    is_of_statement = sqlstate[:2] in _OF_STATEMENT and sqlstate != _LOCKED
    return isinstance(original, OUTSIDE) or (
        isinstance(context.sqlalchemy_exception, sa.exc.OperationalError) and not is_of_statement
    )


def _causes(exception_info: dict[str, Any]) -> Iterator[str]:
    """The first line of each exception, in either of Great Expectations' two formats."""
    infos = [exception_info] if "raised_exception" in exception_info else exception_info.values()
    for info in infos:
        if isinstance(info, dict) and info.get("raised_exception"):
            yield str(info.get("exception_message") or "not evaluated").strip().splitlines()[0]


def _outcome(rule: Rule, item: dict[str, Any], batch: str) -> Outcome:
    result = dict(item["result"])
    rows = (result.get("details") or {}).get("unexpected_rows")
    if rows is None:
        rows = result.get("unexpected_index_list") or [
            {"value": value} for value in result.get("partial_unexpected_list") or ()
        ]
    failed = result.get("unexpected_count")
    if failed is None:
        observed = result.get("observed_value")
        failed = observed if rule.query is not None else int(not item["success"])
    predicate = rule.predicate(batch)
    if predicate is None and result.get("unexpected_index_query"):
        # Great Expectations leaves out the brackets around a batch that is a query
        listed = str(result["unexpected_index_query"]).rstrip("; \n")
        predicate = listed.replace(f"FROM {batch}", f"FROM ({batch}) as batch")
    kept = ("element_count", "observed_value", "unexpected_count", "unexpected_percent")
    return Outcome(
        rule=rule,
        success=bool(item["success"]),
        failed=0 if item["success"] else int(failed or 0),
        rows=[] if item["success"] else sorted(rows or (), key=_in_order),
        predicate=predicate,
        result={name: result[name] for name in kept if name in result},
    )


def _in_order(row: dict[str, Any]) -> list[tuple[bool, float, str]]:
    """Sort key of failing rows by their cells, because engines return them in any order."""
    return [
        (value is None, value if isinstance(value, int | float) else 0, str(value))
        for value in row.values()
    ]


def _as_result(outcome: Outcome, checked: int, examples: tuple[Any, ...]) -> RuleResult:
    rule = outcome.rule
    first = outcome.rows[0] if outcome.rows else {}
    return RuleResult(
        rule_code=rule.code,
        severity=rule.severity,
        expectation_type=rule.expectation_type,
        success=outcome.success,
        rows_checked=checked,
        rows_failed=outcome.failed,
        message_vi=fill(rule.message_vi, first, "vi"),
        message_en=fill(rule.message_en, first, "en"),
        clause=rule.clause,
        examples=examples,
    )


def fill(message: str, row: dict[str, Any], lang: Language) -> str:
    """Replace placeholders such as ``{rows_read}`` in a message by a row's values."""
    for name, value in row.items():
        message = message.replace(f"{{{name}}}", _as_text(value, lang))
    return message


def _as_text(value: Any, lang: Language) -> str:  # noqa: ANN401 - a cell may hold anything
    if value is None or value == []:
        return "–"
    if isinstance(value, list):
        return ", ".join(str(item)[:_LONGEST_ITEM] for item in value)
    if isinstance(value, dt.date):
        return day(value, lang)
    if isinstance(value, int):
        return whole(value, lang)
    if isinstance(value, float):
        return decimal_text(Decimal(str(value)), lang)
    return str(_readable(value))


def readable(row: dict[str, Any]) -> dict[str, Any]:
    """A row's values as short JSON values."""
    return {name: _readable(value) for name, value in row.items()}


def _readable(value: Any) -> Any:  # noqa: ANN401 - idem
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_readable(item) for item in value]
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return str(value)[:_LONGEST_VALUE]


@contextmanager
def opened(
    source: str | sa.Engine | duckdb.DuckDBPyConnection, *, joins_whole_tables: bool = False
) -> Iterator[sa.Engine]:
    """An engine for a source; closed at the end if it was opened here.

    Args:
        source: SQLAlchemy URL, SQLAlchemy engine, or open DuckDB connection.
        joins_whole_tables: whether its statements read whole tables, not few rows by their keys.
    """
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    if isinstance(source, sa.Engine):
        yield source
        return
    with ExitStack() as opening:
        if not isinstance(source, str):
            engine = engine_on(source)
        elif source.startswith(_DUCKDB_FILE):
            # as for the other engine
            from onestop.warehouse import duckdb_engine  # noqa: PLC0415

            path = Path(source.removeprefix(_DUCKDB_FILE))
            opening.enter_context(duckdb_engine.explained(path))
            engine = engine_on(
                opening.enter_context(duckdb_engine.connect_waiting(path, read_only=True))
            )
        elif source.startswith("postgres"):
            # the driver is not loaded where the warehouse is a file
            from onestop.warehouse import postgres_engine  # noqa: PLC0415

            opening.enter_context(postgres_engine.explained())
            engine = postgres_engine.sqlalchemy_engine(
                source, joins_whole_tables=joins_whole_tables
            )
        else:
            engine = sa.create_engine(source)
        opening.callback(engine.dispose)
        yield engine
