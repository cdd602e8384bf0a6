"""A night computed from its change set equals the night computed from everything."""

from __future__ import annotations

import random
import shutil
from collections import Counter

import pytest
from engines import assert_same, lines
from known_issues import issue, patch_issues
from random_nights import SentFile, Sources

from onestop.gate import check_marts, load_suite
from onestop.gate.suite import MART_SUITES
from onestop.marts import changes, compute, restatement
from onestop.marts.compute import compute_marts, stage_reference
from onestop.marts.files import mart_files
from onestop.marts.publish import publish_marts
from onestop.record.load import load_delivery
from onestop.record.publications import latest_publication
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import REFERENCE_STAGED, STAGED

NIGHTS = 6


def marts(warehouse, schema):
    """The rows of every mart, with the number of times each occurs."""
    return {
        file.name: (columns, lines(warehouse, f"{schema}.{file.name}", columns))
        for file in mart_files()
        for columns in [sorted(warehouse.columns(schema, file.name))]
    }


def compute_everything(warehouse, night):
    warehouse.empty_schema(STAGED)
    stage_reference(warehouse, night)
    compute._compute_all(warehouse, night)
    found = marts(warehouse, STAGED)
    warehouse.empty_schema(STAGED)
    warehouse.empty_schema(REFERENCE_STAGED)
    return found


class RolledBackError(Exception):
    """Ends a transaction that only tries something."""


def roll_back():
    raise RolledBackError


def restated_dossiers(warehouse, night):
    """Restated dossiers as the publication recorded them, and as the record gives them."""
    query = "select * from mart.restatement_dossier where restated_night = :night"
    recorded = Counter(tuple(r.values()) for r in warehouse.rows(query, {"night": night}))
    nights = warehouse.rows("select as_of_date from audit.publication order by 1 desc limit 2")
    expected = Counter()
    try:
        with warehouse.transaction():
            previous = nights[1]["as_of_date"]
            restatement._record_dossiers(
                warehouse, {"as_of_date": night, "previous_night": previous}
            )
            both = Counter(tuple(r.values()) for r in warehouse.rows(query, {"night": night}))
            expected = both - recorded
            roll_back()
    except RolledBackError:
        pass
    return recorded, expected


def assert_histories_hold(warehouse):
    """Assert that the open rows of the histories equal the marts."""
    for history, mart in (
        ("indicator_history", "indicator_value"),
        ("form_06a_history", "form_06a"),
    ):
        columns = [
            name
            for name in warehouse.columns("mart", history)
            if name not in {"valid_from", "valid_to", "period_end"}
        ]
        now = lines(
            warehouse, f"(select * from mart.{history} where valid_to is null) as h", columns
        )
        assert now == lines(warehouse, f"mart.{mart}", columns), history


def assert_rules_hold(warehouse):
    """Assert that the rules about sums find nothing in the changes of a night."""
    for table in ("period_tally", "form_06a"):
        for rule in load_suite(table, MART_SUITES).rules:
            relation = {"sums": "sums", "differences": "change"}.get(rule.reads)
            if relation:
                broken = warehouse.rows(rule.query.format(batch=f"{STAGED}.{table}_{relation}"))
                assert not broken, (rule.code, broken[:5])


def assert_causes_add_up(warehouse, night):
    """Assert that the causes of each figure of every period are its change."""
    nights = warehouse.rows("select as_of_date from audit.publication order by 1 desc limit 2")
    if len(nights) == 1:
        assert not warehouse.value("select count(*) from mart.night_change")
        return
    previous = nights[1]["as_of_date"]
    key = (
        "indicator_code, method_code, unit_code, h.period_type, h.period_basis,"
        " cast(h.period_start as varchar) as period_start"
    )

    def figures(day):
        found = warehouse.rows(
            f"select {key}, numerator, denominator from mart.indicator_history as h"
            " inner join mart.period as p on h.period_type = p.period_type"
            " and h.period_basis = p.period_basis and h.period_start = p.period_start"
            " where valid_from <= :day and (valid_to is null or valid_to > :day)",
            {"day": day},
        )
        return {
            tuple(row.values())[:6]: Counter(n=row["numerator"] or 0, d=row["denominator"] or 0)
            for row in found
        }

    before, after = figures(previous), figures(night)
    moved = {}
    for figure in before.keys() | after.keys():
        change = Counter(after.get(figure, Counter()))
        change.subtract(before.get(figure, Counter()))
        if any(change.values()):
            moved[figure] = (change["n"], change["d"])
    caused = {}
    for row in warehouse.rows(
        f"select {key}, cause_code, numerator_change, denominator_change"
        " from mart.night_change as h where as_of_date = :night",
        {"night": night},
    ):
        figure = tuple(row.values())[:6]
        n, d = caused.get(figure, (0, 0))
        caused[figure] = (n + row["numerator_change"], d + row["denominator_change"])
        # the rules of the random nights never change
        assert row["cause_code"] not in {"rule_changed", "recounted"}, row
    assert {figure: sums for figure, sums in caused.items() if any(sums)} == moved


