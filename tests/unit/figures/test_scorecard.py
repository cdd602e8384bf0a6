from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from dataclasses import replace

import pytest
from plan_targets import Target, target_of
from published_marts import NIGHT, Figure, publish, settings_in
from web_site import BEFORE

from onestop.figures.scorecard import print_scorecard, read_scorecard
from onestop.figures.scorecard.page import PAGES, scorecard_values
from onestop.figures.scorecard.terminal import _write_csv
from onestop.figures.scorecard.values import ON_TIME, in_reading_order, main_line
from onestop.marts.published import NothingPublishedError, QuestionError, open_published
from onestop.schema.number_text import whole
from onestop.warehouse import open_warehouse

TARGET = (98, ">=")
FIGURES = [
    Figure(
        "on_time_rate", "cohort", "CITY", 97_999, 100_000, *TARGET, "not_met",
        firmness="depends", turned_by="cohort_ended_only due",
    ),
    Figure(
        "on_time_rate", "cohort", "DEPARTMENT", 17_000, 17_020, *TARGET, "met",
        firmness="met_by_all",
    ),
    Figure("on_time_rate", "form_06", "CITY", 98_500, 99_000, *TARGET, "met"),
    Figure("counter_waiting_time", "visit_mean", "CITY", 7_200_001, 4_000, 1800, "<=", "not_met"),
    Figure("par_index_rank", "declared", "CITY", 1, 1),
]  # fmt: skip
EARLIER = {
    dt.date(2022, 6, 28): [
        Figure("on_time_rate", "cohort", "CITY", 90, 100, *TARGET, "not_met"),
    ],
}


