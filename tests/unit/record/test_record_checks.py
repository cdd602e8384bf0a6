"""Checks of the record before a night is published."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest
from staged_files import AFTER_A_CLEAN_GATE, a_delivery, write_staged

from onestop.record.decisions import ACCEPTED, VOLUME, Decision, record_decision
from onestop.record.load import load_delivery
from onestop.record.record_checks import lost_keys, record_state, vanished_wholesale
from onestop.record.refusals import record_refusal
from onestop.warehouse import open_warehouse

FIRST, SECOND = dt.date(2022, 6, 1), dt.date(2022, 6, 2)


@pytest.fixture(params=["duckdb", "postgresql"])
def warehouse(request, tmp_path):
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as opened:
        yield opened


def a_file(name, night, units):
    return a_delivery("units", str(night), kind="snapshot", file_name=f"{name}/units.csv"), units


def staged(folder, delivery, units):
    path = folder / f"{delivery.delivery_id}.duckdb"
    rows = [
        {
            "unit_code": code,
            "unit_name": code,
            "unit_level": "commune",
            "parent_unit_code": code.rpartition(".")[0],
        }
        for code in units
    ]
    write_staged(path, delivery, rows)
    with duckdb.connect(path) as connection:
        connection.execute(AFTER_A_CLEAN_GATE.format(rows=len(units)))
    return path


def load(warehouse, folder, *files):
    for delivery, units in files:
        load_delivery(warehouse, delivery, staged(folder, delivery, units))


def test_an_intact_record_has_no_lost_keys_and_a_new_state_after_each_night(warehouse, tmp_path):
    assert record_state(warehouse, FIRST) == 0
    load(warehouse, tmp_path, a_file("a", FIRST, ["H1.1"]), a_file("b", FIRST, ["H2.1"]))
    assert record_state(warehouse, FIRST) == 2
    load(warehouse, tmp_path, a_file("a", SECOND, ["H1.1"]), a_file("b", SECOND, ["H2.1"]))
    assert record_state(warehouse, FIRST) == 2
    assert lost_keys(warehouse, SECOND) == []
    assert vanished_wholesale(warehouse, SECOND) == []


def test_an_accepted_row_that_the_history_lacks_is_named_with_its_file(warehouse, tmp_path):
    load(warehouse, tmp_path, a_file("a", FIRST, ["H1.1", "H1.2"]))
    warehouse.execute("delete from core.unit_history where unit_code = 'H1.2'")
    assert lost_keys(warehouse, FIRST) == [
        "1 accepted rows of a/units.csv are not in the history of units"
    ]


def test_a_row_that_a_snapshot_holds_unchanged_and_the_history_lacks_is_lost(warehouse, tmp_path):
    load(warehouse, tmp_path, a_file("a", FIRST, ["H1.1", "H1.2"]))
    load(warehouse, tmp_path, a_file("a", SECOND, ["H1.1", "H1.2"]))
    assert lost_keys(warehouse, SECOND) == []
    warehouse.execute(
        "update core.unit_history set valid_to = :night where unit_code = 'H1.2'",
        {"night": SECOND},
    )
    assert lost_keys(warehouse, SECOND) == [
        "not in the history of units: 1 row that a/units.csv holds unchanged"
    ]


def test_a_unit_that_vanishes_completely_from_a_complete_source_must_be_confirmed(
    warehouse, tmp_path
):
    load(warehouse, tmp_path, a_file("a", FIRST, ["H1.1", "H1.2", "H2.1", "H2.2"]))
    load(warehouse, tmp_path, a_file("a", SECOND, ["H1.1"]))
    (sentence,) = vanished_wholesale(warehouse, SECOND)
    assert sentence.startswith(
        "all rows of units of H2 vanish on night 2022-06-02 (2); have one_stop"
    )
    assert sentence.endswith("run the night with --accept-volume one_stop/units --because …")
    decided_at = dt.datetime.now(dt.UTC)
    accepted = Decision(SECOND, VOLUME, "one_stop/units", ACCEPTED, "merged", "duty", decided_at)
    record_decision(warehouse, accepted)
    assert vanished_wholesale(warehouse, SECOND) == []


def test_a_vanished_unit_is_reported_with_the_refused_part_of_its_snapshot(warehouse, tmp_path):
    load(warehouse, tmp_path, a_file("a", FIRST, ["H1.1", "H1.2"]))
    load(warehouse, tmp_path, a_file("a", SECOND, ["H1.1"]))
    assert vanished_wholesale(warehouse, SECOND) == []
    refused, _ = a_file("b", SECOND, [])
    record_refusal(warehouse, refused, rule_code="FILE-F02", reason_vi="hỏng", reason_en="damaged")
    (sentence,) = vanished_wholesale(warehouse, SECOND)
    assert "b/units.csv, is refused" in sentence
