"""The same SELECTs give the same marts on DuckDB and PostgreSQL, in every row and column."""

from __future__ import annotations

import random

import pytest
from engines import assert_same, content
from example_counts import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from random_worlds import NIGHTS, build_world, put_world

from onestop.marts.compute import compute_marts
from onestop.marts.files import mart_files
from onestop.marts.publish import figures_digest, publish_marts, refresh_reference
from onestop.warehouse import open_warehouse


@pytest.fixture(scope="module")
def warehouses(postgres, tmp_path_factory):
    """One open warehouse of each engine."""
    embedded = f"duckdb:///{tmp_path_factory.mktemp('embedded') / 'w.duckdb'}"
    with open_warehouse(embedded) as one, open_warehouse(postgres.make_database()) as other:
        for warehouse in (one, other):
            refresh_reference(warehouse)
        yield one, other


def assert_equal_marts(warehouses, seed, night):
    world = build_world(random.Random(seed).choice, dossiers=60, tickets=30)
    for warehouse in warehouses:
        put_world(warehouse, world)
        compute_marts(warehouse, night)
    assert_same(*(content(warehouse, ("core", "mart_staged")) for warehouse in warehouses))
    assert len({figures_digest(warehouse, "mart_staged") for warehouse in warehouses}) == 1


@settings(max_examples=examples(3, in_long=100))
@given(seed=st.integers(0, 2**32 - 1), night=st.sampled_from(NIGHTS))
def test_any_world_has_the_same_marts_on_both_engines(warehouses, seed, night):
    assert_equal_marts(warehouses, seed, night)


def test_published_histories_are_the_same_on_both_engines(warehouses):
    for seed, night in enumerate(sorted(NIGHTS)[-3:]):
        world = build_world(random.Random(seed).choice, dossiers=60, tickets=30)
        for warehouse in warehouses:
            put_world(warehouse, world)
            compute_marts(warehouse, night)
            publish_marts(warehouse, night)
    assert_same(*(content(warehouse) for warehouse in warehouses))
    for warehouse in warehouses:
        closed = "select count(*) from mart.form_06a_history where valid_to is not null"
        assert warehouse.value(closed) > 100


def test_columns_have_the_same_types_on_both_engines(warehouses):
    for warehouse in warehouses:
        compute_marts(warehouse, NIGHTS[0])
    one, other = (types(warehouse) for warehouse in warehouses)
    differing = {name: (one[name], other[name]) for name in one if one[name] != other[name]}
    assert one.keys() == other.keys()
    assert differing == {}
    unusual = {name: type_ for name, type_ in one.items() if type_ not in USUAL}
    assert unusual == {}


#: PostgreSQL's names of types that DuckDB names differently.
SAME = {
    "VARCHAR": "text",
    "CHARACTER VARYING": "text",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "NUMERIC": "decimal",
}
USUAL = {"text", "bigint", "integer", "date", "timestamp", "boolean", "decimal(18,4)"}


def types(warehouse):
    found = warehouse.rows(
        "select table_schema, table_name, column_name, data_type, numeric_precision, numeric_scale"
        " from information_schema.columns where table_schema in ('mart_staged', 'ref')"
    )
    return {
        f"{row['table_schema']}.{row['table_name']}.{row['column_name']}": plain_type(row)
        for row in found
    }


def plain_type(row):
    name = row["data_type"].upper().split("(")[0]
    name = SAME.get(name, name.lower())
    scale = f"({row['numeric_precision']},{row['numeric_scale']})" if name == "decimal" else ""
    return f"{name}{scale}"


def test_a_view_is_the_same_every_night():
    """Readers of a view would block its replacement, and with it the night's publication."""
    views = [file for file in mart_files() if file.is_view]
    assert views
    for file in views:
        assert file.select(NIGHTS[0], "mart") == file.select(NIGHTS[1], "mart"), file.name
