"""The second worked set, from exported files through whole nights, against known figures.

The numbers below were worked out by hand, dossier by dossier; comments explain them. Every other
figure of every night is compared with the count of ``tests/support/reference_figures.py``.
"""

from __future__ import annotations

import pytest
import second_worked_set as worked_set
from published_marts import settings_in
from reference_comparison import compare_everything
from reference_figures import FORM_COLUMNS, count_everything
from second_worked_set import MAY, NIGHTS, QUARTER_END, SEPTEMBER

from onestop.night import run_night
from onestop.schema.reference import REFERENCE_FOLDER, read_reference
from onestop.warehouse import open_warehouse

DAYS_OFF = {
    row["calendar_date"]: row["day_kind"] for row in read_reference(REFERENCE_FOLDER)["day_off"]
}


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """The settings after all nights, and each night's comparison with the count in Python."""
    settings = settings_in(tmp_path_factory.mktemp("second"))
    world = worked_set.second_world()
    compared = {}
    for night in NIGHTS:
        worked_set.export_night(settings.exports, night)
        report = run_night(settings, night)
        assert report.state == "published", (report.message, report.deliveries)
        with open_warehouse(settings.warehouse, read_only=True) as warehouse:
            compared[night] = compare_everything(
                warehouse, "mart", count_everything(world, night, DAYS_OFF, NIGHTS), night, DAYS_OFF
            )
    return settings, compared


@pytest.mark.parametrize("night", NIGHTS, ids=str)
def test_every_figure_of_every_night_equals_the_count_in_plain_python(nights, night):
    found = nights[1][night]
    assert not found.differences, str(found)
    assert found.figures > 10_000


def ask(nights, query, **parameters):
    settings = nights[0]
    with open_warehouse(f"duckdb:///{settings.published}", read_only=True) as warehouse:
        return [tuple(row.values()) for row in warehouse.rows(query, parameters or None)]


def form(nights, night, unit, period):
    """Columns (3) to (13) of the form as that night published them."""
    rows = ask(
        nights,
        f"select {', '.join(FORM_COLUMNS)} from mart.form_06a_history"
        " where unit_code = :unit and field_code = 'ALL' and period_type = :type"
        " and period_basis = :basis and period_start = cast(:start as date)"
        " and valid_from <= :night and (valid_to is null or valid_to > :night)",
        unit=unit,
        night=night,
        **dict(zip(("type", "basis", "start"), period, strict=True)),
    )
    return rows[0]


FIRST_QUARTER = ("quarter", "calendar", "2022-01-01")


def test_no_row_of_the_set_was_rejected(nights):
    with open_warehouse(nights[0].warehouse, read_only=True) as warehouse:
        assert not warehouse.rows("select * from audit.rejected_row")
        assert warehouse.value("select count(*) from audit.delivery where state <> 'loaded'") == 0


# (3) received = (4) online + (5) counter, post + (6) carried over
# (7) resolved = (8) early + (9) on time + (10) late; (11) open = (12) in time + (13) overdue
@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        # (4) A6. (5) A5 of no channel, A7, A8. (6) A2, A4 of 2021. (8) A6, by the due date it got
        # after its pause. (9) A2, A4 across New Year, A7 without a due date. (10) A5.
        # (12) A8: without a due date it cannot be overdue.
        (worked_set.DEPARTMENT, (6, 1, 3, 2, 5, 1, 3, 1, 1, 1, 0)),
        # (4) B3, B4. (5) B1, B2, B5, B6, B10, B11, B12; B7 was refused and B8 only registered.
        # (8) B3; B5, returned before its due date. (9) B1 on the day, five working days over Tết;
        # B4 and B6, withdrawn before they were due.
        # (10) B2. (12) B11: it was paused on 31/03, though its due date had passed.
        # (13) B10, ended in April; B12, whose ending was taken back and which ended in May.
        (worked_set.DISTRICT, (9, 2, 7, 0, 6, 2, 3, 1, 3, 1, 2)),
        # (5) B13, which moved here, C1, C2 by post, C3 once for its two codes, C5 of the late file.
        # (8) C2, C5. (9) B13, C1 of one day. (10) C3.
        (worked_set.COMMUNE, (5, 0, 5, 0, 5, 2, 2, 1, 0, 0, 0)),
        # Z1: counted at the unit that received it, in no level of the plan
        (worked_set.UNREGISTERED_UNIT, (1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0)),
        ("UNREGISTERED", (1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0)),
        (worked_set.OTHER_COMMUNE, (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
        ("CITY", (21, 3, 16, 2, 17, 5, 9, 3, 4, 2, 2)),
    ],
)
def test_form_06a_of_the_first_quarter_as_known_in_september(nights, unit, expected):
    assert form(nights, SEPTEMBER, unit, FIRST_QUARTER) == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        # B13 is still the department's, and overdue since 29/03
        (worked_set.DEPARTMENT, (7, 1, 4, 2, 5, 1, 3, 1, 2, 1, 1)),
        # B12 is closed, early
        (worked_set.DISTRICT, (9, 2, 7, 0, 7, 3, 3, 1, 2, 1, 1)),
        # C5 has not arrived yet
        (worked_set.COMMUNE, (3, 0, 3, 0, 3, 1, 1, 1, 0, 0, 0)),
        ("CITY", (20, 3, 15, 2, 16, 5, 8, 3, 4, 2, 2)),
    ],
)
def test_the_form_published_on_the_quarter_s_last_night_is_unchanged(nights, unit, expected):
    assert form(nights, QUARTER_END, unit, FIRST_QUARTER) == expected


