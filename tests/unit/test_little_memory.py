"""A step that has too little memory, or loses its server, says so, and blames nothing else."""

from __future__ import annotations

import duckdb
import psycopg
import pytest
from exported_files import ONE_STOP, as_json, land, record
from staged_files import a_delivery, write_staged

from onestop.gate.evaluation import BrokenRuleError, run_suite
from onestop.gate.suite import Rule, Suite
from onestop.gate.validation import NotCheckedError, validate_delivery
from onestop.intake.delivery import RefusedDeliveryError
from onestop.staging.staged_delivery import read_delivery
from onestop.warehouse.base import WarehouseError

MORE = "set ONESTOP_MEMORY, now {}, to more"
#: A rule that no row breaks.
GOOD = "select * from {batch} where false"


def suite_of(*queries):
    rules = []
    for number, query in enumerate(queries, start=1):
        code = f"TST-F{number:02}"
        expectation = {
            "type": "unexpected_rows_expectation",
            "kwargs": {"unexpected_rows_query": query},
            "severity": "critical",
            "meta": {"rule_code": code},
        }
        rules.append(Rule(code, "critical", "row", "vi", "en", "-", (), expectation))
    return Suite("test", tuple(rules), {}, "", "0")


def test_a_rule_for_which_the_memory_is_too_small_is_not_blamed(tmp_path, monkeypatch):
    with duckdb.connect(tmp_path / "w.duckdb") as made:
        made.execute("create table t as select range as n from range(1000000)")
    monkeypatch.setenv("ONESTOP_MEMORY", "16MB")
    suite = suite_of(
        GOOD, "select list(n) as n from {batch} group by n % 3 having count(*) = 0", GOOD
    )
    with pytest.raises(WarehouseError, match="Out of Memory") as raised:
        run_suite(f"duckdb:///{tmp_path / 'w.duckdb'}", "t", suite)
    assert MORE.format("16MB") in str(raised.value)
    assert "suite" not in str(raised.value)


def test_a_rule_whose_server_is_gone_is_not_blamed(postgres):
    url = postgres.make_database()
    suite = suite_of(GOOD, "select * from {batch} where pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(WarehouseError, match="terminating connection") as raised:
        run_suite(url, "pg_class", suite)
    assert "remove the cause and run it again" in str(raised.value)
    assert "suite" not in str(raised.value)


@pytest.mark.parametrize(
    "queries", [("select nonesuch from {batch}", GOOD), (GOOD, "select 1/'x' from {batch}", GOOD)]
)
def test_a_broken_rule_is_named_also_where_others_follow_it(tmp_path, queries):
    """DuckDB ends the transaction at an error; those of the rules after it follow from that."""
    with duckdb.connect(tmp_path / "w.duckdb") as made:
        made.execute("create table t as select range as n from range(3)")
    broken = f"TST-F{1 + next(n for n, query in enumerate(queries) if query != GOOD):02}"
    with pytest.raises(BrokenRuleError, match=rf"suite test: .*{broken}: ") as raised:
        run_suite(f"duckdb:///{tmp_path / 'w.duckdb'}", "t", suite_of(*queries))
    assert "correct the rule in its suite" in str(raised.value)


@pytest.mark.parametrize(
    "query",
    [
        "select nonesuch from {batch}",
        "select currval('public.counted') from {batch}",  # class 55
        "select repeat('n', 2000000000) from {batch}",  # class 54
    ],
)
def test_a_broken_rule_is_named_on_postgresql(postgres, query):
    url = postgres.make_database()
    with psycopg.connect(url) as made:
        made.execute("create sequence public.counted")
    with pytest.raises(BrokenRuleError, match=r"suite test: TST-F01: "):
        run_suite(url, "pg_class", suite_of(query, GOOD))


def test_a_server_that_cannot_be_reached_is_not_blamed_on_a_rule(tmp_path):
    with pytest.raises(WarehouseError, match="cannot be reached") as raised:
        run_suite(f"postgresql://nobody@/none?host={tmp_path}", "pg_class", suite_of(GOOD))
    assert "suite" not in str(raised.value)


@pytest.fixture
def delivery(tmp_path):
    exported = as_json(*map(record, range(3000)))
    return land(tmp_path / "landing", "dossiers_20220630.json", exported)


def test_a_file_that_does_not_fit_into_the_memory_is_refused_for_now(
    tmp_path, monkeypatch, delivery
):
    stage = (delivery, tmp_path / "landing", tmp_path / "staging", ONE_STOP.feeds["dossiers"])
    monkeypatch.setenv("ONESTOP_MEMORY", "1MB")
    with pytest.raises(RefusedDeliveryError, match="FILE-F09: its rows do not fit") as raised:
        read_delivery(*stage)
    assert MORE.format("1MB") in str(raised.value)
    monkeypatch.delenv("ONESTOP_MEMORY")
    assert read_delivery(*stage).is_file()


def test_rows_for_which_the_memory_is_too_small_are_checked_later(tmp_path, monkeypatch):
    delivery = a_delivery("dossiers", "2022-06-30")
    staged = tmp_path / "staged.duckdb"
    write_staged(staged, delivery, [{"dossier_code": f"H24 {n}" * 20} for n in range(3000)])
    monkeypatch.setenv("ONESTOP_MEMORY", "1MB")
    with pytest.raises(NotCheckedError, match="its rows cannot be checked: Out of") as raised:
        validate_delivery(delivery, staged, tmp_path / "results", delivery.night)
    assert MORE.format("1MB") in str(raised.value)
    monkeypatch.delenv("ONESTOP_MEMORY")
    assert validate_delivery(delivery, staged, tmp_path / "results", delivery.night).rows_read
