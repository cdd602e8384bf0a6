"""The interval by which rates are ranked, on both engines, against values worked out by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from onestop.marts.files import mart_files, render
from onestop.marts.publish import refresh_reference
from onestop.warehouse import open_warehouse

NIGHT = dt.date(2022, 6, 30)
#: With z² = 3.841459, as (2n + z² ± z √(z² + 4n (d - n) / d)) / (2 (d + z²)).
BY_HAND = {
    # 0 and z² / (1 + z²) = 3.841459 / 4.841459
    (0, 1): (0, 79.3451, True),
    # 1 / (1 + z²) and 1
    (1, 1): (20.6549, 100, True),
    # 0 and z² / (100 + z²) = 3.841459 / 103.841459
    (0, 100): (0, 3.6994, False),
    # √(3.841459 + 3.92) = 2.785939: (101.841459 ± 5.460340) / 107.682918
    (49, 50): (89.5045, 99.6461, False),
    # √(3.841459 + 7.84) = 3.417815: (199.841459 ± 6.698794) / 207.682918
    (98, 100): (92.9988, 99.4499, False),
    # n / (n + z²) and 1: 29 / 32.841459; 30 / 33.841459. Fewer than 30 cases are few.
    (29, 29): (88.303, 100, True),
    (30, 30): (88.6486, 100, False),
    (0, 0): (None, None, None),
}


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def warehouse(request, tmp_path_factory):
    url = f"duckdb:///{tmp_path_factory.mktemp('interval') / 'w.duckdb'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as opened:
        refresh_reference(opened)
        yield opened


def ranked(warehouse, order):
    cases = " union all ".join(
        f"select cast({n} as bigint) as rate_numerator, cast({d} as bigint) as rate_denominator,"
        f" cast({d} as bigint) as case_count"
        for n, d in BY_HAND
    )
    select = render(columns_of("on_time_detail"), NIGHT)
    return warehouse.rows(
        f"select rate_numerator, rate_denominator, {select} from ({cases}) as rate order by {order}"
    )


def columns_of(mart):
    """The columns of the interval, as the SELECT of a mart has them."""
    text = next(file.text for file in mart_files() if file.name == mart)
    return (
        text[text.index("cast(\n        greatest(") : text.index(" as is_small")] + " as is_small"
    )


def test_the_interval_of_a_rate_is_the_known_one(warehouse):
    found = {
        (row["rate_numerator"], row["rate_denominator"]): (
            row["rate_lower"] if row["rate_lower"] is None else float(row["rate_lower"]),
            row["rate_upper"] if row["rate_upper"] is None else float(row["rate_upper"]),
            row["is_small"],
        )
        for row in ranked(warehouse, "rate_denominator")
    }
    assert found == BY_HAND


def test_the_worst_come_first_by_the_upper_bound_and_one_missed_case_does_not(warehouse):
    found = [
        (row["rate_numerator"], row["rate_denominator"])
        for row in ranked(warehouse, "rate_upper nulls last, rate_lower")
    ]
    assert found[:2] == [(0, 100), (0, 1)]


def test_the_best_come_first_by_the_lower_bound_and_one_met_case_does_not(warehouse):
    found = [
        (row["rate_numerator"], row["rate_denominator"])
        for row in ranked(warehouse, "rate_lower desc nulls last")
    ]
    assert found.index((98, 100)) < found.index((30, 30)) < found.index((1, 1))


def test_the_interval_stands_in_one_file_for_all_rates():
    assert columns_of("indicator_figure") == columns_of("on_time_detail")
