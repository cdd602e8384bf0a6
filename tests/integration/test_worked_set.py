"""The thirteen dossiers with known counts, from exported files to figures."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from published_marts import settings_in
from worked_dossiers import LATER, NIGHT, UNIT, write_exports

from onestop.figures.explain import explain
from onestop.marts.published import open_published
from onestop.night import run_night
from onestop.upkeep.verify import verify

pytestmark = pytest.mark.whole_night

QUARTER = dt.date(2022, 4, 1), dt.date(2022, 6, 30)


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def settings(request, tmp_path_factory):
    settings = settings_in(tmp_path_factory.mktemp("worked"))
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        settings = replace(settings, warehouse=server.make_database())
    write_exports(settings.exports)
    for night in (NIGHT, LATER):
        report = run_night(settings, night)
        assert report.is_good, (report.message, report.deliveries)
    return settings


def form(settings, night):
    with open_published(settings) as warehouse:
        return warehouse.rows(
            "select received_total, received_online, received_counter_post, carried_over,"
            " resolved_total, resolved_early, resolved_on_time, resolved_late, open_total,"
            " open_in_time, open_overdue from mart.form_06a_history where unit_code = 'CITY'"
            " and field_code = 'ALL' and period_type = 'quarter' and period_basis = 'calendar'"
            " and period_start = date '2022-04-01' and valid_from <= :night"
            " and (valid_to is null or valid_to > :night)",
            {"night": night},
        )[0]


def test_form_06a_of_the_second_quarter_has_the_known_counts(settings):
    assert form(settings, NIGHT) == {
        "received_total": 12,
        "received_online": 3,
        "received_counter_post": 8,
        "carried_over": 1,
        "resolved_total": 8,
        "resolved_early": 1,
        "resolved_on_time": 5,
        "resolved_late": 2,
        "open_total": 4,
        "open_in_time": 2,
        "open_overdue": 2,
    }


def test_a_month_later_the_quarter_has_the_same_state_at_its_end(settings):
    assert form(settings, LATER) == form(settings, NIGHT)


@pytest.mark.parametrize(
    ("method", "numerator", "denominator"),
    [("cohort", 3, 7), ("form_06", 6, 8), ("qd_766", 6, 11), ("load", 8, 12), ("due", 4, 8)],
)
@pytest.mark.parametrize("unit", ["CITY", "DISTRICT", UNIT])
def test_each_method_gives_its_known_rate(settings, method, numerator, denominator, unit):
    with open_published(settings) as warehouse:
        found = warehouse.rows(
            "select numerator, denominator, value, status from mart.indicator_value"
            " where indicator_code = 'on_time_rate' and method_code = :method"
            " and unit_code = :unit and period_type = 'quarter' and period_basis = 'calendar'"
            " and period_start = date '2022-04-01'",
            {"method": method, "unit": unit},
        )[0]
    assert (found["numerator"], found["denominator"]) == (numerator, denominator)
    assert float(found["value"]) == pytest.approx(100 * numerator / denominator, abs=0.0001)
    assert found["status"] == "not_met"


#: D2, D4 and D6 are in time; late D3, D5; overdue D9, D12. Neither: D7 withdrawn in time, D10 in
#: time still, D11 waiting since before its due date of 22/06, D13 without a due date.
READINGS = {
    "cohort": (3, 7),
    # D6 was first due on 19/05
    "cohort_first_due": (2, 7),
    # none was returned, and none withdrawn late
    "cohort_returned_left_out": (3, 7),
    "cohort_returned_on_time": (3, 7),
    "cohort_withdrawn_left_out": (3, 7),
    # D7 too
    "cohort_withdrawn_on_time": (4, 8),
    # D11 is missed
    "cohort_pauses_judged": (3, 8),
    # D13 too
    "cohort_undated_on_time": (4, 8),
    # without D9 and D12
    "cohort_ended_only": (3, 5),
    # closed: D1 to D7 and D13; late D3, D5
    "form_06": (6, 8),
    "form_06_thanh_hoa": (6, 8),
    "form_06_returned_left_out": (6, 8),
    # without D7
    "form_06_withdrawn_left_out": (5, 7),
    # of the eleven received: D2, D4, D6, D7, D10, D13
    "qd_766": (6, 11),
    # D11 too
    "qd_766_paused_in_time": (7, 11),
    "load": (8, 12),
    "due": (4, 8),
    # D7 and D13 too, without D9 and D12
    "cohort_most_lenient": (5, 7),
}


@pytest.mark.parametrize("unit", ["CITY", "DISTRICT", UNIT])
def test_each_reading_gives_its_known_rate(settings, unit):
    with open_published(settings) as warehouse:
        found = warehouse.rows(
            "select reading_code, numerator, denominator, status, turns_verdict"
            " from mart.indicator_variant where unit_code = :unit and period_type = 'quarter'"
            " and period_basis = 'calendar' and period_start = date '2022-04-01' order by position",
            {"unit": unit},
        )
    assert {
        row["reading_code"]: (row["numerator"], row["denominator"]) for row in found
    } == READINGS
    assert {(row["status"], row["turns_verdict"]) for row in found} == {("not_met", False)}


@pytest.mark.parametrize("reading", READINGS)
def test_the_dossiers_listed_for_a_reading_add_up_to_it(settings, reading):
    found = explain(settings, "on_time_rate", UNIT, *QUARTER, reading)
    assert found.published == (found.numerator, found.denominator) == READINGS[reading]


@pytest.mark.parametrize("night", [NIGHT, LATER])
def test_the_dossiers_listed_for_a_rate_add_up_to_it(settings, night):
    found = explain(
        settings, "on_time_rate", UNIT, dt.date(2022, 4, 1), dt.date(2022, 6, 30), as_of=night
    )
    counted = [dossier.role for dossier in found.items]
    assert found.published == (3, 7)
    assert counted.count("numerator") == 3
    assert counted.count("numerator") + counted.count("denominator") == 7


def test_the_figures_are_the_same_when_rebuilt_from_landed_files(settings):
    for night in (NIGHT, LATER):
        result = verify(settings, night)
        assert result.is_identical, result.differences
        assert result.figures > 100
    assert result.deliveries == 3


def test_verification_finds_a_changed_landed_file(settings, tmp_path):
    copy = replace(settings, landing=tmp_path / "landing")
    for path in settings.landing.rglob("*"):
        if path.is_file():
            target = copy.landing / path.relative_to(settings.landing)
            target.parent.mkdir(parents=True, exist_ok=True)
            changed = path.name.startswith("dossiers_20220630")
            content = path.read_bytes()
            target.write_bytes(content.replace(b"20220426", b"20220427") if changed else content)
    result = verify(copy, NIGHT)
    assert any("bytes in the landing were changed" in text for text in result.differences)


def test_no_personal_value_leaves_the_landing(settings):
    root = settings.landing.parent
    leaks = [
        path
        for path in root.rglob("*")
        if path.is_file()
        and settings.landing not in path.parents
        and settings.exports not in path.parents
        and "Người nộp 000001".encode() in path.read_bytes()
    ]
    assert not leaks
