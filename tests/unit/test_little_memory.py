"""A step that has too little memory, or loses its server, says so, and blames nothing else."""

from __future__ import annotations

import duckdb
import pytest
from exported_files import ONE_STOP, as_json, land, record
from staged_files import a_delivery, write_staged

from onestop.gate.evaluation import run_suite
from onestop.gate.suite import Rule, Suite
from onestop.gate.validation import NotCheckedError, validate_delivery
from onestop.intake.delivery import RefusedDeliveryError
from onestop.staging.staged_delivery import read_delivery
from onestop.warehouse.base import WarehouseError

MORE = "set ONESTOP_MEMORY, now {}, to more"


def suite_of(query):
    expectation = {
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": query},
        "severity": "critical",
        "meta": {"rule_code": "TST-F01"},
    }
    rule = Rule("TST-F01", "critical", "row", "vi", "en", "-", (), expectation)
    return Suite("test", (rule,), {}, "", "0")


def test_a_rule_for_which_the_memory_is_too_small_is_not_blamed(tmp_path, monkeypatch):
    with duckdb.connect(tmp_path / "w.duckdb") as made:
        made.execute("create table t as select range as n from range(1000000)")
    monkeypatch.setenv("ONESTOP_MEMORY", "16MB")
    suite = suite_of("select list(n) as n from {batch} group by n % 3 having count(*) = 0")
    with pytest.raises(WarehouseError, match="Out of Memory") as raised:
        run_suite(f"duckdb:///{tmp_path / 'w.duckdb'}", "t", suite)
    assert MORE.format("16MB") in str(raised.value)
    assert "suite" not in str(raised.value)


def test_a_rule_whose_server_is_gone_is_not_blamed(postgres):
    url = postgres.make_database()
    suite = suite_of("select * from {batch} where pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(WarehouseError, match="terminating connection") as raised:
        run_suite(url, "pg_class", suite)
    assert "remove the cause and run it again" in str(raised.value)
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