@pytest.fixture(autouse=True)
def _a_wide_page(monkeypatch):
    """Cells of the table stand on one line each."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return publish(tmp_path_factory.mktemp("published"), FIGURES, earlier=EARLIER)


def page(settings, **options) -> str:
    out = io.StringIO()
    print_scorecard(settings, file=out, **options)
    return out.getvalue()


def lines_of(settings, indicator, as_of=None):
    return {
        line.unit_code: line
        for line in read_scorecard(settings, as_of)
        if line.indicator_code == indicator
    }


def test_every_indicator_has_its_lines_even_without_a_figure(settings):
    lines = read_scorecard(settings)
    clauses = {line.clause_code for line in lines}
    assert {f"I.2.{letter}" for letter in ["a", "b", "c", "d", "đ", "e", "g", "h"]} < clauses
    assert {"PL-14a", "PL-14b", "PL-16", "PL-17", "PL-18b", "PL-34a", "PL-34b", "PL-35"} < clauses
    assert len({(x.clause_code, x.indicator_code, x.unit_code) for x in lines}) == len(lines)
    for line in lines:
        if line.numerator is None:
            assert line.status == "no_data"
            assert line.no_data_reason_vi
            assert line.no_data_reason_en


def test_the_shortfall_is_the_least_number_that_meets_the_target(settings, tmp_path):
    target = target_of("on_time_rate", NIGHT)
    for numerator, denominator in ((0, 1), (98, 100), (979, 1000)):
        status = "met" if target.is_met(numerator, denominator) else "not_met"
        figure = Figure("on_time_rate", "cohort", "CITY", numerator, denominator, status=status)
        folder = tmp_path / f"{numerator}-{denominator}"
        folder.mkdir()
        line = lines_of(publish(folder, [figure]), "on_time_rate")["CITY"]
        assert target.is_met(numerator + line.shortfall, denominator)
        assert line.shortfall == 0 or not target.is_met(numerator + line.shortfall - 1, denominator)
    assert lines_of(settings, "counter_waiting_time")["CITY"].shortfall is None
    assert lines_of(settings, "on_time_rate")["DISTRICT"].shortfall is None
    assert "1 short among those counted" in page(settings, lang="en")
    assert "Thiếu 1 trong số đã tính" in page(settings)


def test_every_figure_of_every_unit_has_the_least_number_that_meets_its_target(site):
    with open_published(site) as warehouse:
        rows = warehouse.rows(
            "select figure.indicator_code, figure.unit_code, figure.numerator, figure.denominator,"
            " figure.status, figure.shortfall, target.comparison, target.target_numerator,"
            " target.target_denominator, indicator.unit_of_measure"
            " from mart.indicator_value as figure"
            " inner join mart.target_in_force as target"
            " on figure.indicator_code = target.indicator_code"
            " and figure.unit_level = target.unit_level"
            " and least(figure.period_end, figure.as_of_date) = target.measured_on"
            " inner join ref.indicator as indicator"
            " on figure.indicator_code = indicator.indicator_code"
        )
        without_target = warehouse.value(
            "select count(shortfall) from mart.indicator_value where target is null"
        )
    lacking = 0
    for row in rows:
        is_rate = row["unit_of_measure"] == "percent" and row["comparison"] in {">=", "="}
        if not is_rate or row["status"] == "no_data":
            assert row["shortfall"] is None, row
            continue
        target = Target(row["comparison"], row["target_numerator"], row["target_denominator"])
        enough = row["numerator"] + row["shortfall"]
        assert target.is_met(enough, row["denominator"]), row
        assert row["shortfall"] == 0 or not target.is_met(enough - 1, row["denominator"]), row
        assert (row["shortfall"] == 0) == (row["status"] == "met")
        lacking += row["shortfall"] > 0
    assert lacking > 50
    assert without_target == 0


@pytest.mark.parametrize("night", [BEFORE, None])
def test_the_scorecard_of_every_night_has_the_shortfall_of_its_figures(site, night):
    lines = [line for line in read_scorecard(site, night) if line.shortfall]
    assert lines
    for line in lines:
        target = target_of(line.indicator_code, line.period_end, line.unit_level)
        enough = line.numerator + line.shortfall
        assert target.is_met(enough, line.denominator)
        assert not target.is_met(enough - 1, line.denominator)


def test_a_clauses_figure_stands_for_the_city_and_each_level(settings):
    on_time = lines_of(settings, "on_time_rate")
    assert list(on_time) == ["CITY", "DEPARTMENT", "DISTRICT", "COMMUNE"]
    assert on_time["CITY"].status == "not_met"
    assert on_time["DISTRICT"].status == "no_data"
    assert all(line.target == 98 for line in on_time.values())


def test_a_figure_of_two_clauses_stands_under_both(settings):
    lines = [x for x in read_scorecard(settings) if x.indicator_code == "budget_revenue_rate"]
    assert [line.clause_code for line in lines] == ["I.2.h", "PL-33"]


def test_a_threshold_counts_only_from_its_date(settings):
    assert lines_of(settings, "online_share_level34")["CITY"].target is None
    assert lines_of(settings, "online_share_level3")["CITY"].target == 40
    assert not lines_of(settings, "online_share_level3")["CITY"].verified


def test_an_earlier_night_is_read_back_as_it_was_published(settings):
    then = lines_of(settings, "on_time_rate", dt.date(2022, 6, 28))
    assert (then["CITY"].numerator, then["CITY"].denominator) == (90, 100)
    assert then["CITY"].as_of_date == dt.date(2022, 6, 28)
    assert then["DEPARTMENT"].status == "no_data"


def test_after_an_upgrade_only_the_last_night_is_read_until_the_next_one_is_published(tmp_path):
    settings = publish(tmp_path, FIGURES, earlier=EARLIER)
    with open_warehouse(settings.warehouse) as warehouse:
        for statement in (
            "delete from audit.reference_version",
            "drop table ref.firmness",
            "drop table ref.known_issue",
            "drop view mart.known_issue",
        ):
            warehouse.execute(statement)
        warehouse.publish_copy(settings.published)
    assert lines_of(settings, "on_time_rate")["CITY"].numerator == 97_999
    with pytest.raises(QuestionError, match="an earlier release published the last night"):
        read_scorecard(settings, dt.date(2022, 6, 28))


def test_after_the_plans_year_the_scorecard_shows_the_whole_year(tmp_path):
    settings = publish(tmp_path, [], night=dt.date(2023, 1, 10))
    line = lines_of(settings, "on_time_rate")["CITY"]
    assert (line.period_type, line.period_end) == ("year", dt.date(2022, 12, 31))
    target = target_of("on_time_rate", dt.date(2022, 12, 31))
    assert line.target == 100 * target.numerator / target.denominator


def test_the_page_shows_figures_targets_and_judgement_in_vietnamese(settings):
    text = page(settings)
    assert "Số liệu đến hết ngày 30/06/2022, tính từ 01/01/2022" in text
    assert re.search(r"Hồ sơ tiếp nhận trong năm.*\s97,99 %\s+≥ 98 %\s+✗ Chưa đạt", text)
    assert "97.999/100.000" in text
    assert re.search(r"– Các sở, cơ quan ngang sở\s+99,88 %\s+≥ 98 %\s+✓ Đạt", text)
    assert re.search(r"30 phút 1 giây\s+≤ 30 phút\s+✗ Chưa đạt", text)
    assert "≥ 40 %*" in text
    assert "* Mục tiêu hoặc cách đo chưa được đối chiếu với văn bản gốc." in text
    assert re.search(r"Biểu II\.06a\*\s+99,49 %", text)
    assert "98,00" not in text


DEPENDS = {
    "vi": "Tùy cách đọc: chỉ xét hồ sơ đã kết thúc; trên số đến hạn trong kỳ",
    "en": "Depends on the reading: ended dossiers only; of those due in the period",
}


@pytest.mark.parametrize("lang", DEPENDS)
def test_a_verdict_names_the_readings_that_turn_it(settings, lang):
    lines = lines_of(settings, "on_time_rate")
    found = {unit: line.text("firmness", lang) for unit, line in lines.items()}
    by_all = {"vi": "Đạt theo mọi cách đọc", "en": "Met under every reading"}[lang]
    assert found == {"CITY": DEPENDS[lang], "DEPARTMENT": by_all, "DISTRICT": "", "COMMUNE": ""}
    shown = " ".join(page(settings, lang=lang).split())
    assert DEPENDS[lang].partition(":")[0] + ":" in shown
    assert by_all in shown
    html = PAGES.get_template("scorecard.html").render(
        **scorecard_values(read_scorecard(settings), lang),
        title="", decision="", figures_sha256="", provisional=[], has_reports=False,
        issued=[], unpublished=[],
    )  # fmt: skip
    assert f"<small>{DEPENDS[lang]}</small>" in html
    assert f"<small>{by_all}</small>" in html


@pytest.mark.parametrize(
    ("cases", "text"),
    [(12, "Ít trường hợp: khoảng tin cậy 95 % từ 75,75 % đến 100,00 %"), (40, "")],
)
def test_a_rate_of_few_cases_states_its_interval(tmp_path, cases, text):
    rate = Figure(
        "on_time_rate", "cohort", "CITY", cases, cases, *TARGET, "met", interval=(75.7505, 100)
    )
    settings = publish(tmp_path, [rate])
    line = lines_of(settings, "on_time_rate")["CITY"]
    assert line.interval_text("vi") == text
    shown = " ".join(page(settings).split())
    assert text in shown
    assert ("khoảng tin cậy" in shown) == bool(text)
    rows = csv.DictReader(io.StringIO(page(settings, format="csv")))
    [row] = [r for r in rows if (r["indicator_code"], r["unit_code"]) == ("on_time_rate", "CITY")]
    assert (row["rate_lower"], row["is_small"]) == ("75.7505", str(bool(text)).lower())


@pytest.mark.parametrize(("lang", "text"), [("vi", "Ít lượt"), ("en", "Few visits")])
def test_a_wait_of_few_visits_says_so_without_an_interval(settings, lang, text):
    [line, *_] = lines_of(settings, "counter_waiting_time").values()
    of_few = replace(line, is_small=True, rate_lower=None, rate_upper=None)
    assert (line.interval_text(lang), of_few.interval_text(lang)) == ("", text)
    assert text in of_few.remarks(lang)


def test_programs_get_the_codes_of_the_readings_too(settings):
    rows = csv.DictReader(io.StringIO(page(settings, format="csv")))
    [city] = [r for r in rows if (r["indicator_code"], r["unit_code"]) == ("on_time_rate", "CITY")]
    assert (city["firmness"], city["turned_by"]) == ("depends", "cohort_ended_only due")
    assert (city["firmness_vi"], city["firmness_en"]) == (DEPENDS["vi"], DEPENDS["en"])
    data = json.loads(page(settings, format="json"))
    assert {line["firmness"] for line in data["lines"]} == {None, "depends", "met_by_all"}


def test_the_page_is_in_english_on_request(settings):
    text = page(settings, lang="en")
    assert re.search(r"97\.99%\s+≥ 98%\s+✗ Not met", text)
    assert "Data as of the end of 30 Jun 2022" in text


def test_the_on_time_rate_comes_first_and_what_has_no_data_last(settings):
    shown = [main_line(each) for each in in_reading_order(read_scorecard(settings))]
    assert shown[0].indicator_code == ON_TIME
    has_data = [line.status != "no_data" for line in shown]
    assert has_data == sorted(has_data, reverse=True)
    assert {True, False} == set(has_data)


def test_an_indicator_under_two_clauses_stands_once(settings):
    text = page(settings)
    assert len(re.findall("Nhiệm vụ Kế hoạch ứng", text)) == 1


def test_an_empty_clause_says_why(settings):
    text = page(settings)
    found = re.search(r"PL-14b .*Chưa có dữ liệu \((\d+)\)", text)
    assert found
    assert f"({found[1]}) Kế hoạch không nêu số gốc và đơn vị" in text


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_page_fits_its_width(settings, monkeypatch, width, lang):
    monkeypatch.setenv("COLUMNS", str(width))
    longest = max(len(line) for line in page(settings, lang=lang).splitlines())
    assert longest <= max(80, min(120, width))


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_no_fraction_is_cut_in_eighty_columns(tmp_path, monkeypatch, lang):
    monkeypatch.setenv("COLUMNS", "80")
    counts = (1_234_567, 1_256_789)
    rates = [
        Figure("on_time_rate", method, "CITY", *counts, *TARGET, "met", coverage=0.5)
        for method in ("cohort", "form_06")
    ]
    wait = Figure("counter_waiting_time", "visit_mean", "CITY", 1_234_567_890, 1_256_789)
    text = page(publish(tmp_path, [*rates, wait]), lang=lang)
    shown = "{}/{}".format(*(whole(count, lang) for count in counts))
    assert text.count(shown) == 2
    seconds, visits = whole(wait.numerator, lang), whole(wait.denominator, lang)
    assert seconds in text
    assert f"{'giây' if lang == 'vi' else 's'}/{visits}" in text
    assert "…" not in text


def test_a_piped_page_has_no_colours_and_no_trailing_blanks(settings):
    text = page(settings)
    assert "\x1b" not in text
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_json_holds_integers_dates_and_both_languages(settings):
    data = json.loads(page(settings, format="json"))
    assert data["as_of_date"] == "2022-06-30"
    (city,) = [
        line
        for line in data["lines"]
        if (line["indicator_code"], line["unit_code"]) == ("on_time_rate", "CITY")
    ]
    assert (city["numerator"], city["denominator"], city["target"]) == (97_999, 100_000, 98.0)
    assert city["title_vi"] == "Hồ sơ tiếp nhận trong năm giải quyết đúng hạn"
    assert city["period_start"] == "2022-01-01"


def test_a_cell_that_looks_like_a_formula_is_text_in_the_csv(settings):
    line = replace(read_scorecard(settings)[0], document_number="=333/BC-SNV")
    text = io.StringIO()
    _write_csv([line], text)
    assert "'=333/BC-SNV" in text.getvalue()


def test_csv_has_one_row_per_line(settings):
    rows = list(csv.DictReader(io.StringIO(page(settings, format="csv"))))
    assert len(rows) == len(read_scorecard(settings))
    (city,) = [
        row for row in rows if (row["indicator_code"], row["unit_code"]) == ("on_time_rate", "CITY")
    ]
    assert (city["numerator"], city["status"], city["verified"]) == ("97999", "not_met", "true")


def test_before_the_first_publication_the_error_says_what_to_do(tmp_path):
    with pytest.raises(NothingPublishedError, match="run `onestop night`"):
        read_scorecard(settings_in(tmp_path))


def test_a_night_that_was_not_published_is_named_with_the_nearest(settings):
    with pytest.raises(NothingPublishedError, match=r"2022-06-29 is not published.*2022-06-28"):
        read_scorecard(settings, dt.date(2022, 6, 29))
    assert read_scorecard(settings, NIGHT)


def test_the_rate_of_the_form_is_shown_below_the_rate_of_the_plan(settings):
    text = page(settings)
    plan = text.index("Hồ sơ tiếp nhận trong năm")
    form = text.index("Biểu II.06a: 99,49 %")
    assert plan < form < text.index("(98.500/99.000)")


def test_a_judgement_by_an_unverified_threshold_is_marked(tmp_path):
    figure = Figure("online_share_level3", "channel", "CITY", 3, 10, 40, ">=", "not_met")
    assert re.search(r"≥ 40 %\*\s+✗ Chưa đạt\*", page(publish(tmp_path, [figure])))
