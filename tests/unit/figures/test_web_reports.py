"""The page of an issued report: what later nights state, and what came of the issue."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import replace

import pytest
from web_site import BEFORE, NIGHT, REPORT_FILES, browser, publish_site

from onestop.figures.web.reports import PARTS, causes_by_part, read_report
from onestop.figures.web.site import Visit
from onestop.marts.night_changes import RECOUNTED, RULE_CHANGED
from onestop.marts.published import open_published
from onestop.record.issued_reports import record_issue, recorded_issues
from onestop.schema.reference import read_reference
from onestop.warehouse import open_warehouse

#: A night between the two of the site.
BETWEEN = dt.date(2022, 7, 10)
_OF_PERIOD = (
    f"period_type = 'half_year' and period_basis = 'calendar' and period_end = date '{BEFORE}'"
)
_WAIT = (
    f"indicator_code = 'counter_waiting_time' and method_code = 'visit_mean'"
    f" and unit_code = 'CITY' and {_OF_PERIOD}"
)
_CAUSES = "mart.night_change"
_ON_TIME_OF_THE_CITY = ("on_time_rate", "CITY")
_YEAR = (
    "indicator_code = 'on_time_rate' and method_code = 'cohort' and unit_code = 'CITY'"
    " and period_type = 'year' and period_basis = 'calendar'"
)


@pytest.fixture(scope="module")
def issued_twice(kept, tmp_path_factory):
    """The site with a second issue, and a night on which the city's wait was another still."""
    settings = kept.copy(publish_site, tmp_path_factory.mktemp("issued_twice") / "var")
    with open_warehouse(settings.warehouse) as warehouse:
        [first] = recorded_issues(warehouse, "half_year")
        second = replace(first, issue_number=2, as_of_date=NIGHT, folder="reports/half_year/2")
        record_issue(warehouse, second, REPORT_FILES)
        warehouse.execute(
            f"update mart.indicator_history set valid_to = date '{BETWEEN}'"
            f" where {_WAIT} and valid_to = date '{NIGHT}'"
        )
        warehouse.execute(
            "insert into mart.indicator_history by name select * replace"
            f" (date '{BETWEEN}' as valid_from, date '{NIGHT}' as valid_to,"
            f" numerator + 60 as numerator) from mart.indicator_history"
            f" where {_WAIT} and valid_to = date '{BETWEEN}'"
        )
        warehouse.publish_copy(settings.published)
    return settings


def page_of(settings, issue, lang="en", *, reads_record=True):
    asked = {"code": "half_year", "issue": issue, "lang": lang}
    answer = browser(settings, reads_record=reads_record).get("/report", params=asked)
    assert answer.status_code == 200
    return html.unescape(answer.text).replace("\xa0", " ")


def changed_figures(settings):
    """The figures of the half year that the two nights state differently, with both verdicts."""
    with open_published(settings) as warehouse:
        rows = warehouse.rows(
            "select indicator_code, method_code, unit_code, unit_scope, numerator, denominator,"
            f" status, valid_from, valid_to from mart.indicator_history where {_OF_PERIOD}"
        )
        scorecard = {
            (row["indicator_code"], row["scorecard_method"])
            for row in warehouse.rows("select indicator_code, scorecard_method from ref.indicator")
        }
    key = ("indicator_code", "method_code", "unit_code")
    was, now = {}, {}
    for row in rows:
        if row["valid_from"] <= BEFORE:
            was[tuple(row[name] for name in key)] = row
        if row["valid_to"] is None:
            now[tuple(row[name] for name in key)] = row
    amounts = ("numerator", "denominator")
    return [
        {
            **now[at],
            "is_turned": was[at]["status"] != now[at]["status"]
            and now[at]["status"] in {"met", "not_met"},
            "is_shown": at[:2] in scorecard and now[at]["unit_scope"] in {"city", "level"},
        }
        for at in was
        if at in now and [was[at][name] for name in amounts] != [now[at][name] for name in amounts]
    ]


def test_the_changed_figures_of_units_and_other_methods_are_counted_with_turned_verdicts(
    issued_twice,
):
    changed = changed_figures(issued_twice)
    others = [row for row in changed if not row["is_shown"]]
    turned = sum(row["is_turned"] for row in others)
    shown = [row for row in changed if row["is_shown"]]
    assert others
    assert turned
    assert any(row["is_turned"] for row in shown)
    page = page_of(issued_twice, 1)
    assert (
        f"Beside this table, <b>{len(others)}</b> figures of units and by other methods have"
        f' changed, of which <b class="not_met">{turned}</b> turned their verdict.'
    ) in page
    marks = re.findall(r'<span class="note (?:met|not_met)">[✓✗] verdict turned</span>', page)
    assert len(marks) == sum(row["is_turned"] for row in shown)
    with open_published(issued_twice) as warehouse:
        visit = Visit("en", "report", {"code": "half_year", "issue": "1"})
        units = read_report(warehouse, issued_twice, visit)["others"]["units"]
    assert {row["unit_code"]: (row["figures"], row["turned"]) for row in units} == {
        code: (
            sum(row["unit_code"] == code for row in others),
            sum(row["is_turned"] for row in others if row["unit_code"] == code),
        )
        for code in {row["unit_code"] for row in others}
    }


