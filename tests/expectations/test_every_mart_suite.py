"""Every mart has a suite; each rule finds the row that breaks it in a real night's marts."""

from __future__ import annotations

import shutil
from dataclasses import replace

import duckdb
import pytest
import second_worked_set as worked_set
from published_marts import settings_in
from steps_by_hand import check, compute, publish

from onestop.figures.scorecard import read_scorecard
from onestop.gate import check_marts, load_suite, run_suite
from onestop.gate.suite import MART_SUITES, suite_names
from onestop.marts.files import EVENTS, MEASURES, mart_files, select_over
from onestop.marts.night_changes import NIGHT_CHANGE
from onestop.marts.published import find_night, open_published
from onestop.night import run_night
from onestop.schema.reference import reference_files

pytestmark = pytest.mark.whole_night

LAST = worked_set.SEPTEMBER
#: Intermediate tables; their content is checked in the tables that read them.
INTERMEDIATE = {
    "counted_dossier",
    "counted_visit",
    "day_tally",
    "decree_tally",
    "dossier_period",
    "export_night",
    "indicator_as_of",  # the rules of figure_revision check the spans of its history
    "indicator_figure",
    "known_issue_unit",
    "overdue_edit",
    "period_day",
    "receipt_tally",
    "registered_unit",
    "roll_up",
    "source_tally",
    "target_in_force",
    "unit_tally",
    "wait_percentile",
    EVENTS,
    MEASURES,
}
#: Marts whose rules are tested on written-out rows, in test_mart_suites.py.
WRITTEN_OUT = {
    "dossier",
    "form_06a",
    "indicator_value",
    NIGHT_CHANGE,
    "timeliness_disagreement",
}

TWICE = "insert into {t} select * from {t} limit 1"
OTHER_NIGHT = "update {t} set as_of_date = as_of_date - 1 where rowid = 0"


def setting(column: str, value: str, where: str = "rowid = 0") -> str:
    return f"update {{t}} set {column} = {value} where {where}"


def soon(left: str = "1", days_before: str = "0") -> str:
    """Add a dossier that falls due: on the last night of the set there is none."""
    return (
        f"insert into {{t}} by name select date '{LAST}' - {days_before} as as_of_date,"
        f" '{worked_set.DISTRICT}' as unit_code, 'district' as unit_level, 'X' as dossier_code,"
        f" date '2022-09-01' as received_date, date '{LAST}' + 1 as due_date,"
        f" {left} as workdays_left"
    )


def usual(median: str = "0") -> str:
    """Add how far a figure usually moves: one night has no such row."""
    return (
        "insert into {t} by name select 'on_time_rate' as indicator_code, 'cohort' as method_code,"
        " 'CITY' as unit_code, 'month' as period_type, 'calendar' as period_basis, 7 as age_days,"
        f" 2 as periods, {median} as median_revision, 1 as largest_revision"
    )


def reported(value: str = "50") -> str:
    """Add a figure of an issued report: none is issued."""
    return (
        "insert into {t} by name select 'q1' as report_code, 1 as issue_number,"
        " 'on_time_rate' as indicator_code, 'cohort' as method_code, 'CITY' as unit_code,"
        " 'quarter' as period_type, 'calendar' as period_basis, date '2022-01-01' as period_start,"
        f" date '{LAST}' as issued_night, date '{LAST}' as valid_from, 1 as issued_numerator,"
        " 2 as issued_denominator, 50 as issued_value, 1 as numerator, 2 as denominator,"
        f" {value} as value, {value} - 50 as revision"
    )


