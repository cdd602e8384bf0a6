"""Check a night's marts before they are published."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from onestop.gate.evaluation import RuleResult, opened, run_suite
from onestop.gate.results import write_result
from onestop.gate.suite import MART_SUITES, load_suite, suite_names
from onestop.progress import counted_off, working
from onestop.warehouse.staged_names import STAGED, with_staged_tables

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    import duckdb
    import sqlalchemy as sa

    from onestop.gate.suite import Rule, Suite

#: Replaces Great Expectations' ``{batch}`` while a query is parsed.
_BATCH = "batch_of_rows"


@dataclass(frozen=True)
class MartsVerdict:
    """The results of the suites on the marts of a night.

    Attributes:
        as_of_date: the night.
        results: the results of each table's rules.
    """

    as_of_date: dt.date
    results: dict[str, tuple[RuleResult, ...]]

    @property
    def critical(self) -> tuple[RuleResult, ...]:
        """Failed critical rules, which prevent the publication."""
        return tuple(item for item in self.failed if item.severity == "critical")

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """All rules that found something."""
        return tuple(
            item for results in self.results.values() for item in results if not item.success
        )

    @property
    def is_publishable(self) -> bool:
        """Whether no critical rule failed."""
        return not self.critical

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "as_of_date": self.as_of_date.isoformat(),
            "is_publishable": self.is_publishable,
            "tables": {
                table: [item.to_json() for item in results]
                for table, results in self.results.items()
            },
        }


def check_marts(
    source: str | sa.Engine | duckdb.DuckDBPyConnection,
    as_of: dt.date,
    *,
    schema: str = STAGED,
    results: Path | None = None,
    expectations: Path = MART_SUITES,
) -> MartsVerdict:
    """Run every suite ``expectations/marts/<table>.json`` on its table.

    Of a mart that the night changes in part, rules read what is in ``<table>_new`` (changed rows),
    ``<table>_sums`` or ``<table>_change``; see :attr:`onestop.gate.suite.Rule.reads`.

    Args:
        source: SQLAlchemy URL, SQLAlchemy engine, or open DuckDB connection; only committed data
            is checked.
        as_of: the night of the marts.
        schema: the tables' schema.
        results: folder of the validation results; when given, the verdict is written there as
            ``<night>/marts.<n>.json``.
        expectations: folder of the suites.

    Raises:
        BrokenRuleError: a rule could not be evaluated, or its table does not exist.
    """
    suites = {table: load_suite(table, expectations) for table in suite_names(expectations)}
    # A unique key joins a whole view with itself: in a nested loop this takes hours.
    with opened(source) as engine, opened(source, joins_whole_tables=True) as engine_of_whole:
        tables = _tables(engine, schema)
        with working("checking", unit="tables", total=len(suites)):
            found = {
                table: _run(
                    engine,
                    engine_of_whole,
                    schema,
                    _on_staged(suite) if schema == STAGED else suite,
                    tables,
                )
                for table, suite in counted_off(suites.items())
            }
    verdict = MartsVerdict(as_of, found)
    if results is not None:
        write_result(results / as_of.isoformat(), "marts", _document(verdict, suites))
    return verdict


#: Endings of the relations that rules read of a mart that a night changes in part.
_ENDINGS = {"rows": "_new", "sums": "_sums", "differences": "_change", "whole": ""}


def _tables(engine: sa.Engine, schema: str) -> set[str]:
    import sqlalchemy as sa  # noqa: PLC0415 - imports slowly

    query = sa.text("select table_name from information_schema.tables where table_schema = :name")
    with engine.connect() as connection:
        return set(connection.execute(query, {"name": schema}).scalars())


def _run(
    engine: sa.Engine, engine_of_whole: sa.Engine, schema: str, suite: Suite, tables: set[str]
) -> tuple[RuleResult, ...]:
    """Run a mart's suite, each rule on the relation that it reads; in the suite's order."""
    by_relation: dict[str, list[Rule]] = {}
    for rule in suite.rules:
        part = f"{suite.name}{_ENDINGS[rule.reads]}"
        by_relation.setdefault(part if part in tables else suite.name, []).append(rule)
    condition = f" where {suite.where}" if suite.where else ""
    found = {
        result.rule_code: result
        for relation, rules in by_relation.items()
        for result in run_suite(
            engine_of_whole if relation == suite.name else engine,
            f"select * from {schema}.{relation}{condition}",
            replace(suite, rules=tuple(rules)),
        )
    }
    return tuple(found[rule.code] for rule in suite.rules)


def _on_staged(suite: Suite) -> Suite:
    """The suite with queries on the reference rows that the marts were computed with."""
    return replace(suite, rules=tuple(map(_rule_on_staged, suite.rules)))


def _rule_on_staged(rule: Rule) -> Rule:
    if rule.query is None:
        return rule
    query = with_staged_tables(rule.query.replace("{batch}", _BATCH)).replace(_BATCH, "{batch}")
    kwargs = rule.expectation["kwargs"] | {"unexpected_rows_query": query}
    return replace(rule, expectation=rule.expectation | {"kwargs": kwargs})


def _document(verdict: MartsVerdict, suites: dict[str, Suite]) -> dict[str, Any]:
    """The verdict as JSON for its file, with the expectations and their results."""
    return {
        "marts": verdict.to_json(),
        "suites": {table: suite.sha256 for table, suite in suites.items()},
        "results": [
            {
                "success": item.success,
                "expectation_config": rule.expectation,
                "result": {"observed_value": item.rows_failed, "listed_rows": list(item.examples)},
            }
            for table, suite in suites.items()
            for rule, item in zip(suite.rules, verdict.results[table], strict=True)
        ],
    }
