"""Sums of a large record are counted of some units at a time; the marts are the same."""

from __future__ import annotations

import random

import pytest
from engines import assert_same, content
from example_counts import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from random_worlds import NIGHTS, build_world, put_world

from onestop.marts.compute import compute_marts
from onestop.marts.publish import refresh_reference
from onestop.marts.unit_parts import COUNTED_IN_PARTS
from onestop.warehouse import open_warehouse
from onestop.warehouse.duckdb_engine import DuckDBWarehouse


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory):
    """Two open warehouses."""
    folder = tmp_path_factory.mktemp("parts")
    with (
        open_warehouse(f"duckdb:///{folder / 'whole.duckdb'}") as whole,
        open_warehouse(f"duckdb:///{folder / 'parts.duckdb'}") as parts,
    ):
        for warehouse in (whole, parts):
            refresh_reference(warehouse)
        yield whole, parts


def parts_added(monkeypatch):
    """The tallies to which a further part is added, each as often as that."""
    added = []
    run = DuckDBWarehouse.execute

    def execute(warehouse, sql, parameters=None):
        added.extend(name for name in COUNTED_IN_PARTS if f"into mart_staged.{name} (" in sql)
        run(warehouse, sql, parameters)

    monkeypatch.setattr(DuckDBWarehouse, "execute", execute)
    return added


@settings(max_examples=examples(4, in_long=100))
@given(
    seed=st.integers(0, 2**32 - 1), night=st.sampled_from(NIGHTS), rows=st.sampled_from([1, 100])
)
def test_marts_counted_of_some_units_at_a_time_are_the_same(warehouses, seed, night, rows):
    world = build_world(random.Random(seed).choice, dossiers=60, tickets=5)
    with pytest.MonkeyPatch.context() as monkeypatch:
        added = parts_added(monkeypatch)
        for warehouse, rows_at_once in zip(warehouses, (10**9, rows), strict=True):
            monkeypatch.setattr(DuckDBWarehouse, "rows_at_once", rows_at_once)
            put_world(warehouse, world)
            compute_marts(warehouse, night)
    assert all(added.count(name) > 2 for name in COUNTED_IN_PARTS)
    assert_same(*(content(warehouse, ("core", "mart_staged")) for warehouse in warehouses))


@pytest.mark.parametrize(
    ("memory", "rows"), [("1GB", 1_600_000), ("512 MiB", 673_742), ("1MB", 10_000)]
)
def test_a_part_has_as_many_rows_as_the_memory_holds(warehouses, monkeypatch, memory, rows):
    monkeypatch.setenv("ONESTOP_MEMORY", memory)
    assert warehouses[0].rows_at_once == rows
