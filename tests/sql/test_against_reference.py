"""The marts of random worlds, compared with the same figures counted in plain Python."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from computed_marts import compute_only
from example_counts import examples
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from random_worlds import NIGHTS, build_world, merge_worlds, put_world
from reference_comparison import FORM_COLUMNS, compare_everything
from reference_figures import Figures, Statement, World, count_everything

from onestop.marts.publish import refresh_reference
from onestop.schema.reference import REFERENCE_FOLDER, read_reference
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import STAGED

if TYPE_CHECKING:
    from onestop.warehouse import Warehouse

DAYS_OFF = {
    row["calendar_date"]: row["day_kind"] for row in read_reference(REFERENCE_FOLDER)["day_off"]
}
WORLDS_PER_CITY = 20
DOSSIERS = 30


@dataclass
class City:
    """Several worlds merged into one city: computed marts, and figures counted in plain Python."""

    warehouse: Warehouse
    figures: Figures
    as_of: dt.date
    dossiers: int


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    path = tmp_path_factory.mktemp("worlds") / "w.duckdb"
    with open_warehouse(f"duckdb:///{path}") as opened:
        refresh_reference(opened)
        opened.empty_schema(STAGED)
        yield opened


def make_city(warehouse, batch):
    """A city of worlds of twenty seeds, on one of the nights."""
    seeds = range(batch * WORLDS_PER_CITY, (batch + 1) * WORLDS_PER_CITY)
    worlds = [build_world(random.Random(seed).choice, dossiers=DOSSIERS) for seed in seeds]
    as_of = NIGHTS[5 * batch % len(NIGHTS)]
    city = merge_worlds(worlds)
    put_world(warehouse, city)
    compute_only(warehouse, as_of)
    return City(warehouse, count_everything(city, as_of, DAYS_OFF), as_of, len(city.dossiers))


SLOW_BATCHES = [pytest.param(batch, marks=pytest.mark.slow) for batch in range(5, 125)]


@pytest.fixture(scope="module", params=[*range(5), *SLOW_BATCHES])
def city(warehouse, request):
    return make_city(warehouse, request.param)


def compared(warehouse, figures, as_of):
    return compare_everything(warehouse, STAGED, figures, as_of, DAYS_OFF)


def test_every_figure_of_random_worlds_equals_the_count_in_plain_python(city):
    found = compared(city.warehouse, city.figures, city.as_of)
    assert not found.differences, str(found)
    assert found.figures > 100_000


def test_the_form_s_totals_are_the_sums_of_their_parts(city):
    broken = city.warehouse.rows(
        f"select * from {STAGED}.form_06a"
        " where received_total <> received_online + received_counter_post + carried_over"
        " or received_total <> resolved_total + open_total"
        " or resolved_total <> resolved_early + resolved_on_time + resolved_late"
        " or open_total <> open_in_time + open_overdue"
    )
    assert not broken, broken[:5]
    assert city.warehouse.value(f"select max(received_total) from {STAGED}.form_06a") > DOSSIERS


def test_dossiers_carried_over_equal_the_open_dossiers_of_the_period_before(city):
    pairs = (
        f"from {STAGED}.form_06a as this inner join {STAGED}.form_06a as before"
        " on this.unit_code = before.unit_code and this.field_code = before.field_code"
        " and this.period_type = before.period_type and this.period_basis = before.period_basis"
        " and this.period_start = before.period_end + 1"
        " where before.period_type <> 'year_to_date' and this.field_code = 'ALL'"
    )
    broken = city.warehouse.rows(
        f"select this.*, before.open_total as left_open {pairs}"
        " and this.carried_over <> before.open_total"
    )
    assert not broken, broken[:5]
    assert city.warehouse.value(f"select max(this.carried_over) {pairs}") > 0


SUMS = {
    "form_06a": (FORM_COLUMNS, ("field_code",)),
    "on_time_detail": (
        ("numerator", "denominator"),
        ("method_code", "field_code", "procedure_key"),
    ),
    "online_share": (
        ("received_total", "received_online", "received_post"),
        ("service_level", "provision_code"),
    ),
    "waiting_time": (("visits_total", "visits_called", "wait_seconds", "units_with_tickets"), ()),
    "digitisation": (("results_total", "results_digitised"), ()),
}


@pytest.mark.parametrize("mart", SUMS)
@pytest.mark.parametrize(("parts", "whole"), [("unit", "level"), ("level", "city")])
def test_units_add_up_to_levels_and_levels_to_the_city(city, mart, parts, whole):
    columns, split_by = SUMS[mart]
    key = ("period_type", "period_basis", "period_start", *split_by)
    if whole == "level":
        key = (*key, "unit_level")

    def summed(scope):
        chosen = ", ".join(f"coalesce(sum({column}), 0) as {column}" for column in columns)
        keys = ", ".join(f"coalesce(cast({column} as varchar), '') as {column}" for column in key)
        return (
            f"select {keys}, {chosen} from {STAGED}.{mart} where unit_scope = '{scope}'"
            f" group by {', '.join(str(n + 1) for n in range(len(key)))}"
        )

    same = " and ".join(f"w.{column} = p.{column}" for column in key)
    differ = " or ".join(f"coalesce(w.{c}, 0) <> coalesce(p.{c}, 0)" for c in columns)
    broken = city.warehouse.rows(
        f"select w.*, p.* from ({summed(whole)}) as w full join ({summed(parts)}) as p on {same}"
        f" where {differ}"
    )
    assert not broken, broken[:5]


# --- examples that were once counted wrongly ------------------------------------------------------

REGISTER = {
    "H24.31": [
        Statement(
            dt.date(2022, 1, 1),
            {
                "unit_code": "H24.31",
                "unit_level": "district",
                "has_one_stop": None,
                "digitisation_date": dt.date(2022, 3, 1),
            },
        )
    ]
}


def rows_of_marts(warehouse, world, as_of, query):
    put_world(warehouse, world)
    compute_only(warehouse, as_of)
    found = compared(warehouse, count_everything(world, as_of, DAYS_OFF), as_of)
    assert not found.differences, str(found)
    return [tuple(row.values()) for row in warehouse.rows(query)]


def test_a_vanished_dossier_keeps_its_last_state_until_it_returns(warehouse):
    paused = {
        "dossier_code": "D",
        "alias_code": None,
        "procedure_code": "1.000001",
        "field_code": None,
        "receiving_unit_code": "H24.31",
        "resolving_unit_code": None,
        "channel": "counter",
        "service_level": 2,
        "received_date": dt.date(2022, 3, 1),
        "due_date": dt.date(2022, 3, 8),
        "resolved_date": None,
        "status": "awaiting_supplement",
        "closing_class": None,
        "result_digitised": None,
    }
    story = [
        Statement(dt.date(2022, 3, 1), paused | {"status": "processing"}),
        Statement(dt.date(2022, 3, 7), paused),
        Statement(dt.date(2022, 3, 20), None),
        Statement(dt.date(2022, 4, 10), paused | {"status": "processing"}),
    ]
    found = rows_of_marts(
        warehouse,
        World(dossiers={"D": story}, units=REGISTER),
        dt.date(2022, 4, 30),
        f"select period_start, open_in_time, open_overdue from {STAGED}.form_06a"
        " where unit_code = 'CITY' and field_code = 'ALL' and period_type = 'month'"
        " and period_basis = 'calendar' and received_total > 0 order by 1",
    )
    # paused at the end of March; long overdue at the end of April
    assert found == [(dt.date(2022, 3, 1), 1, 0), (dt.date(2022, 4, 1), 0, 1)]


def test_a_unit_counts_as_a_desk_unless_the_register_says_otherwise(warehouse):
    found = rows_of_marts(
        warehouse,
        World(units=REGISTER),
        dt.date(2022, 6, 30),
        f"select desks_total, desks_digitising from {STAGED}.digitisation"
        " where unit_code = 'DISTRICT' and period_type = 'year_to_date'"
        " and period_basis = 'calendar'",
    )
    assert found == [(1, 1)]


def test_a_desk_counts_from_its_unit_s_first_day_until_the_day_before_its_end(warehouse):
    first = REGISTER["H24.31"][0]
    spans = {
        "H24.31": {"valid_from_date": dt.date(2022, 2, 15), "valid_to_date": dt.date(2022, 6, 30)},
        "H24.32": {"valid_from_date": dt.date(2022, 3, 1)},
    }
    units = {
        code: [Statement(first.night, first.says | {"unit_code": code} | span)]
        for code, span in spans.items()
    }
    found = rows_of_marts(
        warehouse,
        World(units=units),
        dt.date(2022, 6, 30),
        f"select period_start, desks_total from {STAGED}.digitisation"
        " where unit_code = 'DISTRICT' and period_type = 'month' and period_basis = 'calendar'"
        " order by 1",
    )
    assert [desks for _, desks in found] == [1, 2, 2, 2, 1]
    assert found[0][0] == dt.date(2022, 2, 1)


def test_a_unit_with_tickets_that_is_not_registered_is_shown_as_unregistered(warehouse):
    issued = dt.datetime(2022, 6, 1, 8, tzinfo=LOCAL_ZONE)
    ticket = {
        "ticket_code": "T",
        "unit_code": "H24.99",
        "service_code": None,
        "ticket_status": "completed",
        "transferred_from": None,
        "issued_at": issued,
        "called_at": issued + dt.timedelta(minutes=7),
        "issued_date": issued.date(),
    }
    found = rows_of_marts(
        warehouse,
        World(visits={"T": [Statement(issued.date(), ticket)]}),
        dt.date(2022, 6, 30),
        f"select unit_code, visits_called, wait_seconds from {STAGED}.waiting_time"
        " where period_type = 'year_to_date' and period_basis = 'calendar' order by 1",
    )
    assert found == [("CITY", 1, 420), ("H24.99", 1, 420), ("UNREGISTERED", 1, 420)]


# --- a search ------------------------------------------------------------------------------------


@st.composite
def worlds(draw):
    def choose(options):
        return options[draw(st.integers(0, len(options) - 1))]

    size = draw(st.integers(1, 12))
    return build_world(choose, dossiers=size, tickets=draw(st.integers(0, 6))), choose(NIGHTS)


@hypothesis_settings(max_examples=examples(8, in_long=300), suppress_health_check=list(HealthCheck))
@given(worlds())
def test_the_marts_of_any_world_equal_the_count_in_plain_python(warehouse, world_and_night):
    world, as_of = world_and_night
    put_world(warehouse, world)
    compute_only(warehouse, as_of)
    found = compared(warehouse, count_everything(world, as_of, DAYS_OFF), as_of)
    assert not found.differences, f"{as_of}: {world}\n{found}"