ONE_UNIT = "rowid = (select min(rowid) from {t} where unit_scope = 'unit')"
CITY = "rowid = (select min(rowid) from {t} where unit_scope = 'city')"
CITY_WHOLE = (
    "unit_scope = 'city' and field_code = 'ALL' and procedure_key = 'ALL'"
    " and clock_code = 'elapsed' and period_type = 'month'"
)
DESKS = "rowid = (select min(rowid) from {t} where unit_scope = 'city' and desks_total > 0)"
LEVEL = "rowid = (select min(rowid) from {t} where unit_scope = 'level')"
CALLED = "visit_outcome = 'called'"
COUNTED = "rowid = (select min(rowid) from {t} where denominator > 0)"
#: Rule → the statement that breaks it in a valid table {t}.
BROKEN: dict[str, str] = {
    "UNT-F01": TWICE,
    "UNT-F02": setting("unit_scope", "null"),
    "UNT-F03": OTHER_NIGHT,
    "UNT-F04": setting("unit_level", "'ward'"),
    "UNT-F05": "delete from {t} where unit_scope = 'city'",
    "UNT-F06": "delete from {t} where unit_code = 'DISTRICT'",
    "PER-F01": TWICE,
    "PER-F02": setting("measured_on", "null"),
    "PER-F03": OTHER_NIGHT,
    "PER-F04": setting("period_type", "'week'"),
    "PER-F05": setting("period_basis", "'lunar'"),
    "PER-F06": setting("is_complete", "not is_complete"),
    "CAT-F01": TWICE,
    "CAT-F02": setting("is_published", "null"),
    "CAT-F03": OTHER_NIGHT,
    "CAT-F04": setting("valid_to", "valid_from"),
    "CAT-F05": (
        "insert into {t} by name select * replace (valid_from + 1 as valid_from) from {t} limit 1"
    ),
    "CAT-F06": setting("service_level", "5"),
    "CLT-F01": TWICE,
    "CLT-F02": setting("class_at_end", "'lost'"),
    "CLT-F03": setting("dossiers_closed", "dossiers_closed + 1"),
    "PTL-F01": TWICE,
    "PTL-F02": setting("due_judged", "-1"),
    "PTL-F03": setting("carried_over", "carried_over + 1"),
    "PTL-F04": setting("due_in_time", "due_judged + 1"),
    "PTL-F05": setting("cohort_open", "cohort_open + 1", ONE_UNIT),
    "PTL-F06": setting("cohort_open", "cohort_open + 1", CITY),
    "PTL-F07": setting(
        "portal_in_time",
        "portal_in_time + 1",
        "rowid = (select min(rowid) from {t} where procedure_key <> 'ALL')",
    ),
    "OTD-F01": "insert into {t} select * from {t} where method_code = 'cohort' limit 1",
    "OTD-F02": setting("numerator", "denominator + 1", COUNTED),
    "OTD-F03": setting("status", "'nearly'"),
    "OTD-F04": "delete from {t} where method_code = 'due' and field_code = 'ALL'",
    # the night has no known issues
    "KIS-F01": "insert into {t} (issue_code) select 'late' from range(2)",
    "KIS-F02": "insert into {t} (issue_code) values ('late')",
    "LBL-F01": TWICE,
    "LBL-F02": "insert into {t} (code_kind, code) values ('unit_code', 'late')",
    "IVR-F01": TWICE,
    "IVR-F02": setting("turns_verdict", "not turns_verdict", COUNTED),
    "RBD-F01": TWICE,
    "RBD-F02": setting("received_date", "null"),
    "RBD-F03": OTHER_NIGHT,
    "RBD-F04": setting("dossiers", "0"),
    "ONS-F01": TWICE,
    "ONS-F02": setting("unit_level", "null"),
    "ONS-F03": OTHER_NIGHT,
    "ONS-F04": setting("received_online", "received_total + 1"),
    "ONS-F05": setting("received_total", "received_total + 1", ONE_UNIT),
    "ONS-F06": setting("received_total", "received_total + 1", CITY),
    "VST-F01": TWICE,
    "VST-F02": setting("issued_date", "null"),
    "VST-F03": OTHER_NIGHT,
    "VST-F04": setting("visit_outcome", "'left'"),
    "VST-F05": setting("wait_seconds", "null", CALLED),
    "WTM-F01": TWICE,
    "WTM-F02": setting("period_end", "null"),
    "WTM-F03": OTHER_NIGHT,
    "WTM-F04": setting("wait_seconds", "-1"),
    "WTM-F05": setting("visits_no_show", "visits_no_show + 1"),
    "WTM-F06": setting("visits_within_30_minutes", "visits_called + 1"),
    "WTM-F07": setting("wait_seconds", "wait_seconds + 1", ONE_UNIT),
    "WTM-F08": setting("wait_seconds", "wait_seconds + 1", CITY),
    "WTM-F09": setting("units_with_desk", "units_with_tickets - 1"),
    "DIG-F01": TWICE,
    "DIG-F02": setting("unit_scope", "null"),
    "DIG-F03": OTHER_NIGHT,
    "DIG-F04": setting("results_digitised", "results_total + 1"),
    "DIG-F05": setting("desks_digitising", "desks_total + 1", DESKS),
    "DIG-F06": setting("results_total", "results_total + 1", ONE_UNIT),
    "DIG-F07": setting("results_total", "results_total + 1", CITY),
    "DIG-F08": setting("desks_total", "desks_total + 1", DESKS),
    "PPR-F01": TWICE,
    "PPR-F02": setting("period_end", "null"),
    "PPR-F03": OTHER_NIGHT,
    "PPR-F04": setting("online_used", "null"),
    "PPR-F05": setting("procedures_published", "procedures + 1"),
    "PPR-F06": setting("internal_procedures", "internal_procedures + 1000", LEVEL),
    "DST-F01": TWICE,
    "DST-F02": setting("is_paused", "null"),
    "DST-F04": setting("stated_until", "stated_from"),
    "DLC-F01": TWICE,
    "DLC-F02": setting("unit_code", "null"),
    "DLC-F03": OTHER_NIGHT,
    "DLC-F04": setting("deadlines_moved", "received_in_period + 1"),
    "DLC-F05": setting("received_in_period", "received_in_period + 1", ONE_UNIT),
    "DLC-F06": setting("received_in_period", "received_in_period + 1", CITY),
    "DDM-F01": TWICE,
    "DDM-F02": setting("due_date_before", "null"),
    "DDM-F03": setting("move_kind", "'lost'"),
    "DDM-F04": setting("due_date_after", "due_date_before"),
    "DDM-F05": setting("last_seen_night", "moved_night"),
    "DCK-F01": TWICE,
    "DCK-F02": setting("event_date", "null"),
    "DCK-F03": setting("check_code", "'asked_twice'"),
    "DCK-F04": setting("strength", "'so-so'"),
    "DCK-F05": setting("limit_date", "event_date"),
    "DCK-F06": setting("doubt_code", "'moon'"),
    "DCC-F01": TWICE,
    "DCC-F02": setting("unit_scope", "null"),
    "DCC-F03": OTHER_NIGHT,
    "DCC-F04": setting("found_weak", "-1"),
    "DCC-F05": setting("found_strong", "found_strong + 1", ONE_UNIT),
    "DCC-F06": setting("found_strong", "found_strong + 1", CITY),
    "DUR-F01": TWICE,
    "DUR-F02": setting("half_month", "null"),
    "DUR-F03": setting("workdays_paused", "workdays_taken + 1"),
    "DUR-F04": setting("half_month", "half_month + 1"),
    "DUR-F05": "delete from {t} where rowid = 0",
    "PTM-F01": setting("p75_workdays", "p90_workdays + 1", CITY_WHOLE),
    "PTM-F02": setting("dossiers", "dossiers + 1", CITY_WHOLE),
    "BKL-F01": TWICE,
    "BKL-F02": setting("band_kind", "null"),
    "BKL-F03": OTHER_NIGHT,
    "BKL-F04": setting("dossiers_paused", "dossiers + 1"),
    "BKL-F05": setting("dossiers", "dossiers + 1", CITY),
    "BKL-F06": "delete from {t} where band_kind = 'age' and unit_scope = 'unit'",
    "BKL-F07": "delete from {t} where band_kind = 'overdue' and unit_scope = 'unit'",
    "DUE-F01": soon() + " from range(2)",
    "DUE-F02": soon("null"),
    "DUE-F03": soon(days_before="cast(n as integer)") + " from range(2) as made (n)",
    "DUE-F04": soon("9"),
    "OUT-F01": TWICE,
    "OUT-F02": setting("target_date", "null"),
    "OUT-F03": OTHER_NIGHT,
    "OUT-F04": setting("outlook_code", "'sunny'"),
    "OUT-F05": setting("expected_new", "expected_new + 1"),
    "OUT-F06": setting("may_still_miss", "remaining_total + 1"),
    "OUT-F07": setting(
        "is_still_possible",
        "not is_still_possible",
        "outlook_code not in ('secured', 'secured_by_estimate')",
    ),
    "OUT-F08": setting(
        "projected_numerator",
        "projected_denominator + 1",
        "indicator_code = 'on_time_rate'",
    ),
    "CAO-F01": TWICE,
    "CAO-F02": setting("unit_code", "null"),
    "CAO-F03": OTHER_NIGHT,
    "CAO-F04": setting("change_kind", "'lost'"),
    "CAO-F05": setting("strength", "'so-so'"),
    "CAO-F06": setting("changed_night", "as_of_date + 1"),
    "CAO-F07": setting("numerator_without", "numerator + 1", "true"),
    "FRV-F01": TWICE,
    "FRV-F02": setting("latest_value", "latest_value + 1", "latest_value is not null"),
    "USR-F01": usual() + " from range(2)",
    "USR-F02": usual("2"),
    "RRV-F01": reported() + " from range(2)",
    "RRV-F02": reported("75"),
    "SCO-F01": TWICE,
    "SCO-F02": setting("title_vi", "null"),
    "SCO-F03": OTHER_NIGHT,
    "SCO-F04": "delete from {t} where clause_code = 'PL-17'",
    "SCO-F05": setting("status", "'perhaps'"),
    "SCO-F06": setting("source_kind", "'guessed'"),
    "SCO-F07": setting("status", "'no_target'", "status = 'no_data'"),
    "SCO-F08": setting("status", "'met'", "indicator_code = 'on_time_rate'"),
    "SCO-F09": setting("form_06_numerator", "form_06_denominator + 1", "true"),
}
TABLES = {
    rule.code: name
    for name in suite_names(MART_SUITES)
    if name not in WRITTEN_OUT
    for rule in load_suite(name, MART_SUITES).rules
}