def run_nights(warehouse, folder, seed, *, nights=NIGHTS):
    """Run a random sequence of nights; returns how each night was computed."""
    how_often = Counter()
    for sent in Sources(random.Random(seed).choice).nights(nights):
        for file in sent.files:
            load_delivery(warehouse, file.delivery, file.staged(folder))
        if not sent.is_run:
            continue
        compute_marts(warehouse, sent.night)
        if "unit_tally_change" in warehouse.tables(STAGED):
            assert_rules_hold(warehouse)
        publish_marts(warehouse, sent.night)
        how = warehouse.rows(
            "select computed, computed_why from audit.publication where as_of_date = :night",
            {"night": sent.night},
        )[0]
        how_often[how["computed_why"] or how["computed"]] += 1
        if how["computed"] == "changes":
            assert_same(marts(warehouse, "mart"), compute_everything(warehouse, sent.night))
            recorded, expected = restated_dossiers(warehouse, sent.night)
            has_restated = warehouse.value(
                "select count(*) from mart.restatement where restated_night = :night",
                {"night": sent.night},
            )
            assert not has_restated or recorded == expected
        assert_histories_hold(warehouse)
        assert_causes_add_up(warehouse, sent.night)
    return how_often


@pytest.mark.parametrize(
    ("seed", "least"),
    [(1, 2), (3, 2), *(pytest.param(seed, 0, marks=pytest.mark.slow) for seed in range(4, 200))],
)
def test_marts_computed_from_changes_equal_marts_computed_from_everything(tmp_path, seed, least):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as warehouse:
        how_often = run_nights(warehouse, tmp_path, seed)
    assert how_often["changes"] >= least


@pytest.mark.parametrize(
    ("seed", "least"),
    [(6, 1), *(pytest.param(seed, 0, marks=pytest.mark.slow) for seed in range(200, 220))],
)
def test_marts_computed_from_changes_equal_marts_computed_from_everything_on_postgresql(
    postgres, tmp_path, seed, least
):
    with open_warehouse(postgres.make_database()) as warehouse:
        how_often = run_nights(warehouse, tmp_path, seed, nights=4)
    assert how_often["changes"] >= least


def test_known_issues_follow_the_units_that_a_night_changes(tmp_path, monkeypatch):
    *_, last = (sent.night for sent in Sources(random.Random(3).choice).nights(3))
    issues = [
        issue("source", "dossiers", "2022-01-01", source="one_stop"),
        issue("level", "dossiers", "2022-01-01", unit="COMMUNE"),
        issue("begun", "dossiers", str(last), unit="COMMUNE"),
    ]
    patch_issues(monkeypatch, issues)
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as warehouse:
        how_often = run_nights(warehouse, tmp_path, 3, nights=3)
        found = warehouse.rows("select distinct known_issues from mart.indicator_value")
    assert how_often["changes"] >= 1
    assert {"begun level source", "source", None} <= {row["known_issues"] for row in found}


# --- when in doubt --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A warehouse with a published night, and one more night in its record."""
    folder = tmp_path_factory.mktemp("published")
    path = folder / "w.duckdb"
    first, second = Sources(random.Random(2).choice).nights(2)
    with open_warehouse(f"duckdb:///{path}") as warehouse:
        for sent in (first, second):
            for file in sent.files:
                load_delivery(warehouse, file.delivery, file.staged(folder))
            if sent is first:
                compute_marts(warehouse, sent.night)
                publish_marts(warehouse, sent.night)
    return path, first.night, second.night


