"""Great Expectations on DuckDB: why our own engine is needed, and that it works."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from onestop.gate import evaluation
from onestop.gate.evaluation import BrokenRuleError, evaluate, load_engine
from onestop.gate.suite import Rule, Suite
from onestop.warehouse.duckdb_sqlalchemy import engine_on


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        opened.execute(
            "create table t as select range as row_number, range % 2 as odd from range(1000)"
        )
        yield opened


def a_rule(type_: str, **kwargs: Any) -> Rule:
    expectation = {
        "type": type_,
        "kwargs": kwargs,
        "severity": "critical",
        "meta": {"rule_code": "TST-F01"},
    }
    return Rule("TST-F01", "critical", "row", "vi", "en", "-", ("odd",), expectation)


def outcome_of(connection, rule: Rule):
    engine = engine_on(connection)
    try:
        suite = Suite("test", (rule,), {}, "", "0")
        return evaluate(engine, "SELECT * FROM t", suite, suite.rules, ["row_number"])[0]
    finally:
        engine.dispose()


def test_the_engine_of_great_expectations_still_finds_no_rows_on_duckdb(tmp_path):
    """When this fails, Great Expectations no longer needs OneConnectionEngine: remove the class."""
    load_engine()
    own = import_module("great_expectations.execution_engine").SqlAlchemyExecutionEngine(
        connection_string=f"duckdb:///{tmp_path / 't.duckdb'}"
    )
    with pytest.raises(Exception):  # noqa: B017, PT011 - the class differs between its versions
        assert own.execute_query(sa.text("select 1")).fetchall() == [(1,)]
    own.engine.dispose()


def test_great_expectations_still_forgets_brackets_around_a_query(connection):
    """When this fails, Great Expectations fixed the query: remove the repair in evaluation.py."""
    load_engine()
    engine = engine_on(connection)
    results = load_engine().evaluate(
        engine,
        "SELECT * FROM t",
        {
            "name": "x",
            "expectations": [
                {
                    "type": "expect_column_values_to_be_in_set",
                    "kwargs": {"column": "odd", "value_set": [0]},
                }
            ],
            "meta": {},
        },
        ["row_number"],
    )
    engine.dispose()
    with pytest.raises(duckdb.ParserException):
        connection.execute(results[0]["result"]["unexpected_index_query"])


@pytest.mark.parametrize(
    ("rule", "failed"),
    [
        (a_rule("expect_column_values_to_not_be_null", column="odd"), 0),
        (a_rule("expect_column_values_to_be_in_set", column="odd", value_set=[0]), 500),
        (a_rule("expect_column_values_to_be_between", column="row_number", max_value=9), 990),
        (
            a_rule(
                "unexpected_rows_expectation",
                unexpected_rows_query="select row_number from {batch} where odd = 1",
            ),
            500,
        ),
    ],
)
def test_an_expectation_counts_all_failing_rows_and_has_a_query_for_them(connection, rule, failed):
    outcome = outcome_of(connection, rule)
    assert (outcome.success, outcome.failed) == (failed == 0, failed)
    if failed:
        assert len(connection.execute(outcome.predicate).fetchall()) == failed


def test_a_rule_that_cannot_be_evaluated_is_a_fault_and_not_a_finding(connection):
    rule = a_rule(
        "unexpected_rows_expectation", unexpected_rows_query="select nonesuch from {batch}"
    )
    with pytest.raises(BrokenRuleError, match=r"TST-F01: .*nonesuch"):
        outcome_of(connection, rule)


def test_a_table_dropped_during_the_check_is_a_fault_and_not_a_finding(connection, monkeypatch):
    """This happens when another run replaces the staged marts during the check."""

    def evaluated(*_):
        connection.execute("drop table t")
        return []

    monkeypatch.setattr(evaluation, "evaluate", evaluated)
    suite = Suite("test", (), {}, "", "0")
    with pytest.raises(BrokenRuleError, match=r"suite test: .*\bt does not exist"):
        evaluation.run_suite(connection, "t", suite)


def test_an_expectation_that_great_expectations_does_not_know_is_a_fault(connection):
    with pytest.raises(BrokenRuleError, match="TST-F01"):
        outcome_of(connection, a_rule("expect_the_unexpected"))


def test_great_expectations_is_imported_only_when_a_suite_is_run():
    program = "import sys, onestop.gate; print('great_expectations' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "False"


def test_running_a_suite_prints_nothing_and_leaves_no_folder(
    connection, capfd, caplog, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with caplog.at_level(logging.INFO):
        outcome_of(connection, a_rule("expect_column_values_to_not_be_null", column="odd"))
    assert [record.name for record in caplog.records if record.name.startswith("great")] == []
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_importing_great_expectations_loads_other_libraries_only_when_they_are_used():
    program = """
import importlib, sys
from onestop.gate.evaluation import load_engine
load_engine()
heavy = ("altair.vegalite", "boto3.session", "scipy.stats.distributions")
print([name for name in heavy if name in sys.modules])
core = "great_expectations.expectations.core."
user = importlib.import_module(core + "expect_column_kl_divergence_to_be_less_than")
print(user.stats.entropy([1.0]) == 0, user.alt.Chart.__name__)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == ["[]", "True Chart"]


def test_great_expectations_does_not_import_pyspark_which_is_there_for_computations(tmp_path):
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").write_text("print('executed')\n")
    (tmp_path / "pyspark" / "sql.py").write_text("SparkSession = 'a session'\n")
    program = """
from onestop.gate.evaluation import load_engine
load_engine()
print("loaded")
from pyspark.sql import SparkSession
print(SparkSession)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert ran.stdout.splitlines() == ["loaded", "executed", "a session"]


@pytest.mark.parametrize(("fails", "statements"), [("row_number < 100", 1), ("odd = 1", 2)])
def test_failing_rows_are_counted_by_a_second_statement_only_above_the_listed_number(
    connection, fails, statements
):
    query = f"select row_number from {{batch}} where {fails}"
    rule = a_rule("unexpected_rows_expectation", unexpected_rows_query=query)
    sent = []
    engine = engine_on(connection)
    sa.event.listen(
        engine, "before_cursor_execute", lambda *given: sent.append(given[2]), named=False
    )
    suite = Suite("test", (rule,), {}, "", "0")
    (outcome,) = evaluate(engine, "SELECT * FROM t", suite, suite.rules, ["row_number"])
    engine.dispose()
    assert (outcome.failed, len([one for one in sent if fails in one])) == (
        {1: 100, 2: 500}[statements],
        statements,
    )


def test_values_of_failing_rows_are_read_without_searching_the_running_functions(
    connection, monkeypatch
):
    """Great Expectations reads the text of all running functions for each decimal it converts."""
    load_engine()
    searched = []
    monkeypatch.setattr("great_expectations.util.stack", lambda: searched.append(1) or [])
    query = (
        "select row_number, 99.25::decimal(18, 4) as rate, null as nothing,"
        " date '2022-06-30' as day from {batch} where row_number < 2"
    )
    found = outcome_of(
        connection, a_rule("unexpected_rows_expectation", unexpected_rows_query=query)
    )
    assert found.rows == [
        {"row_number": number, "rate": 99.25, "nothing": None, "day": "2022-06-30"}
        for number in (0, 1)
    ]
    connection.execute("create or replace table t as select 1 as row_number, 0.5 as odd")
    listed = outcome_of(
        connection, a_rule("expect_column_values_to_be_in_set", column="odd", value_set=[1])
    )
    assert listed.rows == [{"odd": 0.5, "row_number": 1}]
    assert searched == []
