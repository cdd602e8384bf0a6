"""Why figures moved: causes worked out by hand, and what is not the items' doing."""

from __future__ import annotations

import csv
import datetime as dt
import re

import pytest
from moved_figures import (
    NEW_YEAR,
    NEXT,
    after_first,
    after_second,
    after_third,
    declare,
    publish,
    three_nights,
)
from worked_dossiers import LATER, NIGHT, THIRTEEN, UNIT, dossier, record, record_unit

from onestop.figures.web.overview import read_night_changes
from onestop.marts import compute
from onestop.marts.night_changes import NIGHT_CHANGE
from onestop.marts.publish import refresh_reference
from onestop.said import in_language
from onestop.schema.project import PROJECT_ROOT
from onestop.upkeep.compared_figures import read_code_names
from onestop.upkeep.verify import Verification, _check_causes
from onestop.warehouse import open_warehouse


class RolledBackError(Exception):
    """Ends a transaction that only tries something."""


def roll_back():
    raise RolledBackError


YEAR = "period_type = 'year_to_date' and period_basis = 'calendar'"


@pytest.fixture(scope="module")
def warehouse(kept, tmp_path_factory):
    settings = kept.copy(after_third, tmp_path_factory.mktemp("changed") / "var")
    with open_warehouse(settings.warehouse) as opened:
        yield opened


def causes(warehouse, night, condition=YEAR, method="cohort", unit=UNIT):
    """Change of numerator and denominator, and the items, by cause."""
    rows = warehouse.rows(
        "select cause_code, numerator_change, denominator_change, item_count"
        f" from mart.night_change where as_of_date = :night and {condition}"
        " and indicator_code = 'on_time_rate' and method_code = :method and unit_code = :unit",
        {"night": night, "method": method, "unit": unit},
    )
    return {row.pop("cause_code"): tuple(row.values()) for row in rows}


@pytest.mark.parametrize("why", ["", "the rules changed"])
def test_a_city_without_dossiers_has_a_second_night(tmp_path, monkeypatch, why):
    if why:
        monkeypatch.setattr(compute, "_reason_to_count_all", lambda *_: why)
    with open_warehouse(f"duckdb:///{tmp_path / 'empty.duckdb'}") as empty:
        refresh_reference(empty)
        record_unit(empty, NIGHT)
        publish(empty, NIGHT)
        publish(empty, NEXT)
        nights = empty.rows("select as_of_date, dossier_count from audit.publication order by 1")
    assert [tuple(night.values()) for night in nights] == [(NIGHT, 0), (NEXT, 0)]


def test_the_first_night_changes_nothing(warehouse):
    assert causes(warehouse, NIGHT) == {}


def test_a_late_end_of_an_overdue_dossier_does_not_move_the_cohort_but_the_form(warehouse):
    # D12, due 28/06, was overdue on 30/06 (denominator of cohort) and closed on 01/07
    assert causes(warehouse, NEXT) == {}
    # form_06 counts the closed ones: 6/8 on 30/06 (in time D1 D2 D4 D6, withdrawn D7, without a due
    # date D13; late D3 D5), 6/9 with D12
    assert causes(warehouse, NEXT, method="form_06") == {"closed_late": (0, 1, 1)}


@pytest.mark.parametrize("unit", [UNIT, "DISTRICT", "CITY"])
def test_each_cause_of_the_year_is_told_apart_at_the_unit_its_level_and_the_city(warehouse, unit):
    # cohort on 01/07: 4/8 (in time D1 D2 D4 D6; late D3 D5 D12; overdue D9); on 31/07: 6/10
    assert causes(warehouse, LATER, unit=unit) == {
        "closed_in_time": (1, 1, 1),  # D11 had been paused; due 08/07, closed on 07/07
        "fell_overdue": (0, 1, 1),  # D10, due 04/07, open
        "late_file": (1, 0, 1),  # D9, due 24/06, had closed on 23/06
    }


def test_a_period_that_was_over_moves_by_the_late_file_alone(warehouse):
    quarter = (
        "period_type = 'quarter' and period_basis = 'calendar' and period_start = date '2022-04-01'"
    )
    # 3/7 becomes 4/7: D9; what closed or fell overdue in July is not of the second quarter
    assert causes(warehouse, LATER, quarter) == {"late_file": (1, 0, 1)}


