"""Every column that readers see has a description in both languages."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter

import pytest

from onestop.federation.national_warehouse import migrate_national
from onestop.figures.code_texts import code_names
from onestop.gate.unpublished import NIGHT_STATES
from onestop.marts.compute import compute_marts
from onestop.marts.descriptions import (
    column_text,
    column_texts,
    describe_tables,
    label_kind,
    table_keys,
    table_texts,
)
from onestop.marts.dictionary import code_lists, described_tables
from onestop.marts.files import SQL_FOLDER
from onestop.marts.publish import refresh_reference
from onestop.schema.feeds import FEEDS
from onestop.schema.quick_yaml import safe_load
from onestop.schema.reference import reference_files
from onestop.warehouse import open_warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    """With the marts of a night without any file, and the tables of a nation."""
    path = tmp_path_factory.mktemp("w") / "w.duckdb"
    with open_warehouse(f"duckdb:///{path}") as warehouse:
        refresh_reference(warehouse)
        compute_marts(warehouse, dt.date(2022, 6, 30))
        migrate_national(warehouse)
        yield warehouse


@pytest.fixture(scope="module")
def columns(warehouse):
    return {
        f"{schema}.{table}.{column}"
        for schema in ("mart", "mart_staged", "audit", "core", "national")
        for table in warehouse.tables(schema)
        if table not in ("night", "schema_version")
        for column in warehouse.columns(schema, table)
    }


def test_every_column_is_described(columns):
    assert {name for name in columns if not column_text(*name.split(".")[1:])} == set()
    assert len(columns) > 200


@pytest.mark.parametrize(
    ("table", "column", "text"),
    [
        (
            "dossier",
            "status",
            "Status of the dossier in its source; how a closed one ended: closing_class",
        ),
        ("dossier_version", "status", "Status"),
        ("scorecard", "status", "Verdict: met, not_met, no_data, no_target"),
        ("visit_history", "issued_at", "Ticket issued"),
        ("report", "issued_at", "When it was issued"),
        ("procedure_version", "service_level", "Service level provided, 1–4"),
        ("catalogue", "service_level", "Service level provided, 1 to 4"),
        ("dossier_version", "service_level", "Service level at receipt"),
        ("form_06a", "received_total", "Form II.06a column (3)"),
        (
            "online_share",
            "received_total",
            "Dossiers received in the period, without those carried over",
        ),
        ("waiting_time", "wait_seconds", "Seconds waited by those called"),
        (
            "visit",
            "wait_seconds",
            (
                "Seconds waited: the sum over the tickets of the visit, each from issue to first"
                " call; null where it was not called"
            ),
        ),
    ],
)
def test_a_column_with_two_meanings_has_that_of_its_table(table, column, text):
    assert column_text(table, column).endswith(f" — {text}")


def test_the_state_of_a_night_names_each_of_its_codes():
    named = column_text("night_run", "state").rpartition(": ")[2]
    assert set(named.split(", ")) == NIGHT_STATES.keys()


def test_each_kind_of_sign_is_named_and_explained():
    text = column_text("changed_after_overdue", "change_kind")
    for side in text.split(" — "):
        explained = dict(part.split(": ") for part in side.partition(". ")[2].split("; "))
        assert explained.keys() == code_names("change_kind", "en").keys()


def test_meanings_of_one_table_name_columns_that_exist(columns):
    own = {name for name in column_texts() if "." in name}
    assert own <= {name.partition(".")[2] for name in columns}


def test_every_description_is_bilingual():
    for name, text in column_texts().items():
        vietnamese, _, english = text.partition(" — ")
        assert vietnamese, name
        assert english, name


@pytest.mark.parametrize("name", ["columns.yaml", "tables.yaml"])
def test_no_description_ends_at_a_comma(name):
    """An unquoted comma ends a value of ``{vi: …, en: …}``; the rest is a key without value."""
    described = safe_load((SQL_FOLDER / name).read_text(encoding="utf-8"))
    groups = [described["columns"]] if name == "columns.yaml" else described.values()
    texts = [(one, text) for group in groups for one, text in group.items()]
    assert {one: text.keys() for one, text in texts if text.keys() - {"vi", "en", "key"}} == {}
    assert len(texts) > 50


def test_each_column_is_described_once():
    text = (SQL_FOLDER / "columns.yaml").read_text(encoding="utf-8")
    names = re.findall(r"^  ([\w.]+):", text.partition("\nlabels:")[0], re.MULTILINE)
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert len(names) > 300


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("wait_seconds_from_opening", "seconds"),
        ("workdays_taken", "working days"),
        ("days_late", "days"),
        ("size_bytes", "bytes"),
        ("visits_within_30_minutes", None),
    ],
)
def test_a_quantity_has_the_unit_that_its_name_says_and_a_count_has_none(tmp_path, name, unit):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as warehouse:
        warehouse.make_table("mart.visit", f"select cast(1 as bigint) as {name}")
        [column] = [
            column
            for table in described_tables(warehouse)
            if table.full_name == "mart.visit"
            for column in table.columns
        ]
    assert (column.unit and column.unit["en"]) == unit


def test_a_measured_column_has_the_unit_that_is_stated_and_so_has_its_comment(tmp_path):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as warehouse:
        warehouse.make_table("mart.scorecard", "select 1.5 as target, 2 as coverage, 3 as position")
        warehouse.make_table("mart.on_time_detail", "select 1 as numerator")
        describe_tables(warehouse)
        units = {
            (table.name, column.name): column.unit and column.unit["en"]
            for table in described_tables(warehouse)
            if table.full_name in {"mart.scorecard", "mart.on_time_detail"}
            for column in table.columns
        }
        comments = warehouse.rows(
            "select column_name as name, comment from duckdb_columns() where schema_name = 'mart'"
            " and table_name in ('scorecard', 'on_time_detail') and comment is not null"
        )
    assert units == {
        ("scorecard", "target"): "%, 0 to 100; of waits seconds; of rankings the place",
        ("scorecard", "coverage"): "%, 0 to 100",
        ("scorecard", "position"): None,
        ("on_time_detail", "numerator"): None,
    }
    measured = {row["name"] for row in comments if row["comment"].endswith("]")}
    assert measured == {"target", "coverage"}


def test_every_decimal_column_has_a_unit_and_no_text_has_one(warehouse):
    described = [
        (f"{table.full_name}.{column.name}", column)
        for table in described_tables(warehouse)
        for column in table.columns
    ]
    decimals = {name for name, column in described if column.type.startswith("decimal")}
    assert {name for name, column in described if name in decimals and not column.unit} == set()
    stated = safe_load((SQL_FOLDER / "columns.yaml").read_text(encoding="utf-8"))["units"]
    numbers = {name.partition(".")[2] for name, column in described if column.type != "varchar"}
    texts = {name.partition(".")[2] for name, column in described if column.type == "varchar"}
    numbers |= {name.partition(".")[2] for name in numbers}
    texts |= {name.partition(".")[2] for name in texts}
    assert {name for name, unit in stated.items() if unit} <= numbers
    assert {name for name, unit in stated.items() if unit} & texts == {"value"}
    assert stated["snapshot_scope.value"] is None


def test_every_coded_column_of_a_feed_has_names_for_its_codes():
    for feed in FEEDS.values():
        for column in feed.columns:
            if column.codes:
                kind = label_kind(f"{feed.entity}_history", column.name)
                named = {code.code for code in code_lists()[kind]}
                assert named >= set(column.codes), (feed.name, column.name)


def test_every_comparison_of_a_target_has_a_name():
    [codes] = [reference_files()["target"].columns["comparison"].codes]
    assert {code.code for code in code_lists()["comparison"]} == set(codes)


def test_exactly_the_tables_that_readers_see_are_described(columns):
    schemas = {"mart_staged": "mart"}
    tables = {tuple(column.split(".")[:2]) for column in columns}
    found = {(schemas.get(schema, schema), table) for schema, table in tables}
    described = {name for name in table_texts() if name[0] != "ref"}
    assert described == found - {("mart", "checked")}


def test_every_description_of_a_table_is_bilingual():
    for name, text in table_texts().items():
        vietnamese, _, english = text.partition(" — ")
        assert vietnamese, name
        assert english, name


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_tables_and_views_carry_their_descriptions(request, tmp_path, engine):
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    asked = (
        "select schema_name || '.' || table_name as name, comment from duckdb_tables() union all"
        " select schema_name || '.' || view_name, comment from duckdb_views() where not internal"
    )
    if engine == "postgres":
        url = request.getfixturevalue("postgres").make_database()
        asked = (
            "select n.nspname || '.' || c.relname as name, obj_description(c.oid) as comment"
            " from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid"
            " where c.relkind in ('r', 'v')"
        )
    with open_warehouse(url) as warehouse:
        refresh_reference(warehouse)
        warehouse.make_table("mart.unit", "select 1 as unit_code")
        warehouse.make_view("mart.on_time_detail", "select 1 as unit_code")
        describe_tables(warehouse)
        with warehouse.as_owner():
            describe_tables(warehouse)
        found = {row["name"]: row["comment"] for row in warehouse.rows(asked)}
    texts = table_texts()
    for schema, table in (
        ("mart", "unit"),
        ("mart", "on_time_detail"),
        ("core", "dossier_history"),
        ("audit", "delivery"),
        ("ref", "plan"),
    ):
        key = ", ".join(table_keys()[schema, table])
        assert found[f"{schema}.{table}"] == f"{texts[schema, table]} [{key}]"