def publish_second_set(folder, _):
    made = settings_in(folder)
    for night in worked_set.NIGHTS:
        worked_set.export_night(made.exports, night)
    report = run_night(made, LAST)
    assert report.is_good, report.message


@pytest.fixture(scope="module")
def settings(kept, tmp_path_factory):
    """The whole second worked set, loaded and published in one night."""
    return kept.copy(publish_second_set, tmp_path_factory.mktemp("second") / "var")


@pytest.fixture(scope="module")
def connection(settings, tmp_path_factory):
    path = tmp_path_factory.mktemp("broken") / "warehouse.duckdb"
    shutil.copyfile(settings.published, path)
    path.chmod(0o644)
    with duckdb.connect(path) as opened:
        opened.execute("create schema broken")
        yield opened


def test_every_mart_has_a_suite():
    assert (
        set(suite_names(MART_SUITES))
        == {
            NIGHT_CHANGE,
            *(file.name for file in mart_files()),
        }
        - INTERMEDIATE
    )


def test_every_rule_on_a_mart_has_a_change_that_breaks_it():
    assert TABLES.keys() == BROKEN.keys()


def test_a_real_nights_marts_break_no_rule(connection):
    verdict = check_marts(connection, LAST, schema="mart")
    assert verdict.failed == ()


