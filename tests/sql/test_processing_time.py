"""Working days taken, the backlog, and what falls due soon."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from computed_marts import compute_only
from random_worlds import NIGHTS, build_world, merge_worlds, put_world
from reference_figures import Statement, World, count_everything
from reference_times import SHARES, backlog, due_soon, percentile, processing_times
from second_worked_set import DISTRICT, dossier, ended

from onestop.marts.files import mart_files
from onestop.marts.publish import refresh_reference
from onestop.schema.reference import REFERENCE_FOLDER, read_reference
from onestop.schema.workdays import FIRST_DAY
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import STAGED

DAYS_OFF = {
    row["calendar_date"]: row["day_kind"] for row in read_reference(REFERENCE_FOLDER)["day_off"]
}
FIRST_DAYS = {
    row["band_code"]: row["days_from"] for row in read_reference(REFERENCE_FOLDER)["age_band"]
}
MARTS = ("processing_time", "backlog", "due_soon")
JUNE = dt.date(2022, 6, 30)
PERIOD = ("period_type", "period_basis", "period_start")


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def warehouse(request, tmp_path_factory):
    url = f"duckdb:///{tmp_path_factory.mktemp('times') / 'w.duckdb'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as opened:
        refresh_reference(opened)
        yield opened


def computed(warehouse, world, as_of):
    warehouse.empty_schema(STAGED)
    put_world(warehouse, world)
    compute_only(warehouse, as_of, MARTS)


def times(warehouse):
    return {
        (
            *(row[name] for name in ("unit_code", "field_code", "procedure_key", "clock_code")),
            *(row[name] for name in PERIOD),
        ): (
            row["dossiers"],
            row["dossiers_seen_late"],
            row["workdays_total"],
            tuple(Fraction(row[f"{name}_workdays"]) for name in ("median", "p75", "p90")),
        )
        for row in warehouse.rows(f"select * from {STAGED}.processing_time")
    }


@pytest.mark.parametrize("seed", range(2))
def test_all_figures_of_random_worlds_equal_those_counted_in_plain_python(warehouse, seed):
    worlds = [build_world(random.Random(100 * seed + n).choice, dossiers=30) for n in range(6)]
    world, as_of = merge_worlds(worlds), NIGHTS[-1 - 5 * seed]
    computed(warehouse, world, as_of)
    figures = count_everything(world, as_of, DAYS_OFF)
    expected = processing_times(world, figures, as_of, DAYS_OFF)
    found = times(warehouse)
    assert {key: (found.get(key), value) for key, value in expected.items()
            if found.get(key) != value} == {}  # fmt: skip
    assert found.keys() == expected.keys()
    assert any(key[3] == "office" and value != expected[(*key[:3], "elapsed", *key[4:])]
               for key, value in expected.items())  # fmt: skip
    rows = warehouse.rows(f"select * from {STAGED}.backlog")
    assert {
        (row["unit_code"], row["band_kind"], FIRST_DAYS[row["band_code"]]): row["dossiers"]
        for row in rows
    } == backlog(figures, as_of, DAYS_OFF)
    rows = warehouse.rows(f"select * from {STAGED}.due_soon")
    soon = due_soon(figures, as_of, DAYS_OFF)
    assert {row["dossier_code"]: row["workdays_left"] for row in rows} == soon


@pytest.mark.parametrize("seed", range(3))
def test_percentiles_of_counts_are_those_of_the_numbers_themselves(warehouse, seed):
    draw = random.Random(seed)
    days = {
        unit: [draw.choice([0, 1, 1, 2, 3, 5, 8, 20, 21, 200]) for _ in range(size)]
        for unit, size in zip("ABCDEF", (1, 2, 3, 10, 11, 40), strict=True)
    }
    warehouse.empty_schema(STAGED)
    for name in ("period", "period_day", "roll_up"):
        file = next(file for file in mart_files() if file.name == name)
        make = warehouse.make_view if file.is_view else warehouse.make_table
        make(f"{STAGED}.{name}", file.select(JUNE, STAGED))
    warehouse.make_table(
        f"{STAGED}.unit",
        " union all ".join(
            f"select '{unit}' as unit_code, 'district' as unit_level, 'unit' as unit_scope"
            for unit in days
        ),
    )
    rows = [
        {"unit_code": unit, "unit_level": "district", "field_code": "G", "procedure_key": "P",
         "half_month": dt.date(2022, 6, 1), "workdays_taken": taken, "workdays_paused": 0,
         "dossiers": numbers.count(taken), "dossiers_seen_late": 0}
        for unit, numbers in days.items() for taken in sorted(set(numbers))
    ]  # fmt: skip
    warehouse.put_table(f"{STAGED}.duration_tally", pa.Table.from_pylist(rows))
    view = next(file for file in mart_files() if file.name == "processing_time")
    warehouse.make_view(f"{STAGED}.processing_time", view.select(JUNE, STAGED))
    found = {
        row["unit_code"]: row
        for row in warehouse.rows(
            f"select * from {STAGED}.processing_time where field_code = 'ALL'"
            " and procedure_key = 'ALL' and clock_code = 'office' and period_type = 'year'"
            " and period_basis = 'calendar'"
        )
    }
    for unit, numbers in days.items():
        row = found[unit]
        shown = [row[f"{name}_workdays"] for name in ("median", "p75", "p90")]
        assert shown == [
            Decimal(share.numerator) / share.denominator
            for share in (percentile(numbers, part) for part in SHARES)
        ]
        # the engine's own percentiles of the numbers
        values = " union all ".join(f"select {number} as v" for number in numbers)
        own = warehouse.rows(
            "select "
            + ", ".join(
                f"percentile_cont({part}) within group (order by v) as p{place}"
                for place, part in enumerate((0.5, 0.75, 0.9))
            )
            + f" from ({values}) as numbers"
        )[0]
        assert [round(float(value), 6) for value in own.values()] == [float(x) for x in shown]


def story(*states):
    return [Statement(dt.date(2022, 6, day), says) for day, says in states]


def district_world():
    world = World()
    world.units = {
        DISTRICT: [
            Statement(
                dt.date(2022, 1, 3),
                {"unit_code": DISTRICT, "unit_name": "Quận", "unit_level": "district",
                 "parent_unit_code": None, "has_one_stop": True, "has_queue_system": None,
                 "digitisation_date": None, "valid_from_date": None, "valid_to_date": None},
            )
        ]
    }  # fmt: skip
    return world


def worked_world():
    """Six dossiers of a district in June 2022; Saturdays and Sundays are 4–5, 11–12, 18–19, 25–26.

    T1  received Wed 1, ended Wed 1: 0 working days.
    T2  received Fri 3, ended Mon 6: 1 (Monday); the weekend does not count.
    T3  received Wed 1, ended Fri 10: Thu 2, Fri 3, Mon 6 to Fri 10 = 7. A supplement is asked for
        on Fri 3 and the dossier is taken up again on Wed 8: waiting at the ends of Fri 3, Mon 6 and
        Tue 7 = 3. Office: 4.
    T4  received Sat 4, ended Mon 13: Mon 6 to Fri 10, Mon 13 = 6. Suspended from Mon 6 until it was
        closed: Mon 6 to Fri 10 = 5. Office: 1. It was returned, which is a result.
    T5  withdrawn: does not count.
    T6  open since Wed 1: age on Thu 30 is 21 working days. Due Fri 24: 6 days overdue.
    T7  open, due Fri 1/07: 1 working day left. T8 open, due Sun 3/07: 1 (Friday). T9 due Tue 5/07:
        3 (Friday, Monday, Tuesday). T10 due Wed 6/07: 4, not listed. T11 due on Thu 30 itself: not
        listed. T12 due 1/07, but waiting: not listed.
    """

    def of(code, received, due, **more):
        return dossier(code, DISTRICT, received, due, **more)

    def waiting(says, status):
        return says | {"status": status}

    t2, t3, t4 = (
        of(code, received, "20/06")
        for code, received in (("T2", "03/06"), ("T3", "01/06"), ("T4", "04/06"))
    )
    world = district_world()
    world.dossiers = {
        "T1": story((1, ended(of("T1", "01/06", "10/06"), "01/06"))),
        "T2": story((3, t2), (6, ended(t2, "06/06"))),
        "T3": story(
            (1, t3), (3, waiting(t3, "awaiting_supplement")), (8, t3), (10, ended(t3, "10/06")),
        ),
        "T4": story(
            (4, t4), (6, waiting(t4, "suspended")),
            (13, ended(t4, "13/06", kind="returned_unprocessed")),
        ),
        "T5": story((1, ended(of("T5", "01/06", "20/06"), "15/06", "withdrawn", "withdrawn"))),
        "T6": story((1, of("T6", "01/06", "24/06"))),
        "T7": story((20, of("T7", "20/06", "01/07"))),
        "T8": story((20, of("T8", "20/06", "03/07"))),
        "T9": story((20, of("T9", "20/06", "05/07"))),
        "T10": story((20, of("T10", "20/06", "06/07"))),
        "T11": story((20, of("T11", "20/06", "30/06"))),
        "T12": story((20, waiting(of("T12", "20/06", "01/07"), "awaiting_payment"))),
    }  # fmt: skip
    return world


@pytest.fixture(scope="module")
def worked(warehouse):
    computed(warehouse, worked_world(), JUNE)
    return warehouse


def test_working_days_are_counted_without_the_day_of_receipt_and_days_off(worked):
    june = ("month", "calendar", dt.date(2022, 6, 1))
    found = times(worked)
    # 0, 1, 7, 6: in order 0, 1, 6, 7; the median between 1 and 6; p75 at place 2.25, p90 at 2.7
    assert found[DISTRICT, "ALL", "ALL", "elapsed", *june] == (
        4, 0, 14, (Fraction(7, 2), Fraction("6.25"), Fraction("6.7")),
    )  # fmt: skip


def test_days_of_waiting_and_suspension_are_not_the_offices(worked):
    june = ("month", "calendar", dt.date(2022, 6, 1))
    # 0, 1, 4, 1: in order 0, 1, 1, 4
    assert times(worked)["CITY", "ALL", "ALL", "office", *june] == (
        4, 0, 6, (Fraction(1), Fraction("1.75"), Fraction("3.1")),
    )  # fmt: skip


def test_a_period_of_government_reports_ends_on_the_14th(worked):
    found = times(worked)
    june = ("month", "government", dt.date(2022, 5, 15))
    assert found[DISTRICT, "ALL", "ALL", "elapsed", *june][0] == 4
    assert (
        DISTRICT,
        "ALL",
        "ALL",
        "elapsed",
        "month",
        "government",
        dt.date(2022, 6, 15),
    ) not in found


def test_open_dossiers_are_counted_by_age_and_by_days_overdue(worked):
    rows = worked.rows(
        f"select band_code, dossiers, dossiers_paused from {STAGED}.backlog"
        f" where unit_code = '{DISTRICT}' order by band_code"
    )
    # T6 is 21 working days old; the six received on 20/06 are 8
    assert [tuple(row.values()) for row in rows] == [
        ("age_to_10", 6, 1), ("age_to_40", 1, 0), ("overdue_to_10", 1, 0),
    ]  # fmt: skip


def test_dossiers_that_fall_due_within_three_working_days_are_listed(worked):
    rows = worked.rows(f"select dossier_code, workdays_left from {STAGED}.due_soon")
    assert {row["dossier_code"]: row["workdays_left"] for row in rows} == {
        "T7": 1, "T8": 1, "T9": 3,
    }  # fmt: skip


def test_no_open_or_ended_dossier_is_missing_however_early_it_was_received(warehouse):
    """E1 and E2 are open since 2000 and 2008; E3 was received in 2000 and ended in June 2022."""
    world = district_world()
    first = f"{FIRST_DAY:%d/%m/%Y}"
    world.dossiers = {
        "E1": story((1, dossier("E1", DISTRICT, first, "14/01/2000"))),
        "E2": story((1, dossier("E2", DISTRICT, "31/12/2008", None))),
        "E3": story((1, ended(dossier("E3", DISTRICT, first, "14/01/2000"), "01/06"))),
    }
    computed(warehouse, world, JUNE)
    rows = warehouse.rows(
        f"select band_code, dossiers from {STAGED}.backlog where unit_code = 'CITY' order by 1"
    )
    assert [tuple(row.values()) for row in rows] == [("age_above_40", 2), ("overdue_above_30", 1)]
    june = ("month", "calendar", dt.date(2022, 6, 1))
    assert times(warehouse)["CITY", "ALL", "ALL", "elapsed", *june][0] == 1


def test_days_before_a_dossier_was_first_seen_waiting_are_the_offices(warehouse):
    """Three dossiers that the first export states after their receipt, all ended in June 2022.

    F1  received Wed 1, first seen on Wed 8, waiting; taken up on Fri 10, ended Tue 14: Thu 2,
        Fri 3, Mon 6 to Fri 10, Mon 13, Tue 14 = 9. Seen waiting at the ends of Wed 8 and Thu 9 = 2;
        what it did on 2, 3, 6 and 7 nobody saw. Office: 7, seen late.
    F2  received Sat 4, first seen on Mon 6, waiting; ended Tue 7: 2. Waiting at the end of Mon 6.
        Office: 1. No working day passed unseen.
    F3  received Wed 1, first seen on Fri 10, when it had ended on Fri 3: 2. Office: 2, seen late.
    """

    def of(code, received):
        return dossier(code, DISTRICT, received, "30/06")

    waiting = {"status": "awaiting_supplement"}
    f1, f2, f3 = of("F1", "01/06"), of("F2", "04/06"), of("F3", "01/06")
    world = district_world()
    world.dossiers = {
        "F1": story((8, f1 | waiting), (10, f1), (14, ended(f1, "14/06"))),
        "F2": story((6, f2 | waiting), (7, ended(f2, "07/06"))),
        "F3": story((10, ended(f3, "03/06"))),
    }
    computed(warehouse, world, JUNE)
    june = ("month", "calendar", dt.date(2022, 6, 1))
    found = times(warehouse)
    assert found["CITY", "ALL", "ALL", "elapsed", *june][:3] == (3, 0, 13)
    assert found["CITY", "ALL", "ALL", "office", *june][:3] == (3, 2, 10)
