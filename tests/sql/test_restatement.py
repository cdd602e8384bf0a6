"""Restatements: published figures that a later night changed, and the dossiers that caused it."""

from __future__ import annotations

import datetime as dt

import pytest
from moved_figures import NEXT, after_first, after_third, publish
from worked_dossiers import (
    IN_JULY,
    LATE_FILE,
    LATER,
    NIGHT,
    UNIT,
    dossier,
    record,
    record_unit,
)

from onestop.warehouse import open_warehouse

QUARTER = (
    "period_type = 'quarter' and period_basis = 'calendar' and period_start = date '2022-04-01'"
)


@pytest.fixture(scope="module")
def warehouse(kept, tmp_path_factory):
    """Published nights: 30/06, 01/07 without changes to June, 31/07 with a late file."""
    settings = kept.copy(after_third, tmp_path_factory.mktemp("restated") / "var")
    with open_warehouse(settings.warehouse) as opened:
        yield opened


def restated(warehouse, condition="true", night=LATER):
    return warehouse.rows(
        "select * from mart.restatement where restated_night = :night"
        f" and {condition} order by indicator_code, method_code, unit_code",
        {"night": night},
    )


def test_a_dossier_that_closes_after_a_period_restates_nothing(warehouse):
    assert restated(warehouse, night=NEXT) == []
    assert restated(warehouse, night=NIGHT) == []


def test_a_late_file_restates_the_rates_of_the_quarter_by_each_method(warehouse):
    found = {
        row["method_code"]: (
            (row["numerator_before"], row["denominator_before"]),
            (row["numerator_after"], row["denominator_after"]),
        )
        for row in restated(warehouse, f"{QUARTER} and unit_code = '{UNIT}'")
        if row["indicator_code"] == "on_time_rate"
    }
    assert found == {
        "cohort": ((3, 7), (4, 7)),
        "cohort_first_due": ((2, 7), (3, 7)),
        "form_06": ((6, 8), (7, 9)),
        "form_06_thanh_hoa": ((6, 8), (7, 9)),
        "qd_766": ((6, 11), (7, 11)),
        "load": ((8, 12), (9, 12)),
        "due": ((4, 8), (5, 8)),
    }


def test_each_changed_column_of_the_form_is_restated_and_no_other(warehouse):
    found = {
        row["method_code"]: (row["numerator_before"], row["numerator_after"])
        for row in restated(warehouse, f"{QUARTER} and unit_code = 'CITY' and field_code = 'ALL'")
        if row["indicator_code"] == "form_06a"
    }
    assert found == {
        "resolved_total": (8, 9),
        "resolved_early": (1, 2),
        "open_total": (4, 3),
        "open_overdue": (2, 1),
    }


def test_the_dossier_that_caused_a_restatement_is_named_with_both_files_and_rows(warehouse):
    found = warehouse.rows(
        f"select * from mart.restatement_dossier where restated_night = :night and {QUARTER}",
        {"night": LATER},
    )
    assert [row["dossier_code"] for row in found] == ["D9"]
    (row,) = found
    assert (row["class_before"], row["class_after"]) == ("open_overdue", "early")
    assert (row["closed_before"], row["closed_after"]) == (None, dt.date(2022, 6, 23))
    assert (row["unit_before"], row["level_after"]) == (UNIT, "district")
    assert (row["delivery_before"], row["row_before"]) == (
        "one_stop.dossiers.20220630.000000000000",
        9,
    )
    assert row["delivery_after"] == "one_stop.dossiers.20220630_2.000000000000"


def test_every_restated_figure_counts_the_dossiers_that_caused_it(warehouse):
    for row in restated(warehouse):
        assert row["dossier_count"] == 1, row
        assert row["previous_night"] == NEXT
        assert row["delivery_ids"].split() == [
            "one_stop.dossiers.20220630_2.000000000000",
            "one_stop.dossiers.20220731.000000000000",
        ]


def test_only_ended_periods_are_restated(warehouse):
    ends = {row["period_end"] for row in restated(warehouse)}
    assert ends == {dt.date(2022, 6, 30)}
    assert {row["period_type"] for row in restated(warehouse)} == {"month", "quarter", "half_year"}


def test_a_dossier_is_named_only_in_the_periods_whose_figures_it_changes(kept, tmp_path):
    """A level counts where the dossier was received; a digitised result where it was closed."""
    received_in_march = dossier("D1", "28/03", "05/04", "04/04", service_level=4)
    still_open = dossier("D9", "15/06", "24/06", result_digitised=True)
    with open_warehouse(kept.copy(after_first, tmp_path / "var").warehouse) as opened:
        record(opened, NEXT, [received_in_march, still_open])
        publish(opened, NEXT)
        found = opened.rows(
            "select dossier_code, period_type, period_start from mart.restatement_dossier"
            " where period_basis = 'calendar'"
        )
    assert {tuple(row.values()) for row in found} == {
        ("D1", "month", dt.date(2022, 3, 1)),
        ("D1", "quarter", dt.date(2022, 1, 1)),
        ("D1", "half_year", dt.date(2022, 1, 1)),
    }


def test_a_unit_that_changes_its_level_restates_levels_and_names_the_register(kept, tmp_path):
    with open_warehouse(kept.copy(after_first, tmp_path / "var").warehouse) as opened:
        record_unit(opened, NEXT)
        opened.execute(
            "update core.unit_version set unit_level = 'commune', content_hash = 'v'"
            " where night = :night",
            {"night": NEXT},
        )
        publish(opened, NEXT)
        rows = restated(
            opened,
            f"{QUARTER} and indicator_code = 'on_time_rate' and method_code = 'cohort'",
            NEXT,
        )
        found = {
            row["unit_code"]: (row["numerator_before"], row["numerator_after"]) for row in rows
        }
        # the level that lost its last unit keeps its row, with zero dossiers
        assert found == {"DISTRICT": (3, 0), "COMMUNE": (None, 3)}
        assert {row["delivery_ids"] for row in rows} == {"one_stop.units.20220701.000000000000"}


def test_the_first_figures_of_a_new_method_restate_nothing(kept, tmp_path):
    new = "method_code = 'cohort_first_due'"
    with open_warehouse(kept.copy(after_first, tmp_path / "var").warehouse) as opened:
        opened.execute(f"delete from mart.indicator_history where {new}")
        record(opened, LATER, IN_JULY[:1])
        record(opened, NIGHT, LATE_FILE, known_from=LATER)
        publish(opened, LATER)
        assert restated(opened, QUARTER)
        assert restated(opened, new) == []
        now = opened.value(f"select count(*) from mart.indicator_history where {new} and {QUARTER}")
        assert now > 0