@pytest.mark.parametrize("table", sorted(set(TABLES.values())))
def test_each_rule_finds_the_row_that_breaks_it(connection, table):
    suite = load_suite(table, MART_SUITES)
    missed = []
    for rule in suite.rules:
        connection.execute(f"create or replace table broken.{table} as from mart.{table}")
        connection.execute(BROKEN[rule.code].format(t=f"broken.{table}"))
        [found] = run_suite(connection, f"broken.{table}", replace(suite, rules=(rule,)))
        if found.success or not found.examples:
            missed.append((rule.code, rule.message_en))
    assert missed == []


OTHER_ROLES = """
update roles.period_class set
    cohort_role = case class_at_end when 'early' then 'denominator' when 'late' then 'left_out'
        when 'paused' then 'numerator' else 'left_out' end,
    form_06a_column = case form_06a_column when 'resolved_late' then 'resolved_on_time'
        when 'resolved_early' then 'resolved_late' else form_06a_column end
"""


def test_other_roles_of_the_classes_break_no_rule(connection):
    """The suites repeat nothing of ref.period_class: a city may give its classes other roles."""
    connection.execute("create or replace schema roles")
    connection.execute("create table roles.period_class as from ref.period_class")
    connection.execute(OTHER_ROLES)
    given = {"ref.period_class": "roles.period_class"}
    files = {file.name: file for file in mart_files()}
    for name in ("dossier_period", "unit_tally", "period_tally", "form_06a"):
        select = select_over(files[name], LAST, given)
        connection.execute(f"create table roles.{name} as {select}")
        given[f"mart.{name}"] = f"roles.{name}"
    for name in ("period_tally", "form_06a"):
        differing = connection.execute(f"from roles.{name} except from mart.{name}").fetchall()
        assert differing
        results = run_suite(connection, f"roles.{name}", load_suite(name, MART_SUITES))
        assert [result.message_en for result in results if not result.success] == []


