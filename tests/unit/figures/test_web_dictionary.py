"""The data dictionary among the pages, and the links from the figures to it."""

from __future__ import annotations

import html
import re

import pytest
from web_site import REJECTED, browser

from onestop.figures.web.app import PAGES
from onestop.figures.web.dictionary import SCHEMA_TEXTS, read_dictionary
from onestop.figures.web.site import Visit
from onestop.marts.descriptions import column_meanings, table_meanings
from onestop.marts.dictionary import SCHEMAS
from onestop.marts.published import open_published
from onestop.schema.source_texts import SOURCES
from onestop.warehouse.duckdb_engine import DuckDBWarehouse

#: What the pages need to be asked for.
QUERIES = {
    "report": {"code": "half_year", "issue": "1"},
    "unit": {"code": "H24.31"},
    "open": {"unit": "CITY", "band": "age_to_5"},
    "delivery": {"id": REJECTED},
    "rule": {"code": "DOS-R07"},
    "restatements": {
        "night": "2022-07-31",
        "type": "month",
        "basis": "calendar",
        "start": "2022-06-01",
    },
}


@pytest.fixture
def warehouse(site):
    with open_published(site) as warehouse:
        yield warehouse


def of(**query):
    return Visit("vi", "dictionary", query)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_described_table_is_listed_with_what_a_row_of_it_is(site, lang):
    page = html.unescape(browser(site).get("/dictionary", params={"lang": lang}).text)
    for (schema, name), meaning in table_meanings().items():
        if schema == "national":  # only a national office has it
            assert f"{schema}.{name}" not in page
            continue
        assert f">{schema}.{name}</a>" in page
        assert meaning[lang] in page


def test_every_schema_that_is_described_has_its_place():
    assert {schema for schema, _ in table_meanings()} == set(SCHEMAS) == SCHEMA_TEXTS.keys()


@pytest.mark.parametrize("table", ["mart.scorecard", "ref.target", "audit.night_step"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_tables_page_has_an_anchor_and_the_meaning_of_every_column(site, warehouse, table, lang):
    reader = browser(site)
    page = html.unescape(reader.get("/dictionary", params={"lang": lang, "table": table}).text)
    page = page.replace("\N{NO-BREAK SPACE}", " ")
    columns = warehouse.columns(*table.split("."))
    assert columns
    for name in columns:
        assert f'<tr id="{name}">' in page
        if not table.startswith("ref."):
            assert column_meanings()[name][lang] in page


def test_columns_lead_to_the_codes_that_they_hold(site):
    reader = browser(site)
    page = reader.get("/dictionary", params={"table": "mart.scorecard"}).text
    assert 'href="dictionary?part=codes#unit_level"' in page
    assert 'id="unit_level"' in reader.get("/dictionary", params={"part": "codes"}).text
    assert 'id="on_time_rate"' in reader.get("/dictionary", params={"part": "indicators"}).text


def test_a_search_finds_names_and_meanings_in_either_language_without_their_marks(warehouse, site):
    for text in ("Hồ sơ", "ho so", "HO SO"):
        found = {
            table.full_name: [column.name for column in columns]
            for table, columns in read_dictionary(warehouse, site, of(q=text))["found"]
        }
        assert "dossiers" in found["mart.backlog"], text
    [(table, columns)] = read_dictionary(warehouse, site, of(q="step_id"))["found"]
    assert (table.full_name, [column.name for column in columns]) == (
        "audit.night_step",
        ["step_id"],
    )
    assert read_dictionary(warehouse, site, of(q="no such text"))["found"] == []


def test_a_text_of_a_page_is_found_again_with_the_no_break_space_that_pages_show(site):
    reader, text = browser(site), "không quá 30 phút"
    for _ in range(2):
        page = html.unescape(reader.get("/dictionary", params={"q": text}).text)
        assert "visits_within_30_minutes" in page
        text = re.search(r'name="q" value="([^"]*)"', page)[1]
    assert text == "không quá 30\N{NO-BREAK SPACE}phút"


@pytest.mark.parametrize("part", ["codes", "indicators"])
def test_sources_of_codes_that_describe_something_are_english_on_the_english_page(site, part):
    pages = {
        lang: browser(site).get("/dictionary", params={"part": part, "lang": lang}).text
        for lang in ("vi", "en")
    }
    assert not [source for source in SOURCES if f">{source}<" in pages["en"]]
    assert ">QĐ 3818" in pages["en"]
    if part == "codes":
        assert ">Chọn để trình bày<" in pages["vi"]
        assert ">Chosen for presentation<" in pages["en"]


@pytest.mark.parametrize("query", [{"table": "mart.scorecards"}, {"part": "everything"}])
def test_what_the_dictionary_does_not_have_is_refused_with_what_it_has(site, query):
    answer = browser(site).get("/dictionary", params=query)
    assert answer.status_code == 404
    assert re.search(r"mart\.scorecard\b|không có phần everything", answer.text)


def test_every_page_leads_to_the_tables_that_it_reads_and_to_the_dictionary(site, monkeypatch):
    asked: list[str] = []
    rows = DuckDBWarehouse.rows

    def noted(warehouse, sql, parameters=None):
        asked.append(sql)
        return rows(warehouse, sql, parameters)

    monkeypatch.setattr(DuckDBWarehouse, "rows", noted)
    reader = browser(site, reads_record=True)
    for page in PAGES:
        asked.clear()
        answer = reader.get(f"/{page.path.removeprefix('./')}", params=QUERIES.get(page.path))
        assert answer.status_code == 200, page.path
        assert 'href="dictionary' in answer.text
        for table in page.tables:
            assert f'href="dictionary?table={table}"' in answer.text
            read = table.replace("mart.dossier", "mart.counted_dossier")  # the same rows
            assert any(read in sql for sql in asked), f"{page.path} does not read {table}"


def test_a_figure_leads_to_the_tables_of_its_number_and_of_its_items(site):
    page = browser(site).get("/figure").text
    for table in ("mart.indicator_value", "mart.dossier"):
        assert f'href="dictionary?table={table}"' in page
