"""A night counted from its change set is the night counted from everything."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from engines import assert_same, lines
from random_nights import Sources

from onestop.marts import compute, restatement
from onestop.marts.compute import compute_marts, stage_reference
from onestop.marts.files import mart_files
from onestop.marts.publish import publish_marts
from onestop.record.load import load_delivery
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import REFERENCE_STAGED, STAGED

NIGHTS = 6


def marts(warehouse, schema):
    """The rows of every mart, counted."""
    return {
        file.name: (columns, lines(warehouse, f"{schema}.{file.name}", columns))
        for file in mart_files()
        for columns in [sorted(warehouse.columns(schema, file.name))]
    }


def count_everything(warehouse, night):
    warehouse.empty_schema(STAGED)
    stage_reference(warehouse)
    compute._compute_all(warehouse, night)
    found = marts(warehouse, STAGED)
    warehouse.empty_schema(STAGED)
    warehouse.empty_schema(REFERENCE_STAGED)
    return found


class RolledBackError(Exception):
    """Ends a trial."""


def roll_back():
    raise RolledBackError


def restated_dossiers(warehouse, night):
    """What the publication recorded, and what the record itself gives for the same two nights."""
    query = "select * from mart.restatement_dossier where restated_night = :night"
    recorded = Counter(tuple(r.values()) for r in warehouse.rows(query, {"night": night}))
    nights = warehouse.rows("select as_of_date from audit.publication order by 1 desc limit 2")
    expected = Counter()
    try:
        with warehouse.transaction():
            previous = nights[1]["as_of_date"]
            restatement._record_dossiers(
                warehouse, {"as_of_date": night, "previous_night": previous}
            )
            both = Counter(tuple(r.values()) for r in warehouse.rows(query, {"night": night}))
            expected = both - recorded
            roll_back()
    except RolledBackError:
        pass
    return recorded, expected


def assert_histories_hold(warehouse):
    """What the histories hold now is what the marts say."""
    for history, mart in (
        ("indicator_history", "indicator_value"),
        ("form_06a_history", "form_06a"),
    ):
        columns = [
            name
            for name in warehouse.columns("mart", history)
            if name not in {"valid_from", "valid_to", "period_end"}
        ]
        now = lines(
            warehouse, f"(select * from mart.{history} where valid_to is null) as h", columns
        )
        assert now == lines(warehouse, f"mart.{mart}", columns), history


def run_nights(warehouse, folder, seed, *, nights=NIGHTS):
    """Run a random sequence of nights; how each run night was computed."""
    computed = Counter()
    for sent in Sources(random.Random(seed).choice).nights(nights):
        for file in sent.files:
            load_delivery(warehouse, file.delivery, file.staged(folder))
        if not sent.is_run:
            continue
        compute_marts(warehouse, sent.night)
        publish_marts(warehouse, sent.night)
        how = warehouse.rows(
            "select computed, computed_why from audit.publication where as_of_date = :night",
            {"night": sent.night},
        )[0]
        computed[how["computed_why"] or how["computed"]] += 1
        if how["computed"] == "changes":
            assert_same(marts(warehouse, "mart"), count_everything(warehouse, sent.night))
            recorded, expected = restated_dossiers(warehouse, sent.night)
            has_restated = warehouse.value(
                "select count(*) from mart.restatement where restated_night = :night",
                {"night": sent.night},
            )
            assert not has_restated or recorded == expected
        assert_histories_hold(warehouse)
    return computed


@pytest.mark.parametrize(
    ("seed", "least"),
    [(1, 2), (2, 2), *(pytest.param(seed, 0, marks=pytest.mark.slow) for seed in range(3, 200))],
)
def test_the_marts_of_changed_nights_are_those_of_everything(tmp_path, seed, least):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as warehouse:
        computed = run_nights(warehouse, tmp_path, seed)
    assert computed["changes"] >= least


@pytest.mark.parametrize(
    ("seed", "least"),
    [(4, 1), *(pytest.param(seed, 0, marks=pytest.mark.slow) for seed in range(200, 220))],
)
def test_the_marts_of_changed_nights_are_those_of_everything_on_postgresql(
    postgres, tmp_path, seed, least
):
    with open_warehouse(postgres.make_database()) as warehouse:
        computed = run_nights(warehouse, tmp_path, seed, nights=4)
    assert computed["changes"] >= least
