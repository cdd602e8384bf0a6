"""Issued files and pages do not depend on the order in which an engine returns rows."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random

import duckdb
import pytest
from published_marts import settings_in
from random_worlds import build_world, put_world

from onestop.figures.explain import explain
from onestop.figures.explain.output import print_explanation
from onestop.figures.form_06a import read_form_06a
from onestop.figures.form_06a.sheet import form_06a_bytes
from onestop.figures.issued import read_issued_reports
from onestop.figures.issued.content import issue_files, read_facts
from onestop.figures.scorecard import print_scorecard
from onestop.figures.scorecard.page import frozen_scorecard
from onestop.figures.scorecard.values import read_lines, read_methods
from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts, refresh_reference
from onestop.marts.published import open_published
from onestop.warehouse import open_warehouse

NIGHT, LATER = dt.date(2022, 6, 30), dt.date(2022, 7, 31)
UNIT = "H24.31"
REPORT = "half_year"
QUARTER = (dt.date(2022, 4, 1), dt.date(2022, 6, 30))
OTHER_SPAN = (dt.date(2022, 4, 10), dt.date(2022, 6, 20))


def with_rows_shuffled(path, turn):
    """Rewrite every table of a file with its rows in random order."""
    with duckdb.connect(str(path)) as file:
        tables = file.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where not temporary"
            " order by 1"
        ).fetchall()
        for (table,) in tables:
            file.execute(f"create or replace temp table kept as select * from {table}")
            file.execute(f"delete from {table}")
            file.execute(
                f"insert into {table} by name select * from kept"
                f" order by hash(kept::varchar || '{turn}')"
            )


DELIVERY = (
    "insert into audit.delivery (delivery_id, attempt, state, source, feed, night, kind,"
    " file_name, known_from, rows_read, rows_accepted, rows_rejected, rows_repeated,"
    " rows_blank, warnings, settled_at) values (:delivery, 1, 'loaded', 'one_stop', 'dossiers',"
    " date '2022-06-30', 'delta', :delivery, date '2022-06-30', 0, 0, 0, 0, 0, 0, now())"
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Two published nights of dossiers of every level, some of unregistered units."""
    found = settings_in(tmp_path_factory.mktemp("order"))
    with open_warehouse(found.warehouse) as warehouse:
        refresh_reference(warehouse)
        put_world(warehouse, build_world(random.Random(1).choice, dossiers=200))
        for number in range(9):
            warehouse.execute(DELIVERY, {"delivery": f"one_stop.dossiers.2022063{number}"})
        for night in (NIGHT, LATER):
            compute_marts(warehouse, night)
            publish_marts(warehouse, night)
        warehouse.publish_copy(found.published)
    return found


def everything_issued(settings):
    """Bytes of each file and page, by its name."""
    made = {
        f"form {unit} {first}": form_06a_bytes(read_form_06a(settings, unit, first, last))
        for unit in ("CITY", "DISTRICT", UNIT)
        for first, last in (QUARTER, OTHER_SPAN)
    }
    with open_published(settings) as warehouse:
        facts = read_facts(warehouse, REPORT, LATER)
    made |= {f"report {name}": content for name, content in issue_files(settings, facts).items()}
    for night in (NIGHT, LATER):
        for form in ("json", "csv", "table"):
            text = io.StringIO()
            print_scorecard(settings, "vi", night, form, text)
            made[f"scorecard {night} {form}"] = text.getvalue()
        with open_published(settings) as warehouse:
            lines = read_lines(warehouse, night)
            made[f"methods {night}"] = str(read_methods(warehouse, night, lines))
        made[f"page {night}"] = frozen_scorecard(lines, "x")
    for indicator in ("on_time_rate", "online_share_level3", "result_digitisation_rate"):
        text = io.StringIO()
        found = explain(settings, indicator, "CITY", *OTHER_SPAN)
        print_explanation(settings, found, format="csv", file=text)
        made[f"explain {indicator}"] = text.getvalue()
    made["issued"] = str(read_issued_reports(settings))
    return made


def test_every_file_and_page_is_the_same_in_any_order_of_stored_rows(settings):
    before = everything_issued(settings)
    assert len(list(csv.reader(io.StringIO(before["explain on_time_rate"])))) > 10
    assert before[f"methods {LATER}"].count("MethodFigure") > 5
    for turn in range(2):
        with_rows_shuffled(settings.published, turn)
        after = everything_issued(settings)
        assert [name for name in before if before[name] != after[name]] == []
