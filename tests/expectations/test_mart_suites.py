"""Rules on four marts with written-out rows: consistent rows pass, one changed cell is found."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import replace
from typing import Any

import duckdb
import psycopg
import pytest

from onestop.gate import BrokenRuleError, check_marts, load_suite, run_suite
from onestop.gate.suite import MART_SUITES
from onestop.schema.reference import reference_tables

AS_OF = dt.date(2022, 6, 30)
PERIOD = {
    "period_type": "quarter",
    "period_basis": "calendar",
    "period_start": "2022-04-01",
    "period_end": "2022-06-30",
    "as_of_date": "2022-06-30",
}
FORM: dict[str, Any] = {
    "unit_code": "H24.14",
    "unit_level": "department",
    "unit_scope": "unit",
    "field_code": "ALL",
    **PERIOD,
    "received_total": 12,
    "received_online": 3,
    "received_counter_post": 8,
    "carried_over": 1,
    "resolved_total": 8,
    "resolved_early": 1,
    "resolved_on_time": 5,
    "resolved_late": 2,
    "open_total": 4,
    "open_in_time": 2,
    "open_overdue": 2,
    "returned_early": 0,
    "returned_on_time": 1,
    "returned_late": 0,
}
VALUE: dict[str, Any] = {
    "plan_code": "3818/QĐ-UBND",
    "indicator_code": "on_time_rate",
    "method_code": "form_06",
    "unit_code": "H24.14",
    "unit_level": "department",
    "unit_scope": "unit",
    **PERIOD,
    "numerator": 6,
    "denominator": 8,
    "value": 75.0,
    "target": 98,
    "comparison": ">=",
    "status": "not_met",
    "firmness": "depends",
    "turned_by": "form_06 due",
    "rate_lower": 40.92,
    "rate_upper": 92.86,
    "is_small": True,
    "coverage": None,
}
DOSSIER: dict[str, Any] = {
    "dossier_code": "H24.14-220601-0001",
    "as_of_date": "2022-06-30",
    "unit_code": "H24.14",
    "received_date": "2022-06-01",
    "due_date": "2022-06-10",
    "resolved_date": "2022-06-09",
    "status": "resolved",
    "closing_class": "resolved",
    "timeliness": "early",
}
DISAGREEMENT: dict[str, Any] = {
    "dossier_code": "H24.14-220601-0001",
    "as_of_date": "2022-06-30",
    "unit_code": "H24.14",
    "unit_level": "department",
    "due_date": "2022-06-10",
    "timeliness": "late",
    "source_timeliness": "in_time",
    "disagreement": "late_here",
}


CHANGE: dict[str, Any] = {
    "as_of_date": "2022-06-30",
    "previous_night": "2022-06-29",
    "indicator_code": "on_time_rate",
    "method_code": "cohort",
    "unit_code": "H24.14",
    "unit_level": "department",
    "unit_scope": "unit",
    "period_type": "year_to_date",
    "period_basis": "calendar",
    "period_start": "2022-01-01",
    "cause_code": "closed_in_time",
    "item_count": 2,
    "numerator_change": 2,
    "denominator_change": 2,
    "numerator_before": 6,
    "denominator_before": 8,
    "numerator_after": 8,
    "denominator_after": 11,
}


def upwards(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The row of a unit, and the same row for its level and the city."""
    return [
        row,
        {**row, "unit_code": "DEPARTMENT", "unit_scope": "level"},
        {**row, "unit_code": "CITY", "unit_level": "city", "unit_scope": "city"},
    ]


