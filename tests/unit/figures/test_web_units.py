"""Units by month, a unit's page, and its open dossiers: the figures are those of the marts."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from web_site import NIGHT, SINCE, browser

from onestop.figures.scorecard import read_scorecard
from onestop.figures.web import unit
from onestop.figures.web.open_dossiers import read_open
from onestop.figures.web.overview import read_night_changes
from onestop.figures.web.site import Visit
from onestop.figures.web.unit import read_unit
from onestop.figures.web.units import YEAR, heat_of, read_units
from onestop.marts.published import QuestionError, open_published
from onestop.schema.number_text import percent, signed, whole


@pytest.fixture
def warehouse(site):
    with open_published(site) as warehouse:
        yield warehouse


def test_a_units_page_says_how_far_the_counts_of_each_figure_changed(warehouse, site):
    changes = read_night_changes(warehouse, NIGHT, "en", "CITY")
    assert changes
    page = (
        browser(site).get("/unit", params={"code": "CITY", "lang": "en"}).text.replace("\xa0", " ")
    )
    shown = re.findall(r'<span class="soft">([^<]* / [^<]*)</span></summary>', page)
    assert shown == [
        f"{signed(change['numerator_change'], 'en', change['unit_of_measure'])}"
        f" / {signed(change['denominator_change'], 'en')}"
        for change in changes
    ]
    assert "after each figure, the change of numerator / denominator" in page


def units_of(warehouse, site, **query):
    return read_units(warehouse, site, Visit("vi", "units", query))


def test_every_cell_is_the_figure_of_the_mart(warehouse, site):
    for indicator in ("on_time_rate", "online_share_all", "counter_waiting_time"):
        shown = units_of(warehouse, site, indicator=indicator, level="all")
        cells = {
            (unit["unit_code"], column): (cell["numerator"], cell["denominator"], cell["status"])
            for unit in shown["units"]
            for column, cell in unit["cells"].items()
        }
        rows = warehouse.rows(
            "select unit_code, period_type, period_start, numerator, denominator, status"
            " from mart.indicator_value where indicator_code = :indicator and unit_scope = 'unit'"
            " and method_code = :method and period_basis = 'calendar' and denominator > 0"
            " and period_type in ('month', 'year_to_date')"
            " and period_start between :first and :last",
            {
                "indicator": indicator,
                "method": shown["method"],
                "first": SINCE,
                "last": NIGHT,
            },
        )
        assert cells == {
            (
                row["unit_code"],
                YEAR if row["period_type"] == "year_to_date" else row["period_start"],
            ): (row["numerator"], row["denominator"], row["status"])
            for row in rows
        }
        assert cells


def test_units_are_ranked_by_the_bound_that_few_cases_do_not_favour(warehouse, site):
    for order, bound, sign in (("worst", "rate_upper", 1), ("best", "rate_lower", -1)):
        units = units_of(warehouse, site, level="all", order=order)["units"]
        found = [unit["cells"][YEAR][bound] for unit in units if YEAR in unit["cells"]]
        assert found == sorted(found, key=lambda value: sign * value)
        assert len(set(found)) > 2
        without = [YEAR not in unit["cells"] for unit in units]
        assert without == sorted(without)


def test_units_are_sorted_by_any_month_and_by_name(warehouse, site):
    month = dt.date(2022, 5, 1)
    units = units_of(warehouse, site, level="all", sort=month.isoformat())["units"]
    found = [unit["cells"][month]["rate_upper"] for unit in units if month in unit["cells"]]
    assert len(found) > 1
    assert found == sorted(found)
    names = [
        unit["unit_name"].casefold() for unit in units_of(warehouse, site, sort="name")["units"]
    ]
    assert names == sorted(names)


def test_units_are_chosen_by_level_and_by_a_part_of_the_name(warehouse, site):
    everything = units_of(warehouse, site, level="all")["units"]
    for level in ("department", "district", "commune"):
        chosen = units_of(warehouse, site, level=level)["units"]
        assert chosen == [unit for unit in everything if unit["unit_level"] == level]
    code = everything[0]["unit_code"]
    found = units_of(warehouse, site, level="all", q=code.lower())["units"]
    assert code in [unit["unit_code"] for unit in found]
    assert len(found) < len(everything)


@pytest.mark.parametrize(
    ("value", "target", "comparison", "status", "heat"),
    [
        (80, 98, ">=", "not_met", "h0"),
        (95, 98, ">=", "not_met", "h1"),
        (97.9999, 98, ">=", "not_met", "h2"),
        (98, 98, ">=", "met", "h3"),
        (99, 98, ">=", "met", "h4"),
        (100, 98, ">=", "met", "h5"),
        (100, 100, "=", "met", "h5"),
        (3600, 1800, "<=", "not_met", "h0"),
        (1801, 1800, "<=", "not_met", "h2"),
        (1800, 1800, "<=", "met", "h3"),
        (60, 1800, "<=", "met", "h5"),
        (60, None, None, "no_target", ""),
    ],
)
def test_the_colour_is_the_distance_from_the_target(value, target, comparison, status, heat):
    row = {"value": value, "target": target, "comparison": comparison, "status": status}
    assert heat_of(row) == heat


def test_a_cell_below_the_target_or_of_few_cases_has_a_mark_besides_its_colour(site):
    page = browser(site).get("/units", params={"level": "all"}).text
    below = re.findall(r'<td class="month [^"]*below[^"]*">.*?</td>', page)
    assert below
    assert all("chưa đạt" in cell for cell in below)
    small = re.findall(r'<td class="month [^"]*small[^"]*">.*?</td>', page)
    assert small
    assert all("ít trường hợp" in cell for cell in small)


def test_a_mean_wait_of_few_visits_is_marked_and_the_key_says_that_means_are_in_order(
    warehouse, site
):
    condition = (
        "indicator_code = 'counter_waiting_time' and method_code = 'visit_mean'"
        " and unit_scope = 'unit' and period_basis = 'calendar' and denominator > 0"
    )
    of_year = f"{condition} and period_type = 'year_to_date'"
    small, all_of_them = (
        warehouse.value(
            f"select count(*) from mart.indicator_value where {condition}{few}"
            " and period_type in ('month', 'year_to_date')"
        )
        for few in (" and denominator < 30", "")
    )
    assert small > 0
    asked = {"indicator": "counter_waiting_time", "level": "all", "lang": "en"}
    page = browser(site).get("/units", params=asked).text.replace("\xa0", " ")
    units = page[page.index('<tr class="total">') :].partition("</tr>")[2]
    cells = re.findall(r'<td class="month [^"]*">(.*?)</td>', units)
    assert sum("few visits" in cell for cell in cells) == small
    visits = [
        int(re.search(r'title="([0-9,]+) visits', cell)[1].replace(",", ""))
        for cell in cells
        if "visits" in cell
    ]
    assert len(visits) == all_of_them
    assert sum(count < 30 for count in visits) == small
    assert "fewer than 30 visits; units are in order of the mean" in page
    assert "Wilson" not in page
    assert "Each number leads to its visits." in page
    [few, *_] = warehouse.rows(
        "select unit_code, denominator from mart.indicator_value"
        f" where {of_year} and denominator < 30 order by denominator, unit_code"
    )
    page = browser(site).get("/unit", params={"code": few["unit_code"], "lang": "en"}).text
    page = page.replace("\xa0", " ")
    [wait] = [
        row for row in re.findall(r"<tr>.*?</tr>", page) if f">{few['denominator']} visits<" in row
    ]
    assert '<abbr class="small-mark" title="few visits">few</abbr>' in wait


@pytest.mark.parametrize(
    "query", [{"indicator": "no_such"}, {"indicator": "pci_rank"}, {"method": "share"}]
)
def test_an_indicator_without_monthly_figures_of_units_is_refused(warehouse, site, query):
    with pytest.raises(QuestionError, match=r"no_such|pci_rank|no method share of on_time_rate"):
        units_of(warehouse, site, **query)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_where_no_unit_matches_the_page_says_so_and_keeps_the_target(site, lang):
    def heading_of(**query):
        page = browser(site).get("/units", params={"lang": lang, **query}).text
        return re.search(r'<div class="heading">.*?</div>', page, re.DOTALL)[0]

    words = {"vi": "không đơn vị nào khớp với lựa chọn", "en": "no unit matches the choice"}[lang]
    target = {"vi": "mục tiêu ≥", "en": "target ≥"}[lang]
    assert words in heading_of(q="no such unit")
    assert "0</b> / 0" not in heading_of(q="no such unit")
    assert target in heading_of(q="no such unit")
    assert words not in heading_of()
    assert target in heading_of()


def unit_codes(warehouse):
    rows = warehouse.rows(
        "select unit_code from mart.indicator_value where indicator_code = 'on_time_rate'"
        " and method_code = 'cohort' and period_type = 'year_to_date'"
        " and period_basis = 'calendar' and denominator > 0 order by denominator desc, unit_code"
    )
    return [row["unit_code"] for row in rows]


def test_a_units_page_shows_its_rates_by_every_method_as_in_the_mart(warehouse, site):
    for code in unit_codes(warehouse)[:4]:
        values = read_unit(warehouse, site, Visit("vi", "unit", {"code": code}))
        rows = warehouse.rows(
            "select method_code, numerator, denominator from mart.indicator_value"
            " where indicator_code = 'on_time_rate' and unit_code = :unit"
            " and period_type = 'year_to_date' and period_basis = 'calendar'",
            {"unit": code},
        )
        expected = {row["method_code"]: (row["numerator"], row["denominator"]) for row in rows}
        shown = values["methods"]
        assert {r["method_code"]: (r["numerator"], r["denominator"]) for r in shown} == expected
        page = browser(site).get("/unit", params={"code": code}).text.replace("\u00a0", " ")
        for numerator, denominator in expected.values():
            if denominator:
                assert percent(Decimal(numerator * 100) / denominator, "vi") in page


def test_the_open_dossiers_of_each_band_are_as_many_as_the_backlog_counts(warehouse, site):
    bands = warehouse.rows("select unit_code, band_code, dossiers from mart.backlog")
    assert {band["band_code"][:3] for band in bands} == {"age", "ove"}
    for band in bands:
        query = {"unit": band["unit_code"], "band": band["band_code"]}
        values = read_open(warehouse, site, Visit("vi", "open", query))
        assert values["page"].total == band["dossiers"], band
        days = [row["days"] for row in values["rows"]]
        assert days == sorted(days, reverse=True)


def test_ages_and_days_overdue_are_two_tables_that_name_their_days(warehouse, site):
    ages, overdue = (
        {
            row["label_en"]
            for row in warehouse.rows("select band_kind, label_en from ref.age_band")
            if row["band_kind"] == kind
        }
        for kind in ("age", "overdue")
    )
    page = browser(site).get("/unit", params={"code": "CITY", "lang": "en"}).text
    section = re.search(r'aria-labelledby="backlog">.*?</section>', page, re.DOTALL)[0]
    first, second = re.findall(r"<table.*?</table>", section, re.DOTALL)
    for table, caption, header, labels in (
        (first, "All of them, by working days since receipt", "Age, working days", ages),
        (
            second,
            "Of those above, the overdue ones, by calendar days since the due date",
            "Overdue, calendar days",
            overdue,
        ),
    ):
        assert f"<caption>{caption}</caption>" in table
        assert f'<th scope="col">{header}</th>' in table
        assert set(re.findall(r'<th scope="row">(.*?)</th>', table)) == labels
    for band, header in (
        ("age_to_5", "Working days since receipt"),
        ("overdue_to_5", "Calendar days overdue"),
    ):
        listed = browser(site).get("/open", params={"unit": "CITY", "band": band, "lang": "en"})
        assert f'<th scope="col" class="number">{header}</th>' in listed.text


def test_procedures_and_signs_of_a_unit_are_sorted_the_worst_and_the_strongest_first(
    warehouse, site, monkeypatch
):
    monkeypatch.setattr(unit, "_FEWEST", 1)  # no procedure of the site has five dossiers
    values = read_unit(warehouse, site, Visit("vi", "unit", {"code": "CITY"}))
    upper = [row["rate_upper"] for row in values["worst"]]
    assert len(set(upper)) > 1
    assert upper == sorted(upper)
    for lang, title in (
        ("vi", "Thủ tục có tỷ lệ đúng hạn thấp nhất, có xét đến số hồ sơ ít (cận trên)"),
        ("en", "Procedures with the lowest on-time rate, few cases discounted (upper bound)"),
    ):
        page = browser(site).get("/unit", params={"code": "CITY", "lang": lang}).text
        assert f'<h2 id="worst">{title}</h2>' in page
        assert f'<caption class="hidden">{title}</caption>' in page
    strengths = [row["strength"] for row in values["signs"]]
    assert strengths
    assert strengths == sorted(strengths)
    total = warehouse.value("select count(*) from mart.changed_after_overdue")
    assert sum(row["signs"] for row in values["signs"]) == total


def test_the_mean_wait_by_hour_and_by_weekday_is_of_all_called_visits(warehouse, site):
    [row] = warehouse.rows(
        "select unit_code, visits_called from mart.waiting_time"
        " where period_type = 'year_to_date' and period_basis = 'calendar'"
        " and visits_called > 0 and unit_code like 'H24%' order by visits_called desc limit 1"
    )
    values = read_unit(warehouse, site, Visit("vi", "unit", {"code": row["unit_code"]}))
    tickets = warehouse.value(
        "select count(*) from mart.counted_visit where visit_outcome = 'called'"
        " and unit_code = :unit",
        {"unit": row["unit_code"]},
    )
    for by in ("hour", "weekday"):
        assert sum(each["visits"] for each in values["wait_times"][by]) == tickets > 0


@pytest.mark.parametrize(
    "path", ["/unit", "/unit?code=H99", "/open?unit=CITY&band=no", "/open?unit=x&band=y"]
)
def test_a_unit_or_band_that_does_not_exist_is_refused(site, path):
    assert browser(site).get(path).status_code == 404


def test_overview_unit_and_figure_show_the_shortfall_of_the_mart(warehouse, site):
    [row] = warehouse.rows(
        "select unit_code, period_start, shortfall from mart.indicator_value"
        " where indicator_code = 'on_time_rate' and method_code = 'cohort' and unit_code = 'CITY'"
        " and period_type = 'year_to_date' and period_basis = 'calendar'"
    )
    assert row["shortfall"] > 0
    reader = browser(site)
    figure = {"indicator": "on_time_rate", "method": "cohort", "unit": "CITY"}
    for path, asked, text in [
        ("/", {}, f"Thiếu {row['shortfall']} trong số đã tính"),
        ("/unit", {"code": "CITY"}, f"Thiếu {row['shortfall']} trong số đã tính<"),
        ("/figure", figure, f"Thiếu {row['shortfall']} trong số đã tính<"),
    ]:
        assert text in reader.get(path, params=asked).text, path


def test_a_units_page_tells_what_is_short_among_those_counted_from_what_is_needed_more(
    warehouse, site
):
    [row] = warehouse.rows(
        "select figure.shortfall, outlook.needed_count, code.label_vi, code.definition_vi"
        " from mart.indicator_value as figure"
        " inner join mart.outlook as outlook"
        " on figure.indicator_code = outlook.indicator_code"
        " and figure.method_code = outlook.method_code and figure.unit_code = outlook.unit_code"
        " inner join ref.outlook_code as code on outlook.outlook_code = code.outlook_code"
        " where figure.indicator_code = 'on_time_rate' and figure.unit_code = 'CITY'"
        " and figure.period_type = 'year_to_date' and figure.period_basis = 'calendar'"
    )
    assert row["needed_count"] > row["shortfall"] > 0
    page = browser(site).get("/unit", params={"code": "CITY"}).text
    assert f"Thiếu {whole(row['shortfall'], 'vi')} trong số đã tính<" in page
    assert (
        f"cần thêm {whole(row['needed_count'], 'vi')} trường hợp đạt,"
        f" nếu không có thêm trường hợp nào không đạt ·"
        f' <span title="{row["definition_vi"]}">{row["label_vi"]}<'
    ) in page


@pytest.mark.parametrize("path", ["/units", "/unit"])
def test_the_pages_of_a_level_say_what_stands_beside_its_verdicts(site, path):
    lines = [
        line
        for line in read_scorecard(site)
        if line.status in {"met", "not_met"} and line.unit_code == "DISTRICT"
    ]
    wait = next(line for line in lines if line.coverage_text("vi"))
    star = next(line for line in lines if not line.verified)
    rate = next(line for line in lines if line.firmness)
    for line, text in (
        (wait, wait.coverage_text("vi")),
        (star, "*"),
        (rate, rate.short_firmness_text("vi")),
    ):
        query = {"code": "DISTRICT", "level": "district", "indicator": line.indicator_code}
        page = browser(site).get(path, params=query).text.replace("\N{NO-BREAK SPACE}", " ")
        main = page[page.index("<main") : page.index("</main>")]
        assert text in main, line.indicator_code


def test_what_results_need_is_said_with_the_new_ones_that_are_estimated(site, warehouse):
    rows = warehouse.rows(
        "select unit_code, needed_count, expected_new from mart.outlook"
        " where indicator_code = 'result_digitisation_rate' and status = 'not_met'"
        " and needed_count > 0 order by unit_scope, unit_code limit 1"
    )
    assert rows
    for row in rows:
        page = browser(site).get(f"/unit?code={row['unit_code']}&lang=en").text
        text = page.replace("\u00a0", " ")
        needed, new = (whole(row[name], "en") for name in ("needed_count", "expected_new"))
        assert f"needs {needed} more to succeed, with {new} new ones (estimated)" in text


def test_the_wait_of_one_unit_has_no_share_of_units(site, warehouse):
    found = {
        row["unit_scope"]: row["unit_code"]
        for row in warehouse.rows(
            "select unit_scope, max(unit_code) as unit_code from mart.indicator_value"
            " where indicator_code = 'counter_waiting_time' and period_type = 'year_to_date'"
            " and coverage is not null and denominator > 0 group by unit_scope"
        )
    }
    share = "of the units with a One-Stop desk"
    for scope, code in found.items():
        page = browser(site).get(f"/unit?code={code}&lang=en").text
        assert (share in page) == (scope != "unit")
        assert "days with tickets: " in page
    assert {"unit", "level"} <= found.keys()
