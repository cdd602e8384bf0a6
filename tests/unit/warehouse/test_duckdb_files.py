"""How DuckDB files are opened."""

from __future__ import annotations

import pytest

from onestop.warehouse.duckdb_files import open_duckdb

TABLES = """
create table register (unit_code varchar, struck_off date);
insert into register values ('a', date '2022-02-01'), ('b', null);
create table in_use (unit_code varchar);
insert into in_use values ('a'), ('b'), ('c');
"""
#: What is in use and not in the register now, each written otherwise.
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
def test_rows_without_a_partner_are_found_whatever_filters_their_partners(query, without):
    with open_duckdb(":memory:", without=without) as connection:
        connection.execute(TABLES)
        found = connection.execute(query).fetchall()
    assert sorted(code for code, kind in found if kind == "unregistered") == ["a", "c"]
