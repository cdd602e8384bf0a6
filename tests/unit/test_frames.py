"""Data frames of the published figures: the marts' own rows and sums, with types and names."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from dataclasses import fields, replace

import pandas as pd
import pyarrow as pa
import pytest
import second_worked_set as worked_set
import sqlalchemy as sa
from computed_marts import compute_only
from published_marts import FIRST, SECOND, settings_in
from recorded_world import put_record
from three_nights import publish_second_night

import onestop
from onestop.figures.form_06a.figures import FormCounts
from onestop.frames import SCHEMAS, PublishedFigures
from onestop.marts.descriptions import column_meaning, label_kind
from onestop.marts.publish import refresh_reference
from onestop.marts.published import NothingPublishedError, QuestionError
from onestop.record.reference_versions import keep_reference
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import WarehouseError, open_warehouse

DISTRICT = worked_set.DISTRICT
YEAR = dt.date(2022, 1, 1)


@pytest.fixture(scope="module")
def embedded(kept, tmp_path_factory):
    """Two published nights in a DuckDB file."""
    return kept.copy(publish_second_night, tmp_path_factory.mktemp("frames") / "var")


@pytest.fixture(scope="module")
def server(postgres, tmp_path_factory):
    """The figures of a small record in PostgreSQL."""
    night = worked_set.SEPTEMBER
    settings = replace(
        settings_in(tmp_path_factory.mktemp("server")), warehouse=postgres.make_database()
    )
    with open_warehouse(settings.warehouse) as warehouse:
        refresh_reference(warehouse)
        put_record(warehouse, worked_set.second_world())
        compute_only(warehouse, night, ("indicator_value", "label", "dossier"), "mart")
        keep_reference(warehouse, night)
        warehouse.execute(
            "insert into audit.publication (publication_id, as_of_date, published_at,"
            " delivery_count, dossier_count, figures_sha256)"
            " values (1, :night, :night, 0, 0, '')",
            {"night": night},
        )
    return settings


@pytest.fixture(scope="module", params=["embedded", "server"])
def address(request):
    """What an analyst names: the readers' copy, or the database."""
    settings = request.getfixturevalue(request.param)
    return settings.published if request.param == "embedded" else settings.warehouse


@pytest.fixture(scope="module")
def on_both(address):
    return onestop.open_published(address, lang="en")


@pytest.fixture(scope="module")
def published(embedded):
    return onestop.open_published(embedded.published, lang="en")


@pytest.fixture
def rows(address):
    """What the database itself answers."""
    url = address if isinstance(address, str) else f"duckdb:///{address}"
    with open_warehouse(url, read_only=True) as warehouse:
        yield warehouse.rows


def test_the_sums_of_a_table_are_those_of_the_mart(on_both, rows):
    figures = on_both.table("indicator_value", unit_level="commune", period_type="year_to_date")
    [sums] = rows(
        "select count(*) as n, sum(numerator) as numerator, sum(denominator) as denominator,"
        " sum(value) as value from mart.indicator_value"
        " where unit_level = 'commune' and period_type = 'year_to_date'"
    )
    assert len(figures) == sums["n"] > 0
    for column in ("numerator", "denominator", "value"):
        assert figures[column].sum() == sums[column] > 0


def test_an_earlier_night_has_its_own_figures(embedded, published):
    then = onestop.open_published(embedded.published, FIRST)
    assert (then.as_of, published.as_of) == (FIRST, SECOND)
    figures = then.table("indicator_value")
    sums = published.sql(
        "select count(*) as n, sum(numerator) as numerator from mart.indicator_history"
        " where valid_from <= :night and (valid_to is null or valid_to > :night)",
        {"night": FIRST},
    )
    assert (len(figures), figures["numerator"].sum()) == tuple(sums.iloc[0])
    assert set(figures["as_of_date"]) == {FIRST}
    now = published.table("indicator_value")
    assert now["numerator"].sum() > figures["numerator"].sum()


@pytest.mark.parametrize("table", ["indicator_value", "form_06a"])
def test_an_earlier_night_has_all_columns_of_what_it_published(embedded, one_night, table):
    """Also the end of a running period and the shortfall, which the histories do not keep."""
    then = onestop.open_published(embedded.published, FIRST).table(table)
    at_the_time = onestop.open_published(one_night.published).table(table)
    key = [name for name in then.columns if name.endswith("_code") or name.startswith("period_")]
    pd.testing.assert_frame_equal(
        then.sort_values(key, ignore_index=True), at_the_time.sort_values(key, ignore_index=True)
    )
    if table == "indicator_value":
        assert then["shortfall"].sum() > 0


