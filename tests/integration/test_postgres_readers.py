"""Readers on PostgreSQL during nights: each sees one complete night, and they block no writer."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

import psycopg
import pyarrow as pa
import pytest
from engines import content
from polling_readers import JOINED, MARTS, reading
from worked_dossiers import NIGHT, dossier, record, record_unit

from onestop.marts import compute as marts
from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.schema.feeds import DOSSIERS
from onestop.warehouse import (
    WarehouseBusyError,
    WarehouseError,
    open_warehouse,
    postgres_engine,
)

NIGHTS = [NIGHT + dt.timedelta(days=n) for n in range(4)]


def load(warehouse, number):
    """Load forty more dossiers each night, so that no two nights have equal figures."""
    rows = [dossier(f"N{number}-{place}", "28/06", "04/07") for place in range(40)]
    record(warehouse, NIGHTS[number], rows)
    columns = ", ".join(("delivery_id", "row_number", "content_hash", *DOSSIERS.column_names))
    warehouse.execute(
        f"insert into core.dossier_history (valid_from, {columns})"
        f" select night, {columns} from core.dossier_version where night = :night",
        {"night": NIGHTS[number]},
    )


def publish(warehouse, number):
    load(warehouse, number)
    compute_marts(warehouse, NIGHTS[number])
    publish_marts(warehouse, NIGHTS[number])


@pytest.fixture
def city(postgres):
    """A warehouse with one published night: addresses for a writer and a reader."""
    url = postgres.make_database()
    with open_warehouse(url) as warehouse:
        record_unit(warehouse, NIGHT)
        publish(warehouse, 0)
    return tuple(
        postgres.as_login(url, postgres.make_login(role))
        for role in ("onestop_pipeline", "onestop_bi")
    )


def test_polling_readers_never_see_a_mixture_of_nights_or_no_rows(city):
    writer, reader = city
    with reading(reader) as readers, open_warehouse(writer) as warehouse:
        for number in range(1, len(NIGHTS)):
            publish(warehouse, number)
            warehouse.publish_copy(None)
    for found in readers:
        assert found.wrong == []
        assert found.polls > 20
        assert len(found.nights) > 2, found.nights
        assert found.slowest < 10


def test_an_open_transaction_of_a_reader_blocks_no_night_and_keeps_its_snapshot(city):
    writer, reader = city
    with psycopg.connect(reader) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        for table in (*MARTS, "dossier_period"):
            connection.execute(f"select count(*) from mart.{table}")
        before = connection.execute(JOINED).fetchall()
        with open_warehouse(writer) as warehouse:
            warehouse.execute("set lock_timeout = '5s'")
            publish(warehouse, 1)
            warehouse.publish_copy(None)
        assert connection.execute(JOINED).fetchall() == before
        assert before[0][0] == NIGHTS[0]
        connection.rollback()
        assert connection.execute(JOINED).fetchall()[0][0] == NIGHTS[1]


def seen(reader):
    """Every row of every table and view that a BI tool can read."""
    with open_warehouse(reader, read_only=True) as warehouse:
        return content(warehouse, ("mart", "ref"))


def differing(before, after):
    return {name for name in before | after if before.get(name) != after.get(name)}


def with_another_target(tables):
    """The reference rows of a release that sets other targets."""
    rows = tables["target"].to_pylist()
    raised = [row | {"target_numerator": row["target_numerator"] + 1} for row in rows]
    return tables | {"target": pa.Table.from_pylist(raised, schema=tables["target"].schema)}


def test_no_relation_that_readers_see_changes_before_the_publication(city, monkeypatch):
    writer, reader = city
    read = marts.reference_tables
    monkeypatch.setattr(marts, "reference_tables", lambda folder: with_another_target(read(folder)))
    published = seen(reader)
    assert {"mart.dossier_period", "mart.on_time_detail", "ref.target"} < published.keys()
    with open_warehouse(writer) as warehouse:
        load(warehouse, 1)
        # a late file changes an earlier night
        warehouse.execute(
            "update core.dossier_history set status = 'awaiting_supplement', due_date = :day",
            {"day": NIGHT - dt.timedelta(days=1)},
        )
        assert differing(published, seen(reader)) == set()
        compute_marts(warehouse, NIGHTS[1])
        assert differing(published, seen(reader)) == set()
        publish_marts(warehouse, NIGHTS[1])
    changed = differing(published, seen(reader))
    assert {"mart.dossier_period", "mart.on_time_detail", "ref.target"} <= changed


def test_a_reading_command_sees_one_state_until_it_ends(city):
    writer, _ = city
    asked = "select max(as_of_date) from mart.scorecard"
    with open_warehouse(writer, read_only=True) as page:
        assert page.value(asked) == NIGHTS[0]
        with open_warehouse(writer) as warehouse:
            publish(warehouse, 1)
        assert page.value(asked) == NIGHTS[0]
        assert page.value("select max(as_of_date) from audit.publication") == NIGHTS[0]


def test_two_writers_never_write_at_once(city, monkeypatch):
    writer, _ = city
    monkeypatch.setattr(postgres_engine, "_WAIT_SECONDS", 1)
    with open_warehouse(writer), pytest.raises(WarehouseBusyError, match="after 1 s"):
        open_warehouse(writer)
    open_warehouse(writer).close()


def test_an_interrupted_publication_leaves_readers_with_the_night_before(city, monkeypatch):
    writer, reader = city
    with open_warehouse(writer) as warehouse:
        load(warehouse, 1)
        compute_marts(warehouse, NIGHTS[1])
        execute = type(warehouse).execute

        def killed(self, sql, parameters=None):
            if "insert into audit.publication" in sql:
                raise KeyboardInterrupt
            execute(self, sql, parameters)

        monkeypatch.setattr(type(warehouse), "execute", killed)
        with pytest.raises(KeyboardInterrupt):
            publish_marts(warehouse, NIGHTS[1])
        monkeypatch.undo()
        with psycopg.connect(reader) as connection:
            assert connection.execute(JOINED).fetchall()[0][0] == NIGHTS[0]
        publish_marts(warehouse, NIGHTS[1])
    with psycopg.connect(reader) as connection:
        assert connection.execute(JOINED).fetchall()[0][0] == NIGHTS[1]


MODES = (
    "access share",
    "row share",
    "row exclusive",
    "share update exclusive",
    "share",
    "share row exclusive",
    "exclusive",
    "access exclusive",
)


@pytest.mark.parametrize("role", ["onestop_bi", "onestop_auditor"])
def test_no_reader_can_block_a_writer(city, postgres, monkeypatch, role):
    writer, _ = city
    monkeypatch.setattr(postgres_engine, "_WAIT_SECONDS", 1)
    reader = postgres.as_login(writer, postgres.make_login(role))
    with psycopg.connect(reader) as connection:
        # the key of the lock is no secret: it is in the code
        connection.execute(f"select pg_advisory_lock({postgres_engine._FIRST_LOCK})")
        for mode in MODES:
            with suppress(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(f"lock table meta.writer in {mode} mode")
        with open_warehouse(writer) as warehouse:
            publish(warehouse, 1)


def test_the_next_writer_waits_for_the_last_statement_of_a_killed_writer(city, monkeypatch):
    writer, _ = city
    monkeypatch.setattr(postgres_engine, "_WAIT_SECONDS", 1)
    with open_warehouse(writer) as warehouse, warehouse.transaction():
        # the process is gone, and with it the lock; the server still executes its statement
        warehouse._lock_holder.close()
        with pytest.raises(WarehouseBusyError, match="after 1 s"):
            open_warehouse(writer)


def test_a_writer_that_lost_its_lock_stops(city):
    writer, _ = city
    with open_warehouse(writer) as warehouse:
        with psycopg.connect(writer, autocommit=True) as connection:
            pid = warehouse._lock_holder.info.backend_pid
            connection.execute("select pg_terminate_backend(%s, 5000)", [pid])
        with pytest.raises(WarehouseError, match="lock was lost"):
            warehouse.execute("delete from core.dossier_history")
        assert warehouse.value("select count(*) from core.dossier_history") > 0


def test_a_session_without_limits_of_its_own_has_those_of_the_database(city):
    writer, reader = city
    shown = (
        "select current_setting('statement_timeout'),"
        " current_setting('idle_in_transaction_session_timeout')"
    )
    with psycopg.connect(reader) as connection:
        assert connection.execute(shown).fetchone() == ("15min", "10min")
    with open_warehouse(writer) as warehouse:
        assert warehouse.value("show statement_timeout") == "0"
        assert warehouse.value("show idle_in_transaction_session_timeout") == "0"
