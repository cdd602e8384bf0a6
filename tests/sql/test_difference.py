"""Why figures moved between two published nights: the causes add up, the dossiers are listed."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import itertools
import json
import random
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from known_issues import issue
from moved_figures import (
    NEW_YEAR,
    NEXT,
    YEAR_END,
    after_first,
    after_third,
    publish_with_other_rules,
)
from plan_targets import target_of
from published_marts import settings_in
from random_nights import Sources
from web_site import browser
from worked_dossiers import LATER, NIGHT, UNIT

from onestop.figures.difference import Cause, Verdict, _Comparison, _find_unit, compare_nights
from onestop.figures.difference.output import (
    Labels,
    _figure_text,
    notes_on,
    print_difference,
)
from onestop.figures.difference.recorded import recorded_difference
from onestop.figures.difference.sides import Sides
from onestop.figures.scorecard.values import read_lines, read_methods, read_scorecard
from onestop.figures.web.audit import _pair_text
from onestop.figures.web.overview import _read_turned
from onestop.figures.web.site import Visit
from onestop.figures.web.unit import read_unit
from onestop.figures.web.units import read_units
from onestop.marts.compute import compute_marts, stage_reference
from onestop.marts.night_changes import ON_TIME
from onestop.marts.publish import publish_marts
from onestop.marts.published import NothingPublishedError, QuestionError, open_published
from onestop.record.load import load_delivery
from onestop.record.reference_changes import reference_on
from onestop.upkeep.verify import _changed_rules
from onestop.warehouse import open_warehouse

OLD_TARGET = target_of("online_share_level3", NIGHT)
QUARTER = (dt.date(2022, 4, 1), dt.date(2022, 6, 30))


@pytest.fixture(scope="module")
def settings(kept, tmp_path_factory):
    """The published nights 30/06, 01/07 and 31/07 of the worked dossiers."""
    return without_copy(kept.copy(after_third, tmp_path_factory.mktemp("difference") / "var"))


def without_copy(settings):
    """The installation, whose readers read the warehouse itself."""
    return replace(settings, published=settings.published.parents[1] / "warehouse.duckdb")


def causes(figure):
    return {
        cause.cause_code: (cause.numerator_change, cause.denominator_change)
        for cause in figure.causes
    }


def on_time(settings, previous, as_of, unit=UNIT, method=None, span=(None, None)):
    [figure] = compare_nights(settings, previous, as_of, unit, "on_time_rate", method, span).figures
    return figure


@pytest.mark.parametrize("unit", [UNIT, "DISTRICT", "CITY"])
def test_a_dossier_has_one_cause_over_several_nights(settings, unit):
    # cohort 4/8 on 30/06, 6/10 on 31/07; D12, closed late on 01/07, counted as overdue before
    figure = on_time(settings, NIGHT, LATER, unit)
    assert (figure.before, figure.after) == ((4, 8), (6, 10))
    assert causes(figure) == {
        "closed_in_time": (1, 1),  # D11
        "fell_overdue": (0, 1),  # D10
        "late_file": (1, 0),  # D9
    }
    assert {(item.item_code, item.cause_code, item.change) for item in figure.items} == {
        ("D9", "late_file", (1, 0)),
        ("D10", "fell_overdue", (0, 1)),
        ("D11", "closed_in_time", (1, 1)),
    }


def test_dossiers_of_the_last_night_are_never_counted_anew(settings, monkeypatch):
    # a source that began to state its channels: all its dossiers are compared
    with open_published(settings) as warehouse:
        [source] = warehouse.rows(
            "select split_part(delivery_id, '.', 1) as code, count(*) as dossiers"
            " from mart.counted_dossier group by code order by dossiers desc limit 1"
        )
        monkeypatch.setattr(Sides, "_turned_sources", lambda _: [source["code"]])
        sides = Sides(
            warehouse, (NEXT, LATER), QUARTER, [("on_time_rate", "cohort")], has_same_rules=True
        )
        sides.items(ON_TIME, [("on_time_rate", "cohort")], has_other_rules=False)
        made = [
            row["table_name"]
            for row in warehouse.rows(
                "select table_name from information_schema.tables"
                " where table_type = 'LOCAL TEMPORARY'"
            )
        ]
        compared = warehouse.value("select count(*) from diff_published")
        sides.drop()
    assert "counted_dossier_diff_earlier" in made
    assert "counted_dossier_diff_later" not in made
    assert compared >= source["dossiers"]


def test_the_days_that_changed_and_the_row_that_says_so_stand_beside_a_dossier(settings):
    [late] = [i for i in on_time(settings, NEXT, LATER).items if i.item_code == "D9"]
    assert (late.facts["closed_before"], late.facts["closed_after"]) == (None, dt.date(2022, 6, 23))
    assert late.file_name == "dossiers_20220630_2.json"
    assert late.row_number == 1


def test_another_method_has_its_own_causes(settings):
    # form_06: 6/8 on 30/06; D12 closed late, D9 and D11 in time: 8/11
    figure = on_time(settings, NIGHT, LATER, method="form_06")
    assert (figure.before, figure.after) == ((6, 8), (8, 11))
    assert causes(figure) == {
        "closed_in_time": (1, 1),
        "closed_late": (0, 1),
        "late_file": (1, 1),
    }


def test_a_period_that_was_over_and_a_span_that_is_none(settings):
    figure = on_time(settings, NEXT, LATER, span=QUARTER)
    assert (figure.before, figure.after) == ((3, 7), (4, 7))
    assert causes(figure) == {"late_file": (1, 0)}
    # of June alone, received from 02/06 on: no such figure is published
    figure = on_time(settings, NEXT, LATER, span=(dt.date(2022, 6, 2), dt.date(2022, 6, 30)))
    assert (figure.before, figure.after) == (None, None)
    assert causes(figure) == {"late_file": (1, 0)}


def test_without_an_indicator_the_scorecards_figures_are_compared_without_their_items(settings):
    figures = {
        figure.indicator_code: figure
        for figure in compare_nights(settings, NEXT, LATER, "CITY").figures
    }
    assert causes(figures["on_time_rate"])["fell_overdue"] == (0, 1)
    assert causes(figures["par_index_rank"]) == {}
    assert not any(figure.items for figure in figures.values())


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ((LATER, NEXT, "CITY"), QuestionError, "name the earlier night first"),
        ((NEXT, NEXT, "CITY"), QuestionError, "both nights are the same"),
        (
            (NEXT, LATER - dt.timedelta(days=1), "CITY"),
            NothingPublishedError,
            "published: 2022-06-30, 2022-07-01, 2022-07-31",
        ),
        ((NEXT, LATER, "H24.77"), QuestionError, "there are CITY, DISTRICT, H24.31"),
        (
            (NEXT, LATER, "CITY", "speed"),
            QuestionError,
            "no indicator speed; all are listed",
        ),
        (
            (NEXT, LATER, "CITY", "on_time_rate", "guess"),
            QuestionError,
            "there are cohort, cohort_first_due, due, form_06",
        ),
        ((NEXT, LATER, "CITY", None, "due"), QuestionError, "name one by --indicator"),
        (
            (NEXT, LATER, "CITY", None, None, (LATER, NEXT)),
            QuestionError,
            "exchange --from and --to",
        ),
        (
            (NEXT, LATER, "CITY", None, None, (LATER + dt.timedelta(days=1), None)),
            QuestionError,
            "choose --from by 2022-07-31, or a later second night; published: 2022-06-30,",
        ),
    ],
)
def test_a_question_without_an_answer_names_what_there_is(settings, arguments, error, told):
    with pytest.raises(error, match=told):
        compare_nights(settings, *arguments)


def altered_figure(settings, tmp_path):
    """A copy whose published rate of 31/07 is one less."""
    path = tmp_path / "w.duckdb"
    path.write_bytes(settings.published.read_bytes())
    with open_warehouse(f"duckdb:///{path}") as warehouse:
        warehouse.execute(
            "update mart.indicator_history set numerator = numerator - 1 where method_code ="
            f" 'cohort' and unit_code = '{UNIT}' and valid_from = date '{LATER}'"
        )
    return replace(settings, warehouse=f"duckdb:///{path}", published=path)


def test_figures_that_the_causes_do_not_give_are_an_error_unless_the_rules_changed(
    settings, tmp_path
):
    altered = altered_figure(settings, tmp_path)
    with pytest.raises(QuestionError, match=r"leave -1/\+0 of the change unexplained"):
        on_time(altered, NEXT, LATER)
    with open_warehouse(altered.warehouse) as warehouse:
        warehouse.execute("update audit.publication set rules_sha256 = 'other'")
    assert causes(on_time(altered, NEXT, LATER))["rule_changed"] == (-1, 0)


def test_after_an_earlier_release_the_remedy_is_a_night_with_this_one(settings, tmp_path):
    path = tmp_path / "w.duckdb"
    path.write_bytes(settings.published.read_bytes())
    with open_warehouse(f"duckdb:///{path}") as warehouse:
        warehouse.execute("drop table ref.change_cause")
    earlier = replace(settings, warehouse=f"duckdb:///{path}", published=path)
    with pytest.raises(QuestionError, match="publish a night with this release"):
        on_time(earlier, NEXT, LATER)


def printed(settings, form, lang="en", **asked):
    difference = compare_nights(settings, NEXT, LATER, "CITY", **asked)
    text = io.StringIO()
    print_difference(settings, difference, lang, form, text)
    return text.getvalue()


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("indicator", [None, "on_time_rate"])
def test_the_page_fits_80_columns(settings, monkeypatch, lang, indicator):
    monkeypatch.setenv("COLUMNS", "80")
    page = printed(settings, "table", lang, indicator=indicator)
    assert max(map(len, page.splitlines())) <= 80
    assert "4/8 = 50" in page
    assert ("Fell overdue" if lang == "en" else "Thành quá hạn") in page


def test_json_and_csv_hold_the_causes_and_the_items(settings):
    found = json.loads(printed(settings, "json", indicator="on_time_rate"))
    [figure] = found["figures"]
    assert (figure["before"], figure["after"]) == ([4, 8], [6, 10])
    assert [cause["label_en"] for cause in figure["causes"]] == [
        "Closed in time",
        "Fell overdue",
        "Late file",
    ]
    rows = list(csv.DictReader(io.StringIO(printed(settings, "csv", indicator="on_time_rate"))))
    assert [(row["item_code"], row["cause_code"], row["due_after"]) for row in rows] == [
        ("D11", "closed_in_time", "2022-07-08"),
        ("D10", "fell_overdue", "2022-07-04"),
        ("D9", "late_file", "2022-06-24"),
    ]
    rows = list(csv.DictReader(io.StringIO(printed(settings, "csv"))))
    assert {row["cause_code"] for row in rows if row["indicator_code"] == "on_time_rate"} == {
        "closed_in_time",
        "fell_overdue",
        "late_file",
    }


@pytest.mark.parametrize(
    ("lang", "word"), [("en", "4/8 = 50.00%, unchanged"), ("vi", "4/8 = 50,00 %, không đổi")]
)
def test_an_unchanged_figure_that_was_asked_for_is_shown_with_its_name(settings, lang, word):
    difference = compare_nights(settings, NIGHT, NEXT, "CITY", "on_time_rate")
    text = io.StringIO()
    print_difference(settings, difference, lang, "table", text)
    title = "Dossiers received in the year" if lang == "en" else "Hồ sơ tiếp nhận trong năm"
    assert title in text.getvalue()
    assert word in text.getvalue()


def test_unchanged_indicators_are_listed_by_name_and_code_unless_they_have_no_data(settings):
    page = " ".join(printed(settings, "table").split())
    [listed] = re.findall(r"Unchanged: (.*?)(?: Figures of one level| The dossiers|$)", page)
    indicators = [name.rpartition(" ")[2] for name in listed.split("; ")]
    compared = compare_nights(settings, NEXT, LATER, "CITY").figures
    assert indicators == [
        f"({figure.indicator_code})"
        for figure in compared
        if not figure.is_changed and any(figure.before)
    ]
    assert "PCI rank" not in page
    [level] = re.findall(r"--unit DISTRICT: (.*?) \(digitisation_rollout_district\)", page)
    assert level == "District One-Stops with the digitisation process"


def test_a_wait_beside_its_target_has_decimals_only_where_it_would_look_like_it():
    for pair, shown in (((1_919, 2), "16 min"), ((3_599, 2), "29 min 59.5 s")):
        counts = f"{pair[0]:,} s/{pair[1]} visits"
        half_an_hour = Verdict(target=Decimal(1800))
        page = _pair_text(pair, "seconds", half_an_hour, "en")
        terminal = _figure_text(pair, "seconds", half_an_hour, "en")
        found = [text.replace("\u00a0", " ") for text in (page, terminal)]
        assert found == [shown, f"{counts} = {shown}"]


def test_an_unchanged_line_of_the_scorecard_without_any_figure_is_shown_too(settings):
    assert "no data, unchanged" in printed(settings, "table", indicator="pci_rank")


def test_an_unchanged_figure_of_a_span_that_is_no_period_says_where_it_is_counted(settings):
    span = (dt.date(2022, 4, 2), dt.date(2022, 4, 30))
    page = printed(settings, "table", indicator="on_time_rate", span=span)
    assert "unchanged" in page
    assert "onestop explain counts its items" in page


def test_an_unchanged_figure_that_was_asked_for_has_a_row(settings):
    [row] = csv.DictReader(io.StringIO(printed(settings, "csv", indicator="pci_rank")))
    assert (row["indicator_code"], row["cause_code"], row["status_after"]) == (
        "pci_rank",
        "",
        "no_data",
    )


# --- after New Year -------------------------------------------------------------------------------


@pytest.fixture
def after_new_year(new_year_warehouse, tmp_path):
    return replace(
        settings_in(tmp_path),
        warehouse=f"duckdb:///{new_year_warehouse}",
        published=new_year_warehouse,
    )


def test_after_new_year_the_period_is_the_one_that_the_scorecard_shows(after_new_year):
    figure = on_time(after_new_year, YEAR_END, NEW_YEAR, "CITY")
    # 1/1 on 30/12 (E3; E2 was due that day); on 31/12 E2 was overdue
    assert (figure.first, figure.last) == (dt.date(2022, 1, 1), dt.date(2022, 12, 31))
    assert (figure.before, figure.after) == ((1, 1), (1, 2))
    assert causes(figure) == {"fell_overdue": (0, 1)}
    [line] = [
        line
        for line in read_scorecard(after_new_year)
        if (line.indicator_code, line.unit_code) == ("on_time_rate", "CITY")
    ]
    assert (line.numerator, line.denominator) == figure.after


def test_after_new_year_the_methods_beside_the_scorecard_are_of_its_year(after_new_year):
    with open_published(after_new_year) as warehouse:
        lines = read_lines(warehouse, NEW_YEAR)
        methods = read_methods(warehouse, NEW_YEAR, lines)
    [cohort] = [m for m in methods if (m.method_code, m.unit_code) == ("cohort", "CITY")]
    [line] = [
        line for line in lines if (line.indicator_code, line.unit_code) == ("on_time_rate", "CITY")
    ]
    assert (cohort.numerator, cohort.denominator) == (line.numerator, line.denominator)
    assert line.denominator


def test_after_new_year_a_units_page_is_about_the_scorecards_year(after_new_year):
    with open_published(after_new_year) as warehouse:
        page = read_unit(warehouse, after_new_year, Visit("en", "unit", {"code": "CITY"}))
    [shown] = [figure for figure in page["figures"] if figure["indicator_code"] == "on_time_rate"]
    assert page["first"] == dt.date(2022, 1, 1)
    assert {(each["numerator"], each["denominator"]) for each in page["methods"]} >= {
        (shown["numerator"], shown["denominator"])
    }


def test_after_new_year_the_table_of_units_is_about_the_scorecards_year(after_new_year):
    with open_published(after_new_year) as warehouse:
        page = read_units(warehouse, after_new_year, Visit("en", "units", {"level": "all"}))
    assert page["months"] == [dt.date(2022, month, 1) for month in range(1, 13)]
    assert page["totals"]["year"]["period_type"] == "year"
    assert page["totals"]["year"]["denominator"]
    assert page["target"]


def test_after_new_year_a_verdict_that_turned_is_of_the_scorecards_year(
    new_year_warehouse, tmp_path
):
    path = tmp_path / "w.duckdb"
    path.write_bytes(new_year_warehouse.read_bytes())
    with open_warehouse(f"duckdb:///{path}") as warehouse:
        of_city = (
            "indicator_code = 'on_time_rate' and method_code = 'cohort' and unit_code = 'CITY'"
            " and period_type = 'year' and period_basis = 'calendar'"
        )
        night = warehouse.value(
            f"select max(valid_from) from mart.indicator_history where {of_city}"
        )
        warehouse.execute(
            f"update mart.indicator_history set status = 'met' where {of_city}"
            f" and valid_to = date '{night}'"
        )
        warehouse.execute(
            f"update mart.indicator_history set status = 'not_met' where {of_city}"
            f" and valid_from = date '{night}'"
        )
        turned = _read_turned(warehouse, night, "en")
    found = {(row["unit"], row["status_before"], row["status_after"]) for row in turned}
    assert ("Whole city", "met", "not_met") in found, turned


def test_after_new_year_the_page_names_the_year_so_far(after_new_year):
    difference = compare_nights(after_new_year, YEAR_END, NEW_YEAR, "CITY")
    text = io.StringIO()
    print_difference(after_new_year, difference, "en", "table", text)
    assert "Span: 1 Jan 2022 to 31 Dec 2022" in text.getvalue()
    assert "That year is over. The year so far: --from 2023-01-01" in text.getvalue()


def test_with_a_last_day_alone_the_span_begins_in_its_year(after_new_year):
    span = (None, dt.date(2022, 12, 31))
    figure = on_time(after_new_year, YEAR_END, NEW_YEAR, "CITY", span=span)
    assert figure.first == dt.date(2022, 1, 1)
    figure = on_time(after_new_year, YEAR_END, NEW_YEAR, "CITY", span=(NEW_YEAR, None))
    assert figure.verdict_before is None


def test_declared_figures_stay_on_the_scorecard_after_the_years_end(after_new_year):
    [figure] = compare_nights(
        after_new_year, YEAR_END, NEW_YEAR, "CITY", "plan_tasks_completed_rate"
    ).figures
    assert (figure.before, figure.after) == ((40, 100), (40, 100))
    [line] = [
        line
        for line in read_scorecard(after_new_year)
        if line.indicator_code == "plan_tasks_completed_rate"
    ]
    assert (line.numerator, line.denominator, line.document_number) == (40, 100, "1/BC")


# --- other targets, verdicts, issues and rules ----------------------------------------------------


def other_targets(rows):
    """Let the targets of two indicators be others from 01/07 on."""
    for code, numerator in (("on_time_rate", 40), ("online_share_level3", 30)):
        [row] = [row for row in rows if row["indicator_code"] == code]
        rows.append({**row, "target_numerator": numerator, "valid_from": NEXT})
        row["valid_to"] = NEXT
    return rows


def count_withdrawn(rows):
    """Let a withdrawn dossier count against the office in the cohort."""
    return [
        {**row, "cohort_role": "denominator"} if row["class_at_end"] == "withdrawn" else row
        for row in rows
    ]


def with_issue(rows):
    return [*rows, issue("channels", "dossiers", "2022-06-01", affects="online_share_level3")]


@pytest.fixture(scope="module")
def by_other_rules(kept, tmp_path_factory):
    """The nights 30/06 and 01/07: nothing happened but a change of the reference rows."""
    settings = without_copy(kept.copy(after_first, tmp_path_factory.mktemp("rules") / "var"))
    with open_warehouse(settings.warehouse) as warehouse:
        publish_with_other_rules(
            warehouse,
            NEXT,
            {
                "target": other_targets,
                "period_class": count_withdrawn,
                "known_issue": with_issue,
            },
        )
    return settings


def test_another_target_and_the_verdict_that_it_turns_are_shown_where_nothing_was_counted(
    by_other_rules,
):
    [figure] = compare_nights(by_other_rules, NIGHT, NEXT, "CITY", "online_share_level3").figures
    # online D6; by post D5, at the counter D12
    assert (figure.before, figure.after, figure.causes) == ((1, 3), (1, 3), ())
    assert (figure.verdict_before.target, figure.verdict_after.target) == (
        100 * OLD_TARGET.numerator / OLD_TARGET.denominator,
        30,
    )
    assert (figure.verdict_before.status, figure.verdict_after.status) == ("not_met", "met")
    assert [one.issue_code for one in figure.issues_after] == ["channels"]
    assert figure.issues_before == ()


@pytest.mark.parametrize("indicator", [None, "online_share_level3"])
def test_the_page_shows_them_and_the_known_issue(by_other_rules, indicator):
    difference = compare_nights(by_other_rules, NIGHT, NEXT, "CITY", indicator)
    text = io.StringIO()
    print_difference(by_other_rules, difference, "en", "table", text)
    assert "≥ 30%\nVerdict: Not met → Met\nNew known issue: Fault channels" in text.getvalue()


@pytest.mark.parametrize(
    ("nights", "before", "after"),
    [
        ("by_other_rules", NIGHT, NEXT),
        ("settings", NIGHT, NEXT),
        ("settings", NEXT, LATER),
        ("after_new_year", YEAR_END, NEW_YEAR),
    ],
)
@pytest.mark.parametrize("unit", ["CITY", "DISTRICT", UNIT])
def test_what_is_recorded_of_neighbouring_nights_is_what_is_computed(
    request, nights, before, after, unit
):
    settings = request.getfixturevalue(nights)
    computed = compare_nights(settings, before, after, unit)
    with open_published(settings) as warehouse:
        recorded = recorded_difference(warehouse, before, after, computed.unit)
    assert recorded.reference_changes == (
        computed.reference_changes if nights == "by_other_rules" else ()
    )
    of_figure = {each.indicator_code: each for each in computed.figures}
    for each in recorded.figures:
        other = of_figure.pop(each.indicator_code)
        for name in ("before", "after", "causes", "issues_before", "issues_after", "is_changed"):
            assert getattr(each, name) == getattr(other, name), (each.indicator_code, name)
        for side in ("verdict_before", "verdict_after"):
            verdict = getattr(each, side)
            if verdict is None or verdict.status != "no_data":  # then no target is recorded
                assert verdict == getattr(other, side), (each.indicator_code, side)
    assert not any(each.is_changed for each in of_figure.values())


@pytest.mark.parametrize("indicator", [None, "online_share_level3", "on_time_rate"])
def test_the_page_of_the_site_shows_target_verdict_firmness_and_issue_of_both_nights(
    by_other_rules, indicator
):
    auditor = browser(by_other_rules, reads_record=True)
    asked = {"lang": "en"} | ({"indicator": indicator} if indicator else {})
    page = html.unescape(auditor.get("/difference", params=asked).text)
    difference = compare_nights(by_other_rules, NIGHT, NEXT, "CITY", indicator)
    with open_published(by_other_rules) as warehouse:
        labels = Labels(warehouse)
    shown = [each for each in difference.figures if each.is_changed]
    assert shown
    for each in shown:
        measure = labels.indicators[each.indicator_code]["unit_of_measure"]
        notes = list(notes_on(each, measure, labels, "en"))
        assert any(note.is_change for note in notes)
        for note in notes:
            assert note.text in page, note
    assert "period_class.csv, withdrawn: cohort_role left_out → denominator" in page


def test_the_firmness_of_a_verdict_is_shown_when_it_turns(by_other_rules):
    figure = on_time(by_other_rules, NIGHT, NEXT, "CITY")
    # 4/9 meets 40 %; by the first due date D6 is late, too: 3/9
    assert (figure.verdict_before.firmness, figure.verdict_after.firmness) == (
        "met_by_none",
        "depends",
    )
    assert "cohort_first_due" in figure.verdict_after.turned_by


def test_the_dossiers_that_a_changed_reference_row_moves_are_named(by_other_rules):
    # D7, received on 01/06, was withdrawn on 08/06, before its due date
    figure = on_time(by_other_rules, NIGHT, NEXT, "CITY")
    assert (figure.before, figure.after) == ((4, 8), (4, 9))
    assert causes(figure) == {"rule_changed": (0, 1)}
    [moved] = figure.items
    assert (moved.item_code, moved.cause_code, moved.change) == ("D7", "rule_changed", (0, 1))


def test_the_reference_rows_that_differ_are_listed_beside_a_change_of_the_rules(by_other_rules):
    difference = compare_nights(by_other_rules, NIGHT, NEXT, "CITY")
    changes = list(map(str, difference.reference_changes))
    assert "period_class.csv, withdrawn: cohort_role left_out → denominator" in changes
    text = io.StringIO()
    print_difference(by_other_rules, difference, "en", "table", text)
    assert "withdrawn: cohort_role left_out → denominator" in text.getvalue()
    assert "--indicator CODE" in text.getvalue()


def test_dossiers_that_other_selects_move_are_said_not_to_be_named(settings, tmp_path):
    altered = altered_figure(settings, tmp_path)
    with open_warehouse(altered.warehouse) as warehouse:
        warehouse.execute("update audit.publication set rules_sha256 = 'other'")
    difference = compare_nights(altered, NEXT, LATER, UNIT, "on_time_rate")
    text = io.StringIO()
    print_difference(altered, difference, "en", "table", text)
    page = " ".join(text.getvalue().split())
    assert "the dossiers cannot be named, since the SELECTs of the earlier night are not" in page
    assert f"onestop explain on_time_rate --unit {UNIT} --from 2022-01-01 --to 2022-07-31" in page


def test_verification_names_the_reference_rows_that_changed_and_what_to_do(by_other_rules):
    with (
        open_published(by_other_rules) as published,
        open_warehouse("duckdb:///:memory:") as scratch,
    ):
        stage_reference(scratch, NEXT)
        told = list(_changed_rules(NEXT, reference_on(published, NEXT), scratch))
        of_selects = list(_changed_rules(NIGHT, reference_on(published, NIGHT), scratch))
    assert "  period_class.csv, withdrawn: cohort_role denominator → left_out" in told
    assert "  target.csv, on_time_rate all 2022-07-01: removed" in told
    assert "put back the rows as they were, verify, then restore today's rows" in told[-1]
    assert "verify it with the release that published it" in of_selects[0]


# --- random nights --------------------------------------------------------------------------------


def test_figures_of_one_level_are_named_and_not_compared_elsewhere(settings):
    page = " ".join(printed(settings, "table").split())
    assert re.search(
        r"Figures of one level, see --unit DISTRICT: [^;()]+ \(digitisation_rollout_district\)",
        page,
    ), page[-1500:]
    with pytest.raises(QuestionError, match="of one level: Communes; ask for --unit COMMUNE"):
        compare_nights(settings, NIGHT, LATER, "CITY", "digitisation_rollout_commune")


def test_the_rows_of_a_csv_add_up_also_with_a_cause_that_has_no_items(settings):
    difference = compare_nights(settings, NIGHT, LATER, "CITY", "on_time_rate")
    [figure] = difference.figures
    ruled = Cause("rule_changed", None, 0, 1)
    changed = replace(difference, figures=(replace(figure, causes=(*figure.causes, ruled)),))
    text = io.StringIO()
    print_difference(settings, changed, "en", "csv", text)
    rows = list(csv.DictReader(io.StringIO(text.getvalue())))
    moved = [
        sum(int(row[f"{part}_after"]) - int(row[f"{part}_before"]) for row in rows)
        for part in ("numerator", "denominator")
    ]
    assert tuple(moved) == changed.figures[0].change
    assert rows[-1]["cause_code"] == "rule_changed"


class CountingAll(_Comparison):
    """A comparison that counts every dossier of both nights from the record."""

    def _new_sides(self, asked, *, has_every_dossier=True):
        self._has_same_rules = False  # so that the published rows are not read
        sides = super()._new_sides(asked, has_every_dossier=has_every_dossier)
        sides._is_amended = lambda _night: True  # so that every history is derived from versions
        return sides


def assert_each_item_has_its_row(warehouse, figures):
    """The row that an item names states that dossier or ticket; returns how many tickets."""
    seen = 0
    for indicator, entity, key in (
        ("on_time_rate", "dossier", "dossier_code"),
        ("counter_waiting_time", "visit", "ticket_code"),
    ):
        rows = warehouse.rows(
            f"select {key} as code, delivery_id, row_number from core.{entity}_version"
            " where not is_vanished"
        )
        stated = {tuple(row.values()) for row in rows}
        for figure in figures:
            if figure.indicator_code == indicator:
                for item in figure.items:
                    assert (item.item_code, item.delivery_id, item.row_number) in stated
                seen += len(figure.items) if entity == "visit" else 0
    return seen


def assert_every_difference_adds_up(warehouse, folder, seed, *, nights, pairs, units):
    """Compare pairs of random nights by every indicator and method; what is left is an error."""
    choose = random.Random(seed).choice
    published = []
    for sent in Sources(choose).nights(nights):
        for file in sent.files:
            load_delivery(warehouse, file.delivery, file.staged(folder))
        if sent.is_run:
            compute_marts(warehouse, sent.night)
            publish_marts(warehouse, sent.night)
            published.append(sent.night)
    asked = [
        tuple(row.values())
        for row in warehouse.rows(
            "select distinct indicator_code, method_code from mart.indicator_history order by 1, 2"
        )
    ]
    moved = tickets = 0
    all_pairs = list(itertools.combinations(published, 2))
    for previous, as_of in all_pairs[-pairs:]:
        year = (as_of.replace(month=1, day=1), as_of)
        ended = warehouse.rows(
            "select period_start, period_end from mart.period where period_type = 'month'"
            " and period_end <= :night order by period_end desc limit 1",
            {"night": previous},
        )
        for unit, (first, last) in itertools.product(
            units, [year, *(tuple(row.values()) for row in ended)]
        ):
            found_unit = _find_unit(warehouse, unit, previous, as_of)
            comparison = _Comparison(warehouse, previous, as_of, found_unit, first, last)
            figures = comparison.figures(asked, has_items=True)
            assert all(figure.before is not None for figure in figures)
            if (unit, first) == (units[0], year[0]):
                whole = CountingAll(warehouse, previous, as_of, found_unit, first, last)
                assert figures == whole.figures(asked, has_items=True)
                for figure in figures:  # fewer dossiers are compared for one that needs fewer
                    one = (figure.indicator_code, figure.method_code)
                    if one in {("on_time_rate", "cohort"), ("online_share_all", "share")}:
                        alone = _Comparison(warehouse, previous, as_of, found_unit, first, last)
                        assert alone.figures([one], has_items=True) == (figure,)
                        few = alone.figures([one], has_items=True, most_items=2)
                        assert few == (replace(figure, items=figure.items[:2]),)
            tickets += assert_each_item_has_its_row(warehouse, figures)
            found = {cause.cause_code for figure in figures for cause in figure.causes}
            assert "rule_changed" not in found
            moved += sum(len(figure.causes) for figure in figures)
    assert tickets, "no ticket counts differently"
    return moved


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(7, 60))]
)
def test_the_causes_between_any_two_random_nights_add_up(tmp_path, seed):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as warehouse:
        moved = assert_every_difference_adds_up(
            warehouse, tmp_path, seed, nights=5, pairs=3, units=("CITY", "DISTRICT", "H24.31")
        )
    assert moved


@pytest.mark.parametrize("turned", [[], ["one_stop"]])
def test_the_causes_between_two_random_nights_add_up_on_postgresql(
    postgres, tmp_path, monkeypatch, turned
):
    monkeypatch.setattr(Sides, "_turned_sources", lambda _: turned)
    with open_warehouse(postgres.make_database()) as warehouse:
        moved = assert_every_difference_adds_up(
            warehouse, tmp_path, 3, nights=4, pairs=1, units=("CITY", "H24.31")
        )
    assert moved
