"""Spark counts the marts as the warehouse's engine does, row for row."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from random_worlds import build_world
from recorded_world import put_record
from spark_here import derive_histories, differing_marts, needs_spark

from onestop.marts.compute import compute_marts
from onestop.marts.publish import refresh_reference
from onestop.warehouse import open_warehouse

pytestmark = needs_spark

NIGHT = dt.date(2022, 9, 30)
#: With the steps that they read: histories, recursion, percentiles, JSON, tallies.
SMALL_PART = {"waiting_time", "class_tally", "due_date_move"}


@pytest.mark.usefixtures("spark")
def test_marts_of_dossiers_and_waits_are_equal_on_spark(tmp_path):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as warehouse:
        refresh_reference(warehouse)
        put_record(warehouse, build_world(random.Random(7).choice, dossiers=60, tickets=120))
        derive_histories(warehouse)
        compute_marts(warehouse, NIGHT)
        assert differing_marts(warehouse, NIGHT, SMALL_PART, tmp_path) == {}
        assert warehouse.value("select count(*) from mart_staged.waiting_time") > 100
    assert not list(tmp_path.glob("run-*"))