def by_field(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [row, {**row, "field_code": "LV-01"}]


def form(**changes: Any) -> list[dict[str, Any]]:
    """A consistent form except for one cell of the unit's row."""
    rows = [field for row in upwards(FORM) for field in by_field(row)]
    return [{**rows[0], **changes}, *rows[1:]]


def everywhere(rows: list[dict[str, Any]], **changes: Any) -> list[dict[str, Any]]:
    return [{**row, **changes} for row in rows]


def values(**changes: Any) -> list[dict[str, Any]]:
    return upwards({**VALUE, **changes})


def dossier(**changes: Any) -> list[dict[str, Any]]:
    return [{**DOSSIER, **changes}]


def disagreement(**changes: Any) -> list[dict[str, Any]]:
    return [{**DISAGREEMENT, **changes}]


def changes(**changed: Any) -> list[dict[str, Any]]:
    """Two closed in time and one overdue: 6/8 becomes 8/11."""
    overdue = {
        "cause_code": "fell_overdue",
        "item_count": 1,
        "numerator_change": 0,
        "denominator_change": 1,
    }
    return [{**CHANGE, **changed}, {**CHANGE, **overdue}]


RULE = {"cause_code": "rule_changed", "item_count": None, "denominator_change": 3}
UNREAD = {"firmness": None, "turned_by": None}
UNRANKED = {"rate_lower": None, "rate_upper": None, "is_small": None}
EMPTY = {"numerator": 0, "denominator": 0, "value": None, "status": "no_data", **UNREAD, **UNRANKED}
OPEN = {"status": "processing", "closing_class": None, "resolved_date": None}
WITHDRAWN = {"status": "withdrawn", "closing_class": "withdrawn"}
NEXT = {"period_start": "2022-07-01", "period_end": "2022-09-30"}
GOOD: dict[str, list[dict[str, Any]]] = {
    "night_change": [
        *changes(),
        {**CHANGE, **RULE, "unit_code": "H24.15"},
    ],
    "form_06a": form(),
    "indicator_value": [
        *values(),
        *values(**EMPTY, period_type="month"),
        *values(coverage=0, period_type="half_year"),
        *values(coverage=100, period_type="year"),
    ],
    "dossier": [
        *dossier(),
        *dossier(dossier_code="2", timeliness="open_overdue", **OPEN),
        *dossier(dossier_code="3", timeliness="open_in_time", **OPEN | {"due_date": "2022-06-30"}),
        *dossier(dossier_code="4", timeliness="no_due_date", due_date=None),
        *dossier(dossier_code="5", timeliness="not_counted", closing_class="withdrawn"),
        *dossier(dossier_code="6", closing_class="returned_unprocessed"),
        *dossier(dossier_code="7", timeliness="late", **WITHDRAWN, resolved_date="2022-06-13"),
        *dossier(dossier_code="8", timeliness="not_counted", **WITHDRAWN, due_date=None),
    ],
    "timeliness_disagreement": [
        *disagreement(),
        *disagreement(
            dossier_code="2",
            timeliness="open_in_time",
            source_timeliness="late",
            disagreement="late_at_source",
        ),
    ],
}
#: Rule → (suite, rows that break it).
BAD: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "NCH-F01": ("night_change", [*changes(), *changes()]),
    "NCH-F02": ("night_change", changes(unit_level=None)),
    "NCH-F03": ("night_change", changes(cause_code="other")),
    "NCH-F04": ("night_change", changes(numerator_change=1)),
    "NCH-F05": ("night_change", changes(item_count=None)),
    "NCH-F06": ("night_change", changes(previous_night="2022-06-30")),
    "F6A-F01": (
        "form_06a",
        everywhere(form(), received_total=13, resolved_total=9, resolved_late=3),
    ),
    "F6A-F02": ("form_06a", everywhere(form(), open_total=5, open_overdue=3)),
    "F6A-F03": ("form_06a", everywhere(form(), resolved_late=3)),
    "F6A-F04": ("form_06a", everywhere(form(), open_overdue=3)),
    "F6A-F05": (
        "form_06a",
        everywhere(form(), resolved_early=-1, resolved_on_time=7),
    ),
    "F6A-F06": ("form_06a", everywhere(form(), as_of_date=None)),
    "F6A-F07": ("form_06a", [*form(), *form()]),
    "F6A-F08": ("form_06a", form(received_online=4, received_counter_post=7)),
    "F6A-F09": (
        "form_06a",
        [
            row if row["unit_scope"] != "city" else {**row, "open_in_time": 1, "open_overdue": 3}
            for row in form()
        ],
    ),
    "F6A-F10": (
        "form_06a",
        [
            row if row["field_code"] == "ALL" else {**row, "open_in_time": 1, "open_overdue": 3}
            for row in form()
        ],
    ),
    "F6A-F11": ("form_06a", form(as_of_date="2022-06-29")),
    "F6A-F12": ("form_06a", everywhere(form(), returned_late=8)),
    "F6A-W01": ("form_06a", [*form(), *everywhere(form(), **NEXT)]),
    "IND-F01": ("indicator_value", values(numerator=9, value=112.5)),
    "IND-F02": ("indicator_value", values(numerator=9, value=112.5)),
    "IND-F03": ("indicator_value", values(numerator=-1, value=-12.5)),
    "IND-F04": (
        "indicator_value",
        values(numerator=0, denominator=0, value=100, status="met"),
    ),
    "IND-F05": ("indicator_value", values(value=None)),
    "IND-F06": ("indicator_value", values(value=76)),
    "IND-F07": ("indicator_value", values(status="perhaps")),
    "IND-F08": ("indicator_value", values(as_of_date=None)),
    "IND-F09": ("indicator_value", [*values(), *values()]),
    "IND-F10": ("indicator_value", [{**VALUE, "numerator": 5, "value": 62.5}, *values()[1:]]),
    "IND-F11": (
        "indicator_value",
        [*values()[:2], {**values()[2], "numerator": 5, "value": 62.5}],
    ),
    "IND-F12": ("indicator_value", values(status="met")),
    "IND-F13": (
        "indicator_value",
        [*values()[:2], {**values()[2], "as_of_date": "2022-06-29"}],
    ),
    "IND-F14": ("indicator_value", values(turned_by=None)),
    "IND-F15": ("indicator_value", values(rate_upper=74.9)),
    "IND-F16": ("indicator_value", values(coverage=100.01)),
    "MDS-F01": ("dossier", dossier() + dossier()),
    "MDS-F02": ("dossier", dossier(dossier_code=None)),
    "MDS-F03": ("dossier", dossier(unit_code=None)),
    "MDS-F04": ("dossier", dossier(timeliness=None)),
    "MDS-F05": ("dossier", dossier(timeliness="soon")),
    "MDS-F06": ("dossier", dossier(timeliness="late")),
    "MDS-F07": ("dossier", dossier(timeliness="open_in_time", **OPEN)),
    "MDS-F08": ("dossier", dossier(timeliness="no_due_date")),
    "MDS-F09": ("dossier", dossier(closing_class="withdrawn")),
    "MDS-F10": ("dossier", dossier(status="processing")),
    "MDS-F11": ("dossier", dossier(received_date="2022-07-01")),
    "MDS-F12": (
        "dossier",
        dossier() + dossier(dossier_code="2", as_of_date="2022-06-29"),
    ),
}
BAD |= {
    code: ("timeliness_disagreement", rows)
    for code, rows in {
        "TDI-F01": disagreement() + disagreement(),
        "TDI-F02": disagreement(unit_level=None),
        "TDI-F03": disagreement() + disagreement(dossier_code="2", as_of_date="2022-06-29"),
        "TDI-F04": disagreement(disagreement="late_at_source"),
    }.items()
}
TYPES = {
    **dict.fromkeys(("value", "target", "coverage", "rate_lower", "rate_upper"), "decimal(18, 4)"),
    "is_small": "boolean",
}
COUNTS = {
    *(name for name, value in CHANGE.items() if isinstance(value, int)),
    *(name for name, value in FORM.items() if isinstance(value, int)),
    "numerator",
    "denominator",
}


