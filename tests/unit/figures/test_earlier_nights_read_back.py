"""An earlier night is shown with the documents, targets and reference rows of its time."""

from __future__ import annotations

import datetime as dt
import io
import shutil
from dataclasses import replace

import pytest
from published_marts import settings_in
from recorded_world import put_record
from reference_figures import Statement
from second_worked_set import DISTRICT, MAY, MID_JANUARY, SEPTEMBER, second_world

from onestop.console import CSV_ENCODING
from onestop.figures.explain import explain, print_explanation
from onestop.figures.form_06a import read_form_06a
from onestop.figures.issued import issue_report
from onestop.figures.scorecard import print_scorecard, read_scorecard
from onestop.marts import compute, files
from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.record.reference_versions import replaced_since
from onestop.warehouse import open_warehouse

TASKS = "plan_tasks_completed_rate"
JULY = dt.date(2022, 7, 4)
QUARTER = dt.date(2022, 1, 1), dt.date(2022, 3, 31)
#: What is edited in the reference files between the two nights: file, old text, new text.
EDITED = (
    ("target", "on_time_rate,all,>=,98,100,", "on_time_rate,all,>=,99,100,"),
    ("target", "QĐ 3818 I.2.b,true", "QĐ 4000 I.1,true"),
    ("indicator", "Hồ sơ tiếp nhận trong năm giải quyết đúng hạn", "Hồ sơ đúng hạn (tên mới)"),
    ("unit_level", "Sở, ban, ngành", "Sở và tương đương"),
    ("figure_status", "met,Đạt,", "met,Đã đạt,"),
    ("method", ",due,Đến hạn trong kỳ", ",due,Tên phương pháp mới"),
    ("report_calendar", "Báo cáo Quý I năm 2022", "Báo cáo quý đầu năm"),
    ("day_off", "2022-04-11,substitute", "2022-04-12,substitute"),
)


def declared(document, numerator, last):
    return {
        "indicator_code": TASKS,
        "unit_code": "CITY",
        "period_start": dt.date(2022, 1, 1),
        "period_end": last,
        "numerator": numerator,
        "denominator": 40,
        "document_number": document,
        "document_date": last,
    }


def declarations():
    """A figure of March, corrected in July by another document."""
    march = dt.date(2022, 3, 31)
    return {
        "march": [
            Statement(dt.date(2022, 4, 5), declared("5/BC", 10, march)),
            Statement(JULY, declared("21/BC", 12, march)),
        ]
    }


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def settings(request, tmp_path_factory):
    """Two published nights; the reference files were edited between them."""
    folder = tmp_path_factory.mktemp("read_back")
    settings = settings_in(folder)
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        settings = replace(settings, warehouse=server.make_database())
    edited = folder / "sql"
    shutil.copytree(files.SQL_FOLDER, edited)
    world = second_world()
    world.declarations = declarations()
    with open_warehouse(settings.warehouse) as warehouse, pytest.MonkeyPatch.context() as patch:
        put_record(warehouse, world)
        compute_marts(warehouse, MAY)
        publish_marts(warehouse, MAY)
        for module in (compute, files):
            patch.setattr(module, "SQL_FOLDER", edited)
        for name, old, new in EDITED:
            path = edited / "reference" / f"{name}.csv"
            text = path.read_text("utf-8")
            assert old in text, name
            path.write_text(text.replace(old, new), "utf-8")
        compute_marts(warehouse, SEPTEMBER)
        publish_marts(warehouse, SEPTEMBER)
        warehouse.publish_copy(settings.published)
    return settings


def line_of(settings, indicator, night, unit="CITY"):
    return next(
        line
        for line in read_scorecard(settings, night)
        if (line.indicator_code, line.unit_code) == (indicator, unit)
    )


def table_of(settings, night):
    text = io.StringIO()
    print_scorecard(settings, "vi", night, "table", text)
    return text.getvalue()


def test_a_declared_figure_has_the_document_known_that_night(settings):
    then, now = (line_of(settings, TASKS, night) for night in (MAY, SEPTEMBER))
    assert (then.numerator, then.document_number) == (10, "5/BC")
    assert (now.numerator, now.document_number) == (12, "21/BC")


def test_a_line_has_the_target_and_the_title_of_its_night(settings):
    then, now = (line_of(settings, "on_time_rate", night) for night in (MAY, SEPTEMBER))
    assert (then.target, then.title_vi) == (98, "Hồ sơ tiếp nhận trong năm giải quyết đúng hạn")
    assert (now.target, now.title_vi) == (99, "Hồ sơ đúng hạn (tên mới)")
    assert line_of(settings, TASKS, MAY).target_source_clause == "QĐ 3818 I.2.b"
    assert line_of(settings, TASKS, SEPTEMBER).target_source_clause == "QĐ 4000 I.1"


def test_labels_are_those_of_the_night(settings):
    assert "Đến hạn trong kỳ" in table_of(settings, MAY)
    assert "Tên phương pháp mới" in table_of(settings, SEPTEMBER)


def test_an_explanation_has_the_title_of_its_night(settings):
    titles = []
    for night in (MAY, SEPTEMBER):
        found = explain(settings, "on_time_rate", DISTRICT, *QUARTER, as_of=night)
        text = io.StringIO()
        print_explanation(settings, found, file=text)
        titles.append(next(line for line in text.getvalue().splitlines() if line.strip()))
    assert "giải quyết đúng hạn" in titles[0]
    assert "tên mới" in titles[1]


def test_blocks_of_the_form_are_named_as_that_night(settings):
    for night, title in ((MAY, "Sở, ban, ngành"), (SEPTEMBER, "Sở và tương đương")):
        form = read_form_06a(settings, "CITY", *QUARTER, night)
        assert title in [block.title for block in form.blocks]


def test_working_days_are_those_of_the_calendar_of_the_night(settings):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        then = replaced_since(warehouse, MAY)["core.calendar"].to_pylist()
        now = warehouse.rows("select * from core.calendar order by calendar_date")
    assert len(then) == len(now)
    moved = dt.date(2022, 4, 11), dt.date(2022, 4, 12)
    assert [row["is_workday"] for row in then if row["calendar_date"] in moved] == [False, True]
    assert [row["is_workday"] for row in now if row["calendar_date"] in moved] == [True, False]


def test_tables_that_were_not_edited_are_not_kept_again(settings):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        assert replaced_since(warehouse, MAY).keys() == {
            "core.calendar",
            *(f"ref.{name}" for name, _, _ in EDITED),
        }
        assert replaced_since(warehouse, SEPTEMBER) == {}


def test_a_night_before_rows_were_kept_has_those_kept_first(settings):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        before, first = (replaced_since(warehouse, night) for night in (MID_JANUARY, MAY))
    assert before == first


def test_a_report_on_an_earlier_night_has_its_title_and_documents(settings):
    issued = issue_report(settings, "q1", MAY)
    assert issued.title_vi == "Báo cáo Quý I năm 2022"
    indicators = (settings.published.parent / issued.folder / "indicators.csv").read_text(
        CSV_ENCODING
    )
    assert "5/BC" in indicators
    assert "21/BC" not in indicators
    assert issue_report(settings, "q1", SEPTEMBER).title_vi == "Báo cáo quý đầu năm"