def test_the_figures_before_and_after_stand_beside_the_causes(warehouse):
    rows = warehouse.rows(
        "select distinct previous_night, numerator_before, denominator_before, numerator_after,"
        " denominator_after from mart.night_change where as_of_date = :night and unit_code = 'CITY'"
        f" and method_code = 'cohort' and {YEAR}",
        {"night": LATER},
    )
    assert [tuple(row.values()) for row in rows] == [(NEXT, 4, 8, 6, 10)]


def test_postgresql_finds_the_same_causes(postgres, warehouse):
    query = "select * from mart.night_change"
    with open_warehouse(postgres.make_database()) as other:
        three_nights(other)
        expected = {tuple(row.values()) for row in warehouse.rows(query)}
        assert {tuple(row.values()) for row in other.rows(query)} == expected


def test_a_unit_that_changes_its_level_moves_both_levels_and_not_the_city(kept, tmp_path):
    with open_warehouse(kept.copy(after_first, tmp_path / "var").warehouse) as opened:
        record_unit(opened, NEXT)
        opened.execute(
            "update core.unit_version set unit_level = 'commune', content_hash = 'v'"
            " where night = :night",
            {"night": NEXT},
        )
        publish(opened, NEXT)
        found = {
            unit: causes(opened, NEXT, unit=unit) for unit in (UNIT, "DISTRICT", "COMMUNE", "CITY")
        }
    assert found == {
        UNIT: {},
        "DISTRICT": {"register_changed": (-4, -8, 8)},
        "COMMUNE": {"register_changed": (4, 8, 8)},
        "CITY": {},
    }


def test_a_dossier_received_before_the_last_publication_is_not_called_newly_received(tmp_path):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as opened:
        record_unit(opened, NIGHT)
        record(opened, NIGHT, THIRTEEN[:2])
        publish(opened, NIGHT)
        # its rows of June were rejected: the first that can be loaded came on 01/07
        earlier = dossier("D20", "20/06", "24/06", "23/06")
        record(opened, NEXT, [earlier, dossier("D21", "01/07", "01/07", "01/07")])
        publish(opened, NEXT)
        assert causes(opened, NEXT) == {"received_earlier": (1, 1, 1), "newly_received": (1, 1, 1)}


def test_a_declared_figure_moves_by_a_later_a_rewritten_and_a_date_reached_declaration(
    kept, tmp_path
):
    days = [NIGHT + dt.timedelta(days=number) for number in range(5)]
    found = []
    with open_warehouse(kept.copy(after_first, tmp_path / "var").warehouse) as opened:
        declare(opened, days[1], days[0], 40, "1/BC")
        publish(opened, days[1])
        declare(opened, days[2], days[0], 45, "2/BC")  # the same span, with another number
        publish(opened, days[2])
        declare(opened, days[3], days[4], 60, "3/BC")  # up to the day after
        publish(opened, days[3])
        publish(opened, days[4])
        for night in days[1:]:
            rows = opened.rows(
                "select cause_code, numerator_change, denominator_change, item_count"
                " from mart.night_change where as_of_date = :night"
                f" and indicator_code = 'plan_tasks_completed_rate' and {YEAR}",
                {"night": night},
            )
            found.append([tuple(row.values()) for row in rows])
    assert found == [
        [("newly_declared", 40, 100, 1)],
        [("declaration_changed", 5, 0, 1)],
        [],
        [("day_passed", 15, 0, 1)],
    ]


@pytest.mark.parametrize(
    ("damage", "cause", "why"),
    [
        (
            "update audit.publication set rules_sha256 = 'other'",
            "rule_changed",
            "the SELECTs, the reference rows or the release are not those of night 2022-07-01",
        ),
        ("select 1", "recounted", "the change of a figure is not the sum of its items"),
        ("drop table mart.catalogue", "recounted", "a published mart is missing"),
    ],
)
def test_what_the_items_do_not_explain_is_put_down_to_the_rules_or_the_tables(
    kept, tmp_path, damage, cause, why
):
    """The published rate was 3/8 where its dossiers give 4/8."""
    with open_warehouse(kept.copy(after_second, tmp_path / "var").warehouse) as opened:
        for table in ("indicator_measure", "indicator_figure", "indicator_history"):
            opened.execute(
                f"update mart.{table} set numerator = numerator - 1"
                f" where method_code = 'cohort' and unit_code = '{UNIT}' and {YEAR}"
            )
        opened.execute(damage)
        publish(opened, NEXT + dt.timedelta(days=1))
        computed = opened.value("select max(computed_why) from audit.publication")
        reasons = opened.rows("select computed_why from audit.publication")
        found = causes(opened, NEXT + dt.timedelta(days=1))
    assert why in {row["computed_why"] for row in reasons}, computed
    assert found == {cause: (1, 0, None)}


