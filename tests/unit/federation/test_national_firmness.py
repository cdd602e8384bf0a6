"""How firm the nation's count of provinces is that meet their target."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest
from generated_provinces import national_settings

from onestop.federation.national_warehouse import insert_query, open_national

NIGHT = dt.date(2022, 11, 15)
WEEK_AGO = dt.date(2022, 11, 8)
MONTH_AGO = dt.date(2022, 10, 15)
#: A late province's last night was after October, but for the last one's.
PROVINCES = {
    "met under every reading": ("in", NIGHT, "met", "met_by_all"),
    "met, depends": ("in", NIGHT, "met", "depends"),
    "not met, depends": ("in", NIGHT, "not_met", "depends"),
    "not met under any reading": ("in", NIGHT, "not_met", "met_by_none"),
    "ahead, met": ("ahead", NIGHT + dt.timedelta(days=1), "met", "met_by_all"),
    "without a target": ("in", NIGHT, "no_target", None),
    "late, met": ("late", WEEK_AGO, "met", "met_by_all"),
    "late, no case": ("late", WEEK_AGO, "no_data", None),
    "late, no row": ("late", MONTH_AGO, None, None),
    "missing": ("missing", None, None, None),
}
YEAR = ("year_to_date", dt.date(2022, 1, 1), None)
OCTOBER = ("month", dt.date(2022, 10, 1), dt.date(2022, 10, 31))


def rows_of(indicator, verdicts):
    """A row of each province with a verdict, for the year so far and for October."""
    for code, (_, night, status, firmness) in verdicts.items():
        for period_type, first, last in (YEAR, OCTOBER):
            if status is not None:
                yield {
                    "package_id": 1,
                    "province_code": code,
                    "as_of_date": night,
                    "indicator_code": indicator,
                    "method_code": "cohort",
                    "unit_code": "CITY",
                    "unit_level": "city",
                    "unit_scope": "city",
                    "period_type": period_type,
                    "period_basis": "calendar",
                    "period_start": first,
                    "period_end": last or night,
                    "numerator": 98,
                    "denominator": 100,
                    "figure_status": status,
                    "firmness": firmness,
                }


@pytest.fixture(scope="module")
def firmness(empty_office, tmp_path_factory):
    """Verdicts and bounds, by indicator and kind of period."""
    folder = tmp_path_factory.mktemp("firmness")
    shutil.copytree(empty_office.landing.parent, folder / "office")
    settings = national_settings(empty_office, folder / "office")
    without_readings = {
        code: (*facts[:3], None) for code, facts in PROVINCES.items() if facts[0] == "in"
    }
    without_target = {"without a target": PROVINCES["without a target"]}
    with open_national(settings) as warehouse, warehouse.transaction():
        for code, (state, night, *_) in PROVINCES.items():
            insert(
                warehouse,
                "coverage",
                {
                    "publication_id": 1,
                    "as_of_date": NIGHT,
                    "province_code": code,
                    "coverage_state": state,
                    "province_as_of_date": night,
                    "package_id": 1 if night else None,
                },
            )
        for row in (
            *rows_of("on_time_rate", PROVINCES),
            *rows_of("counter_waiting_time", without_readings),
            *rows_of("online_share_all", without_target),
        ):
            insert(warehouse, "province_figure", row)
        insert_query(warehouse, "indicator_value", {"publication": 1, "night": NIGHT})
        found = warehouse.rows(
            "select indicator_code, period_type, provinces_met, provinces_not_met,"
            " provinces_depending, provinces_provisional, met_at_least, met_at_most"
            " from national.indicator_value"
        )
    return {tuple(row.values())[:2]: tuple(row.values())[2:] for row in found}


def insert(warehouse, table, row):
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    warehouse.execute(f"insert into national.{table} ({names}) values ({values})", row)


def test_a_verdict_that_depends_is_provisional_or_awaited_is_between_the_bounds(firmness):
    # at least: met under every reading, ahead; at most: not those without a target or firmly not
    assert firmness["on_time_rate", "year_to_date"] == (4, 2, 2, 1, 2, 8)


def test_a_period_that_was_over_by_a_late_province_s_last_night_is_not_provisional(firmness):
    # late and met is firm; only the province of a month ago and the missing one are awaited
    assert firmness["on_time_rate", "month"] == (4, 2, 2, 0, 3, 7)


def test_an_indicator_without_readings_is_as_firm_as_its_coverage(firmness):
    # 2 met; three late and one missing may still get a verdict
    assert firmness["counter_waiting_time", "year_to_date"] == (2, 2, 0, 0, 2, 6)


def test_where_no_province_has_a_verdict_there_are_no_bounds(firmness):
    assert firmness["online_share_all", "month"] == (0, 0, 0, 0, None, None)