def test_the_government_s_january_begins_on_15_december_and_ends_on_14_january(nights):
    # (4) A4, A6, B3 received on 14/01. (5) A1, A2, A7, C1. (6) A3, received on 14/12.
    # (8) A1. (9) A2, A3, A4, A7, C1. (12) A6, paused on 14/01; B3, in time.
    # B4 of 15/01 is February's.
    january = ("month", "government", "2021-12-15")
    assert form(nights, SEPTEMBER, "CITY", january) == (8, 3, 4, 1, 6, 1, 5, 0, 2, 2, 0)


def test_the_year_2021_ends_with_two_open_dossiers(nights):
    # (4) A3, A4. (5) A1, A2. (8) A1. (9) A3. (12) A2, A4
    year = ("year", "calendar", "2021-01-01")
    assert form(nights, SEPTEMBER, "CITY", year) == (4, 2, 2, 0, 2, 1, 1, 0, 2, 2, 0)


def figure(nights, night, indicator, method, unit):
    rows = ask(
        nights,
        "select numerator, denominator, status from mart.indicator_history"
        " where indicator_code = :indicator and method_code = :method and unit_code = :unit"
        " and period_type = 'year_to_date' and period_basis = 'calendar' and valid_from <= :night"
        " and (valid_to is null or valid_to > :night)",
        night=night,
        indicator=indicator,
        method=method,
        unit=unit,
    )
    return rows[0] if rows else None


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        # in: A6. late: A5. out: A7 without a due date, A8 suspended; A1–A4 are of 2021
        ("DEPARTMENT", (1, 2, "not_met")),
        # in: B1, B3, B5 returned in time, B8, B9, B11. late: B2, B10, B12. out: B4, B6
        ("DISTRICT", (6, 9, "not_met")),
        # in: B13, C1, C2, C5, C7. late: C3, C6 by its corrected file. overdue: C9, due on 14/09.
        # out: C8, due today
        ("COMMUNE", (5, 8, "not_met")),
        ("UNREGISTERED", (1, 1, "met")),
        ("CITY", (13, 20, "not_met")),
    ],
)
def test_on_time_of_the_dossiers_received_in_the_year_by_level(nights, unit, expected):
    assert figure(nights, SEPTEMBER, "on_time_rate", "cohort", unit) == expected


@pytest.mark.parametrize(
    ("method", "numerator", "denominator"),
    [
        # closed in the year: 5 + 11 + 7 + 1; late A5, B2, B10, B12, C3, C6
        ("form_06", 18, 24),
        # received: 4 + 11 + 9 + 1; late or overdue A5, B2, B10, B12, C3, C6, C9; paused A8
        ("qd_766", 17, 25),
        # received 25, carried over A2, A4; late 6, overdue C9
        ("load", 20, 27),
        # due: SO 4 (A2, A4, A5, A6), Q 9, X 9 with C8 and C9, Z1; in time 3 + 6 + 5 + 1
        ("due", 15, 23),
    ],
)
def test_on_time_of_the_year_by_the_other_methods(nights, method, numerator, denominator):
    found = figure(nights, SEPTEMBER, "on_time_rate", method, "CITY")
    assert found[:2] == (numerator, denominator)