def put(connection: duckdb.DuckDBPyConnection, suite: str, rows: list[dict[str, Any]]) -> str:
    table = f"mart_staged.{suite}"
    connection.execute("create schema if not exists mart_staged")
    columns = ", ".join(f"{name} {type_of(name)}" for name in rows[0])
    connection.execute(f"create or replace table {table} ({columns})")
    connection.executemany(
        f"insert into {table} ({', '.join(rows[0])}) values ({', '.join('?' * len(rows[0]))})",
        [list(row.values()) for row in rows],
    )
    return table


def type_of(name: str) -> str:
    if name.endswith(("_date", "_start", "_end", "_night")):
        return "date"
    return TYPES.get(name, "bigint" if name in COUNTS else "varchar")


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        put_reference(opened)
        yield opened


def put_reference(connection: duckdb.DuckDBPyConnection) -> None:
    """The reference rows that readers see, and those staged with the marts."""
    for schema in ("ref", "ref_staged"):
        connection.execute(f"create schema {schema}")
        for name, rows in reference_tables().items():
            connection.register("rows_of_reference", rows)
            connection.execute(f"create table {schema}.{name} as from rows_of_reference")


@pytest.fixture(scope="module")
def written_suites(tmp_path_factory):
    """The suites of the marts whose rows are written out here."""
    folder = tmp_path_factory.mktemp("suites")
    for suite in GOOD:
        shutil.copy(MART_SUITES / f"{suite}.json", folder)
    return folder