@pytest.fixture
def warehouse(published, tmp_path):
    path = tmp_path / "w.duckdb"
    shutil.copyfile(published[0], path)
    with open_warehouse(f"duckdb:///{path}") as opened:
        yield opened


def computed(warehouse, night):
    compute_marts(warehouse, night)
    [row] = warehouse.rows(f"select computed, computed_why from {STAGED}.night")
    return row["computed_why"] or row["computed"]


def test_only_the_changes_are_computed_when_nothing_is_in_doubt(published, warehouse):
    assert computed(warehouse, published[2]) == "changes"


@pytest.mark.parametrize("has_one_stop", [True, False])
def test_coverages_follow_a_register_that_changes_the_desks_alone(
    published, warehouse, tmp_path, has_one_stop
):
    register = warehouse.rows(
        "select unit_code, unit_name, unit_level, digitisation_date from core.unit_history"
        " where valid_to is null"
    )
    rows = [{**row, "has_one_stop": has_one_stop} for row in register]
    units = SentFile(999, "one_stop", "units", published[2], "snapshot", "units.json", rows)
    load_delivery(warehouse, units.delivery, units.staged(tmp_path))
    assert computed(warehouse, published[2]) == "changes"
    publish_marts(warehouse, published[2])
    coverages = warehouse.rows(
        "select distinct coverage < 100 as lacks_desks from mart.indicator_value"
        " where indicator_code = 'counter_waiting_time' and unit_code = 'CITY'"
    )
    assert coverages == [{"lacks_desks": has_one_stop}]
    assert_same(marts(warehouse, "mart"), compute_everything(warehouse, published[2]))


def test_only_figures_that_may_be_others_are_compared_with_their_targets_and_stored(
    published, warehouse
):
    assert computed(warehouse, published[2]) == "changes"
    new, old = (
        warehouse.value(f"select count(*) from {table}")
        for table in (f"{STAGED}.indicator_figure_new", "mart.indicator_figure")
    )
    assert 0 < new < old / 2
    # all methods of an indicator, unit and period: the verdict of one rests on the others
    place = "indicator_code, unit_code, period_type, period_basis, period_start"
    apart = warehouse.rows(
        f"select {place} from (select {place}, count(*) as touched from {STAGED}.touched_figure"
        f" group by {place}) inner join (select {place}, count(*) as methods"
        f" from {STAGED}.indicator_measure group by {place}) using ({place})"
        " where touched < methods"
    )
    assert not apart


def test_a_change_of_classes_alone_may_turn_the_verdict_of_a_reading(published, warehouse):
    compute_marts(warehouse, published[2])
    where = "unit_code = 'CITY' and period_type = 'month' and period_start = date '2021-03-01'"
    query = f"select distinct indicator_code from {STAGED}.touched_figure where {where}"
    assert not warehouse.rows(query)
    warehouse.execute(
        f"insert into {STAGED}.class_tally_change by name select * from"
        f" (select 'CITY' as unit_code, * exclude (unit_code) from {STAGED}.class_tally_change"
        " limit 1) as one"
    )
    warehouse.execute(
        f"update {STAGED}.class_tally_change set period_type = 'month', period_basis = 'calendar',"
        " period_start = date '2021-03-01' where rowid = (select max(rowid)"
        f" from {STAGED}.class_tally_change)"
    )
    night = changes.ChangeSet(warehouse, latest_publication(warehouse), published[2])
    (figures,) = (file for file in mart_files() if file.name == changes.FIGURE_MART)
    warehouse.make_table(f"{STAGED}.touched_figure", night._touched_figures(figures))
    assert warehouse.rows(query) == [{"indicator_code": "on_time_rate"}]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("drop table mart.unit_tally", "a published mart is missing"),
        (
            "delete from mart.counted_dossier where rowid = 0",
            "the published marts are not those of night {night}",
        ),
        (
            "update mart.indicator_figure set status = 'met' where status = 'not_met'",
            "the published figures are not those of their history",
        ),
        (
            "delete from mart.indicator_figure where unit_scope = 'city'",
            "the published figures are not those of their history",
        ),
        (
            "update mart.source_tally set dossiers = dossiers - 1000",
            "the published mart.source_tally is not the sum of its dossiers",
        ),
        (
            "update mart.registered_unit set unit_level = 'city'",
            "the register of units changed",
        ),
        (
            "update mart.catalogue set service_level = 1",
            "the catalogue of procedures changed",
        ),
        (
            "update audit.publication set record_state = record_state + 1",
            "the record of night {night} is not the one that its figures were computed from",
        ),
        (
            "update audit.publication set rules_sha256 = 'other'",
            "the SELECTs, the reference rows or the release are not those of night {night}",
        ),
    ],
)
def test_in_doubt_everything_is_computed_and_the_reason_is_kept(published, warehouse, damage, why):
    warehouse.execute(damage)
    assert computed(warehouse, published[2]) == why.format(night=published[1])


