"""Names in the database catalogue that contain SQL: no role ever runs them."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest
from psycopg import sql
from worked_dossiers import IN_JULY, LATER, NIGHT, THIRTEEN, record, record_unit

from onestop.marts.compute import compute_marts
from onestop.marts.descriptions import describe_tables
from onestop.marts.publish import publish_marts
from onestop.warehouse import open_warehouse

REFUSED = psycopg.errors.InsufficientPrivilege.sqlstate
#: Texts that replace the table's name in statements; {} is the attacker's login.
ATTACKS = (
    "unit.unit_code is null;reset role;alter role {} superuser;--",
    "x;reset role;alter role {} superuser;--",
    'x";reset role;alter role {} superuser;--',
    "x cascade;reset role;alter role {} superuser;--",
    "x);reset role;alter role {} superuser;--",
    "x';reset role;alter role {} superuser;--",
)
SCHEMAS = ("core", "audit", "ref", "mart", "mart_staged", "ref_staged")


def plant(url, login):
    """Plant the names as the pipeline's login, or as an administrator where it may not."""
    with psycopg.connect(url) as connection:
        for schema in SCHEMAS:
            for attack in ATTACKS:
                name = attack.format(login)
                connection.execute(
                    sql.SQL("create table {} (unit_code text, {} text)").format(
                        sql.Identifier(schema, name), sql.Identifier(name)
                    )
                )
                connection.execute(
                    sql.SQL("alter table {} owner to onestop_pipeline").format(
                        sql.Identifier(schema, name)
                    )
                )
                connection.execute(
                    sql.SQL("create view {} as select * from {}").format(
                        sql.Identifier(schema, f"v{name}"), sql.Identifier(schema, name)
                    )
                )
        # a column instead of one that a night computes
        connection.execute(
            sql.SQL("alter table mart.counted_dossier add column {} text").format(
                sql.Identifier(ATTACKS[0].format(login))
            )
        )


@pytest.fixture(scope="module")
def attacked(postgres):
    """A published night, then the attack; addresses for the administrator and for the login."""
    url = postgres.make_database()
    with open_warehouse(url) as warehouse:
        record_unit(warehouse, NIGHT)
        record(warehouse, NIGHT, THIRTEEN)
        compute_marts(warehouse, NIGHT)
        publish_marts(warehouse, NIGHT)
    login = postgres.make_login("onestop_pipeline")
    plant(url, login)
    return url, postgres.as_login(url, login), login


def work(url, night):
    """All steps of a night, and of `onestop migrate`, that use names of the catalogue."""
    with open_warehouse(url) as warehouse:
        with warehouse.as_owner():
            describe_tables(warehouse)
        record(warehouse, night, IN_JULY)
        compute_marts(warehouse, night)
        publish_marts(warehouse, night)
        warehouse.publish_copy(None)


@pytest.mark.parametrize("role", ["administrator", "pipeline"])
def test_a_name_in_the_catalogue_is_never_run_as_sql(attacked, role):
    admin, pipeline, login = attacked
    work(*{"administrator": (admin, LATER), "pipeline": (pipeline, dt.date(2022, 8, 1))}[role])
    with psycopg.connect(admin) as connection:
        found = connection.execute("select rolname, rolsuper from pg_roles").fetchall()
        superusers = [name for name, is_super in found if is_super]
        commented = connection.execute(
            "select count(*) from pg_description as d inner join pg_class as c on d.objoid = c.oid"
            " where c.relname like '%;%'"
        ).fetchone()
    assert superusers == ["postgres"]
    assert login in dict(found)
    assert commented == (0,), "only tables of the product get comments"


def test_the_warehouse_refuses_several_statements_in_one_text(attacked):
    with open_warehouse(attacked[0]) as warehouse:
        for parameters in (None, {"a": 1}):
            with pytest.raises(psycopg.errors.SyntaxError, match="multiple commands"):
                warehouse.execute(
                    "select 1; select 2" + (" + :a" if parameters else ""), parameters
                )


@pytest.mark.parametrize(
    "statement",
    [
        "create table core.other (a integer)",
        "create view core.other as select 1 as a",
        "create function mart.other() returns integer language sql as 'select 1'",
        "create function mart.other() returns trigger language plpgsql as 'begin end'",
        "create function pg_temp.other() returns integer language sql as 'select 1'",
        "do $$ begin perform 1; end $$",
        "alter role current_user superuser",
        "alter database {database} set statement_timeout = 0",
    ],
)
@pytest.mark.parametrize("role", ["onestop_pipeline", "onestop_auditor", "onestop_bi"])
def test_only_the_owner_can_create_objects_that_other_roles_run(
    attacked, postgres, role, statement
):
    url = postgres.as_login(attacked[0], postgres.make_login(role))
    with psycopg.connect(url) as connection:
        text = statement.format(database=connection.info.dbname)
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(text)
    assert refused.value.sqlstate == REFUSED