@pytest.mark.parametrize("reads_record", [True, False])
def test_each_unit_s_changed_figures_lead_to_its_restatements_of_the_period(
    issued_twice, reads_record
):
    page = page_of(issued_twice, 1, reads_record=reads_record)
    [listed] = re.findall(r'<ul class="members">(.*?)</ul>', page, re.DOTALL)
    links = re.findall(r'href="([^"]*)"', listed)
    assert links
    reader = browser(issued_twice, reads_record=reads_record)
    for link in links:
        assert link.startswith("restatements?" if reads_record else "unit?")
        answer = reader.get(f"/{link}")
        assert answer.status_code == 200
        if reads_record:
            assert "Dossiers that changed the period" in answer.text


@pytest.mark.parametrize(
    ("lang", "text"), [("vi", "Đã có lần ban hành sau: lần 2"), ("en", "There is a later issue: 2")]
)
def test_an_issue_leads_to_the_latest_one_and_that_says_that_no_later_night_is_published(
    issued_twice, lang, text
):
    first, second = (page_of(issued_twice, number, lang) for number in (1, 2))
    assert re.search(rf'href="report\?code=half_year&issue=2[^"]*">{text}</a>', first)
    assert text not in second
    none_later = {"vi": "Chưa có đêm nào sau đó", "en": "No later night is published yet."}[lang]
    assert none_later in second
    assert none_later not in first


