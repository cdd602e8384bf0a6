"""SQL texts are changed only at the names that a parser finds."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestop.marts.files import SQL_FOLDER, mart_files
from onestop.warehouse.sql_text import (
    SqlTextError,
    created_relations,
    names_of_schemas,
    selected_columns,
    statements,
    step_names,
    step_select,
    tables_read,
    with_expressions,
    with_parameters,
    with_schema,
    with_tables,
)
from onestop.warehouse.staged_names import KEPT

REFERENCES = {
    "after from": "select * from {mart}.a",
    "after a comma": "select * from core.z as z, {mart}.a as a",
    "after two commas": "select * from {mart}.a as a, {mart}.b as b, {mart}.c",
    "in capitals": "SELECT * FROM {mart}.a INNER JOIN {mart}.b USING (id)",
    "after a comment": "select * from core.z inner join -- the marts\n{mart}.a on true",
    "after a comment in a line": "select * from /* here */ {mart}.a",
    "in a new line": "select * from\n    {mart}.a",
    "in a condition": "select * from core.z where exists (select 1 from {mart}.a)",
    "in a value": "select (select max(x) from {mart}.a) as x",
    "in a step": "with s as (select * from {mart}.a) select * from s, {mart}.b",
    "in a union": "select 1 from {mart}.a union all select 1 from {mart}.b",
    "laterally": "select 1 from core.z as z cross join lateral (select 1 from {mart}.a) as a",
    "between brackets": "select 1 from ({mart}.a inner join {mart}.b on true)",
    "quoted": 'select * from {mart}."Ô" as o',
    "after other letters": "select 'hồ sơ' as x from {mart}.a -- hồ sơ",
}


@pytest.mark.parametrize("query", REFERENCES.values(), ids=REFERENCES)
def test_every_reference_to_a_mart_is_rewritten_to_the_staged_one(query):
    assert with_schema(query.format(mart="mart"), "mart", "mart_staged") == query.format(
        mart="mart_staged"
    )


def test_a_name_of_another_case_is_the_same_table():
    assert with_schema("select * from Mart.A", "mart", "mart_staged") == (
        "select * from mart_staged.A"
    )
    assert tables_read('select * from MART.A, mart."B"') == {"mart.a", "mart.B"}


def test_literals_comments_steps_and_aliases_are_not_rewritten():
    query = (
        "with mart_a as (select 'from mart.a' as x) -- from mart.a\n"
        "select m.x from mart_a as m cross join core.a as a"
    )
    assert with_schema(query, "mart", "mart_staged") == query


def test_a_column_that_is_named_by_schema_and_table_follows_its_table():
    query = "select mart.a.x from mart.a"
    assert with_schema(query, "mart", "mart_staged") == "select a.x from mart_staged.a"
    assert with_tables(query, {"mart.a": "a_then"}) == "select a.x from a_then as a"


def test_a_replaced_table_keeps_its_name_as_an_alias():
    relations = {"mart.a": "a_then", "mart.b": "b_then"}
    query = "select a.x, c.x from mart.a, mart.b as c, mart.ab"
    assert with_tables(query, relations) == (
        "select a.x, c.x from a_then as a, b_then as c, mart.ab"
    )


def test_an_alias_with_the_name_of_the_schema_is_refused():
    with pytest.raises(SqlTextError, match="give it another name"):
        with_schema("select mart.x from core.a as mart", "mart", "mart_staged")


@pytest.mark.parametrize(
    "text", ["select from from", "drop table mart.a", "", "select 1; select 2"]
)
def test_a_text_that_is_not_a_query_is_refused(text):
    with pytest.raises(SqlTextError, match="no query"):
        with_schema(text, "mart", "mart_staged")


#: What every night stated: extended by publications, never staged.
KEPT_MARTS = {f"mart.{name}" for name in KEPT}


@pytest.mark.parametrize("file", mart_files(), ids=lambda file: file.name)
def test_a_staged_mart_reads_no_published_relation(file):
    night = dt.date(2022, 11, 24)
    published = tables_read(file.select(night, "mart"))
    staged = {
        "ref_staged.calendar"
        if name == "core.calendar"
        else name
        if name in KEPT_MARTS
        else name.replace("mart.", "mart_staged.").replace("ref.", "ref_staged.")
        for name in published
    }
    assert tables_read(file.select(night, "mart_staged")) == staged
    assert not any(name.startswith(("mart.", "ref.")) for name in staged - KEPT_MARTS)


@pytest.mark.parametrize(
    "view", [file for file in mart_files() if file.is_view], ids=lambda v: v.name
)
def test_a_published_view_reads_only_relations_that_publications_change(view):
    read = tables_read(view.select(dt.date(2022, 11, 24), "mart"))
    # audit.publication: its row is part of the publication
    # audit.report: the issue of a report is a publication of its own
    may_read = {"core.calendar", "audit.publication", "audit.report"}
    assert {n for n in read if not n.startswith(("mart.", "ref."))} <= may_read


PARAMETERS = {
    "select :a": "select $a",
    "select ':a', \":a\", 'it''s :a' -- :a\n, :b": "select ':a', \":a\", 'it''s :a' -- :a\n, $b",
    "select /* :a /* :b */ :c */ :d": "select /* :a /* :b */ :c */ $d",
    "select $$ :a $$, $x$ :a $y$ $x$, :b": "select $$ :a $$, $x$ :a $y$ $x$, $b",
    "select x::date, :a::date, f(y := :b)": "select x::date, $a::date, f(y := $b)",
    "select z[1:n], z[a:n], {'k':n}": "select z[1:n], z[a:n], {'k':n}",
    "select 1 where x=:a and y>=:b and (:c)": "select 1 where x=$a and y>=$b and ($c)",
    "select 'hồ sơ', :state, :key, :select": "select 'hồ sơ', $state, $key, $select",
    "select e'\\':a', :b": "select e'\\':a', $b",
}


@pytest.mark.parametrize(("sql", "translated"), PARAMETERS.items())
def test_parameters_are_found_outside_literals_comments_and_slices(sql, translated):
    assert with_parameters(sql, "${}") == translated


def test_a_parameter_is_replaced_by_its_expression_and_others_stay():
    assert with_expressions("select :night, ':night', :other", {"night": "date '2022-11-24'"}) == (
        "select date '2022-11-24', ':night', :other"
    )


TEXTS = st.text(st.sampled_from("abcđ :;'\"-\n/*$"), max_size=12)


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_statements_are_split_outside_literals_only(texts):
    quoted = [text.replace("'", "''") for text in texts]
    script = ";\n-- a; remark\n".join(f"select '{text}'" for text in quoted)
    found = list(statements(script))
    assert [duckdb.execute(statement).fetchone() for statement in found] == [(t,) for t in texts]


def test_statements_are_returned_without_the_text_between_them():
    script = """
    -- a remark; with a semicolon
    create table a (b varchar default ';''--');  -- another; one
    ; do $$ begin perform 1; end $$;
    do $body$ begin execute $$a;b$$; end $body$;
    select 1 - 1 /* the end; */
    """
    assert list(statements(script)) == [
        "create table a (b varchar default ';''--')",
        "do $$ begin perform 1; end $$",
        "do $body$ begin execute $$a;b$$; end $body$",
        "select 1 - 1",
    ]


def test_the_relations_that_a_script_creates_are_found():
    script = """
    -- create table a.no (x integer);
    create table a.b (x varchar default 'create table a.no');
    Create View if not exists a.c as select 1; create schema a;
    insert into a.b (x) values ('create table a.no ()');
    """
    assert created_relations(script) == {("a", "b"), ("a", "c")}


def test_a_step_can_be_selected_instead_of_the_last_one():
    query = "with a as (select 1), b as (select * from a)\nselect * from b -- end\n"
    assert step_select(query, "a") == "with a as (select 1)\n\nselect * from a"


def test_a_step_is_selected_with_the_steps_that_it_reads_and_no_others():
    query = (
        "with recursive a as (select 1 as b), b as (select b from a /* ) */), c as (select ')' as b"
        " from a inner join b on true) select * from c"
    )
    alone = "with recursive a as (select 1 as b), b as (select b from a /* ) */) select * from b"
    assert step_select(query, "b").split() == alone.split()
    assert step_select(query, "c").split() == query.split()


def test_an_unknown_step_is_refused():
    with pytest.raises(SqlTextError, match="no step c; there are a"):
        step_select("with a as (select 1) select * from a", "c")


def test_a_query_without_a_final_select_of_a_step_is_refused():
    with pytest.raises(SqlTextError, match="does not end with select"):
        step_select("with a as (select 1) select * from a where true", "a")


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(SQL_FOLDER.glob("mart/*.sql")) if "\nwith" in path.read_text("utf-8")],
    ids=lambda path: path.stem,
)
def test_every_mart_ends_with_its_last_step(path):
    text = path.read_text(encoding="utf-8")
    assert step_names(text)[-1] == path.stem
    assert step_select(text, path.stem).endswith(f"select * from {path.stem}")


def test_the_columns_of_a_fragment_are_returned_as_written():
    text = "-- from nowhere\nselect\n    a, -- b from c\n    (select max(d) from e) as f\nfrom rate"
    assert selected_columns(text) == "a, -- b from c\n    (select max(d) from e) as f"


@pytest.mark.parametrize(
    "text", ["select a", "select a from b where c", "update a set b = c from d"]
)
def test_a_fragment_of_another_form_is_refused(text):
    with pytest.raises(SqlTextError, match=r"not select … from <relation>"):
        selected_columns(text)


@pytest.mark.parametrize("query", REFERENCES.values(), ids=REFERENCES)
def test_the_tokens_of_a_query_give_the_same_tables_as_its_syntax_tree(query):
    text = query.format(mart="mart")
    assert names_of_schemas(text, "mart", "core") == tables_read(text)


@pytest.mark.parametrize("file", mart_files(), ids=lambda file: file.name)
def test_the_tokens_of_a_mart_give_the_same_marts_as_its_syntax_tree(file):
    read = {name for name in tables_read(file.text) if name.startswith("mart.")}
    assert {f"mart.{name}" for name in file.reads} == read | (
        {"mart.period"} if file.is_view and ":as_of_date" in file.text else set()
    )
