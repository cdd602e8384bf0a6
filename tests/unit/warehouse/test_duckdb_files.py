"""How DuckDB files are opened."""

from __future__ import annotations

import duckdb
import pytest
import sqlalchemy as sa

from onestop.warehouse import (
    WarehouseBusyError,
    WarehouseError,
    duckdb_address,
    duckdb_files,
    open_warehouse,
)
from onestop.warehouse.duckdb_files import (
    LimitError,
    copy_held,
    is_copy_of_held,
    open_duckdb,
)

TABLES = """
create table register (unit_code varchar, struck_off date);
insert into register (unit_code, struck_off) values ('a', date '2022-02-01'), ('b', null);
create table in_use (unit_code varchar);
insert into in_use (unit_code) values ('a'), ('b'), ('c');
"""
#: Anti-joins for codes in use that the register does not hold now, each written in another way.
UNREGISTERED = {
    "two steps that filter one": (
        "with register_ever as materialized (select unit_code, struck_off from register),"
        " register_now as (select unit_code from register_ever where struck_off is null)"
        " select unit_code, 'registered' as kind from register_now"
        " union all select u.unit_code, 'unregistered' from in_use as u"
        " left join register_now as r on u.unit_code = r.unit_code where r.unit_code is null"
        " union all select unit_code, 'ever' from register_ever"
    ),
    "a filter over groups": (
        "select u.unit_code, 'unregistered' from in_use as u left join (select unit_code from"
        " (select unit_code, max(struck_off) as struck_off from register group by unit_code)"
        " where struck_off is null) as r on u.unit_code = r.unit_code where r.unit_code is null"
    ),
    "a right join": (
        "select u.unit_code, 'unregistered' from (select unit_code from"
        " (select unit_code, max(struck_off) as struck_off from register group by unit_code)"
        " where struck_off is null) as r right join in_use as u on u.unit_code = r.unit_code"
        " where r.unit_code is null"
    ),
}


@pytest.mark.parametrize("query", UNREGISTERED.values(), ids=UNREGISTERED)
@pytest.mark.parametrize("without", [(), ("in_clause",)])
def test_anti_joins_find_rows_without_a_match_under_any_filter(query, without):
    with open_duckdb(":memory:", without=without) as connection:
        connection.execute(TABLES)
        found = connection.execute(query).fetchall()
    assert sorted(code for code, kind in found if kind == "unregistered") == ["a", "c"]


def test_a_connection_is_limited_to_one_gigabyte_by_default(tmp_path, monkeypatch):
    def limit():
        with open_duckdb(tmp_path / "a.duckdb") as connection:
            return connection.execute("select current_setting('memory_limit')").fetchone()[0]

    monkeypatch.delenv("ONESTOP_MEMORY", raising=False)
    assert limit() == "953.6 MiB"
    monkeypatch.setenv("ONESTOP_MEMORY", "2 GiB")
    assert limit() == "2.0 GiB"


@pytest.mark.parametrize("amount", ["much", "1", "-1GB", "0GB", "0.0 MB", "80%", "1GB'; select 1"])
def test_an_invalid_amount_of_memory_is_refused_with_an_example(tmp_path, monkeypatch, amount):
    monkeypatch.setenv("ONESTOP_MEMORY", amount)
    with pytest.raises(LimitError, match=r"^ONESTOP_MEMORY: .*; write .* such as 800MB"):
        open_duckdb(tmp_path / "a.duckdb")


def test_a_connection_uses_all_processors_or_as_many_threads_as_are_set(tmp_path, monkeypatch):
    def threads():
        with open_duckdb(tmp_path / "a.duckdb") as connection:
            return connection.execute("select current_setting('threads')").fetchone()[0]

    monkeypatch.delenv("ONESTOP_THREADS", raising=False)
    usual = duckdb.execute("select current_setting('threads')").fetchone()[0]
    assert threads() == usual
    monkeypatch.setenv("ONESTOP_THREADS", "3")
    assert threads() == 3


@pytest.mark.parametrize("number", ["0", "all", "-1", "1.5", "1000"])
def test_an_invalid_number_of_threads_is_refused(tmp_path, monkeypatch, number):
    monkeypatch.setenv("ONESTOP_THREADS", number)
    with pytest.raises(LimitError, match=r"^ONESTOP_THREADS: .*; write a number from 1 to 999"):
        open_duckdb(tmp_path / "a.duckdb")


def test_data_beyond_the_memory_limit_spills_beside_the_file_and_is_deleted_at_the_end(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("ONESTOP_MEMORY", "60MB")
    with open_duckdb(tmp_path / "a.duckdb") as connection:
        connection.execute("set threads = 1")
        connection.execute(
            "create table sorted as select md5(i::varchar) as text from range(1_000_000) as r(i)"
            " order by text"
        )
        first = connection.execute("select text from sorted limit 1").fetchone()
        least = connection.execute("select min(md5(i::varchar)) from range(1_000_000) as r(i)")
        expected = least.fetchone()
        spilled = connection.execute("select current_setting('temp_directory')").fetchone()
    assert first == expected
    assert spilled == (f"{tmp_path / 'a.duckdb'}.tmp",)
    assert [path.name for path in tmp_path.iterdir()] == ["a.duckdb"]


def test_a_file_that_this_process_has_open_with_other_settings_is_named_with_the_remedy(tmp_path):
    url = duckdb_address(tmp_path / "warehouse.duckdb")
    with open_warehouse(url):
        pass
    engine = sa.create_engine(url, connect_args={"read_only": True})
    with engine.connect(), pytest.raises(WarehouseBusyError, match=r"engine\.dispose"):
        open_warehouse(url, read_only=True)
    engine.dispose()
    open_warehouse(url, read_only=True).close()


def test_a_statement_that_finds_too_little_memory_names_the_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("ONESTOP_MEMORY", "20MB")
    with (
        open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as warehouse,
        pytest.raises(WarehouseError) as failed,
    ):
        warehouse.value("select list(repeat('x', 100) || i) as x from range(2000000) t(i)")
    assert "ONESTOP_MEMORY" in str(failed.value)
    assert "20MB" in str(failed.value)


@pytest.mark.parametrize(
    ("act", "what"),
    [
        (copy_held, "while held.duckdb was copied"),
        (lambda held, copy: is_copy_of_held(copy, held), "while held.duckdb was compared"),
    ],
)
def test_an_error_of_the_readers_copy_says_what_was_done(tmp_path, act, what):
    held = tmp_path / "held.duckdb"
    held.write_bytes(b"rows")
    with pytest.raises(FileNotFoundError, match=what):
        act(held, tmp_path / "missing" / "copy.duckdb")


def test_an_interrupted_copy_ends_its_process(tmp_path, monkeypatch):
    held, late = tmp_path / "held.duckdb", tmp_path / "late"
    script = f"import time; print(1, flush=True); time.sleep(2); open({str(late)!r}, 'w')"
    monkeypatch.setattr(duckdb_files, "_COPY", script)
    with pytest.raises(InterruptedError):
        copy_held(held, tmp_path / "copy.duckdb", interrupted)
    assert not late.exists()


def interrupted(_):
    raise InterruptedError
