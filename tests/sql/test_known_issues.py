"""Known faults of the data stand beside every figure that they affect, on both engines.

The figures are those of the second worked set, as of 15/09/2022.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import replace

import pytest
from known_issues import ON_TIME, issue, patch_issues
from openpyxl import load_workbook
from published_marts import publish, settings_in
from recorded_world import put_record
from second_worked_set import (
    COMMUNE,
    DEPARTMENT,
    DISTRICT,
    MAY,
    OTHER_COMMUNE,
    SEPTEMBER,
    second_world,
)

from onestop.console import CSV_ENCODING
from onestop.figures.explain import explain, print_explanation
from onestop.figures.form_06a import form_06a_bytes, read_form_06a
from onestop.figures.issued.content import issue_files, read_facts
from onestop.figures.scorecard import print_scorecard, read_scorecard
from onestop.figures.scorecard.page import frozen_scorecard
from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.marts.published import open_published
from onestop.warehouse import open_warehouse

WAITING, RANK = "counter_waiting_time", "pci_rank"
MARCH = (dt.date(2022, 3, 1), dt.date(2022, 3, 31))
FEBRUARY = (dt.date(2022, 2, 1), dt.date(2022, 2, 28))


ISSUES = [
    issue("district", "dossiers", "2022-03-07", "2022-03-09", unit=DISTRICT),
    issue("tickets", "visits", "2022-02-01", affects=WAITING),
    # no dossier is of this source
    issue("other", "dossiers", "2022-05-01", source="other", affects=f"{RANK} {ON_TIME}"),
    issue("communes", "dossiers", "2021-12-01", "2021-12-31", unit="COMMUNE"),
    issue("later", "dossiers", "2022-09-16"),
    issue("all", "dossiers", "2022-04-10", "2022-04-12", source="one_stop"),
    issue("gone", "dossiers", "2022-06-01", "2022-06-01", unit="H24.99"),
]


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def settings(request, tmp_path_factory):
    """The night of May without issues, and that of September with them."""
    settings = settings_in(tmp_path_factory.mktemp("issues"))
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        settings = replace(settings, warehouse=server.make_database())
    with open_warehouse(settings.warehouse) as warehouse, pytest.MonkeyPatch.context() as patched:
        put_record(warehouse, second_world())
        for night, issues in ((MAY, []), (SEPTEMBER, ISSUES)):
            patch_issues(patched, issues)
            compute_marts(warehouse, night)
            publish_marts(warehouse, night)
            patched.undo()
        warehouse.publish_copy(settings.published)
    return settings


def affecting(settings, unit, period_type, start, indicator=ON_TIME, night=SEPTEMBER):
    with open_published(settings) as warehouse:
        rows = warehouse.rows(
            "select distinct known_issues from mart.indicator_history"
            " where indicator_code = :indicator and unit_code = :unit and period_type = :type"
            " and period_basis = 'calendar' and period_start = cast(:start as date)"
            " and valid_from <= :night and (valid_to is null or valid_to > :night)",
            {
                "indicator": indicator,
                "unit": unit,
                "type": period_type,
                "start": start,
                "night": night,
            },
        )
    [row] = rows
    return row["known_issues"]


@pytest.mark.parametrize(
    ("unit", "period_type", "start", "expected"),
    [
        # the district's issue is that of its level and of the city, too
        (DISTRICT, "month", "2022-03-01", "district"),
        ("DISTRICT", "month", "2022-03-01", "district"),
        ("CITY", "month", "2022-03-01", "district"),
        ("DEPARTMENT", "month", "2022-03-01", None),
        (DISTRICT, "month", "2022-02-01", None),
        (DISTRICT, "quarter", "2022-01-01", "district"),
        # all of the source's units; this commune has no dossiers
        (DEPARTMENT, "month", "2022-04-01", "all"),
        (OTHER_COMMUNE, "month", "2022-04-01", None),
        ("COMMUNE", "month", "2022-04-01", "all"),
        # of a source without dossiers and of an unknown unit: the city alone
        ("CITY", "month", "2022-06-01", "gone other"),
        ("DISTRICT", "month", "2022-06-01", None),
        # a level
        (COMMUNE, "month", "2021-12-01", "communes"),
        ("COMMUNE", "month", "2021-12-01", "communes"),
        ("CITY", "month", "2021-12-01", "communes"),
        (DISTRICT, "month", "2021-12-01", None),
        # the year to date: without what is over before it, or begins after the night
        ("CITY", "year_to_date", "2022-01-01", "all district gone other"),
        (DISTRICT, "year_to_date", "2022-01-01", "all district"),
        (OTHER_COMMUNE, "year_to_date", "2022-01-01", None),
    ],
)
def test_an_issue_affects_the_units_and_periods_that_it_names(
    settings, unit, period_type, start, expected
):
    assert affecting(settings, unit, period_type, start) == expected


def test_an_issue_affects_only_the_indicators_that_it_names(settings):
    year = ("year_to_date", "2022-01-01")
    assert affecting(settings, "CITY", *year, WAITING) == "tickets"
    assert affecting(settings, "CITY", *year, "result_digitisation_rate") is None


def test_an_earlier_night_has_the_issues_that_were_known_then(settings):
    assert affecting(settings, "CITY", "month", "2022-03-01", night=MAY) is None
    assert not any(line.known_issues for line in read_scorecard(settings, MAY))
    assert not read_form_06a(settings, DISTRICT, *MARCH, MAY).known_issues


CITY_VI = (
    "one_stop, Lỗi all (từ 10/04/2022 đến 12/04/2022);"
    f" {DISTRICT}, Lỗi district (từ 07/03/2022 đến 09/03/2022);"
    " H24.99, Lỗi gone (từ 01/06/2022 đến 01/06/2022); other, Lỗi other (từ 01/05/2022)"
)


def test_the_scorecard_has_the_footnotes_of_each_line(settings):
    lines = {(x.indicator_code, x.unit_code): x for x in read_scorecard(settings)}
    city = lines[ON_TIME, "CITY"]
    assert city.known_issues == "all district gone other"
    assert city.known_issues_vi == CITY_VI
    assert lines[WAITING, "CITY"].known_issues_en == "Fault tickets (from 2022-02-01)"
    assert lines[ON_TIME, "DEPARTMENT"].known_issues == "all"


def test_a_line_without_a_figure_has_its_footnotes_too(settings):
    [rank] = [line for line in read_scorecard(settings) if line.indicator_code == RANK]
    assert (rank.status, rank.known_issues) == ("no_data", "other")


def test_a_level_without_a_figure_has_the_footnotes_of_its_own_units_only(tmp_path, monkeypatch):
    places = {
        "all": None, "city": "CITY", "level": "DISTRICT", "unit": "H24.31", "other": "H24.01",
        "unknown": "H24.99",
    }  # fmt: skip
    issues = [issue(code, "dossiers", "2022-03-01", unit=unit) for code, unit in places.items()]
    patch_issues(monkeypatch, issues)
    units = {"H24.31": "district", "H24.01": "department"}
    settings = publish(tmp_path, [], units=units)
    found = {
        line.unit_code: line.known_issues
        for line in read_scorecard(settings)
        if line.indicator_code == ON_TIME
    }
    assert found == {
        "CITY": "all city level other unit unknown",
        "DISTRICT": "all city level unit",
        "DEPARTMENT": "all city other",
        "COMMUNE": "all city",
    }


def test_page_terminal_and_machine_formats_show_the_footnotes(settings):
    assert f"<small>Lỗi dữ liệu đã biết: {CITY_VI}</small>" in frozen_scorecard(
        read_scorecard(settings), "Báo cáo"
    )
    shown = {}
    for form in ("table", "csv", "json"):
        out = io.StringIO()
        print_scorecard(settings, "vi", None, form, out)
        shown[form] = out.getvalue()
    assert "Lỗi dữ liệu đã biết: Lỗi tickets" in " ".join(shown["table"].split())
    rows = list(csv.DictReader(io.StringIO(shown["csv"])))
    assert CITY_VI in {row["known_issues_vi"] for row in rows}
    assert CITY_VI in {line["known_issues_vi"] for line in json.loads(shown["json"])["lines"]}


def test_form_06a_names_the_issues_of_its_unit_and_period_in_its_notes(settings, tmp_path):
    def notes(*asked):
        path = tmp_path / "form.xlsx"
        path.write_bytes(form_06a_bytes(read_form_06a(settings, *asked)))
        sheet = load_workbook(path)["II.06a"]
        texts = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value]
        return [text for text in texts if "Lỗi dữ liệu đã biết" in text]

    footnote = f"{DISTRICT}, Lỗi district (từ 07/03/2022 đến 09/03/2022)"
    assert notes(DISTRICT, *MARCH) == [f"• Lỗi dữ liệu đã biết: {footnote}."]
    assert notes(DEPARTMENT, *MARCH) == []
    assert notes(DISTRICT, *FEBRUARY) == []


def test_an_explanation_names_the_issues_behind_its_figure(settings):
    found = explain(settings, ON_TIME, DISTRICT, *MARCH)
    assert [issue.issue_code for issue in found.known_issues] == ["district"]
    assert explain(settings, ON_TIME, DISTRICT, *FEBRUARY).known_issues == ()
    for form, text in (("table", "Known issue: H24.31, Fault"), ("json", '"issue_code": "dis')):
        out = io.StringIO()
        print_explanation(settings, found, "en", form, out)
        assert text in out.getvalue()


def test_the_figures_of_an_issued_report_name_their_issues(settings):
    with open_published(settings) as warehouse:
        facts = read_facts(warehouse, "q1", SEPTEMBER)
    files = issue_files(settings, facts)
    rows = csv.DictReader(io.StringIO(files["indicators.csv"].decode(CSV_ENCODING)))
    assert {
        row["known_issues"]
        for row in rows
        if (row["indicator_code"], row["unit_code"], row["period_type"])
        == (ON_TIME, "DISTRICT", "quarter")
    } == {"district"}
    assert CITY_VI in files["scorecard.html"].decode()
