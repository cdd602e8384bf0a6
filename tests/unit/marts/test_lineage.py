"""Lineage is complete, correct for known columns, and can be sent to OpenLineage."""

from __future__ import annotations

import json

import pytest
import sqlglot
from published_marts import settings_in
from sqlglot.lineage import lineage as lineage_of

from onestop.marts.files import mart_files
from onestop.marts.lineage import (
    UNKNOWN,
    Source,
    _sources,
    kept_lineage,
    mart_lineage,
    openlineage_datasets,
    origins,
    print_lineage,
)
from onestop.marts.published import QuestionError
from onestop.warehouse import open_warehouse

#: Columns of constants: they state the night or the kind of row and have no source.
#: The indicators' own SELECTs say which indicator they count.
STATED_IN = {("mart.indicator_event", "indicator_code"), ("mart.processing_time", "clock_code")}
STATED = {"as_of_date", "valid_from", "valid_to", "period_type", "period_basis", "method_code"}


def test_every_column_of_every_mart_comes_from_the_record_or_is_stated_by_its_sql():
    marts = mart_lineage()
    with open_warehouse("duckdb:///:memory:") as warehouse:
        kept = {f"mart.{table}" for table in warehouse.tables("mart")}
    assert {f"mart.{file.name}" for file in mart_files()} | kept == marts.keys()
    unexplained = []
    for mart in marts.values():
        for column in mart.columns:
            found = origins(Source(mart.name, column))
            strangers = [s for s in found if not s.table.startswith(("core.", "ref.", "audit."))]
            # a column that counts or measures dossiers cannot be a constant
            is_bare = column.endswith(("_total", "_code", "_name")) and column not in STATED
            is_bare = is_bare and (mart.name, column) not in STATED_IN
            if strangers or (not found and is_bare):
                unexplained.append((mart.name, column, strangers))
    assert unexplained == []


def test_columns_of_a_subquery_are_traced_and_unresolved_ones_are_listed_as_unknown():
    schema = {"core": {"x": {"k": "int"}, "y": {"k": "int", "held": "int"}}}
    text = """
        with a as (select k from core.x), b as (select held as other from core.y)
        select exists (select 1 from b as c where c.other = a.k) as z, a.k + nowhere.m as w from a
    """
    query = sqlglot.parse_one(text, read="postgres")
    nodes = lineage_of(None, query, schema=schema, dialect="postgres")
    assert _sources(nodes["z"], query, schema) == (Source("core.x", "k"), Source("core.y", "held"))
    assert Source(UNKNOWN, "nowhere.m") in _sources(nodes["w"], query, schema)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (
            Source("mart.form_06a", "received_total"),
            {"mart.period_tally.received_online", "mart.period_tally.received_counter_post",
             "mart.period_tally.carried_over"},
        ),
        (
            Source("mart.form_06a_history", "open_overdue"),
            {"mart.form_06a.open_overdue"},
        ),
        (Source("mart.digitisation", "desks_total"), {"rows of core.unit_history"}),
    ],
)  # fmt: skip
def test_one_step_back_gives_the_columns_that_the_sql_reads(column, expected):
    found = {str(source) for source in mart_lineage()[column.table].columns[column.column]}
    assert expected <= found


def test_an_overdue_figure_comes_from_deadlines_statuses_and_ends_of_dossiers():
    found = {str(origin) for origin in origins(Source("mart.form_06a", "open_overdue"))}
    assert {"core.dossier_history.due_date", "core.dossier_history.resolved_date"} <= found
    assert not [name for name in found if "visit" in name]


def test_a_column_is_followed_to_the_headers_of_the_source_systems(tmp_path, capsys):
    print_lineage(settings_in(tmp_path), "dossier.received_date", "table")
    shown = capsys.readouterr().out
    assert "core.dossier_history.received_date" in shown
    assert "sql/mart/dossier.sql" in shown
    assert "one_stop dossiers: NgayTiepNhan" in shown


def test_json_output_has_one_row_for_every_column(tmp_path, capsys):
    print_lineage(settings_in(tmp_path), None, "json")
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == sum(len(mart.columns) for mart in mart_lineage().values())
    assert {"table", "column", "sources", "origins", "sql_file"} == rows[0].keys()


@pytest.mark.parametrize("what", ["no_such", "form_06a.no_such"])
def test_the_lineage_of_an_unknown_table_or_column_is_an_error(tmp_path, what):
    with pytest.raises(QuestionError, match="no_such"):
        print_lineage(settings_in(tmp_path), what, "table")


def test_openlineage_gets_each_mart_with_its_columns_sources():
    inputs, outputs = openlineage_datasets("duckdb://warehouse", mart_lineage())
    assert {one.name.split(".")[0] for one in inputs} <= {"core", "ref", "audit"}
    (form,) = [one for one in outputs if one.name == "mart.form_06a"]
    fields = form.facets["columnLineage"].fields
    assert {(one.name, one.field) for one in fields["received_total"].inputFields} == {
        ("mart.period_tally", "received_online"),
        ("mart.period_tally", "received_counter_post"),
        ("mart.period_tally", "carried_over"),
    }
    described = [one for one in form.facets["schema"].fields if one.description]
    assert len(described) > len(fields) / 2


def test_cached_lineage_is_read_back_unchanged(tmp_path):
    assert kept_lineage(tmp_path) == mart_lineage()
    assert kept_lineage(tmp_path) == mart_lineage()
    (kept,) = tmp_path.iterdir()
    assert json.loads(kept.read_text())["mart.form_06a"]["reads"] == [
        "mart.period",
        "mart.period_tally",
    ]