def test_other_marts_of_an_earlier_night_are_computed_again(embedded, published):
    then = onestop.open_published(embedded.published, FIRST.isoformat())
    assert set(then.table("dossier")["as_of_date"]) == {FIRST}
    dossiers = published.sql(
        "select count(*) as n from core.dossier_history"
        " where valid_from <= :night and (valid_to is null or valid_to > :night)",
        {"night": FIRST},
    )
    assert len(then.table("dossier", columns=["dossier_code"])) == dossiers["n"].iloc[0]


def test_columns_have_arrow_types_with_dates_and_time_zones(on_both):
    dossiers = on_both.table("core.dossier_history")
    assert all(isinstance(kind, pd.ArrowDtype) for kind in dossiers.dtypes)
    assert dossiers.dtypes["received_date"] == pd.ArrowDtype(pa.date32())
    assert dossiers.dtypes["due_at"] == pd.ArrowDtype(pa.timestamp("us", LOCAL_ZONE.key))
    assert isinstance(dossiers["received_date"].iloc[0], dt.date)
    figures = on_both.table("indicator_value")
    assert figures.dtypes["value"] == pd.ArrowDtype(pa.decimal128(18, 4))
    assert figures.dtypes["numerator"] == pd.ArrowDtype(pa.int64())


def test_names_stand_beside_codes(on_both):
    asked = {"unit_level": "district", "period_type": "year_to_date"}
    figures = on_both.table("indicator_value", names=True, **asked)
    columns = list(figures.columns)
    assert columns[columns.index("unit_code") + 1] == "unit_name"
    units = on_both.table("unit", unit_level="district").set_index("unit_code")["unit_name"]
    single = figures[figures["unit_scope"] == "unit"]
    assert len(single) > 0
    assert (single["unit_code"].map(units) == single["unit_name"]).all()
    assert set(figures["period_type_name"]) == {"Year to date"}
    assert figures[["indicator_name", "method_name", "status_name"]].notna().all().all()
    assert len(figures) == len(on_both.table("indicator_value", **asked))


def test_dossiers_that_fall_due_have_the_names_of_unit_procedure_and_field(published):
    due = published.table("due_soon")
    assert len(due) > 0
    units = published.table("unit").set_index("unit_code")["unit_name"]
    fields = published.table("label", code_kind="field_code").set_index("code")["label_vi"]
    assert (due["unit_code"].map(units) == due["unit_name"]).all()
    assert (due["field_code"].map(fields) == due["field_name"]).all()
    assert due["procedure_name"].notna().all()


def test_names_are_in_the_language_asked_for(embedded):
    vietnamese = onestop.open_published(embedded.published, lang="vi")
    names = vietnamese.table("unit", unit_code="COMMUNE", names=True)
    assert set(names["unit_level_name"]) == {"Ủy ban nhân dân cấp xã"}
    meanings = vietnamese.columns("unit").set_index("column_name")["meaning"]
    assert meanings["unit_name"] == "Tên cơ quan"


def test_every_code_of_every_mart_has_a_name(embedded, published):
    missing = []
    labels = published.table("label")
    known = {kind: set(of["code"]) for kind, of in labels.groupby("code_kind")}
    with open_warehouse(f"duckdb:///{embedded.published}", read_only=True) as warehouse:
        for table, is_view in warehouse.relations("mart").items():
            for column in () if is_view else warehouse.columns("mart", table):
                kind = label_kind(table, column)
                if kind in {None, "field_code", "procedure_key"}:  # some are in no register
                    continue
                rows = warehouse.rows(f'select distinct "{column}" as code from mart."{table}"')
                lacking = {row["code"] for row in rows} - known[kind] - {None}
                missing += [f"{table}.{column}: {code}" for code in sorted(lacking)]
    assert missing == []
    assert {field.name for field in fields(FormCounts)} <= known["method_code"]
    assert "form_06a" in known["indicator_code"]


#: Columns of words that are no codes of a list, or several codes.
_NO_CODES = {"source_code", "code", "code_kind", "issue_code", "turned_by"}


