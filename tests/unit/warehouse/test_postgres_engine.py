"""The PostgreSQL engine: its errors, and how it keeps existing tables."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa
from published_marts import NIGHT, settings_in

from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.marts.published import NothingPublishedError, open_published, published_nights
from onestop.warehouse import WarehouseError, open_warehouse
from onestop.warehouse.postgres_engine import sqlalchemy_engine


@pytest.fixture(scope="module")
def url(postgres):
    url = postgres.make_database()
    open_warehouse(url).close()
    return url


@pytest.fixture
def warehouse(url):
    with open_warehouse(url) as opened:
        yield opened


def test_an_unreachable_server_is_an_error_of_one_sentence():
    with pytest.raises(WarehouseError, match=r"cannot be reached.*ONESTOP_WAREHOUSE"):
        open_warehouse("postgresql://nobody@127.0.0.1:1/onestop")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:s3cret@[::1/x",  # pragma: allowlist secret
        "postgresql://me:s3cret@h:1/x?unknown_option=1",  # pragma: allowlist secret
    ],
)
def test_the_error_of_a_malformed_address_hides_the_password(address):
    with pytest.raises(WarehouseError) as caught:
        open_warehouse(address)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_driver_may_be_named_in_the_address(url):
    for scheme in ("postgresql+psycopg", "postgres"):
        with open_warehouse(url.replace("postgresql", scheme, 1), read_only=True) as warehouse:
            assert warehouse.schema_version() > 0


def test_a_database_without_utf8_is_refused_with_the_remedy(postgres):
    url = postgres.make_database("encoding 'SQL_ASCII' locale 'C'")
    with pytest.raises(WarehouseError, match=r"must hold UTF-8.*builtin_locale 'C.UTF-8'"):
        open_warehouse(url)


def test_a_database_without_a_warehouse_has_nothing_published(postgres, tmp_path):
    settings = replace(settings_in(tmp_path), warehouse=postgres.make_database())
    with pytest.raises(NothingPublishedError, match="no night is published yet"):
        open_published(settings)


def test_a_login_without_the_role_is_an_error_that_names_the_role(url, postgres):
    login = postgres.as_login(url, postgres.make_login("onestop_bi"))
    with (
        open_warehouse(login, read_only=True) as warehouse,
        pytest.raises(WarehouseError, match="permission denied for schema audit"),
    ):
        published_nights(warehouse)


def test_a_connection_that_is_lost_is_an_error_of_one_sentence(url, warehouse):
    with psycopg.connect(url, autocommit=True) as connection:
        pid = warehouse.value("select pg_backend_pid()")
        connection.execute("select pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(WarehouseError, match="run it again"):
        warehouse.execute("select 1")


def test_values_of_every_type_are_read_back_unchanged(warehouse):
    table = pa.table(
        {
            "text": pa.array(["", None, 'a "quoted", text\nof two lines', "\\N", "đ 'x' %s"]),
            "whole": pa.array([0, None, -1, 2**62, 5]),
            "small": pa.array([1, 2, None, 4, 5], pa.int32()),
            "yes": pa.array([True, False, None, True, False]),
            "day": pa.array([0, 19000, None, 1, 2], pa.date32()),
            "at": pa.array([0, 1_669_000_000_123_456, None, 1, 2],
                           pa.timestamp("us", "Asia/Ho_Chi_Minh")),
            "share": pa.array([Decimal("98.0001"), None, Decimal(0), Decimal(-1), Decimal(100)],
                              pa.decimal128(18, 4)),
            "nothing": pa.nulls(5),
        }
    )  # fmt: skip
    warehouse.put_table("ref.every_type", table)
    found = warehouse.arrow("select * from ref.every_type")
    expected = table.set_column(7, "nothing", pa.nulls(5, pa.string()))
    assert found.schema == expected.schema
    assert sorted(found.to_pylist(), key=str) == sorted(expected.to_pylist(), key=str)


def test_unchanged_rows_are_not_rewritten(warehouse):
    table = pa.table({"a": [1, 2, 2], "b": ["x", None, None]})
    place = "select ctid from ref.put_again order by 1"
    warehouse.put_table("ref.put_again", table)
    before = warehouse.rows(place)
    warehouse.put_table("ref.put_again", table)
    assert warehouse.rows(place) == before
    warehouse.put_table("ref.put_again", table.slice(1))
    assert warehouse.value("select count(*) from ref.put_again") == 2


def test_a_mart_stays_the_same_table_when_a_release_changes_its_columns(warehouse):
    warehouse.make_table("mart_staged.first", "select 1 as kept, 'x' as dropped, 2 as retyped")
    warehouse.replace_table("mart.standing", "mart_staged.first")
    warehouse.make_view("mart.of_standing", "select kept, retyped from mart.standing")
    table = "select 'mart.standing'::regclass::oid"
    before = warehouse.value(table)
    warehouse.make_table(
        "mart_staged.second", "select 'y' as added, cast(3 as bigint) as retyped, 4 as kept"
    )
    with warehouse.transaction():
        warehouse.replace_table("mart.standing", "mart_staged.second")
        warehouse.make_view("mart.of_standing", "select kept, retyped, added from mart.standing")
    assert warehouse.value(table) == before
    assert warehouse.rows("select * from mart.standing") == [
        {"kept": 4, "added": "y", "retyped": 3}
    ]
    assert warehouse.rows("select * from mart.of_standing") == [
        {"kept": 4, "retyped": 3, "added": "y"}
    ]
    warehouse.execute("drop view mart.of_standing")
    warehouse.execute("drop table mart.standing")


def test_an_unchanged_view_is_not_replaced(warehouse):
    view = "select 'mart.same_view'::regclass::oid"
    warehouse.make_view("mart.same_view", "select 1 as a  -- said once")
    before = warehouse.value(view)
    warehouse.make_view("mart.same_view", "select   1 as a")
    assert warehouse.value(view) == before
    warehouse.make_view("mart.same_view", "select 2 as a")
    assert warehouse.value("select a from mart.same_view") == 2
    warehouse.make_table("mart.same_view", "select 3 as a")
    assert warehouse.value("select a from mart.same_view") == 3
    warehouse.execute("drop table mart.same_view")


def test_staged_marts_and_the_staged_night_are_gone_after_a_server_crash(warehouse):
    """A crash empties the staged marts, so the staged night must be gone too."""
    compute_marts(warehouse, NIGHT)
    unlogged = warehouse.value(
        "select count(*) from pg_class where relnamespace = 'mart_staged'::regnamespace"
        " and relkind = 'r' and relpersistence <> 'u'"
    )
    assert unlogged == 0
    warehouse.execute("truncate mart_staged.night")  # a crash empties every unlogged table
    with pytest.raises(RuntimeError, match="compute the night again"):
        publish_marts(warehouse, NIGHT)


def test_only_views_of_the_same_schema_are_dropped_with_a_replaced_view(warehouse):
    warehouse.make_view("mart.read_view", "select 1 as a")
    warehouse.make_view("mart.reading_view", "select a from mart.read_view")
    warehouse.make_view("mart.reading_that", "select a from mart.reading_view")
    warehouse.make_view("mart.beside_it", "select 1 as b")
    warehouse.make_view("mart.read_view", "select 1 as a, 2 as added")
    assert {"read_view", "beside_it"} <= warehouse.relations("mart").keys()
    assert not {"reading_view", "reading_that"} & warehouse.relations("mart").keys()
    warehouse.execute("create view ref.of_another as select added from mart.read_view")
    with pytest.raises(WarehouseError, match=r"ref\.of_another depends on view mart\.read_view"):
        warehouse.make_view("mart.read_view", "select 1 as a, 3 as added")
    assert warehouse.value("select added from ref.of_another") == 2
    warehouse.execute("drop view ref.of_another")
    warehouse.execute("drop view mart.beside_it, mart.read_view")


def test_statistics_are_gathered_once_a_table_grew_by_a_twentieth(warehouse):
    def expected():
        return warehouse.value("select reltuples from pg_class where relname = 'grown'")

    with warehouse.transaction():
        warehouse.execute("create table mart.grown as select n from generate_series(1, 1000) as n")
        warehouse.gather_statistics_of("mart.grown", 1000)
        assert expected() == 1000
        for added, known in ((50, 1000), (51, 1101)):
            warehouse.execute(
                f"insert into mart.grown (n) select n from generate_series(1, {added}) as n"
            )
            warehouse.gather_statistics_of("mart.grown", added)
            assert expected() == known
        warehouse.execute("drop table mart.grown")


def test_statistics_of_a_load_that_was_rolled_back_are_gathered_again(warehouse):
    warehouse.execute("create table mart.filled (n integer)")
    fill = "insert into mart.filled (n) select n from generate_series(1, {}) as n"
    with suppress(KeyError), warehouse.transaction():
        warehouse.execute(fill.format(1000))
        warehouse.gather_statistics_of("mart.filled", 1000)
        raise KeyError
    with warehouse.transaction():
        warehouse.execute(fill.format(10))
        warehouse.gather_statistics_of("mart.filled", 10)
        (row,) = warehouse.rows("select n_distinct from pg_stats where tablename = 'filled'")
    warehouse.execute("drop table mart.filled")
    assert row["n_distinct"] == -1


def test_statistics_are_not_waited_for(url, warehouse):
    warehouse.execute("create table mart.vacuumed as select 1 as n")
    with psycopg.connect(url) as other:
        other.execute("lock table mart.vacuumed in share update exclusive mode")
        with warehouse.transaction():
            warehouse.execute("set local lock_timeout = '1s'")
            warehouse.gather_statistics_of("mart.vacuumed", 1)
    warehouse.execute("drop table mart.vacuumed")


def test_a_session_that_the_gate_lost_is_opened_again(url):
    engine = sqlalchemy_engine(url)
    select = sa.text("select pg_backend_pid()")
    with engine.connect() as connection:
        lost = connection.execute(select).scalar_one()
    with psycopg.connect(url) as administrator:
        administrator.execute("select pg_terminate_backend(%s, 5000)", [lost])
    with engine.connect() as connection:
        assert connection.execute(select).scalar_one() != lost
    engine.dispose()


@pytest.mark.parametrize(("read_only", "sessions"), [(False, 1), (True, 2)])
def test_the_gate_keeps_its_session_and_pages_close_theirs(url, read_only, sessions):
    engine = sqlalchemy_engine(url, read_only=read_only)
    found = set()
    for _ in range(2):
        with engine.connect() as connection:
            found.add(connection.execute(sa.text("select pg_backend_pid()")).scalar_one())
    engine.dispose()
    assert len(found) == sessions
