"""The figures of a published night can be read back unchanged after any later night."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from random_worlds import NIGHTS, build_world, put_world
from reference_comparison import Comparison, compare_form, compare_values
from reference_figures import count_everything

from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import STAGED

#: Columns of both histories, without the period's end: of a year to date it is the night.
COLUMNS = {
    "indicator_value": (
        "indicator_code, method_code, unit_code, unit_level, unit_scope, period_type,"
        " period_basis, period_start, {end} as period_end, plan_code, numerator, denominator,"
        " value, target, comparison, status, coverage"
    ),
    "form_06a": (
        "unit_code, unit_level, unit_scope, field_code, period_type, period_basis, period_start,"
        " {end} as period_end, received_total, received_online, received_counter_post,"
        " carried_over, resolved_total, resolved_early, resolved_on_time, resolved_late,"
        " open_total, open_in_time, open_overdue"
    ),
}
HISTORY = {"indicator_value": "indicator_history", "form_06a": "form_06a_history"}


def rows(warehouse, query, **parameters):
    return Counter(tuple(row.values()) for row in warehouse.rows(query, parameters or None))


def published(warehouse, table):
    return rows(warehouse, f"select {COLUMNS[table].format(end='period_end')} from mart.{table}")


def read_back(warehouse, table, night):
    columns = COLUMNS[table].format(end=f"coalesce(period_end, date '{night}')")
    return rows(
        warehouse,
        f"select {columns} from mart.{HISTORY[table]}"
        " where valid_from <= :night and (valid_to is null or valid_to > :night)",
        night=night,
    )


@pytest.mark.parametrize(
    ("seed", "nights"),
    [(1, 3), *(pytest.param(seed, 6, marks=pytest.mark.slow) for seed in range(2, 18))],
)
def test_every_night_s_figures_are_read_back_as_published(tmp_path, seed, nights):
    chance = random.Random(seed)
    world = build_world(chance.choice, dossiers=40, tickets=15, late=True)
    as_published = {}
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as warehouse:
        for night in sorted(chance.sample(NIGHTS, nights)):
            known = world.as_known_on(night)
            put_world(warehouse, known)
            compute_marts(warehouse, night)
            found = Comparison()
            figures = count_everything(known, night, {})
            compare_form(found, warehouse, STAGED, figures)
            compare_values(found, warehouse, STAGED, figures)
            assert not found.differences, str(found)
            publish_marts(warehouse, night)
            as_published[night] = {table: published(warehouse, table) for table in COLUMNS}
        for night, tables in as_published.items():
            for table, then in tables.items():
                now = read_back(warehouse, table, night)
                assert now == then, (night, table, list((now - then) + (then - now))[:5])
        # later nights did change figures of the same period
        assert warehouse.value(
            "select count(*) from mart.form_06a_history as a inner join mart.form_06a_history as b"
            " on a.unit_code = b.unit_code and a.field_code = b.field_code"
            " and a.period_type = b.period_type and a.period_basis = b.period_basis"
            " and a.period_start = b.period_start and a.valid_from < b.valid_from"
            " and a.period_end is not null and a.period_end < a.valid_from"
            " and (a.received_total, a.resolved_total, a.open_overdue)"
            " <> (b.received_total, b.resolved_total, b.open_overdue)"
        )