def test_every_column_of_codes_has_a_kind_of_names(embedded):
    """By its values, and by its description: "code: text; code: text"."""
    without = set()
    with open_warehouse(f"duckdb:///{embedded.published}", read_only=True) as warehouse:
        for row in warehouse.rows(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'mart' and data_type = 'VARCHAR'"
        ):
            table, column = row["table_name"], row["column_name"]
            if column in _NO_CODES or label_kind(table, column) is not None:
                continue
            meaning = column_meaning(table, column) or {"vi": ""}
            is_list = len(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)*: ", meaning["vi"])) > 1
            are_words = warehouse.value(
                f"select bool_and(regexp_full_match({column}, '[a-z][a-z_0-9]*'))"
                f" from mart.{table} where {column} is not null"
            )
            if is_list or are_words:
                without.add(f"{table}.{column}")
    assert without == set()


def test_filters_take_lists_dates_and_missing_values(on_both):
    both = on_both.table("indicator_value", unit_level=["commune", "district"])
    assert set(both["unit_level"]) == {"commune", "district"}
    year = on_both.table("period", period_start="2022-01-01")
    assert set(year["period_start"]) == {YEAR}
    assert len(year) == len(on_both.table("period", period_start=pd.Timestamp("2022-01-01")))
    figures = on_both.table("indicator_value", target=None)
    assert len(figures) > 0
    assert figures["target"].isna().all()
    assert on_both.table("indicator_value", unit_level=[]).empty


def test_only_the_columns_asked_for_are_read(published):
    found = published.table("unit", columns=["unit_name", "unit_code"])
    assert list(found.columns) == ["unit_name", "unit_code"]


@pytest.mark.parametrize(
    ("asked", "where", "message"),
    [
        ("indicator_valu", {}, "no table indicator_valu; did you mean indicator_value"),
        ("target", {}, r"no table target; did you mean .*ref\.target"),
        ("unit", {"unit_levl": "x"}, "unit has no column unit_levl; did you mean unit_level"),
        ("unit", {"unit_level": "comune"}, "no unit_level comune in unit; did you mean commune"),
        ("unit", {"unit_level": ["city", "comune"]}, "no unit_level comune in unit; did you"),
        ("period", {"period_start": "March"}, "'March' is not a date; write it as 2022-11-24"),
        ("unit", {"columns": ["unit"]}, "unit has no column unit; did you mean unit_"),
        ("indicator_value", {"numerator": "x"}, "'x' is no value of numerator, whose type is int"),
    ],
)
def test_a_wrong_question_is_answered_with_what_there_is(published, asked, where, message):
    with pytest.raises(QuestionError, match=message):
        published.table(asked, **where)


def test_values_that_never_occur_together_give_an_empty_frame(on_both):
    found = on_both.table("unit", unit_level="commune", unit_code="CITY")
    assert found.empty
    assert found.dtypes["as_of_date"] == pd.ArrowDtype(pa.date32())


def test_explained_items_add_up_to_the_figure(published):
    items = published.explain("on_time_rate", "CITY", YEAR, SECOND.isoformat())
    [figure] = published.table(
        "indicator_value",
        indicator_code="on_time_rate",
        method_code="cohort",
        unit_code="CITY",
        period_type="year_to_date",
        period_basis="calendar",
    )[["numerator", "denominator"]].itertuples(index=False, name=None)
    assert (items["numerator"].sum(), items["denominator"].sum()) == figure
    assert items.attrs["published"] == figure
    assert items.dtypes["due_date"] == pd.ArrowDtype(pa.date32())
    assert items.dtypes["row_number"] == pd.ArrowDtype(pa.int64())


def test_a_difference_adds_up_to_the_change(published):
    causes = published.diff(FIRST, SECOND)
    one = causes[causes["indicator_code"] == "on_time_rate"]
    assert len(one) > 0
    changed = (one["numerator_after"] - one["numerator_before"]).iloc[0]
    assert one["numerator_change"].sum() == changed != 0
    items = published.diff(FIRST.isoformat(), indicator="on_time_rate")
    assert items["numerator_change"].sum() == changed
    assert items["item_code"].notna().all()


