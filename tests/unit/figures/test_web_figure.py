"""Figure: from a number on a page to the items behind it, and their downloads."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import json
import re
import shutil
from dataclasses import replace
from itertools import groupby

import duckdb
import openpyxl
import pytest
from published_marts import NIGHT as PUBLISHED_NIGHT
from published_marts import Figure, publish
from web_site import NIGHT, SINCE, browser

from onestop.console import CSV_ENCODING
from onestop.figures.explain import explain, print_explanation
from onestop.figures.explain.asking import Published, ask, read_published
from onestop.figures.explain.items import ROLES
from onestop.figures.explain.output import heading
from onestop.figures.explain.paging import FAILING_FIRST, ItemFilter, find_items
from onestop.figures.scorecard import read_scorecard
from onestop.figures.scorecard.any_figure import read_figure_lines
from onestop.figures.web import figure
from onestop.figures.web.figure import figure_csv, figure_xlsx, read_figure
from onestop.figures.web.shown_periods import reads_state
from onestop.figures.web.site import Visit, date_of
from onestop.marts.published import QuestionError, open_published
from onestop.schema import number_text
from onestop.schema.number_text import day
from onestop.warehouse import open_warehouse

SPAN = {"from": SINCE.isoformat(), "to": NIGHT.isoformat()}


@pytest.fixture
def warehouse(site):
    with open_published(site) as warehouse:
        yield warehouse


def asked_figures(warehouse):
    """Of each indicator and method with data: the city, the largest level and the largest unit."""
    rows = warehouse.rows(
        "select indicator_code, method_code, unit_scope, unit_code, numerator, denominator"
        " from mart.indicator_value where period_type = 'year_to_date'"
        " and period_basis = 'calendar' and denominator > 0"
        " order by indicator_code, method_code, unit_scope, denominator desc, unit_code"
    )
    for _, group in groupby(
        rows, key=lambda row: (row["indicator_code"], row["method_code"], row["unit_scope"])
    ):
        of_scope = list(group)
        yield of_scope[0]


def identity(item):
    return (
        item.code, item.unit_code, item.role, item.reason_code, item.reason_vi, item.reason_en,
        item.numerator, item.denominator, item.delivery_id, item.row_number, tuple(item.facts),
    )  # fmt: skip


def test_the_items_of_a_page_are_those_of_the_explanation(site, warehouse):
    figures = list(asked_figures(warehouse))
    assert {row["unit_scope"] for row in figures} == {"unit", "level", "city"}
    for row in figures[::2]:
        at = (row["indicator_code"], row["unit_code"], SINCE, NIGHT, row["method_code"])
        asked = ask(warehouse, *at, is_narrow=True)
        found = find_items(asked, ItemFilter())
        asked.question.marts.drop()
        explained = explain(site, *at)
        assert sorted(map(identity, found.items), key=str) == sorted(
            map(identity, explained.items), key=str
        ), row
        assert (found.numerator, found.denominator) == (row["numerator"], row["denominator"])
        assert found.matching == sum(count.items for count in found.counts) == len(found.items)


def test_the_tickets_of_each_unit_are_those_of_the_explanation_also_after_a_transfer(
    site, warehouse
):
    rows = warehouse.rows(
        "select unit_code, numerator, denominator from mart.indicator_value"
        " where indicator_code = 'counter_waiting_time' and method_code = 'visit_mean'"
        " and unit_scope = 'unit' and period_type = 'year_to_date' and period_basis = 'calendar'"
        " and denominator > 0"
    )
    across = warehouse.value(
        "select count(*) from core.visit_history as ticket inner join core.visit_history as before"
        " on ticket.transferred_from = before.ticket_code"
        " where ticket.unit_code <> before.unit_code"
    )
    assert across > 0
    for row in rows:
        at = ("counter_waiting_time", row["unit_code"], SINCE, NIGHT, "visit_mean")
        asked = ask(warehouse, *at, is_narrow=True)
        found = find_items(asked, ItemFilter())
        asked.question.marts.drop()
        assert (found.numerator, found.denominator) == (row["numerator"], row["denominator"])
        assert sorted(map(identity, found.items), key=str) == sorted(
            map(identity, explain(site, *at).items), key=str
        )


def test_what_failed_is_listed_first_and_pages_go_through_all_items_once(warehouse):
    asked = ask(warehouse, "on_time_rate", "CITY", SINCE, NIGHT, is_narrow=True)
    whole = find_items(asked, ItemFilter())
    roles = [item.role for item in whole.items]
    assert roles == sorted(roles, key=FAILING_FIRST.index)
    assert set(roles) == set(ROLES)
    pages = [find_items(asked, ItemFilter(), start, 7).items for start in range(0, 70, 7)]
    assert [item for page in pages for item in page] == list(whole.items)


def test_the_longest_waits_are_listed_first(warehouse):
    asked = ask(warehouse, "counter_waiting_time", "CITY", SINCE, NIGHT, is_narrow=True)
    counted = [item for item in find_items(asked, ItemFilter()).items if item.role == "numerator"]
    waits = [item.numerator for item in counted]
    assert len(waits) > 1
    assert waits == sorted(waits, reverse=True)


@pytest.mark.parametrize(
    "chosen",
    [
        ItemFilter(role="denominator"),
        ItemFilter(role="numerator", reason_code="early"),
        ItemFilter(text="H24"),
    ],
)
def test_a_filter_chooses_among_the_items(warehouse, chosen):
    asked = ask(warehouse, "on_time_rate", "CITY", SINCE, NIGHT, is_narrow=True)
    whole = find_items(asked, ItemFilter())
    expected = [
        item
        for item in whole.items
        if chosen.role in (None, item.role)
        and chosen.reason_code in (None, item.reason_code)
        and chosen.text in item.code
    ]
    found = find_items(asked, chosen, limit=3)
    assert expected
    assert found.matching == len(expected)
    assert list(found.items) == expected[:3]
    assert found.counts == whole.counts


def test_dossiers_are_found_by_their_procedure(warehouse):
    asked = ask(warehouse, "on_time_rate", "CITY", SINCE, NIGHT, is_narrow=True)
    whole = find_items(asked, ItemFilter())
    rows = warehouse.rows("select dossier_code, procedure_key from mart.counted_dossier")
    procedure_of = {row["dossier_code"]: row["procedure_key"] for row in rows}
    chosen = next(filter(None, procedure_of.values()))
    expected = [
        item
        for item in whole.items
        if procedure_of[item.code] == chosen or chosen.lower() in item.code.lower()
    ]
    assert expected
    assert list(find_items(asked, ItemFilter(text=chosen)).items) == expected


@pytest.mark.parametrize("text", ["' or 1=1 --", "%", "\\", "{x}", "_"])
def test_what_is_looked_for_is_never_sql_or_a_pattern(warehouse, text):
    asked = ask(warehouse, "on_time_rate", "CITY", SINCE, NIGHT, is_narrow=True)
    assert find_items(asked, ItemFilter(text=text, reason_code=None)).matching == 0
    assert find_items(asked, ItemFilter(reason_code=text)).matching == 0


def page_of(settings, *, reads_record=False, **query):
    return browser(settings, reads_record=reads_record).get("/figure", params=query)


def test_the_page_shows_the_published_figure_its_items_and_their_files(site, warehouse):
    [row] = [
        row
        for row in asked_figures(warehouse)
        if row["unit_code"] == "CITY" and row["method_code"] == "cohort"
    ]
    answer = page_of(site, indicator="on_time_rate", method="cohort", unit="CITY", **SPAN)
    assert answer.status_code == 200
    assert f"{row['numerator']} / {row['denominator']}" in answer.text
    assert "Các mục cộng lại khớp với số đã công bố." in answer.text
    items = find_items(ask(warehouse, "on_time_rate", "CITY", SINCE, NIGHT), ItemFilter()).items
    for item in items[:50]:
        assert item.code in answer.text
        assert item.file_name in answer.text.replace("<wbr>", "")
        assert item.reason_vi in answer.text


def test_items_of_a_level_have_its_name_and_those_of_the_city_none(site):
    procedures = {"indicator": "procedures_published_rate", "method": "share", "unit": "CITY"}
    answer = page_of(site, **procedures, **SPAN).text
    assert '<span class="note">Cấp xã</span>' in answer
    assert not re.search('<span class="note">(CITY|COMMUNE|DISTRICT|DEPARTMENT)</span>', answer)


def test_only_readers_of_the_record_get_links_to_deliveries(site):
    assert 'href="delivery?' not in page_of(site).text
    assert 'href="delivery?' in page_of(site, reads_record=True).text


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"indicator": "zzz"}, "không có chỉ tiêu zzz; có: "),
        ({"indicator": "zzz"}, ", on_time_rate, "),
        ({"indicator": "on_time_rat"}, "có phải là on_time_rate?"),
        ({"method": "zzz"}, "không có cách đếm zzz; có: cohort, "),
        ({"method": "zzz", "lang": "en"}, "no method zzz; there are cohort, "),
        ({"unit": "H99"}, "danh sách đơn vị của đêm"),
        ({"method": "share"}, "không có cách đếm share"),
        ({"from": "2022-11-31"}, "2022-11-31 không phải là ngày"),
        ({"from": "2022-11-30", "to": "2022-11-01"}, "trước khi bắt đầu"),
        ({"unit": "H99", "lang": "en"}, "no unit H99"),
    ],
)
def test_a_figure_that_does_not_exist_is_refused_with_what_exists(site, query, text):
    answer = page_of(site, **query)
    assert answer.status_code == 404
    assert text in answer.text


AUGUST = dt.date(2022, 8, 14)  # the end of the government's month that began on 15 July
_RUNS = {
    "vi": "của kỳ {start} – {end}; kỳ chưa hết, số tính đến 31/07/2022.",
    "en": "of {start} – {end}; this period still runs, and the figure is as of 31 Jul 2022.",
}


@pytest.mark.parametrize("last", [NIGHT, dt.date(2022, 8, 5), AUGUST])
def test_a_period_that_still_runs_is_compared_with_its_published_figure_so_far(warehouse, last):
    rows = warehouse.rows(
        "select * from mart.indicator_value where period_type = 'month' and period_start = :start"
        " and unit_code in ('CITY', 'COMMUNE') and denominator > 0"
        " order by indicator_code, method_code, unit_code",
        {"start": dt.date(2022, 7, 15)},
    )
    assert {row["period_end"] for row in rows} == {AUGUST}
    for row in rows[::4]:
        at = (row["indicator_code"], row["unit_code"], row["period_start"], last)
        asked = ask(warehouse, *at, row["method_code"], is_narrow=True)
        published = read_published(asked.question, is_check=False)
        found = find_items(asked, ItemFilter())
        asked.question.marts.drop()
        amounts = (row["numerator"], row["denominator"])
        assert published == Published(amounts, runs_until=AUGUST)
        assert (found.numerator, found.denominator) == amounts, at


@pytest.mark.parametrize(
    "figure_of", [{"indicator": "on_time_rate", "method": "load"}, {"indicator": "supplement_late"}]
)
@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize(
    ("first", "last", "end"),
    [
        (dt.date(2022, 7, 15), NIGHT, AUGUST),
        (dt.date(2022, 7, 15), AUGUST, AUGUST),
        (SINCE, dt.date(2022, 12, 31), dt.date(2022, 12, 31)),
        (SINCE, NIGHT, None),  # the year to date
        (dt.date(2022, 7, 1), NIGHT, None),  # over on the night
        (dt.date(2022, 6, 1), dt.date(2022, 6, 30), None),
    ],
)
def test_the_page_says_which_running_period_the_published_figure_is_of(
    site, figure_of, lang, first, last, end
):
    span = {"from": first.isoformat(), "to": last.isoformat()}
    page = page_of(site, **figure_of, unit="CITY", lang=lang, **span).text
    if end:
        said = _RUNS[lang].format(start=day(first, lang), end=day(end, lang))
        assert said in page
    else:
        assert {"vi": "với số đã công bố.", "en": "the published figure."}[lang] in page


@pytest.mark.parametrize("method", ["load", "qd_766_paused_in_time"])
def test_the_terminal_and_its_json_say_that_a_period_still_runs(site, method):
    found = explain(site, "on_time_rate", "CITY", dt.date(2022, 7, 15), AUGUST, method)
    assert (found.agrees, found.runs_until) == (True, AUGUST)
    over = explain(site, "on_time_rate", "CITY", dt.date(2022, 7, 1), NIGHT, method)
    assert (over.agrees, over.runs_until) == (True, None)
    page, data = io.StringIO(), io.StringIO()
    print_explanation(site, found, "en", file=page)
    print_explanation(site, found, format="json", file=data)
    assert "15 Jul 2022 – 14 Aug 2022, which still runs: as of 31 Jul 2022" in " ".join(
        page.getvalue().split()
    )
    assert json.loads(data.getvalue())["runs_until"] == "2022-08-14"


@pytest.mark.parametrize("indicator", ["on_time_rate", "code_date_differs"])
@pytest.mark.parametrize(
    ("lang", "text"), [("vi", "bắt đầu sau đêm đã công bố"), ("en", "begins after the published")]
)
def test_a_span_after_the_published_night_says_so(site, indicator, lang, text):
    ahead = {"from": "2022-08-01", "to": "2022-08-31"}
    assert text in page_of(site, indicator=indicator, lang=lang, **ahead).text
    assert text not in page_of(site, indicator=indicator, lang=lang, **SPAN).text


def test_findings_of_a_check_are_no_successes_and_their_reasons_are_words(site, warehouse):
    found = warehouse.rows(
        "select check_code, doubt_code, count(*) as findings from mart.decree_check"
        " where event_date between :first and :night group by check_code, doubt_code",
        {"first": SINCE, "night": NIGHT},
    )
    checks = {row["check_code"] for row in found}
    assert len(checks) > 1
    assert [row for row in found if not row["doubt_code"] and row["findings"] > 1]
    for check in checks:
        of_check = [row for row in found if row["check_code"] == check]
        page = page_of(site, indicator=check, unit="CITY", lang="en", **SPAN).text
        assert "Counted in numerator" not in page
        assert 'class="sign met" aria-hidden="true">✓</span> H24' not in page
        listed = [text for text in ("Found with certainty", "Possible, not") if text in page]
        wanted = {
            "Possible, not" if row["doubt_code"] else "Found with certainty" for row in of_check
        }
        assert set(listed) == wanted
        reasons = re.findall(r'class="below-group"><a [^>]*>([^<]*)</a>', page)
        assert len(reasons) == len(of_check)
        assert all(" " in reason for reason in reasons), reasons
        with open_published(site) as another:
            asked = {"indicator": check, "unit": "CITY", **SPAN}
            content = figure_xlsx(another, Visit("en", "figure", asked))[1]
        sheet = openpyxl.load_workbook(io.BytesIO(content)).active
        values = {cell.value for row in sheet.iter_rows() for cell in row}
        codes = {"found", "numerator", "left_out", *(row["doubt_code"] for row in of_check)}
        assert not values & codes - {None}


def test_a_reading_has_the_target_and_verdict_of_the_units_page(site, warehouse):
    rows = warehouse.rows(
        "select variant.reading_code, status.label_en as text from mart.indicator_variant as"
        " variant inner join ref.figure_status as status on variant.status = status.status"
        " where unit_code = 'CITY' and period_type = 'year_to_date' and period_basis = 'calendar'"
        " and reading_code not in (select method_code from ref.method)"
    )
    assert len(rows) > 3
    for row in rows[::2]:
        asked = {"indicator": "on_time_rate", "method": row["reading_code"], "unit": "CITY"}
        page = page_of(site, **asked, **SPAN, lang="en").text
        verdict = re.search(r"<p>target (.*?)</p>", page, re.DOTALL)[1]
        assert verdict.startswith(("≥\N{NO-BREAK SPACE}98%", "≥ 98%"))
        assert row["text"] in verdict
        assert "The verdict is by this method" in page


@pytest.fixture
def named_site(site, tmp_path):
    """The site, where each unit has a name."""
    named = replace(site, published=tmp_path / "onestop.duckdb")
    shutil.copy(site.published, named.published)
    with duckdb.connect(str(named.published)) as database:
        database.execute(
            "update mart.unit set unit_name = 'Office of ' || unit_code,"
            " unit_label = 'Office of ' || unit_code"
        )
    return named


@pytest.mark.parametrize("path", ["/figure", "/open"])
def test_items_of_the_city_name_their_units(named_site, path):
    asked = {"unit": "CITY", **(SPAN if path == "/figure" else {"band": "age_above_40"})}
    page = browser(named_site).get(path, params=asked).text
    shown = re.findall(r'<span class="note">(?:<a [^>]*>)?([^<]+)(?:</a>)?</span>', page)
    assert [text for text in shown if text.startswith("Office of H24")]
    assert not [text for text in shown if text.startswith("H24")]


@pytest.mark.parametrize(
    ("lang", "level", "own"), [("vi", "Cấp xã", "Xã"), ("en", "Communes", "Commune")]
)
def test_downloads_name_levels_in_the_reader_s_language(site, lang, level, own):
    asked = {"indicator": "procedures_published_rate", "unit": "CITY", **SPAN}
    with open_published(site) as warehouse:
        content = figure_csv(warehouse, Visit(lang, "figure", asked))[1].decode(CSV_ENCODING)
    rows = list(csv.DictReader(io.StringIO(content)))
    assert list(rows[0])[1:3] == ["unit_code", "unit_name"]
    assert {row["unit_name"] for row in rows if row["unit_code"] == "COMMUNE"} == {level}
    explained = explain(site, "procedures_published_rate", "CITY", SINCE, NIGHT)
    out = io.StringIO()
    print_explanation(site, explained, lang, "csv", out)
    assert {row["unit_name"] for row in rows} == {
        row["unit_name"]
        for row in csv.DictReader(io.StringIO(out.getvalue().lstrip("\N{BYTE ORDER MARK}")))
    }
    with open_published(site) as warehouse:
        book = figure_xlsx(warehouse, Visit(lang, "figure", asked))[1]
    sheet = openpyxl.load_workbook(io.BytesIO(book)).active
    values = {cell.value for row in sheet.iter_rows() for cell in row}
    assert {level, own, heading("name_of_unit", lang)} <= values
    assert not values & {"commune", "district", "department"}


@pytest.mark.parametrize(
    ("indicator", "lang", "unit", "wait"),
    [
        ("counter_waiting_time", "vi", "Toàn thành phố", "Chờ (giây)"),
        ("counter_waiting_time", "en", "Whole city", "Wait (seconds)"),
        ("on_time_rate", "en", "Whole city", None),
    ],
)
def test_headings_of_the_workbook_name_units_and_are_not_repeated(
    warehouse, indicator, lang, unit, wait
):
    asked = {"indicator": indicator, "unit": "CITY", **SPAN}
    content = figure_xlsx(warehouse, Visit(lang, "figure", asked))[1]
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet["A1"].value.endswith(f" · {unit}")
    headings = [cell.value for cell in sheet[3] if cell.value]
    assert len(headings) == len(set(headings))
    assert heading("adds_to_numerator", lang) in headings
    assert wait is None or wait in headings


@pytest.mark.parametrize(
    ("lang", "result", "part", "role"),
    [
        ("vi", "Kết quả: ", "Chỉ một phần: {} trong {} mục (", "Chỉ tính vào mẫu số"),
        ("en", "Result: ", "An excerpt: {} of {} items (", "Counted in the denominator only"),
    ],
)
def test_a_download_says_its_figure_and_method_and_that_it_is_an_excerpt(
    site, warehouse, lang, result, part, role
):
    found = find_items(ask(warehouse, "on_time_rate", "CITY", SINCE, NIGHT), ItemFilter())
    counts = [count for count in found.counts if count.role == "denominator"]
    amounts = (
        f"{number_text.whole(found.numerator, lang)} / {number_text.whole(found.denominator, lang)}"
    )

    def note_of(**asked):
        visit = Visit(lang, "figure", {"unit": "CITY", **SPAN, **asked})
        with open_published(site) as another:
            name, content = figure_xlsx(another, visit)
        return name, openpyxl.load_workbook(io.BytesIO(content)).active["A2"].value

    name, note = note_of()
    assert result in note
    assert f"({amounts})" in note
    assert part.partition(":")[0] not in note
    part_name, part_note = note_of(role="denominator", reason=counts[0].reason_code)
    total = number_text.whole(sum(count.items for count in found.counts), lang)
    assert f"({amounts})" in part_note, "the figure is that of all items"
    assert part.format(number_text.whole(counts[0].items, lang), total) in part_note
    assert role in part_note
    reason = counts[0].reason_vi if lang == "vi" else counts[0].reason_en
    assert reason in part_note
    other_name, other_note = note_of(method="form_06")
    assert "II.06a" in other_note
    assert "II.06a" not in note
    assert len({name, part_name, other_name}) == 3


@pytest.mark.parametrize(("lang", "text"), [("vi", "Giải quyết xong"), ("en", "Resolved")])
def test_a_chosen_reason_is_named_above_its_items(site, lang, text):
    asked = {"unit": "CITY", **SPAN, "role": "denominator", "lang": lang}
    said = f'<p class="chosen">{text}'
    assert said in page_of(site, **asked, reason="late").text
    assert said not in page_of(site, **asked).text


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_each_item_has_the_name_of_its_unit_in_machine_formats(named_site, kind):
    found = explain(named_site, "on_time_rate", "CITY", SINCE, NIGHT)
    out = io.StringIO()
    print_explanation(named_site, found, "en", kind, out)
    text = out.getvalue().lstrip("\N{BYTE ORDER MARK}")
    items = (
        json.loads(text)["dossiers"] if kind == "json" else list(csv.DictReader(io.StringIO(text)))
    )
    assert len(items) == len(found.items)
    assert {item["unit_name"] for item in items} == {
        f"Office of {item.unit_code}" for item in found.items
    }


@pytest.mark.parametrize("path", ["/figure", "/units"])
def test_the_form_may_choose_another_indicator_than_the_one_its_methods_are_of(site, path):
    chosen = {"indicator": "counter_waiting_time", "method": "cohort"}
    reader = browser(site)
    assert reader.get(path, params=chosen).status_code == 404
    answer = reader.get(path, params={**chosen, "of": "on_time_rate"})
    assert answer.status_code == 200
    assert 'value="visit_mean" selected' in answer.text


@pytest.mark.parametrize("page", ["0", "-1", "99", "9" * 400, "x", "１"])
def test_a_page_that_does_not_exist_is_the_first_or_the_last_one(site, page):
    assert page_of(site, page=page).status_code == 200


def test_a_figure_of_too_many_items_is_shown_by_units_instead(warehouse, site, monkeypatch):
    monkeypatch.setattr(figure, "MOST_ITEMS", 5)
    monkeypatch.setattr(figure, "MOST_OF_MANY", 5)
    visit = Visit("vi", "figure", {"unit": "CITY", **SPAN})
    values = read_figure(warehouse, site, visit)
    assert values["found"] is None
    assert values["published"] == (
        sum(unit["numerator"] for unit in values["units"]),
        sum(unit["denominator"] for unit in values["units"]),
    )
    upper = [unit["rate_upper"] for unit in values["units"]]
    assert upper == sorted(upper)
    with (
        open_published(site) as another,
        pytest.raises(QuestionError, match="too many items"),
    ):
        figure_csv(another, visit)


def test_the_csv_is_that_of_the_explanation_and_keeps_the_filter(site, warehouse):
    explained = explain(site, "on_time_rate", "CITY", SINCE, NIGHT)
    name, content = figure_csv(warehouse, Visit("vi", "figure", {"unit": "CITY", **SPAN}))
    assert name == f"on_time_rate-CITY-{SINCE}-{NIGHT}.csv"
    rows = list(csv.DictReader(io.StringIO(content.decode(CSV_ENCODING))))
    assert list(rows[0]) == list(explained.kind.columns)
    assert len(rows) == len(explained.items)
    assert sum(int(row["numerator"]) for row in rows) == explained.numerator
    visit = Visit("vi", "figure", {"unit": "CITY", **SPAN, "role": "denominator"})
    with open_published(site) as another:
        content = figure_csv(another, visit)[1]
    failed = list(csv.DictReader(io.StringIO(content.decode(CSV_ENCODING))))
    assert {row["role"] for row in failed} == {"denominator"}


def test_the_workbook_has_the_same_items_and_no_formula(site, warehouse, monkeypatch):
    found = find_items(ask(warehouse, "on_time_rate", "CITY", SINCE, NIGHT), ItemFilter())
    hostile = replace(found.items[0], code='=HYPERLINK("http://evil")', file_name="@x.csv")
    changed = replace(found, items=(hostile, *found.items[1:]))
    monkeypatch.setattr(figure, "find_items", lambda *_: changed)
    visit = Visit("vi", "figure", {"unit": "CITY", **SPAN})
    with open_published(site) as another:
        name, content = figure_xlsx(another, visit)
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert name.endswith(".xlsx")
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert sheet.max_row == len(found.items) + 3
    assert sheet["A4"].value == "'" + hostile.code
    with open_published(site) as another:
        text = figure_csv(another, visit)[1].decode(CSV_ENCODING)
    assert not re.search(r"(^|,|\n)\"?[=@]", text)


@pytest.mark.parametrize(
    ("lang", "form", "reason", "late"),
    [
        ("vi", "dd/mm/yyyy", "Loại lý do", "sau hạn"),
        ("en", "d mmm yyyy", "Kind of reason", "after"),
    ],
)
def test_the_workbook_is_in_the_reader_s_language(warehouse, lang, form, reason, late):
    content = figure_xlsx(warehouse, Visit(lang, "figure", {"unit": "CITY", **SPAN}))[1]
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.number_format for cell in cells if cell.is_date} == {form}
    [column] = [cell.column for cell in sheet[3] if cell.value == reason]
    values = {sheet.cell(row, column).value for row in range(4, sheet.max_row + 1)}
    assert any(late in value for value in values)
    assert not values & {"late", "early", "on_time"}


@pytest.mark.parametrize(
    ("asked", "is_shown"), [("0001-01-01", False), ("2101-01-01", False), ("2100-12-31", True)]
)
def test_a_year_out_of_range_is_refused(asked, is_shown):
    if is_shown:
        assert date_of(asked, NIGHT).isoformat() == asked
        return
    with pytest.raises(QuestionError, match="from 1900 to 2100"):
        date_of(asked, NIGHT)


def test_a_number_and_its_unit_stay_on_one_line(site):
    page = page_of(site, unit="CITY", **SPAN).text
    assert re.search(r"\d\N{NO-BREAK SPACE}%", page)
    assert not re.search(r"\d (%|phút|giây)", page)


def test_items_that_do_not_add_up_are_not_listed(site, monkeypatch):
    monkeypatch.setattr(figure, "read_published", lambda *_, **__: Published((1, 2)))
    page = page_of(site, unit="CITY", **SPAN)
    assert "Các mục không cộng thành số đã công bố" in page.text
    assert '<table class="items cards">' not in page.text
    assert browser(site).get("/figure.csv", params={"unit": "CITY"}).status_code == 404


def test_a_figure_has_the_same_beside_it_as_on_the_scorecard(site, warehouse):
    lines = [line for line in read_scorecard(site) if line.status != "no_data"]
    seen = {"firmness": 0, "interval": 0, "coverage": 0, "star": 0}
    for line in lines:
        figures = read_figure_lines(warehouse, line.unit_code, line.period_start, line.period_end)
        found = figures[line.indicator_code, line.method_code]
        for lang in ("vi", "en"):
            expected = replace(line, known_issues_vi=None, known_issues_en=None).page_notes(lang)
            assert found.page_notes(lang) == expected, line
        seen["firmness"] += bool(line.firmness_vi)
        seen["interval"] += bool(line.interval_text("vi"))
        seen["coverage"] += bool(line.coverage_text("vi"))
        seen["star"] += not line.verified
    assert all(seen.values()), seen


@pytest.mark.parametrize(
    "has", ["firmness_text", "interval_text", "coverage_text", "unverified_text"]
)
def test_the_page_says_what_stands_beside_a_verdict(site, has):
    line = next(
        line
        for line in read_scorecard(site)
        if line.status in {"met", "not_met"} and getattr(line, has)("vi")
    )
    coordinates = {"indicator": line.indicator_code, "method": line.method_code}
    answer = page_of(site, **coordinates, unit=line.unit_code, **SPAN)
    text = answer.text.replace("\N{NO-BREAK SPACE}", " ")
    assert html.escape(getattr(line, has)("vi")) in text
    assert ("*" in re.search(r"mục tiêu [^<]*", answer.text)[0]) == (not line.verified)


def test_a_declared_figure_names_its_document_beside_it(tmp_path):
    settings = publish(tmp_path, [Figure("pci_rank", "declared", "CITY", 3, 1, 5, "<=", "met")])
    with open_warehouse(settings.warehouse) as warehouse:
        for number, day in (("12/BC", 20), ("34/BC", 10)):
            warehouse.execute(
                "insert into core.declaration_history (indicator_code, period_start, period_end,"
                " numerator, denominator, document_number, document_date, valid_from, delivery_id,"
                " row_number, content_hash) values ('pci_rank', date '2022-01-01',"
                " date '2022-05-31', 3, 1, :number, :date, date '2022-06-01', 'x', 1, :number)",
                {"number": number, "date": dt.date(2022, 5, day)},
            )
        lines = read_figure_lines(warehouse, "CITY", SINCE, PUBLISHED_NIGHT)
    assert lines["pci_rank", "declared"].page_notes("vi") == ["Theo văn bản 12/BC ngày 20/05/2022"]


def test_a_figure_without_data_says_why_and_not_that_its_items_add_up(site):
    line = next(line for line in read_scorecard(site) if line.indicator_code == "par_index_rank")
    page = page_of(site, indicator="par_index_rank", method="declared", unit="CITY", **SPAN).text
    assert line.no_data_reason_vi in page
    assert "cộng lại" not in page
    assert "0 / 0" not in page


def test_a_past_month_says_of_which_day_the_state_is_judged(site):
    month = {"from": "2022-05-01", "to": "2022-05-31"}
    text = "xét theo tình trạng cuối ngày 31/05/2022"
    assert text in page_of(site, indicator="on_time_rate", unit="CITY", **month).text
    assert text not in page_of(site, indicator="on_time_rate", unit="CITY", **SPAN).text
    assert text not in page_of(site, indicator="counter_waiting_time", unit="CITY", **month).text


def test_the_months_add_up_to_the_year_unless_they_show_the_state_at_their_end(warehouse):
    states = reads_state(warehouse)
    rows = warehouse.rows(
        "select indicator_code, method_code, unit_code,"
        " sum(case when period_type = 'month' then denominator end) as months,"
        " sum(case when period_type = 'year_to_date' then denominator end) as year"
        " from mart.indicator_value where period_basis = 'calendar' and period_start >= :since"
        " and method_code <> 'declared' and unit_scope <> 'unit'"
        " group by indicator_code, method_code, unit_code",
        {"since": SINCE},
    )
    counted = [row for row in rows if row["indicator_code"] not in states and row["year"]]
    assert {row["indicator_code"] for row in counted} > {"counter_waiting_time"}
    assert [row for row in counted if row["months"] != row["year"]] == []
    differing = {row["indicator_code"] for row in rows if row["months"] != row["year"]}
    assert "on_time_rate" in differing
    assert differing <= states


def test_no_two_reasons_of_a_figure_have_the_same_name(warehouse):
    asked = ask(warehouse, "online_share_level3", "CITY", SINCE, NIGHT, is_narrow=True)
    names = [count.reason_vi for count in find_items(asked, ItemFilter()).counts]
    assert sum(name.startswith("Mức độ ") for name in names) > 1
    assert len(set(names)) == len(names)