def test_everything_is_computed_in_a_new_year(published, warehouse):
    new_year = published[1].replace(year=published[1].year + 1, month=1, day=1)
    assert computed(warehouse, new_year) == f"a year has begun since night {published[1]}"


def test_the_publication_records_how_its_night_was_computed(published, warehouse):
    compute_marts(warehouse, published[2])
    publish_marts(warehouse, published[2])
    found = warehouse.rows(
        "select computed, computed_why, computed_why_vi from audit.publication order by as_of_date"
    )
    assert [tuple(row.values()) for row in found] == [
        ("all", "no night is published yet", "chưa đêm nào được công bố"),
        ("changes", None, None),
    ]


def test_a_night_computed_from_another_publication_is_not_published(published, warehouse):
    compute_marts(warehouse, published[2])
    warehouse.execute(f"update {STAGED}.night set previous_night = date '2022-01-01'")
    with pytest.raises(RuntimeError, match="compute the night again"):
        publish_marts(warehouse, published[2])


def test_the_checks_read_the_rows_that_the_night_changes(published, warehouse):
    compute_marts(warehouse, published[2])
    city = "unit_code = 'CITY' and field_code <> 'ALL'"
    warehouse.execute(
        f"update {STAGED}.unit_tally_change set carried_over = carried_over + 1 where {city}"
    )
    warehouse.execute(f"update {STAGED}.counted_dossier_new set timeliness = 'soon'")
    verdict = check_marts(warehouse._connection, published[2])
    assert {rule.rule_code for rule in verdict.failed} >= {"PTL-F06", "F6A-F09", "MDS-F05"}
    checked = {rule.rule_code: rule.rows_checked for rule in verdict.results["dossier"]}
    assert checked["MDS-F05"] == warehouse.value(
        f"select count(*) from {STAGED}.counted_dossier_new"
    )


def test_a_rule_on_a_whole_mart_finds_what_the_night_does_not_change(
    published, warehouse, tmp_path
):
    for suite in ("backlog", "duration_tally"):
        shutil.copyfile(MART_SUITES / f"{suite}.json", tmp_path / f"{suite}.json")
    compute_marts(warehouse, published[2])
    assert check_marts(warehouse._connection, published[2], expectations=tmp_path).failed == ()
    # rows of a half-month that the night does not change
    warehouse.execute(
        "insert into mart.duration_tally by name select 'H24.14' as unit_code,"
        " 'department' as unit_level, 'G' as field_code, 'P' as procedure_key,"
        " date '2022-01-15' as half_month, 3 as workdays_taken, 0 as workdays_paused,"
        " 1 as dossiers, 0 as dossiers_seen_late"
    )
    warehouse.execute("delete from ref_staged.age_band where band_code = 'age_to_5'")
    verdict = check_marts(warehouse._connection, published[2], expectations=tmp_path)
    assert {rule.rule_code for rule in verdict.failed} == {"DUR-F05", "BKL-F06"}


def test_a_view_of_all_nights_is_checked_for_the_rows_of_the_city(published, warehouse, tmp_path):
    shutil.copyfile(MART_SUITES / "figure_revision.json", tmp_path / "figure_revision.json")
    compute_marts(warehouse, published[2])
    results = []
    for unit in ("unit_code <> 'CITY'", "unit_code = 'CITY'"):
        warehouse.execute(f"update mart.indicator_history set valid_to = valid_from where {unit}")
        verdict = check_marts(warehouse._connection, published[2], expectations=tmp_path)
        results.append([rule.rule_code for rule in verdict.failed])
    assert results == [[], ["FRV-F02"]]
