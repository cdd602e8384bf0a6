"""Privileges on PostgreSQL: each role logs in and tries statements that it must not run."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest
from worked_dossiers import NIGHT, THIRTEEN, compute, record, record_unit

from onestop.marts.compute import compute_marts
from onestop.marts.descriptions import column_text, describe_tables
from onestop.marts.publish import publish_marts
from onestop.warehouse import SchemaError, WarehouseError, open_warehouse

RECORD = {
    "core.dossier_version": "delivery_id",
    "core.visit_version": "delivery_id",
    "core.procedure_version": "delivery_id",
    "core.unit_version": "delivery_id",
    "core.declaration_version": "delivery_id",
    "audit.delivery": "delivery_id",
    "audit.validation_result": "delivery_id",
    "audit.publication": "dossier_count",
    "audit.alert": "alert_code",
    "audit.decision": "because",
    "audit.night_step": "outcome",
    "audit.report": "folder",
    "audit.report_file": "file_name",
    "mart.night_change": "item_count",
    "mart.restatement": "dossier_count",
    "mart.restatement_dossier": "row_after",
}
CHANGES = ("update {0} set {1} = {1}", "delete from {0}", "truncate {0}")
LATER = dt.date(2022, 7, 1)


@pytest.fixture(scope="module")
def city(postgres):
    """A warehouse with two published nights, and one login for each role."""
    url = postgres.make_database()
    with open_warehouse(url) as warehouse:
        with warehouse.as_owner():
            describe_tables(warehouse)
        record_unit(warehouse, NIGHT)
        record(warehouse, NIGHT, THIRTEEN)
        compute(warehouse, NIGHT)
    logins = {
        role: postgres.as_login(url, postgres.make_login(f"onestop_{role}"))
        for role in ("owner", "pipeline", "auditor", "bi")
    }
    with open_warehouse(logins["pipeline"]) as warehouse:
        compute_marts(warehouse, LATER)
        publish_marts(warehouse, LATER)
        compute_marts(warehouse, dt.date(2022, 7, 2))  # staged, not published
    return {"admin": url, **logins}


def attempt(url, sql):
    """Run a statement as that login; returns the SQLSTATE of its refusal, else None."""
    with psycopg.connect(url) as connection:
        try:
            connection.execute(sql)
        except psycopg.Error as error:
            return error.sqlstate
        finally:
            connection.rollback()
    return None


REFUSED = psycopg.errors.InsufficientPrivilege.sqlstate


@pytest.mark.parametrize("role", ["admin", "owner", "pipeline", "auditor", "bi"])
@pytest.mark.parametrize("table", RECORD)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.split()[0])
def test_no_role_can_change_the_record(city, role, table, change):
    assert attempt(city[role], change.format(table, RECORD[table])) == REFUSED


def test_the_error_of_a_refused_change_states_the_reason(city):
    with (
        psycopg.connect(city["owner"]) as connection,
        pytest.raises(psycopg.Error, match=r"audit\.delivery only grows: DELETE is refused"),
    ):
        connection.execute("delete from audit.delivery")


@pytest.mark.parametrize(
    "sql",
    [
        "drop table audit.delivery",
        "alter table audit.delivery disable trigger all",
        "drop trigger refuse_change on audit.delivery",
        "alter table core.dossier_version drop column status",
        "drop table core.dossier_version",
        "drop function audit.refuse_change cascade",
        "alter function audit.refuse_change() rename to other",
        "create trigger other after insert on core.dossier_version execute function now()",
        "alter schema core rename to other",
        "set role onestop_owner",
        "set role postgres",
        "set session_replication_role = 'replica'",
        "create role other",
        "grant onestop_owner to onestop_pipeline",
        "delete from meta.schema_version",
        "update meta.schema_version set version = 0",
        "delete from audit.rejected_row",
        "update audit.rejected_row set rule_code = 'DOS-R01'",
        "update audit.rejected_row set offending = null",
        "update audit.night_run set state = 'published'",
        "delete from mart.indicator_history",
        "update mart.indicator_history set numerator = denominator",
        "update mart.form_06a_history set resolved_late = 0",
        "truncate mart.form_06a_history",
        "drop table mart.indicator_history",
        "create schema other",
        "create table audit.other (a integer)",
    ],
)
def test_the_pipeline_cannot_bypass_the_protection_of_the_record(city, sql):
    assert attempt(city["pipeline"], sql) == REFUSED


@pytest.mark.parametrize(
    "sql",
    [
        "update audit.rejected_row set state = 'superseded'",
        "delete from audit.night_run",
        "delete from core.dossier_history",
        "update mart.indicator_history set valid_to = null",
        "insert into audit.publication select * from audit.publication",
        "insert into core.dossier_version select * from core.dossier_version",
    ],
)
def test_the_pipeline_can_do_what_a_night_needs(city, sql):
    assert attempt(city["pipeline"], sql) is None


@pytest.mark.parametrize("role", ["auditor", "bi"])
@pytest.mark.parametrize(
    "sql",
    [
        "insert into mart.waiting_time select * from mart.waiting_time",
        "update mart.indicator_figure set numerator = 0",
        "delete from mart.counted_dossier",
        "truncate mart.scorecard",
        "drop view mart.dossier_period",
        "create table mart.other (a integer)",
        "create view mart.other as select 1 as a",
        "update ref.target set target_numerator = 1",
        "delete from ref.day_off",
        "insert into audit.night_run select * from audit.night_run",
        "insert into audit.publication select * from audit.publication",
        "update core.dossier_history set status = 'returned'",
        "create schema other",
        "create table public.other (a integer)",
        "set role onestop_pipeline",
        "set role onestop_owner",
    ],
)
def test_readers_cannot_write(city, role, sql):
    assert attempt(city[role], sql) == REFUSED


def tables(city, *schemas):
    with psycopg.connect(city["admin"]) as connection:
        found = connection.execute(
            "select n.nspname || '.' || c.relname from pg_class as c inner join pg_namespace as n"
            " on c.relnamespace = n.oid where n.nspname = any(%s) and c.relkind in ('r', 'v')"
            " order by 1",
            [list(schemas)],
        ).fetchall()
    return [name for (name,) in found]


def readable(city, role, names):
    return [name for name in names if attempt(city[role], f"select * from {name} limit 1") is None]


def test_bi_reads_every_mart_and_reference_table_and_nothing_else(city):
    shown = tables(city, "mart", "ref")
    assert {"mart.scorecard", "mart.indicator_history", "ref.target"} <= set(shown)
    assert readable(city, "bi", shown) == shown
    hidden = tables(city, "core", "audit", "meta", "mart_staged", "ref_staged")
    assert len(hidden) > 20
    assert readable(city, "bi", hidden) == []


def test_the_auditor_reads_everything_including_unpublished_marts(city):
    shown = tables(city, "core", "audit", "meta", "mart", "ref", "mart_staged", "ref_staged")
    assert {"mart_staged.form_06a", "ref_staged.target"} <= set(shown)
    assert readable(city, "auditor", shown) == shown


def test_every_table_belongs_to_a_role_that_cannot_log_in(city):
    with psycopg.connect(city["admin"]) as connection:
        owners = connection.execute(
            "select distinct pg_get_userbyid(c.relowner), r.rolcanlogin from pg_class as c"
            " inner join pg_namespace as n on c.relnamespace = n.oid inner join pg_roles as r"
            " on c.relowner = r.oid where n.nspname in ('meta', 'core', 'audit', 'ref', 'mart',"
            " 'mart_staged', 'ref_staged') order by 1"
        ).fetchall()
    assert owners == [("onestop_owner", False), ("onestop_pipeline", False)]


def test_every_readable_column_has_a_comment(city):
    with psycopg.connect(city["auditor"]) as connection:
        found = connection.execute(
            "select table_schema || '.' || table_name || '.' || column_name, table_name,"
            " column_name,"
            " coalesce(col_description(format('%I.%I', table_schema, table_name)::regclass,"
            " ordinal_position), '') from information_schema.columns"
            " where table_schema in ('mart', 'audit', 'core')"
        ).fetchall()
    assert len(found) > 300
    without = [
        name
        for name, table, column, comment in found
        if not column_text(table, column) or not comment.startswith(column_text(table, column))
    ]
    assert without == []


def test_a_login_without_a_role_cannot_connect(city, postgres):
    with psycopg.connect(city["admin"], autocommit=True) as connection:
        connection.execute("create role stranger login")
    with pytest.raises(WarehouseError, match="permission denied for database"):
        open_warehouse(postgres.as_login(city["admin"], "stranger"))


def test_the_pipeline_role_cannot_upgrade_the_schema(postgres):
    url = postgres.make_database()
    open_warehouse(url).close()
    with psycopg.connect(url) as connection:
        connection.execute("delete from meta.schema_version where version > 5")
    with pytest.raises(SchemaError, match=r"onestop migrate.*onestop_owner"):
        open_warehouse(postgres.as_login(url, postgres.make_login("onestop_pipeline")))