def test_a_wait_is_shown_with_its_visits_and_since_when_it_differs(issued_twice):
    with open_published(issued_twice) as warehouse:
        issued, _, now = warehouse.rows(
            "select numerator, denominator from mart.indicator_history"
            f" where {_WAIT} order by valid_from"
        )
    page = page_of(issued_twice, 1)
    [row] = [
        row
        for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
        if "Average waiting time" in row and "Whole city" in row
    ]
    for figure in (issued, now):
        minutes, seconds = divmod(-(-figure["numerator"] // figure["denominator"]), 60)
        assert (
            f'{minutes} min {seconds} s<span class="counts">{figure["denominator"]} visits</span>'
        ) in row
        assert f"{figure['numerator']:,}" not in row
    assert "differs since the night of 10 Jul 2022, last changed on 31 Jul 2022" in row


def test_a_restated_wait_is_shown_with_its_visits_as_well(issued_twice):
    with open_published(issued_twice) as warehouse:
        [row] = warehouse.rows(
            "select denominator_before, denominator_after, numerator_before from mart.restatement"
            f" where {_WAIT} and field_code = 'ALL'"
        )
    reader = browser(issued_twice, reads_record=True)
    page = "".join(
        reader.get("/restatements", params={"lang": "en", "page": number}).text
        for number in range(1, 9)
    )
    waits = [each for each in re.findall(r"<tr>.*?</tr>", page) if "Average waiting time" in each]
    assert any(
        f'<span class="counts">{row["denominator_before"]}\xa0visits</span>' in each
        or f'<span class="counts">{row["denominator_before"]} visits</span>' in each
        for each in waits
    )
    assert f"{row['numerator_before']:,}" not in "".join(waits)


@pytest.fixture
def provisional(kept, tmp_path):
    """The site with a report of the year issued on the first of its two nights."""
    settings = kept.copy(publish_site, tmp_path / "var")
    with open_warehouse(settings.warehouse) as warehouse:
        [first] = recorded_issues(warehouse, "half_year")
        year = replace(
            first,
            report_code="year",
            period_type="year",
            period_end=dt.date(2022, 12, 31),
            folder="reports/year/1",
        )
        record_issue(warehouse, year, REPORT_FILES)
        warehouse.publish_copy(settings.published)
    return settings


def changes_of_the_year(settings):
    with open_published(settings) as warehouse:
        visit = Visit("en", "report", {"code": "year", "issue": "1"})
        return read_report(warehouse, settings, visit)["changes"]


def parts_of_on_time(settings):
    [found] = [
        row
        for row in changes_of_the_year(settings)
        if (row["indicator_code"], row["unit_code"]) == _ON_TIME_OF_THE_CITY
    ]
    return found["parts"]


def give_new_dossiers_another_cause(settings, cause):
    """Five dossiers of the year that were new, two of them in the numerator, have another cause."""
    with open_warehouse(f"duckdb:///{settings.published}") as warehouse:
        added = f"'{cause}' as cause_code, 2 as numerator_change, 5 as denominator_change"
        less = (
            "numerator_change = numerator_change - 2, denominator_change = denominator_change - 5"
        )
        for change in (
            f"insert into {_CAUSES} by name select * replace ({added}) from {_CAUSES}",
            f"update {_CAUSES} set {less}",
        ):
            warehouse.execute(f"{change} where {_YEAR} and cause_code = 'newly_received'")


@pytest.mark.parametrize(
    ("cause", "names"),
    [
        ("correction", {"vi": "ghi lại khác", "en": "stated otherwise"}),
        ("rule_changed", {"vi": "đổi quy tắc", "en": "rules changed"}),
    ],
)
def test_growth_of_a_running_period_is_told_from_other_data_and_other_rules(
    provisional, cause, names
):
    changes = changes_of_the_year(provisional)
    assert {sum(part[1] for part in row["parts"]) for row in changes} != {0}
    for row in changes:
        for number, side in enumerate(("numerator", "denominator")):
            total = (row[side] or 0) - (row[f"issued_{side}"] or 0)
            assert sum(part[number] for part in row["parts"]) == total
    expected = dict(zip(PARTS, parts_of_on_time(provisional), strict=True))
    assert expected["rules"] == (0, 0)
    give_new_dossiers_another_cause(provisional, cause)
    [to] = [name for name, causes in causes_by_part().items() if cause in causes]
    for name, sign in (("grown", -1), (to, 1)):
        numerator, denominator = expected[name]
        expected[name] = (numerator + 2 * sign, denominator + 5 * sign)
    assert dict(zip(PARTS, parts_of_on_time(provisional), strict=True)) == expected
    text = f"+{expected[to][0]} / +{expected[to][1]}"
    for lang, name in names.items():
        page = browser(provisional).get(
            "/report", params={"code": "year", "issue": "1", "lang": lang}
        )
        assert f"{name}: {text}" in page.text
        assert page.text.count("đổi quy tắc:" if lang == "vi" else "rules changed:") == (
            page.text.count(f"{name}: {text}") if to == "rules" else 0
        )


def test_of_each_unit_it_is_said_how_many_figures_data_of_before_moved(provisional):
    def restated():
        with open_published(provisional) as warehouse:
            visit = Visit("en", "report", {"code": "year", "issue": "1"})
            units = read_report(warehouse, provisional, visit)["others"]["units"]
        return {unit["unit_code"]: unit["restated_figures"] for unit in units}

    assert any(restated().values())
    with open_warehouse(f"duckdb:///{provisional.published}") as warehouse:
        warehouse.execute(f"update {_CAUSES} set cause_code = 'newly_received'")
    assert set(restated().values()) == {0}
    with open_warehouse(f"duckdb:///{provisional.published}") as warehouse:
        [row] = warehouse.rows(
            f"select c.unit_code, c.indicator_code, c.method_code from {_CAUSES} as c"
            " inner join mart.report_revision as r on c.indicator_code = r.indicator_code"
            " and c.method_code = r.method_code and c.unit_code = r.unit_code"
            " and r.report_code = 'year' and r.valid_to is null"
            " and (r.numerator <> r.issued_numerator or r.denominator <> r.issued_denominator)"
            " where c.unit_scope = 'unit' and c.period_type = 'year'"
            " and c.as_of_date > r.issued_night"
            " order by c.unit_code, c.indicator_code, c.method_code limit 1"
        )
        warehouse.execute(
            f"update {_CAUSES} set cause_code = 'correction', denominator_change = 1"
            " where unit_code = :unit_code and indicator_code = :indicator_code"
            " and method_code = :method_code and period_type = 'year'",
            row,
        )
    assert {unit: count for unit, count in restated().items() if count} == {row["unit_code"]: 1}
    page = browser(provisional).get("/report", params={"code": "year", "issue": "1", "lang": "en"})
    assert ", 1 partly stated otherwise" in page.text
    assert "A due date that moved" in page.text


def test_a_unit_that_changed_its_scope_has_each_figure_once(provisional):
    def figures():
        with open_published(provisional) as warehouse:
            visit = Visit("en", "report", {"code": "year", "issue": "1"})
            return read_report(warehouse, provisional, visit)["others"]["figures"]

    before = figures()
    with open_warehouse(f"duckdb:///{provisional.published}") as warehouse:
        warehouse.execute(
            f"insert into {_CAUSES} by name select * replace ('level' as unit_scope)"
            f" from {_CAUSES} where unit_scope = 'unit' and period_type = 'year'"
        )
    assert before
    assert figures() == before


def test_changes_without_recorded_causes_are_not_told_apart(provisional):
    with open_warehouse(f"duckdb:///{provisional.published}") as warehouse:
        warehouse.execute("delete from mart.night_change")
    assert {row["parts"] for row in changes_of_the_year(provisional)} == {None}


def test_changes_of_a_night_that_counted_anew_are_not_told_apart(provisional):
    assert parts_of_on_time(provisional)
    give_new_dossiers_another_cause(provisional, RECOUNTED)
    assert parts_of_on_time(provisional) is None


def test_every_cause_is_of_one_part_except_counting_anew():
    of_parts = [cause for causes in causes_by_part().values() for cause in causes]
    listed = [row["cause_code"] for row in read_reference()["change_cause"]]
    assert sorted([*of_parts, RECOUNTED]) == sorted(listed)
    assert all(causes_by_part().values())
    assert RULE_CHANGED in causes_by_part()["rules"]
