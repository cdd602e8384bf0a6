"""DuckDB, PostgreSQL and Spark give the same marts: every row, every column, the digest."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from engines import assert_same, content
from published_marts import settings_in
from random_worlds import build_world
from recorded_world import put_record
from second_worked_set import SEPTEMBER, second_world
from spark_here import derive_histories, needs_spark, put_thirteen_dossiers
from worked_dossiers import LATER

from onestop.local.demo import HISTORY_SINCE
from onestop.marts import compute as compute_module
from onestop.marts.compute import compute_marts
from onestop.marts.publish import figures_digest, publish_marts, refresh_reference
from onestop.night import run_night
from onestop.sample import write_sample
from onestop.spark.address import Computing
from onestop.upkeep.verify import verify
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import PUBLISHED, STAGED

pytestmark = [*needs_spark, pytest.mark.slow]

SCHEMAS = ("core", "ref_staged", STAGED)
#: Of the demonstration: eleven nights, files that come late, and restatements.
FIRST_NIGHT, LAST_NIGHT = dt.date(2022, 11, 14), dt.date(2022, 11, 24)


def second_set(warehouse):
    put_record(warehouse, second_world().as_known_on(SEPTEMBER))
    derive_histories(warehouse)


def random_world(warehouse):
    put_record(warehouse, build_world(random.Random(3).choice, dossiers=300, tickets=300))
    derive_histories(warehouse)


#: The smallest one is counted on Spark for both engines, which shows that both load its rows.
WORLDS = {
    "thirteen": SimpleNamespace(put=put_thirteen_dossiers, night=LATER, both=True),
    "second": SimpleNamespace(put=second_set, night=SEPTEMBER, both=False),
    "random": SimpleNamespace(put=random_world, night=dt.date(2022, 12, 31), both=False),
}


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("name", WORLDS)
def test_all_marts_are_equal_on_three_engines(postgres, tmp_path, name):
    world = WORLDS[name]
    on_spark = Computing("local[2]", tmp_path / "record")
    by_engine = Computing("", Path())
    found = {}
    for what, url, computing in (
        ("DuckDB", f"duckdb:///{tmp_path / 'one.duckdb'}", by_engine),
        ("PostgreSQL", postgres.make_database(), by_engine),
        ("Spark, in PostgreSQL", postgres.make_database(), on_spark),
        ("Spark, in DuckDB", f"duckdb:///{tmp_path / 'two.duckdb'}", on_spark),
    )[: 4 if world.both else 3]:
        with open_warehouse(url) as warehouse:
            refresh_reference(warehouse)
            world.put(warehouse)
            # an earlier night, so that there are histories of figures to read
            compute_marts(warehouse, world.night - dt.timedelta(days=31), by_engine)
            publish_marts(warehouse, world.night - dt.timedelta(days=31))
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(compute_module, "rules_digest", lambda: "another release")
                compute_marts(warehouse, world.night, computing)
            counted_by = warehouse.value(f"select counted_by from {STAGED}.night")
            assert counted_by.startswith("Apache Spark") == computing.is_on_spark, what
            found[what] = (content(warehouse, SCHEMAS), figures_digest(warehouse, STAGED))
            if name == "random":
                [halves] = warehouse.rows(_HALF_SECONDS.format(schema=STAGED))
                assert min(halves.values()) >= 10, "too few medians lie between two seconds"
    (expected, digest), *others = found.values()
    for other, other_digest in others:
        assert_same(expected, other)
        assert other_digest == digest


#: How many medians of waiting times lie in the middle between two seconds: above an even one, where
#: an engine that rounds halves up differs, and above an odd one, where one that cuts them off does.
_HALF_SECONDS = """
select
    count(*) filter (where cast(floor(median) as bigint) % 2 = 0) as above_even,
    count(*) filter (where cast(floor(median) as bigint) % 2 = 1) as above_odd
from (
    select percentile_cont(0.5) within group (order by v.wait_seconds) as median
    from {schema}.counted_visit as v
    inner join {schema}.period_day as day on v.issued_date = day.calendar_date
    where v.visit_outcome = 'called'
    group by day.period_type, day.period_basis, day.period_start, v.unit_code
) as by_unit where median <> floor(median)
"""


@pytest.mark.usefixtures("spark")
def test_every_night_of_the_demonstration_is_equal_on_spark(postgres, tmp_path):
    settings = settings_in(tmp_path)
    on_postgres = replace(
        settings_in(tmp_path / "postgres"),
        exports=settings.exports,
        warehouse=postgres.make_database(),
    )
    write_sample(settings.exports, FIRST_NIGHT, LAST_NIGHT, since=HISTORY_SINCE)
    marts = []
    for each in (settings, on_postgres):
        night = FIRST_NIGHT
        while night <= LAST_NIGHT:
            assert run_night(each, night).is_good
            if each is settings:
                _assert_spark_counts_what_was_published(settings.warehouse, night, tmp_path)
            night += dt.timedelta(days=1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ONESTOP_COMPUTE", "local[2]")
            patch.setenv("ONESTOP_RECORD_FILES", str(tmp_path / "record"))
            found = verify(each)
        assert (found.is_identical, found.differences) == (True, [])
        assert found.figures > 10_000
        assert not list((tmp_path / "record").glob("verify-*"))
        with open_warehouse(each.warehouse, read_only=True) as warehouse:
            assert warehouse.value("select count(*) from mart.restatement") > 0
            marts.append(content(warehouse, (PUBLISHED,)))
    assert_same(*marts)


def _assert_spark_counts_what_was_published(warehouse_url, night, folder):
    copy = folder / "copy.duckdb"
    shutil.copy(warehouse_url.removeprefix("duckdb:///"), copy)
    with (
        open_warehouse(f"duckdb:///{copy}") as warehouse,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(compute_module, "rules_digest", lambda: "another release")
        compute_marts(warehouse, night, Computing("local[2]", folder / "record"))
        assert warehouse.value(f"select counted_by from {STAGED}.night").startswith("Apache Spark")
        published, staged = (
            {
                name.partition(".")[2]: rows
                for name, rows in content(warehouse, (schema,)).items()
                if name.partition(".")[2] not in KEPT
            }
            for schema in (PUBLISHED, STAGED)
        )
    copy.unlink()
    common = published.keys() & staged.keys()
    assert {"counted_dossier", "indicator_value", "form_06a", "scorecard"} <= common
    assert_same({name: published[name] for name in common}, {name: staged[name] for name in common})


#: What publications add to, and what a change of two nights is computed from.
KEPT = {"indicator_history", "form_06a_history", "night_change", "restatement"}
