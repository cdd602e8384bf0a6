"""A delivery and its night read what they touch, not the whole record, on PostgreSQL."""

from __future__ import annotations

import json
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
def first_night(one_night, postgres, tmp_path_factory):
    """An installation whose first night filled an empty database."""
    settings = replace(
        settings_in(tmp_path_factory.mktemp("plans")), warehouse=postgres.make_database()
    )
    shutil.copytree(one_night.exports, settings.exports)
    assert run_night(settings, FIRST).state == "published"
    return settings


def test_a_first_delivery_is_not_read_once_for_each_of_its_rows(first_night):
    # Of a table without statistics the planner expects 85 rows of a delivery, and looked through
    # all of them for each dossier: 20 seconds of 28,000, and four times as many of twice as many.
    with open_warehouse(first_night.warehouse) as warehouse:
        found = warehouse.rows(
            "select i.idx_tup_read as rows_read, (select count(*) from core.dossier_version) as n"
            " from pg_stat_user_indexes as i where i.indexrelid ="
            " 'core.dossier_version_delivery_id_idx'::regclass"
        )[0]
    assert 0 < found["n"] <= found["rows_read"] < 10 * found["n"]


def test_the_planner_expects_as_many_sums_as_there_are(first_night):
    # An estimate of one row led to nested loops, in which the targets of all levels were sorted
    # again for each of 11,000 sums.
    with open_warehouse(first_night.warehouse, read_only=True) as warehouse:
        rows = warehouse.value("select count(*) from mart.period_tally")
        (plan,) = warehouse.rows("explain (format json) select * from mart.period_tally")
    (plan,) = plan.values()
    expected = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"]
    assert rows / 10 < expected < 10 * rows


@pytest.fixture(scope="module")
def scans(first_night):
    """The whole scans of the second night's statements, by step."""
    settings = first_night
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
