"""The overview: figures against targets, what the night changed, the periodic reports."""

from __future__ import annotations

import datetime as dt
import io
import re
from dataclasses import replace

import pytest
from charts_drawn import axis_texts
from kept_installations import copied
from plan_targets import target_of
from published_marts import NIGHT, Figure, publish
from web_site import browser

from onestop.figures.scorecard import print_scorecard, read_scorecard
from onestop.figures.scorecard.page import frozen_scorecard, scorecard_values
from onestop.figures.scorecard.values import COUNTED_VERDICTS
from onestop.figures.web.overview import read_overview
from onestop.figures.web.site import Visit
from onestop.marts.published import open_published
from onestop.schema.number_text import whole
from onestop.warehouse import open_warehouse

BEFORE = NIGHT - dt.timedelta(days=1)
RATE = target_of("on_time_rate", NIGHT).numerator


def on_time(numerator, status, unit="CITY"):
    return Figure("on_time_rate", "cohort", unit, numerator, 1000, RATE, ">=", status)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Two nights: the city falls below the target; a report is issued late."""
    online = Figure("online_share_level3", "channel", "CITY", 6, 10, 40, ">=", "met")
    settings = publish(
        tmp_path_factory.mktemp("published"),
        [on_time(970, "not_met"), on_time(990, "met", "DISTRICT"), online],
        earlier={BEFORE: [on_time(985, "met"), on_time(990, "met", "DISTRICT"), online]},
    )
    with open_warehouse(settings.warehouse) as warehouse:
        for indicator, method, cause, numerator, denominator in (
            ("on_time_rate", "cohort", "fell_overdue", -20, 3),
            ("on_time_rate", "cohort", "closed_in_time", 5, 6),
            ("counter_waiting_time", "visit_mean", "new_ticket", -75, 9),
        ):
            warehouse.execute(
                "insert into mart.night_change (as_of_date, previous_night, indicator_code,"
                " method_code, unit_code, unit_level, unit_scope, period_type, period_basis,"
                " period_start, cause_code, item_count, numerator_change, denominator_change,"
                " numerator_before, denominator_before, numerator_after, denominator_after)"
                " values (:night, :before, :indicator, :method, 'CITY', 'city', 'city',"
                " 'year_to_date', 'calendar', date '2022-01-01', :cause, 7, :numerator,"
                " :denominator, 985, 991, 970, 1000)",
                {
                    "night": NIGHT, "before": BEFORE, "cause": cause,
                    "indicator": indicator, "method": method,
                    "numerator": numerator, "denominator": denominator,
                },
            )  # fmt: skip
        warehouse.execute(
            "insert into audit.report (report_code, issue_number, plan_code, title_vi, title_en,"
            " period_type, period_basis, period_start, period_end, as_of_date, publication_id,"
            " last_day_date, is_late, issued_at, folder, delivery_count, figures_sha256,"
            " content_sha256) values ('half_year', 2, '3818/QĐ-UBND', 'Báo cáo 6 tháng',"
            " 'Six months', 'half_year', 'calendar', date '2022-01-01', date '2022-06-30',"
            " date '2022-06-29', 1, date '2022-06-09', true, timestamptz '2022-06-30 08:00:00+07',"
            " 'reports/half_year/2', 0, '', '')"
        )
        warehouse.publish_copy(settings.published)
    return settings


def read(settings, lang="vi"):
    with open_published(settings) as warehouse:
        return read_overview(warehouse, settings, Visit(lang))


def page_of(settings, **query):
    return browser(settings).get("/", params=query).text.replace("\u00a0", " ")


def test_the_plans_first_figure_is_above_all_others(settings):
    page = page_of(settings)
    titles = {line.indicator_code: line.title_vi for line in read_scorecard(settings)}
    assert page.index(titles["on_time_rate"]) < min(
        page.index(title) for code, title in titles.items() if code != "on_time_rate"
    )


def test_indicators_without_data_are_below_those_with_data_and_say_why(settings):
    page = page_of(settings)
    lines = {line.indicator_code: line for line in read_scorecard(settings)}
    with_data, without = lines["online_share_level3"], lines["pci_rank"]
    assert page.index(with_data.title_vi) < page.index(without.title_vi)
    assert without.no_data_reason_vi in page


def test_every_figure_of_the_scorecard_is_on_the_page_with_its_counts(settings):
    page = page_of(settings)
    for line in read_scorecard(settings):
        if line.denominator and line.unit_code == "CITY":
            counts = f"{whole(line.numerator, 'vi')} / {whole(line.denominator, 'vi')}"
            assert counts in page, line


def test_verdicts_are_counted_alike_on_the_overview_in_a_report_and_on_the_terminal(settings):
    lines = read_scorecard(settings)
    overview = read(settings)["counts"]
    terminal = io.StringIO()
    print_scorecard(settings, file=terminal)
    assert sum(count for _, _, count in overview) == len({line.indicator_code for line in lines})
    assert {code: count for code, _, count in overview if count} == {
        "met": 1, "not_met": 1, "no_data": len({line.indicator_code for line in lines}) - 2,
    }  # fmt: skip
    assert scorecard_values(lines, "vi")["counts"] == overview
    assert " · ".join(f"{text}: {count}" for _, text, count in overview) in terminal.getvalue()
    for page in (page_of(settings), frozen_scorecard(lines, ""), terminal.getvalue()):
        assert COUNTED_VERDICTS["vi"] in " ".join(page.split())


def test_no_month_before_the_plan_or_before_the_first_full_one_is_shown(tmp_path):
    def month(year, number, *counts):
        target = (RATE, ">=", "met")
        first = dt.date(year, number, 1)
        return Figure("on_time_rate", "cohort", "CITY", *counts, *target, month=first)

    before = month(2021, 12, 90, 100)
    few = replace(month(2022, 1, 2, 3), interval=(9, 99))
    full = [month(2022, number, 99, 100) for number in (2, 3, 4)]
    settings = publish(tmp_path, [on_time(990, "met"), before, few, *full])
    first = read(settings)["first"]
    assert [row["period_start"].month for row in first["month_rows"]] == [2, 3, 4]
    labels = axis_texts(first["large"]["months"], "x")
    assert [label.text for label in labels] == ["2", "3", "4", "5", "6"]


def test_each_level_says_its_own_coverage_and_whether_its_verdict_is_firm(tmp_path):
    def wait(unit, coverage):
        return Figure(
            "counter_waiting_time", "visit_mean", unit, 600, 1, 1800, "<=", "met", coverage
        )

    def rate(unit, firmness, turned_by=None):
        return replace(on_time(990, "met", unit), firmness=firmness, turned_by=turned_by)

    settings = publish(
        tmp_path,
        [
            rate("CITY", "met_by_all"), rate("DISTRICT", "met_by_all"),
            rate("COMMUNE", "depends", "form_06"),
            wait("CITY", 25.39), wait("DISTRICT", 93.33), wait("COMMUNE", 16.58),
        ],
    )  # fmt: skip
    overview = read(settings)
    firmness = [each and each["firmness"] for each in overview["first"]["cells"]]
    assert firmness == [
        "Đạt theo mọi cách đọc", "", "Đạt theo mọi cách đọc", "Tùy cách đọc: theo biểu II.06a",
    ]  # fmt: skip
    page = page_of(settings)
    levels = re.search(r'<table class="levels">.*?</table>', page, re.DOTALL)[0]
    assert re.findall(r'class="note"[^>]*>([^<]*)', levels) == [
        "Đạt theo mọi cách đọc", "Tùy cách đọc",
    ]  # fmt: skip
    cells = re.findall(r'<span class="counts" title="[^"]*">([^<]*)', page)
    assert cells == ["25,39 % đơn vị", "93,33 % đơn vị", "16,58 % đơn vị"]


@pytest.mark.parametrize("path", ["/", "/units", "/unit?code=CITY"])
def test_the_months_say_that_they_show_the_state_at_their_end(site, path):
    assert "các tháng không cộng thành lũy kế năm" in browser(site).get(path).text
    answer = browser(site).get(path, params={"code": "CITY", "lang": "en"})
    assert "do not add up to the year to date" in answer.text


def test_months_that_do_add_up_are_not_said_not_to(site):
    waits = browser(site).get("/units", params={"indicator": "counter_waiting_time"})
    assert "không cộng thành" not in waits.text


def test_a_figure_leads_to_its_items(settings):
    link = re.search(r'class="big"><a href="([^"]*)"', page_of(settings))[1]
    assert link.replace("&amp;", "&") == (
        "figure?indicator=on_time_rate&method=cohort&unit=CITY&from=2022-01-01&to=2022-06-30"
    )


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("vi", "31/07/2022 được công bố khi thiếu tệp: phiếu lấy số (one_stop): 1 tệp bị từ chối."),
        ("en", "31 Jul 2022 was published without files: visits (one_stop): 1 file refused."),
    ],
)
def test_a_night_that_was_published_without_a_file_says_so_and_leads_to_it(site, lang, text):
    for reads_record, is_linked in ((False, False), (True, True)):
        reader = browser(site, reads_record=reads_record)
        page = reader.get("/", params={"lang": lang}).text
        [notice] = re.findall(r'<div class="notice warn">.*?</div>', page, re.DOTALL)
        assert text in re.sub("<[^>]*>", "", notice).replace("\xa0", " ")
        assert ("night?date=2022-07-31" in notice) == is_linked
    own = reader.get("/night", params={"date": "2022-07-31", "lang": lang}).text
    assert text in re.sub("<[^>]*>", "", own).replace("\xa0", " ")
    earlier = reader.get("/night", params={"date": "2022-06-30", "lang": lang}).text
    assert "notice warn" not in earlier


def test_what_the_night_changed_is_listed_by_its_causes(settings):
    change, _ = read(settings)["changes"]
    assert (change["code"], change["previous_night"]) == ("on_time_rate", BEFORE)
    assert [row["cause_code"] for row in change["causes"]] == ["closed_in_time", "fell_overdue"]
    assert change["numerator_change"] == sum(row["numerator_change"] for row in change["causes"])
    assert change["numerator_change"] == -15


def test_causes_that_cancel_each_other_out_are_no_change(settings, tmp_path):
    changed = copied(settings, tmp_path / "var")
    with open_warehouse(f"duckdb:///{changed.published}") as warehouse:
        warehouse.execute(
            "update mart.night_change set numerator_after = numerator_before,"
            " denominator_after = denominator_before where indicator_code = 'on_time_rate'"
        )
    codes = [change["code"] for change in read(settings)["changes"]]
    assert "on_time_rate" in codes
    assert [change["code"] for change in read(changed)["changes"]] == codes[1:]


def test_causes_of_a_change_of_the_waiting_time_are_minutes_and_seconds(settings):
    page = page_of(settings).replace("\xa0", " ")
    assert re.search(r"<td [^>]*>−1 phút 15 giây</td><td [^>]*>\+9</td>", page)
    assert re.search(r'<span class="soft">[+−]\d+ phút( \d+ giây)? / [+−]\d+</span>', page)


def test_a_verdict_that_turned_is_named_with_both_verdicts(settings):
    [turned] = read(settings)["turned"]
    assert (turned["status_before"], turned["status_after"]) == ("met", "not_met")
    assert "Toàn thành phố: <span" in " ".join(page_of(settings).split())


def test_reports_are_issued_late_or_due_as_of_the_morning_after_the_night(settings):
    states = {report["report_code"]: report["state"] for report in read(settings)["reports"]}
    assert states == {
        "q1": "late", "half_year": "issued_late", "q3": "open", "year": "open",
    }  # fmt: skip
    page = page_of(settings, lang="en")
    for text in ["data as of 29 Jun 2022", "issued 30 Jun 2022 08:00 (late)", "late, not issued"]:
        assert text in page, text


def test_the_nights_are_drawn_with_the_target_and_described_in_words(settings):
    nights = str(read(settings)["first"]["large"]["nights"])
    assert 'role="img"' in nights
    assert "29/06/2022: 98,50" in nights.replace("\u00a0", " ")
    assert nights.count("<circle") == 2
    assert nights.count("major guide line") == 1


def test_before_a_release_with_these_marts_has_published_the_page_does_without(tmp_path):
    settings = publish(tmp_path, [on_time(990, "met")])
    with open_warehouse(settings.warehouse) as warehouse:
        warehouse.execute("drop table ref.change_cause")
        warehouse.publish_copy(settings.published)
    assert read(settings)["changes"] == []


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("vi", "hạn cuối 04/12/2022, ngày làm việc cuối cùng 02/12/2022<"),
        ("en", "last day 4 Dec 2022, the last working day before it 2 Dec 2022<"),
    ],
)
def test_a_report_whose_last_day_is_a_day_off_says_the_last_working_day(site, lang, text):
    page = browser(site).get("/", params={"lang": lang}).text.replace("\u00a0", " ")
    assert text in page
    assert page.count(text.split(",")[1].split(" 0")[0].split(" 2 D")[0]) == 1