def left_by_causes(warehouse, damage=""):
    """What verification says of the causes after a damage, which is rolled back."""
    result = Verification(LATER)
    try:
        with warehouse.transaction():
            if damage:
                warehouse.execute(damage)
            _check_causes(warehouse, LATER, read_code_names(warehouse), result)
            roll_back()
    except RolledBackError:
        pass
    return result.differences


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        ("delete from mart.night_change where {0} and cause_code = 'fell_overdue'", "+0/+1"),
        ("update mart.indicator_history set numerator = 5 where {0} and valid_to is null", "-1/+0"),
    ],
)
def test_verify_finds_causes_that_do_not_add_up_to_the_histories(warehouse, damage, left):
    figure = f"{YEAR} and unit_code = 'CITY' and method_code = 'cohort'"
    [sentence] = left_by_causes(warehouse, damage.format(figure))
    [row] = warehouse.rows(
        "select title_vi, title_en from ref.indicator where indicator_code = 'on_time_rate'"
    )
    [method] = warehouse.rows(
        "select label_vi, label_en from ref.method where method_code = 'cohort'"
    )
    codes = "on_time_rate by cohort of CITY, year_to_date (calendar) from 2022-01-01"
    assert sentence == (
        f"{codes} ({row['title_en']}; {method['label_en']}; Whole city):"
        f" the causes leave {left} of its change"
    )
    assert in_language(sentence, "vi") == (
        "on_time_rate theo cohort của CITY, year_to_date (calendar) từ 2022-01-01"
        f" ({row['title_vi']}; {method['label_vi']}; Toàn thành phố):"
        f" các nguyên nhân còn để lại {left} của thay đổi"
    )
    assert left_by_causes(warehouse) == []


def test_every_cause_of_the_reference_is_one_that_the_sql_gives():
    with (PROJECT_ROOT / "sql/reference/change_cause.csv").open(encoding="utf-8") as file:
        listed = [row["cause_code"] for row in csv.DictReader(file)]
    text = " ".join(
        path.read_text(encoding="utf-8")
        for path in sorted((PROJECT_ROOT / "sql/mart" / NIGHT_CHANGE).glob("*.sql"))
    )
    in_sql = set(re.findall(r"'([a-z_]+)'", text)) | {"recounted"}
    assert [code for code in listed if code not in in_sql] == []


OLD_YEAR = "period_type = 'year' and period_basis = 'calendar' and period_start = date '2022-01-01'"


@pytest.fixture
def over_new_year(new_year_warehouse):
    with open_warehouse(f"duckdb:///{new_year_warehouse}", read_only=True) as opened:
        yield opened, NEW_YEAR


@pytest.mark.parametrize("period_type", ["year", "half_year", "quarter", "month"])
def test_the_last_move_of_a_period_that_ended_between_two_nights_is_explained(
    over_new_year, period_type
):
    warehouse, night = over_new_year
    begins = {"year": "2022-01-01", "half_year": "2022-07-01", "quarter": "2022-10-01"}
    period = (
        f"period_type = '{period_type}' and period_basis = 'calendar'"
        f" and period_start = date '{begins.get(period_type, '2022-12-01')}'"
    )
    # 1/1 on 30/12 (E3; E2 was due that day); on 31/12 E2 was overdue
    assert causes(warehouse, night, period, unit="CITY") == {"fell_overdue": (0, 1, 1)}
    result = Verification(night)
    _check_causes(warehouse, night, {}, result)
    assert result.differences == []


def test_a_resumption_with_its_new_due_date_is_a_resumption_by_each_reading_that_it_moves(
    over_new_year,
):
    warehouse, night = over_new_year
    # qd_766 counts a waiting dossier against the office: 2/3 on 30/12 (E2 in time, E3), 2/3 on
    # 31/12 (E1 in time again, E3; E2 overdue)
    assert causes(warehouse, night, OLD_YEAR, method="qd_766", unit="CITY") == {
        "resumed": (1, 0, 1),
        "fell_overdue": (-1, 0, 1),
    }


def test_the_web_page_lists_the_causes_of_the_period_that_the_scorecard_shows(over_new_year):
    warehouse, night = over_new_year
    [change] = read_night_changes(warehouse, night, "en")
    assert change["code"] == "on_time_rate"
    assert (change["numerator_change"], change["denominator_change"]) == (0, 1)
    assert [row["cause_code"] for row in change["causes"]] == ["fell_overdue"]
