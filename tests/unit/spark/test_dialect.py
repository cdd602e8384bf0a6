"""The SELECTs as Spark reads them; tests/spark shows that Spark gives the same."""

from __future__ import annotations

import datetime as dt

import pytest

from onestop.marts.files import dated, mart_files
from onestop.record.history import history_select
from onestop.schema.feeds import FEEDS
from onestop.spark.dialect import DIFFERENCES, SparkTextError, for_spark

RENDERED = {
    "cast(x as double precision)": "CAST(x AS DOUBLE)",
    "cast(x as varchar)": "CAST(x AS STRING)",
    "order by x": "NULLS LAST",
    "extract(epoch from t)": "(CAST(UNIX_MICROS(t) AS DOUBLE) / 1000000)",
    "cast(percentile_cont(p) within group (order by x) as bigint)": "CAST(BROUND(PERCENTILE_CONT(",
    "string_agg(x, ' ' order by y)": "LISTAGG(x, ' ') WITHIN GROUP (ORDER BY y NULLS LAST)",
    "concat(x, y)": "CONCAT_WS('', x, y)",
    "date '2022-12-31' - x": "DATEDIFF(CAST('2022-12-31' AS DATE), x)",
    "lead(x) over w - y": "(LEAD(x) OVER w) - y",
    "position(x in y)": "LOCATE(x, y)",
    "cast(x as json) ->> 'name'": "GET_JSON_OBJECT(x, '$.name')",
}


def query(written: str) -> str:
    if written.startswith("order by"):
        return f"select x from t {written}"
    window = " window w as (order by x)" if " over w" in written else ""
    return f"select {written} as y from t{window}"


def test_every_difference_is_rendered_as_listed():
    found = {one.written: for_spark(query(one.written)).select for one in DIFFERENCES}
    assert found.keys() == RENDERED.keys()
    wrong = {name: text for name, text in found.items() if RENDERED[name] not in text}
    assert wrong == {}


@pytest.mark.parametrize(
    "written",
    [
        "cast(a / b as bigint)",
        "cast(cast(a as double precision) as integer)",
        "cast(sqrt(a) as bigint)",
    ],
)
def test_a_cast_that_may_round_in_an_unknown_form_is_refused(written):
    with pytest.raises(SparkTextError, match=r"may have to round.*floor\(\)"):
        for_spark(f"select {written} from t")


@pytest.mark.parametrize(
    "written", ["cast(floor(a / b) as bigint)", "cast(sum(a) as bigint)", "cast(a - b as integer)"]
)
def test_a_cast_of_a_whole_number_stays(written):
    assert "BROUND" not in for_spark(f"select {written} as x from t").select


@pytest.mark.parametrize("field", ["dow", "isodow", "week", "second"])
def test_a_field_with_other_values_on_spark_is_refused(field):
    with pytest.raises(SparkTextError, match="is not the same on all engines"):
        for_spark(f"select extract({field} from t) as x from t")


def test_whole_seconds_are_taken_as_they_are():
    found = for_spark("select floor(extract(second from t)) as x from t").select
    assert "FLOOR(EXTRACT(SECOND FROM t))" in found


def test_a_list_without_an_order_is_refused():
    with pytest.raises(SparkTextError, match="has no order"):
        for_spark("select string_agg(a, ' ') from t")


def test_everything_else_is_written_as_it_was_read():
    text = "select coalesce(a, 'b') as c, a % 2, a || 'x', a is distinct from b from t where a > 1"
    assert for_spark(text).select.lower() == text


def test_a_table_becomes_a_relation_with_its_own_name_as_alias():
    found = for_spark("select unit.x, other.y from mart.unit cross join ref.unit as other").select
    assert "FROM mart__unit AS unit CROSS JOIN ref__unit AS other" in found


STEPS = """
with base as (select a from core.t),
     twice as (select a from base where a > 1),
     once as (select b.a from twice as b inner join twice as c on b.a = c.a)
select * from once
"""


def test_a_step_that_is_read_twice_is_held_with_the_steps_that_it_needs():
    found = for_spark(STEPS, "mart")
    assert [step.name for step in found.steps] == ["mart__twice"]
    assert found.steps[0].select.startswith("WITH base AS (SELECT a FROM core__t AS t)")
    assert "base" not in found.select
    assert found.select.count("mart__twice") == 2


def test_a_recursive_step_stays_in_its_query():
    found = for_spark(
        "with recursive n as (select 1 as i union all select i + 1 from n where i < 9)"
        " select * from n as a cross join n as b"
    )
    assert found.steps == ()
    assert found.select.startswith("WITH RECURSIVE n")


def test_every_select_of_the_marts_and_histories_can_be_rendered():
    night = dt.date(2022, 12, 31)
    for file in mart_files():
        assert for_spark(dated(file.text, night), file.name).select, file.name
    for feed in FEEDS.values():
        assert for_spark(history_select(feed)).select, feed.name