def test_marts_that_agree_break_no_rule(connection, written_suites):
    for suite, rows in GOOD.items():
        put(connection, suite, rows)
    verdict = check_marts(connection, AS_OF, expectations=written_suites)
    assert verdict.failed == ()
    assert verdict.is_publishable


@pytest.mark.parametrize("code", sorted(BAD))
def test_each_mart_rule_finds_the_rows_that_break_it(connection, code):
    name, rows = BAD[code]
    suite = load_suite(name, MART_SUITES)
    only = replace(suite, rules=tuple(rule for rule in suite.rules if rule.code == code))
    [found] = run_suite(connection, put(connection, name, rows), only)
    assert not found.success
    assert found.rows_failed > 0
    assert found.examples


@pytest.mark.parametrize(
    ("changed", "is_found"),
    [
        (UNRANKED, True),
        ({"method_code": "declared"}, True),
        ({"method_code": "declared", **UNRANKED}, False),
        ({"indicator_code": "counter_waiting_time", **UNRANKED}, True),
        ({"indicator_code": "counter_waiting_time", **UNRANKED, "is_small": True}, False),
        ({"is_small": None}, True),
    ],
)
def test_each_counted_rate_has_an_interval_and_each_counted_figure_says_whether_it_is_small(
    connection, changed, is_found
):
    suite = load_suite("indicator_value", MART_SUITES)
    only = replace(suite, rules=tuple(rule for rule in suite.rules if rule.code == "IND-F15"))
    [found] = run_suite(connection, put(connection, "indicator_value", values(**changed)), only)
    assert found.success is not is_found


def test_every_mart_rule_has_rows_that_break_it():
    assert {
        rule.code for suite in GOOD for rule in load_suite(suite, MART_SUITES).rules
    } == BAD.keys()


def test_a_broken_identity_keeps_the_night_from_being_published(
    connection, tmp_path, written_suites
):
    for suite, rows in {**GOOD, "form_06a": form(received_total=13)}.items():
        put(connection, suite, rows)
    verdict = check_marts(connection, AS_OF, results=tmp_path, expectations=written_suites)
    assert not verdict.is_publishable
    assert [item.rule_code for item in verdict.critical] == ["F6A-F01", "F6A-F02"]
    assert [path.name for path in (tmp_path / "2022-06-30").iterdir()] == ["marts.1.json"]


def test_a_missing_mart_is_an_error_and_does_not_pass():
    with duckdb.connect() as connection:
        put_reference(connection)
        put(connection, "dossier", GOOD["dossier"])
        with pytest.raises(BrokenRuleError):
            check_marts(connection, AS_OF)


def test_marts_in_a_warehouse_file_are_checked_by_its_address(tmp_path, written_suites):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(path) as warehouse:
        put_reference(warehouse)
        for suite, rows in GOOD.items():
            put(warehouse, suite, rows)
    before = path.read_bytes()
    assert check_marts(f"duckdb:///{path}", AS_OF, expectations=written_suites).is_publishable
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["warehouse.duckdb"]


def test_rules_on_whole_marts_avoid_nested_loops_on_postgresql(postgres, tmp_path):
    # The planner expects one row of a view that joins by three columns that depend on each other; a
    # unique key of 23,000 rows was then compared with each of them, for an hour.
    query = "select n from {batch} where current_setting('enable_nestloop') = 'on'"
    rules = [
        {
            "type": "unexpected_rows_expectation",
            "kwargs": {"unexpected_rows_query": query},
            "severity": "critical",
            "meta": {
                "rule_code": code,
                "severity": "critical",
                "scope": "row",
                "message_vi": "Vòng lặp lồng nhau",
                "message_en": "Nested loops are allowed",
                "clause": "TT 01/2020/TT-VPCP",
                "columns": ["n"],
                "reads": reads,
            },
        }
        for code, reads in (("TAL-F01", "whole"), ("TAL-F02", "rows"))
    ]
    suite = {"name": "tally", "expectations": rules}
    (tmp_path / "tally.json").write_text(json.dumps(suite), encoding="utf-8")
    url = postgres.make_database()
    with psycopg.connect(url) as connection:
        connection.execute("create schema mart_staged")
        for table in ("tally", "tally_new"):
            connection.execute(f"create table mart_staged.{table} as select 1 as n")
    verdict = check_marts(url, AS_OF, expectations=tmp_path)
    assert [item.rule_code for item in verdict.critical] == ["TAL-F02"]