def test_sql_has_the_same_types_and_takes_parameters(on_both):
    query = "select * from mart.indicator_value where unit_level = :level"
    by_sql = on_both.sql(query, {"level": "district"})
    table = on_both.table("indicator_value", unit_level="district")
    assert dict(by_sql.dtypes) == dict(table.dtypes)
    assert len(by_sql) == len(table) > 0
    means = on_both.sql("select avg(value) as mean, max(value) as most from mart.indicator_value")
    assert 0 < float(means["mean"].iloc[0]) < float(means["most"].iloc[0])
    unit = sa.table("unit", sa.column("unit_code"), schema="mart")
    statement = sa.select(unit.c.unit_code).where(unit.c.unit_code == "CITY")
    assert list(on_both.sql(statement)["unit_code"]) == ["CITY"]
    empty = on_both.sql("select period_start from mart.period where false")
    assert empty.dtypes["period_start"] == pd.ArrowDtype(pa.date32())


@pytest.mark.parametrize("change", ["delete from ref.target", "create table mart.mine (x integer)"])
def test_sql_changes_nothing(on_both, change):
    with pytest.raises(sa.exc.SQLAlchemyError, match="read-only"):
        on_both.sql(change)


def test_sql_on_an_earlier_night_is_refused_as_it_reads_the_last_one(embedded):
    then = onestop.open_published(embedded.published, FIRST)
    with pytest.raises(QuestionError, match=f"SQL reads the tables of night {SECOND}"):
        then.sql("select 1")


def test_a_login_of_bi_tools_reads_the_last_night(server, postgres):
    url = postgres.as_login(server.warehouse, postgres.make_login("onestop_bi"))
    published = onestop.open_published(url, lang="en")
    assert published.nights == [published.as_of] == [worked_set.SEPTEMBER]
    figures = published.table("indicator_value", unit_code="CITY", names=True)
    assert set(figures["unit_name"]) == {"Whole city"}
    assert len(published.sql("select * from mart.unit")) > 0
    tables = published.tables()["table_name"]
    assert not tables.str.startswith("audit.").any()
    assert not tables.str.startswith("core.").any()
    with pytest.raises(QuestionError, match=r"reads the last published night .* onestop_auditor"):
        onestop.open_published(url, worked_set.MAY)
    with pytest.raises(WarehouseError, match="the login lacks a right"):
        published.explain("on_time_rate", "CITY", YEAR, worked_set.SEPTEMBER)


def test_the_list_of_tables_has_every_table_with_its_meaning(on_both, address):
    url = address if isinstance(address, str) else f"duckdb:///{address}"
    found = on_both.tables().set_index("table_name")
    with open_warehouse(url, read_only=True) as warehouse:
        assert len(found) == sum(len(warehouse.tables(schema)) for schema in SCHEMAS)
    assert found["row_is"]["indicator_value"] == "An indicator by method, unit or level, and period"
    assert found["row_is"].notna().all()
    assert "dossier_code" in set(on_both.columns("core.dossier_history")["column_name"])


def test_what_is_not_published_or_not_there_is_said(embedded, tmp_path):
    with pytest.raises(NothingPublishedError, match="night 2022-05-02 is not published"):
        onestop.open_published(embedded.published, "2022-05-02")
    with pytest.raises(WarehouseError, match=r"no warehouse at .*; name the readers' copy"):
        onestop.open_published(tmp_path / "none.duckdb")
    with pytest.raises(QuestionError, match="is a folder; name the file"):
        onestop.open_published(tmp_path)


def test_without_an_address_it_is_this_installation(embedded, monkeypatch):
    monkeypatch.setenv("ONESTOP_WAREHOUSE", embedded.warehouse)
    monkeypatch.setenv("ONESTOP_PUBLISHED", str(embedded.published))
    published = onestop.open_published()
    assert isinstance(published, PublishedFigures)
    assert published.nights == [FIRST, SECOND]
    assert str(SECOND) in repr(published)


def test_importing_the_package_imports_neither_pandas_nor_the_marts():
    script = (
        "import sys, onestop; print(sorted(name for name in sys.modules if name.split('.')[0] in"
        " {'pandas', 'pyarrow', 'duckdb'} or name.startswith('onestop.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['onestop.version']"
    with pytest.raises(AttributeError, match="no attribute 'open_publish'"):
        _ = onestop.open_publish
    assert {"open_published", "PublishedFigures", "__version__"} <= set(dir(onestop))


def test_an_address_of_another_kind_is_not_blamed_on_the_settings():
    with pytest.raises(QuestionError) as refused:
        onestop.open_published("mysql://server/onestop", lang="en")
    assert str(refused.value) == (
        "no engine for 'mysql' addresses; use duckdb:///… or postgresql://…"
    )
