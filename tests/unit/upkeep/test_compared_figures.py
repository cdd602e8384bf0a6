"""A verification compares figures in the database: every difference counts, the first are shown."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest

from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts, refresh_reference
from onestop.upkeep.compared_figures import (
    differing_figures,
    put_counted_figures,
    put_published_figures,
)
from onestop.warehouse import open_warehouse

NIGHT = dt.date(2022, 11, 24)


@pytest.fixture
def both(tmp_path):
    """A published night of units without dossiers, and a scratch warehouse that counted it."""
    paths = tmp_path / "published.duckdb", tmp_path / "scratch.duckdb"
    with open_warehouse(f"duckdb:///{paths[0]}") as warehouse:
        refresh_reference(warehouse)
        warehouse.execute(
            "insert into core.unit_history (valid_from, delivery_id, row_number, content_hash,"
            " unit_code, unit_name, unit_level) select date '2022-01-01', 'd', n, 'h', 'U' || n,"
            " 'Unit', 'commune' from range(3) as made (n)"
        )
        compute_marts(warehouse, NIGHT)
        publish_marts(warehouse, NIGHT)
    shutil.copyfile(*paths)
    with (
        open_warehouse(f"duckdb:///{paths[0]}") as published,
        open_warehouse(f"duckdb:///{paths[1]}") as scratch,
    ):
        compute_marts(scratch, NIGHT)
        yield published, scratch


def compare(published, scratch, most=20):
    figures = put_published_figures(scratch, published, NIGHT, has_same_rules=False)
    added = put_counted_figures(scratch, has_same_rules=False)
    first, count = differing_figures(scratch, most)
    return figures, added, first, count


def test_equal_figures_do_not_differ(both):
    figures, added, first, count = compare(*both)
    assert figures > 100
    assert (added, first, count) == ({}, [], 0)


def test_all_differences_are_counted_and_the_first_are_named(both):
    published, scratch = both
    published.execute("update mart.form_06a_history set open_overdue = 7 where unit_code = 'U1'")
    published.execute("delete from mart.form_06a_history where unit_code = 'U0'")
    published.execute("update mart.form_06a_history set unit_code = 'U9' where unit_code = 'U2'")
    rows = "select count(*) from mart_staged.form_06a where unit_code = '{}'"
    changed, gone, moved = (scratch.value(rows.format(f"U{n}")) for n in range(3))
    _, added, first, count = compare(*both, most=3)
    # the sums of the form, and its returned dossiers, of which those of U1 are the same
    assert count == changed + 2 * gone + 4 * moved
    assert added == {}
    assert [(one.figure.sort, one.figure.unit_code, one.was) for one in first] == [
        ("form_06a", "U0", None)
    ] * 3
    _, _, every, _ = compare(*both, most=count)
    assert {one.figure.unit_code: (one.was is None, one.now is None) for one in every} == {
        "U0": (True, False),
        "U1": (False, False),
        "U2": (True, False),
        "U9": (False, True),
    }


def test_a_kind_that_was_not_published_is_counted_apart(both):
    published, scratch = both
    kind = "indicator_code = 'on_time_rate' and method_code = 'cohort'"
    published.execute(f"delete from mart.indicator_history where {kind}")
    _, added, first, count = compare(*both)
    missing = scratch.value(f"select count(*) from mart_staged.indicator_value where {kind}")
    assert {str(of): number for of, number in added.items()} == {"on_time_rate by cohort": missing}
    assert (first, count) == ([], 0)
