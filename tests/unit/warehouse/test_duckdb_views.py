"""Views of DuckDB that stay from night to night."""

from __future__ import annotations

import pytest
from published_marts import SECOND

from onestop.marts.files import mart_files
from onestop.warehouse import open_warehouse


@pytest.fixture
def warehouse(tmp_path):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as opened:
        yield opened


def standing(warehouse):
    found = warehouse.rows(
        "select view_name, view_oid, comment from duckdb_views() where schema_name = 'mart'"
    )
    return {row.pop("view_name"): row for row in found}


def test_an_identical_view_stays_with_its_comments_and_another_is_replaced(warehouse):
    views = {
        "mart.number": "select 1 as a  -- said once",
        "mart.twice": "with n as (select a from mart.number) select 2 * a as b from n",
    }
    warehouse.keep_views(views)
    for view in views:
        warehouse.execute(f"comment on view {view} is 'of {view}'")
    before = standing(warehouse)
    warehouse.keep_views(views | {"mart.number": "select   1 AS a"})
    assert standing(warehouse) == before
    warehouse.keep_views(views | {"mart.number": "select 7 as a"})
    after = standing(warehouse)
    assert (after["twice"], after["number"]["comment"]) == (before["twice"], None)
    assert warehouse.value("select b from mart.twice") == 14
    warehouse.execute("drop view mart.number")
    warehouse.make_table("mart.number", "select 3 as a")
    warehouse.keep_views(views)
    assert warehouse.value("select b from mart.twice") == 2


def test_every_published_view_is_recognised_the_next_night(after_one_night):
    views = {
        f"mart.{file.name}": file.select(SECOND, "mart") for file in mart_files() if file.is_view
    }
    assert len(views) > 20
    with open_warehouse(after_one_night.warehouse) as warehouse:
        before = standing(warehouse)
        assert all(row["comment"] for row in before.values())
        warehouse.keep_views(views)
        assert standing(warehouse) == before
