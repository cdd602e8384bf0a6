"""Percentiles of waits: what the engines' own ``percentile_cont`` gives, in bounded memory."""

from __future__ import annotations

import datetime as dt
import random

import pyarrow as pa
import pytest

from onestop.marts.files import mart_files, select_over
from onestop.marts.publish import refresh_reference
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import STAGED

NIGHT = dt.date(2022, 11, 24)
FILE = next(file for file in mart_files() if file.name == "wait_percentile")
TABLES = {
    "mart.counted_visit": "mart_staged.visit",
    "mart.period_day": "mart_staged.period_day",
    "mart.roll_up": "mart_staged.roll_up",
}
OF_THE_ENGINE = """
select
    coalesce(r.total_code, v.unit_code) as unit_code, d.period_start,
    cast(percentile_cont(0.5) within group (order by v.wait_seconds) as bigint) as median,
    cast(percentile_cont(0.9) within group (order by v.wait_seconds) as bigint) as p90
from mart_staged.visit as v
inner join mart_staged.period_day as d on v.issued_date = d.calendar_date
inner join mart_staged.roll_up as r on v.unit_level = r.unit_level
where v.visit_outcome = 'called' and d.period_type <> 'year_to_date'
group by coalesce(r.total_code, v.unit_code), d.period_start
order by 1, 2
"""


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def warehouse(request, tmp_path_factory):
    url = f"duckdb:///{tmp_path_factory.mktemp('waits') / 'w.duckdb'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as opened:
        refresh_reference(opened)
        opened.empty_schema(STAGED)
        put_days(opened)
        yield opened


def put_days(warehouse):
    """Two months, a quarter of both, and the year to date, which has no percentiles here.

    The quarter has a start of its own, so that the start tells the periods apart.
    """
    days = [dt.date(2022, 1, 1) + dt.timedelta(days=number) for number in range(59)]
    rows = [
        {
            "period_type": period_type,
            "period_basis": "calendar",
            "period_start": start,
            "calendar_date": day,
            "half_month": day.replace(day=1 if day.day < 15 else 15),
        }
        for day in days
        for period_type, start in (
            ("month", day.replace(day=1)),
            ("quarter", dt.date(2022, 1, 3)),
            ("year_to_date", dt.date(2022, 1, 1)),
        )
    ]
    warehouse.put_table("mart_staged.period_day", pa.Table.from_pylist(rows))
    totals = [
        {"unit_level": level, "total_code": total}
        for level in ("district", "commune")
        for total in (None, level.upper(), "CITY")
    ]
    warehouse.put_table("mart_staged.roll_up", pa.Table.from_pylist(totals))


def visits(chosen, count):
    longest = chosen.choice([3, 40, 5000])
    return [
        {
            "unit_level": level,
            "unit_code": f"{level}.{chosen.randrange(3)}",
            "issued_date": dt.date(2022, 1, 1) + dt.timedelta(days=chosen.randrange(59)),
            "visit_outcome": chosen.choice(["called", "called", "called", "no_show"]),
            "wait_seconds": chosen.randrange(longest),
        }
        for level in [chosen.choice(["district", "commune"]) for _ in range(count)]
    ]


@pytest.mark.parametrize("seed", range(8))
def test_they_are_those_of_the_engine(warehouse, seed):
    chosen = random.Random(seed)
    rows = visits(chosen, chosen.choice([1, 2, 30, 300, 3000]))
    warehouse.put_table("mart_staged.visit", pa.Table.from_pylist(rows))
    found = warehouse.rows(
        "select unit_code, period_start, median_wait_seconds as median, p90_wait_seconds as p90"
        f" from ({select_over(FILE, NIGHT, TABLES)}) as computed order by 1, 2"
    )
    assert found == warehouse.rows(OF_THE_ENGINE)
    assert any(row["unit_code"] == "CITY" for row in found) or all(
        row["visit_outcome"] == "no_show" for row in rows
    )