def test_a_corrected_file_and_a_vanished_dossier_change_only_later_nights(nights):
    # in May: A6, B1, B3, B5, B8, B9, B13, C1, C2, C5, Z1 and, by its first file, C6; late A5, B2,
    # B10, C3; B12 reopened and overdue. Still in time: B11 and C4; A8 is suspended.
    assert figure(nights, MAY, "on_time_rate", "cohort", "CITY")[:2] == (12, 17)
    # received by then: 4 + 11 + 7 (B13, C1–C6) + 1
    assert figure(nights, MAY, "on_time_rate", "qd_766", "CITY")[1] == 23
    assert not ask(nights, "select * from mart.dossier where dossier_code = 'C4'")


@pytest.mark.parametrize(
    ("indicator", "method", "numerator", "denominator"),
    [
        # level 3: A5 by the catalogue, A6, B3, B5, C6, C8; online A6, B3, C8
        ("online_share_level3", "channel", 3, 6),
        # level 4: B4, B8, C1, C2, C3, C5, C9; online B4, B8, C9; by post C2
        ("online_share_level4", "channel", 3, 7),
        ("online_share_level4", "channel_without_post", 3, 6),
        ("online_share_level34", "channel", 6, 13),
        ("online_share_all", "channel", 6, 25),
        ("online_share_all", "channel_without_post", 6, 24),
    ],
)
def test_online_shares_of_the_year(nights, indicator, method, numerator, denominator):
    found = figure(nights, SEPTEMBER, indicator, method, "CITY")
    assert found[:2] == (numerator, denominator)


def test_waiting_times_of_the_year(nights):
    # T1 with the transfer T2 15 min, T5 30, T6 35, T7 20 of which 10 before the doors opened;
    # T3 is a no-show; T4 was never called and reprinted as T5
    rows = ask(
        nights,
        "select visits_total, visits_called, visits_no_show, tickets_reprinted, wait_seconds,"
        " wait_seconds_from_opening, visits_within_30_minutes, median_wait_seconds,"
        " p90_wait_seconds, units_with_tickets, units_with_desk from mart.waiting_time"
        " where unit_code = 'CITY' and period_type = 'year_to_date' and period_basis = 'calendar'",
    )
    # median between 20 and 30 min; p90 at 2.7 of 0…3: 1800 + 0.7 × 300
    assert rows == [(5, 4, 1, 1, 6000, 5400, 3, 1500, 2010, 2, 4)]
    assert figure(nights, SEPTEMBER, "counter_waiting_time", "visit_mean", "CITY") == (
        6000,
        4,
        "met",
    )


@pytest.mark.parametrize(
    ("indicator", "unit", "expected"),
    [
        # resolved with a result in the year: A2, A4, A5, A6; B1–B3, B8–B12; B13, C1–C3, C5–C7; Z1
        ("result_digitisation_rate", "CITY", (5, 20, "not_met")),
        ("digitisation_rollout_district", "DISTRICT", (1, 1, "met")),
        ("digitisation_rollout_commune", "COMMUNE", (1, 2, "met")),
        # all but 1.000003, the internal one apart
        ("procedures_published_rate", "CITY", (4, 5, "not_met")),
        ("level4_provision_rate", "CITY", (1, 2, "not_met")),
        ("internal_procedures_published_rate", "CITY", (1, 1, "met")),
        # at level 3 or 4: three of five; each of them has an online dossier
        ("online_procedure_share", "CITY", (3, 5, "no_target")),
        ("online_procedure_used_share", "CITY", (3, 3, "no_target")),
    ],
)
def test_digitisation_and_procedures_of_the_year(nights, indicator, unit, expected):
    assert figure(nights, SEPTEMBER, indicator, "share", unit) == expected


@pytest.mark.parametrize(
    ("code", "allowed", "taken"),
    [
        ("A4", 1, 1),  # 31/12 → 04/01: 1/1 and its substitute 3/1 are off
        ("B1", 5, 5),  # 28/01 → 11/02: Tết
        ("B8", 5, 5),  # 04/04 → 12/04: 11/04 is off for Hùng Vương on a Sunday
        ("B9", 3, 2),  # 28/04 → 05/05: 30/4–3/5
        ("C7", 2, 2),  # 31/08 → 06/09: 1–2/9
        ("C6", 4, 5),  # 25/04 → 29/04, ended 04/05
    ],
)
def test_working_days_skip_the_holidays(nights, code, allowed, taken):
    found = ask(
        nights,
        "select workdays_allowed, workdays_taken from mart.dossier where dossier_code = :code",
        code=code,
    )
    assert found == [(allowed, taken)]
