"""What is written for Spark gives there what the SELECTs give on the other engines.

One file, so that one process starts Spark; tests/spark/test_equal_everywhere.py has all marts.
"""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import duckdb
import pytest
from random_worlds import build_world
from recorded_world import put_record
from spark_here import derive_histories, differing_marts, needs_spark

from onestop.marts.compute import compute_marts
from onestop.marts.files import dated, mart_files
from onestop.marts.publish import refresh_reference
from onestop.record.history import history_select
from onestop.schema.feeds import FEEDS
from onestop.schema.project import PROJECT_ROOT
from onestop.spark.dialect import DIFFERENCES, for_spark
from onestop.spark.session import FEW, planned_for
from onestop.warehouse import open_warehouse
from onestop.warehouse.sql_text import with_expressions

pytestmark = needs_spark

#: Two waits of 10.5 and 11.5 s in the middle, nulls, and times before 1970 with parts of seconds.
ROWS = """(
    select 1 as id, 10 as wait, 'b' as word, cast(null as varchar) as other, 'a' as kind,
        cast('1969-12-31 23:59:58.500001+07:00' as timestamp with time zone) as moment,
        date '2022-12-01' as day, '{"name": "x"}' as json_text
    union all select 2, 11, 'a', 'z', 'a', cast('2022-07-01 07:30:59.999999+07:00'
        as timestamp with time zone), date '2022-12-31', '{"other": 1}'
    union all select 3, 11, 'c', 'y', 'b', cast('2022-07-01 00:00:00+07:00'
        as timestamp with time zone), date '2023-01-01', null
    union all select 4, 12, null, 'x', 'b', null, null, null
) as r"""
QUERIES = {
    "cast(x as double precision)": "cast(wait as double precision) / 3",
    "cast(x as varchar)": "cast(id as varchar) || word",
    "order by x": "row_number() over (order by word, id)",
    "extract(epoch from t)": "cast(floor(extract(epoch from moment)) as bigint)",
    "cast(percentile_cont(p) within group (order by x) as bigint)": (
        "cast(percentile_cont(0.5) within group (order by wait) as bigint)"
    ),
    "string_agg(x, ' ' order by y)": "string_agg(other, '; ' order by id desc)",
    "concat(x, y)": "concat(word, ' ', other)",
    "date '2022-12-31' - x": "cast(date '2022-12-31' - day as bigint) + 1",
    "lead(x) over w - y": "lead(id) over w - wait",
    "position(x in y)": "position('a' in word || 'a')",
    "cast(x as json) ->> 'name'": "cast(json_text as json) ->> 'name'",
}
AGGREGATES = {
    "string_agg(x, ' ' order by y)",
    "cast(percentile_cont(p) within group (order by x) as bigint)",
}


def statement(written: str) -> str:
    if written in AGGREGATES:
        return f"select kind, {QUERIES[written]} as y from {ROWS} group by kind"
    window = " window w as (order by id)" if " over w" in QUERIES[written] else ""
    return f"select id, {QUERIES[written]} as y from {ROWS}{window}"


@pytest.mark.parametrize("written", [one.written for one in DIFFERENCES])
def test_each_difference_gives_the_same_on_spark(spark, written):
    text = statement(written)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'Asia/Ho_Chi_Minh'")
        expected = connection.execute(text).fetchall()
    found = [tuple(row) for row in spark.sql(for_spark(text).select).collect()]
    assert sorted(found, key=str) == sorted(expected, key=str)


#: Where Spark takes the text as it is and gives something else: without an entry, a wrong figure.
SILENT = {
    "order by x": "row_number() over (order by word, id)",
    "cast(percentile_cont(p) within group (order by x) as bigint)": (
        "cast(percentile_cont(0.5) within group (order by wait) as bigint)"
    ),
    "concat(x, y)": "concat(word, ' ', other)",
}


