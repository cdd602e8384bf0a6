"""What adds up to what, and which target holds, stand in one place each."""

from __future__ import annotations

import datetime as dt

import pytest

from onestop.marts.files import mart_files
from onestop.marts.publish import refresh_reference
from onestop.warehouse import open_warehouse
from onestop.warehouse.sql_text import tables_read
from onestop.warehouse.staged_names import STAGED

NIGHT = dt.date(2022, 11, 24)
FILES = {file.name: file for file in mart_files()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("one") / "w.duckdb"
    with open_warehouse(f"duckdb:///{path}") as opened:
        refresh_reference(opened)
        opened.empty_schema(STAGED)
        for name in ("period", "roll_up", "target_in_force"):
            make = opened.make_view if FILES[name].is_view else opened.make_table
            make(f"{STAGED}.{name}", FILES[name].select(NIGHT, STAGED))
        yield opened


@pytest.fixture
def warehouse(made):
    made.execute("begin")
    yield made
    made.execute("rollback")


def rows(warehouse, name):
    return warehouse.rows(f"select * from {STAGED}.{name}")


def test_a_unit_counts_in_itself_its_level_and_the_city(warehouse):
    found = [row for row in rows(warehouse, "roll_up") if row["unit_level"] == "district"]
    assert sorted((row["unit_scope"], row["total_code"]) for row in found) == [
        ("city", "CITY"),
        ("level", "DISTRICT"),
        ("unit", None),
    ]


def test_a_unit_out_of_the_register_counts_in_the_city_too(warehouse):
    found = {
        row["total_code"]
        for row in rows(warehouse, "roll_up")
        if row["unit_level"] == "unregistered"
    }
    assert found == {None, "UNREGISTERED", "CITY"}


def test_a_target_of_its_own_has_precedence_over_that_of_all_levels(warehouse):
    warehouse.execute(
        "insert into ref_staged.target (indicator_code, unit_level, comparison, target_numerator,"
        " target_denominator, valid_from, valid_to, source_clause, verified)"
        " values ('on_time_rate', 'commune', '>=', 90, 100, date '2022-01-01',"
        " date '2023-01-01', 'QĐ', true)"
    )
    found = {
        row["unit_level"]: int(row["target"])
        for row in rows(warehouse, "target_in_force")
        if row["indicator_code"] == "on_time_rate" and row["measured_on"] == NIGHT
    }
    everywhere = warehouse.value(
        "select target_numerator from ref_staged.target"
        " where indicator_code = 'on_time_rate' and unit_level = 'all'"
        f" and valid_from <= date '{NIGHT}' and valid_to > date '{NIGHT}'"
    )
    assert found.pop("commune") == 90
    assert set(found.values()) == {everywhere}


def test_a_target_holds_from_its_first_day_to_the_day_before_its_end(warehouse):
    days = [
        row["measured_on"]
        for row in rows(warehouse, "target_in_force")
        if row["indicator_code"] == "online_share_level34" and row["unit_level"] == "city"
    ]
    assert min(days) >= dt.date(2022, 11, 10)
    assert max(days) == NIGHT


def test_only_one_select_reads_the_targets():
    reading = {file.name for file in mart_files() if "ref.target" in tables_read(file.text)}
    assert reading == {"target_in_force"}


def test_no_select_but_one_names_the_totals():
    naming = {file.name for file in mart_files() if "upper(unit_level)" in file.text}
    assert naming == set()
