"""The files that a published night was counted without."""

from __future__ import annotations

import datetime as dt

import pytest
from staged_files import a_delivery

from onestop.record.night_files import LackingFiles, lacking_files
from onestop.record.settlements import NO_ROWS, insert_settlement
from onestop.warehouse import open_warehouse

WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, MONDAY = (
    dt.date(2022, 6, day) for day in (22, 23, 24, 25, 27)
)
ONE_MISSING = [LackingFiles("one_stop", "visits", 0, 1)]
ONE_REFUSED = [LackingFiles("one_stop", "visits", 1, 0)]


@pytest.fixture
def warehouse():
    """Three working days, each with a file of tickets."""
    with open_warehouse("duckdb://") as warehouse:
        for night in (WEDNESDAY, THURSDAY, FRIDAY):
            settle(warehouse, night)
        yield warehouse


def settle(warehouse, night, state="loaded", known_from=None, size=1):
    delivery = a_delivery("visits", str(night), size_bytes=size)
    insert_settlement(warehouse, delivery, known_from or night, state, NO_ROWS)


def test_a_file_that_came_on_three_working_days_is_missing_on_the_next_only(warehouse):
    assert lacking_files(warehouse, MONDAY) == ONE_MISSING
    assert lacking_files(warehouse, FRIDAY) == []  # it came
    assert lacking_files(warehouse, SATURDAY) == []  # a day off
    settle(warehouse, MONDAY)
    assert lacking_files(warehouse, MONDAY) == []


def test_a_file_that_comes_now_and_then_is_not_missing(warehouse):
    assert lacking_files(warehouse, MONDAY + dt.timedelta(days=1)) == []


def test_a_file_that_came_after_the_publication_is_missing_in_its_night(warehouse):
    settle(warehouse, MONDAY, known_from=MONDAY + dt.timedelta(days=1))
    assert lacking_files(warehouse, MONDAY) == ONE_MISSING


def test_a_refused_file_is_lacking_until_one_of_its_name_is_loaded(warehouse):
    settle(warehouse, MONDAY, state="refused")
    assert lacking_files(warehouse, MONDAY) == ONE_REFUSED
    settle(warehouse, MONDAY, size=2, known_from=MONDAY + dt.timedelta(days=1))
    assert lacking_files(warehouse, MONDAY) == ONE_REFUSED
    settle(warehouse, MONDAY, size=3)
    assert lacking_files(warehouse, MONDAY) == []