@pytest.mark.parametrize("written", SILENT)
def test_spark_itself_gives_another_result_without_an_error(spark, written):
    """When this fails, Spark has changed, and the entry may be needless."""
    text = statement(written).replace("as varchar", "as string").replace("with time zone", "")
    with duckdb.connect() as connection:
        expected = connection.execute(statement(written)).fetchall()
    found = [tuple(row) for row in spark.sql(text).collect()]
    assert sorted(found, key=str) != sorted(expected, key=str)


def test_names_and_texts_are_quoted_as_on_the_engines(spark):
    text = """select "word" as a, 'a\\nb' as b from (select 'c' as word) as t"""
    with duckdb.connect() as connection:
        expected = connection.execute(text).fetchall()
    assert [tuple(row) for row in spark.sql(for_spark(text).select).collect()] == expected
    assert expected == [("c", "a\\nb")]


def test_a_decimal_is_rounded_as_on_the_engines(spark):
    text = (
        "select cast(cast(2.00005 as double precision) as decimal(18, 4)) as a,"
        " cast(1.25 as decimal(18, 1)) as b, cast(-1.25 as decimal(18, 1)) as c"
    )
    with duckdb.connect() as connection:
        expected = connection.execute(text).fetchall()
    assert [tuple(row) for row in spark.sql(for_spark(text).select).collect()] == expected
    assert expected[0][1:] == (Decimal("1.3"), Decimal("-1.3"))


@pytest.mark.parametrize(("rows", "generates_code"), [(FEW, "NO_CODEGEN"), (FEW + 1, None)])
def test_settings_for_few_rows_hold_during_the_computation(spark, rows, generates_code):
    name = "spark.sql.codegen.factoryMode"
    before = spark.conf.get(name)
    spark.conf.unset(name)
    try:
        unset = spark.conf.get(name)
        with planned_for(spark, rows):
            assert spark.conf.get(name) == (generates_code or unset)
        assert spark.conf.get(name) == unset
        assert unset != "NO_CODEGEN"
    finally:
        spark.conf.set(name, before)


def sql_files():
    """All SELECTs of sql/mart and the histories, with dates in the place of parameters."""
    night = dt.date(2022, 12, 31)
    for file in mart_files():
        yield file.name, dated(file.text, night)
    for feed in FEEDS.values():
        yield f"{feed.entity}_history", history_select(feed)
    others = {
        "as_of_date": "date '2022-12-31'",
        "previous_night": "date '2022-12-30'",
        "has_other_rules": "false",
        "remaining_cause": "'recounted'",
        "has_changes": "false",
    }
    for folder in ("night_change", "restatement", "indicator"):
        for path in sorted((PROJECT_ROOT / "sql" / "mart" / folder).glob("*.sql")):
            yield f"{folder}/{path.stem}", with_expressions(path.read_text("utf-8"), others)


def test_spark_parses_every_select(spark):
    parser = spark._jsparkSession.sessionState().sqlParser()
    refused = {}
    for name, text in sql_files():
        query = for_spark(text, "q")
        for select in (*(step.select for step in query.steps), query.select):
            try:
                parser.parsePlan(select)
            except Exception as error:  # noqa: BLE001 - each file is reported
                refused[name] = str(error).splitlines()[0]
    assert refused == {}


NIGHT = dt.date(2022, 9, 30)
#: With what they read: the histories, the catalogue, the states; recursion and windows.
SMALL_PART = {"counted_dossier", "counted_visit"}


@pytest.mark.usefixtures("spark")
def test_marts_of_dossiers_and_waits_are_equal_on_spark(tmp_path):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as warehouse:
        refresh_reference(warehouse)
        put_record(warehouse, build_world(random.Random(7).choice, dossiers=60, tickets=120))
        derive_histories(warehouse)
        compute_marts(warehouse, NIGHT)
        assert differing_marts(warehouse, NIGHT, SMALL_PART, tmp_path) == {}
        assert warehouse.value("select count(*) from mart_staged.counted_visit") > 50
    assert not list(tmp_path.glob("run-*"))
