"""A delivery and its night read what they touch, not the whole record, on PostgreSQL."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import steps_by_hand as steps
from published_marts import FIRST, SECOND, settings_in
from statement_plans import whole_scans

from onestop.night import run_night
from onestop.record.record_checks import lost_keys, vanished_wholesale
from onestop.warehouse import open_warehouse

#: Tables that grow with the number of dossiers and visits, and the key of each.
RECORD = {
    "dossier_version": "dossier_code",
    "dossier_history": "dossier_code",
    "visit_version": "ticket_code",
    "visit_history": "ticket_code",
}
#: Which units have tickets is read from all of them.
UNITS = "create unlogged table mart_staged.unit as"
#: Published rows that a night changes few of, and a statement that looks them up.
PUBLISHED = {
    "unit_tally": "create unlogged table mart_staged.unit_tally_new as",
    "form_06a_history": "update mart.form_06a_history set",
}
#: So many further rows that reading them all never pays.
ROWS = 60_000


def grow(warehouse):
    """Put rows of other deliveries and nights into the record."""
    for table, key in RECORD.items():
        more = {"known_from": "date '2022-01-01'", "night": "date '2022-01-01'"}
        if table.endswith("_history"):
            more = {"valid_from": "date '2022-01-01'"}
        else:
            more["is_vanished"] = "false"
        if table.startswith("visit"):
            more |= {
                "issued_date": "date '2021-01-01' + cast(n % 300 as integer)",
                "transferred_from": "md5('X' || n)",
            }
        warehouse.execute(
            f"insert into core.{table} (delivery_id, row_number, content_hash, {key},"
            f" {', '.join(more)}) select 'other.' || n / 500, n, cast(n as varchar),"
            " md5(cast(n as varchar)),"
            f" {', '.join(more.values())} from generate_series(1, {ROWS}) as made (n)"
        )
        warehouse.execute(f"analyze core.{table}")


def grow_published(warehouse):
    """Put sums and figures of further units among those of the last publication."""
    for table in PUBLISHED:
        columns = warehouse.columns("mart", table)
        made = ["'X' || n" if name == "unit_code" else name for name in columns]
        warehouse.execute(
            f"insert into mart.{table} ({', '.join(columns)}) select {', '.join(made)} from"
            f" (select * from mart.{table} order by unit_code limit 1) as one"
            f" cross join generate_series(1, {ROWS}) as made (n)"
        )
        warehouse.execute(f"analyze mart.{table}")


@pytest.fixture(scope="module")
def scans(one_night, postgres, tmp_path_factory):
    """The whole scans of the second night's statements, by step."""
    settings = replace(
        settings_in(tmp_path_factory.mktemp("plans")), warehouse=postgres.make_database()
    )
    shutil.copytree(one_night.exports, settings.exports)
    assert run_night(settings, FIRST).state == "published"
    with open_warehouse(settings.warehouse) as warehouse:
        grow(warehouse)
        grow_published(warehouse)
    found = {}
    with whole_scans(set(RECORD)) as found["load"]:
        steps.take_in_all(settings, SECOND)
    with whole_scans({*RECORD, *PUBLISHED}) as found["compute"]:
        steps.compute(settings, SECOND)
    with (
        open_warehouse(settings.warehouse) as warehouse,
        whole_scans(set(RECORD)) as found["check"],
    ):
        assert lost_keys(warehouse, SECOND) + vanished_wholesale(warehouse, SECOND) == []
    steps.check(settings, SECOND)
    with whole_scans({*RECORD, *PUBLISHED}) as found["publish"]:
        steps.publish(settings, SECOND)
    with open_warehouse(settings.warehouse) as warehouse:
        assert warehouse.value("select max(computed) from audit.publication") == "changes"
        with whole_scans(set(RECORD)) as found["everything"]:
            warehouse.value("select count(*) from core.dossier_version")
    return found


@pytest.mark.parametrize("step", ["load", "compute", "check", "publish"])
def test_no_statement_of_a_step_reads_the_whole_record(scans, step):
    of_record = [one for one in scans[step] if one[1] in RECORD]
    assert [one for one in of_record if not one[2].startswith(UNITS)] == []


@pytest.mark.parametrize("table", PUBLISHED)
def test_a_night_looks_up_the_published_rows_that_it_changes(scans, table):
    found = scans["compute"] + scans["publish"]
    assert [one for one in found if one[1] == table and PUBLISHED[table] in one[2]] == []


def test_a_statement_that_reads_the_whole_record_is_noticed(scans):
    assert [table for _, table, _ in scans["everything"]] == ["dossier_version"]
