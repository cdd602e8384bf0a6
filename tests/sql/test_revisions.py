"""How far figures moved after a period ended, and after a report was issued."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from moved_figures import publish
from worked_dossiers import dossier, record, record_unit

from onestop.figures.issued.revisions import read_usual_revisions, revision_sentences
from onestop.warehouse import open_warehouse

APRIL_END, MAY_END, JUNE = dt.date(2022, 4, 30), dt.date(2022, 5, 31), dt.date(2022, 6, 20)
MONTH = "period_type = 'month' and period_basis = 'calendar'"
COHORT = "indicator_code = 'on_time_rate' and method_code = 'cohort' and unit_code = 'CITY'"


def four_nights(warehouse):
    """Months whose rates late files change.

    cohort of April: on 30/04 one of two in time, 50 %; a late file of 02/05 adds two in time: 3/4,
    75 %; the month then stays. Of May: on 31/05 one of one, 100 %; a late file of 20/06 adds a late
    one: 1/2, 50 %.
    """
    record_unit(warehouse, APRIL_END)
    record(
        warehouse,
        APRIL_END,
        [dossier("A1", "04/04", "12/04", "11/04"), dossier("A2", "04/04", "12/04", "20/04")],
    )
    publish(warehouse, APRIL_END)
    late = dt.date(2022, 5, 2)
    record(
        warehouse,
        APRIL_END,
        [dossier("A3", "05/04", "12/04", "11/04"), dossier("A4", "05/04", "12/04", "12/04")],
        known_from=late,
    )
    publish(warehouse, late)
    record(warehouse, MAY_END, [dossier("M1", "04/05", "12/05", "11/05")])
    publish(warehouse, MAY_END)
    record(warehouse, MAY_END, [dossier("M2", "04/05", "12/05", "20/05")], known_from=JUNE)
    warehouse.execute(
        "insert into audit.report (report_code, issue_number, plan_code, title_vi, title_en,"
        " period_type, period_basis, period_start, period_end, as_of_date, publication_id,"
        " last_day_date, is_late, issued_at, folder, delivery_count, figures_sha256,"
        " content_sha256) select 'may', 1, '3818', 'Tháng 5', 'May', 'month', 'calendar',"
        " date '2022-05-01',"
        " date '2022-05-31', as_of_date, publication_id, as_of_date, false, published_at, 'f', 1,"
        " '', '' from audit.publication where as_of_date = date '2022-05-31'"
    )
    publish(warehouse, JUNE)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    path = tmp_path_factory.mktemp("revised") / "w.duckdb"
    with open_warehouse(f"duckdb:///{path}") as opened:
        four_nights(opened)
        yield opened


def triangle(warehouse):
    rows = warehouse.rows(
        "select period_start, days_from, days_to, numerator, denominator, latest_numerator,"
        f" latest_denominator, revision from mart.figure_revision where {MONTH} and {COHORT}"
        " and period_start in (date '2022-04-01', date '2022-05-01')"
        " order by period_start, days_from"
    )
    return [tuple(row.values())[1:] for row in rows]


def usual(warehouse, age):
    rows = warehouse.rows(
        "select periods, median_revision, largest_revision from mart.usual_revision"
        f" where {MONTH} and {COHORT} and age_days = {age}"
    )
    return [tuple(row.values()) for row in rows]


def test_a_figure_stands_at_the_days_since_its_period_ended(warehouse):
    assert triangle(warehouse) == [
        (0, 2, 1, 2, 3, 4, 25),
        (2, None, 3, 4, 3, 4, 0),
        (-29, 0, 0, 0, 1, 2, None),  # May on 02/05
        (0, 20, 1, 1, 1, 2, -50),
        (20, None, 1, 2, 1, 2, 0),
    ]


def test_the_usual_revision_counts_the_periods_known_at_an_age(warehouse):
    # from their end April moved by 25 points, May by 50; from a week after it May alone, by 50
    assert usual(warehouse, 0) == [(2, Decimal("37.5"), 50)]
    assert usual(warehouse, 7) == [(2, 25, 50)]
    # 30 days after: April alone is that old
    assert usual(warehouse, 30) == [(1, 0, 0)]


def test_an_issued_report_has_its_figures_and_what_later_nights_stated(warehouse):
    rows = warehouse.rows(
        "select report_code, issued_value, valid_from, valid_to, value, revision"
        f" from mart.report_revision where {COHORT} order by valid_from"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("may", 100, MAY_END, JUNE, 100, 0),
        ("may", 100, JUNE, None, 50, -50),
    ]


def test_a_report_tells_how_far_earlier_periods_moved_and_uses_nothing_later(warehouse):
    may = ("month", "calendar", dt.date(2022, 5, 1), MAY_END)
    [found] = [
        revision
        for revision in read_usual_revisions(warehouse, may, MAY_END)
        if revision.indicator_code == "on_time_rate"
    ]
    assert (found.periods, found.median_revision, found.largest_revision) == (1, 25, 25)
    heading, line = revision_sentences((found,), 0, "en")
    assert heading.endswith("(0 days after its end), moved later:")
    assert line.endswith(
        ": earlier periods 1, median 25.00 percentage points, largest 25.00 percentage points"
    )


def test_without_an_earlier_period_a_report_says_that_nothing_is_known(warehouse):
    april = ("month", "calendar", dt.date(2022, 4, 1), APRIL_END)
    assert read_usual_revisions(warehouse, april, APRIL_END) == ()
    [sentence] = revision_sentences((), -22, "vi")
    assert sentence.startswith("Chưa biết")
    assert "22 ngày trước khi hết kỳ" in sentence


def test_postgresql_gives_the_same_revisions(postgres, warehouse):
    with open_warehouse(postgres.make_database()) as other:
        four_nights(other)
        assert triangle(other) == triangle(warehouse)
        for age in (0, 7, 30):
            assert usual(other, age) == usual(warehouse, age)
        query = "select * from mart.report_revision order by 1, 2, 4, 5, 6, valid_from"
        assert other.rows(query) == warehouse.rows(query)
        may = ("month", "calendar", dt.date(2022, 5, 1), MAY_END)
        assert read_usual_revisions(other, may, MAY_END) == read_usual_revisions(
            warehouse, may, MAY_END
        )