def test_no_rule_repeats_the_codes_of_a_reference_table():
    """A column of codes that a reference table lists is compared with that table."""
    listed = {name: file.columns.keys() for name, file in reference_files().items()}
    repeated = [
        rule.code
        for name in suite_names(MART_SUITES)
        for rule in load_suite(name, MART_SUITES).rules
        if rule.expectation_type == "expect_column_values_to_be_in_set"
        and any(next(iter(columns)) == rule.columns[0] for columns in listed.values())
    ]
    assert repeated == []


def test_a_night_whose_marts_break_a_rule_is_not_published(settings, monkeypatch):
    """The city's scorecard lacks a clause; readers still see the night before."""
    files = tuple(
        replace(file, text=file.text.rstrip() + " where clause_code <> 'PL-17'")
        if file.name == "scorecard"
        else file
        for file in mart_files()
    )
    before = settings.published.read_bytes()
    scorecard_before = read_scorecard(settings)
    later = LAST.replace(day=LAST.day + 1)
    shutil.copyfile(
        settings.exports / f"dossiers_{LAST:%Y%m%d}_snapshot.json",
        settings.exports / f"dossiers_{later:%Y%m%d}_snapshot.json",
    )
    with monkeypatch.context() as patched:
        for module in ("compute", "changes"):
            patched.setattr(f"onestop.marts.{module}.mart_files", lambda: files)
        report = run_night(settings, later)
    assert report.state == "checks_failed"
    assert "SCO-F04: A clause of the plan is missing" in report.message
    assert settings.published.read_bytes() == before
    with open_published(settings) as published:
        assert find_night(published, None) == LAST
    assert read_scorecard(settings) == scorecard_before
    # after the correction the same night is published
    compute(settings, later)
    check(settings, later)
    publish(settings, later)
    with open_published(settings) as published:
        assert find_night(published, None) == later
