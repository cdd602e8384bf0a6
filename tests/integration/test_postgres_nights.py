"""Nights on PostgreSQL: the same files give the same record and the same figures as on DuckDB."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from engines import assert_same, content
from published_marts import settings_in
from recorded_world import put_record
from second_worked_set import SEPTEMBER, second_world
from typer.testing import CliRunner

from onestop.cli import app
from onestop.figures.explain import explain
from onestop.figures.scorecard import read_scorecard
from onestop.marts.compute import compute_marts
from onestop.marts.publish import figures_digest, publish_marts
from onestop.night import run_night
from onestop.sample import write_sample
from onestop.upkeep.doctor import examine
from onestop.upkeep.verify import verify
from onestop.warehouse import open_warehouse

pytestmark = pytest.mark.whole_night

SINCE = dt.date(2022, 10, 1)
NIGHT = dt.date(2022, 12, 31)
DAY = dt.timedelta(days=1)
CLERK = "onestop_pipeline"


def run(settings, nights):
    for night in nights:
        report = run_night(settings, night)
        assert report.state == "published", (report.message, report.deliveries)


def on_postgres(embedded, postgres, folder):
    """The same exports, loaded into PostgreSQL by a login of the pipeline role only."""
    url = postgres.make_database()
    open_warehouse(url).close()  # an administrator makes the schema
    url = postgres.as_login(url, postgres.make_login(CLERK))
    return replace(settings_in(folder), exports=embedded.exports, warehouse=url)


def assert_equal_warehouses(embedded, served):
    with (
        open_warehouse(embedded.warehouse, read_only=True) as one,
        open_warehouse(served.warehouse, read_only=True) as other,
    ):
        assert_same(content(one), content(other))
        digests = {figures_digest(warehouse, "mart") for warehouse in (one, other)}
        published = "select as_of_date, figures_sha256 from audit.publication order by 1"
        assert one.rows(published) == other.rows(published)
        assert len(digests) == 1


@pytest.fixture(scope="module")
def both(tmp_path_factory, postgres):
    """A generated quarter on both engines."""
    embedded = settings_in(tmp_path_factory.mktemp("embedded"))
    write_sample(embedded.exports, NIGHT, NIGHT, since=SINCE, per_day=6, communes=1, dirt_percent=5)
    served = on_postgres(embedded, postgres, tmp_path_factory.mktemp("served"))
    run(embedded, [NIGHT])
    run(served, [NIGHT])
    return embedded, served


def test_a_generated_quarter_gives_the_same_record_and_the_same_marts(both):
    embedded, served = both
    with open_warehouse(served.warehouse, read_only=True) as warehouse:
        assert warehouse.value("select count(*) from mart.dossier") > 300
        assert warehouse.value("select count(*) from audit.rejected_row") > 0
    assert_equal_warehouses(embedded, served)


def test_a_night_run_again_changes_nothing(both):
    _, served = both
    with open_warehouse(served.warehouse, read_only=True) as warehouse:
        before = content(warehouse)
    assert run_night(served, NIGHT).state == "unchanged"
    with open_warehouse(served.warehouse, read_only=True) as warehouse:
        assert_same(before, content(warehouse))


def test_published_figures_are_the_same_when_rebuilt_from_landed_files(both):
    _, served = both
    result = verify(served, NIGHT)
    assert result.is_identical, result.differences
    assert result.figures > 1000


def test_pages_and_lists_are_the_same_on_both_engines(both):
    embedded, served = both
    assert read_scorecard(served) == read_scorecard(embedded)
    span = ("on_time_rate", "CITY", dt.date(2022, 10, 3), dt.date(2022, 12, 28))
    found = explain(served, *span)
    assert found == explain(embedded, *span)
    assert len(found.items) > 100


@pytest.mark.parametrize(
    ("indicator", "unit"),
    [
        ("level4_provision_rate", "CITY"),
        ("digitisation_rollout_commune", "COMMUNE"),
        ("plan_tasks_completed_rate", "CITY"),
    ],
)
def test_the_items_of_a_figure_are_the_same_on_both_engines(both, indicator, unit):
    embedded, served = both
    asked = (indicator, unit, dt.date(2022, 1, 1), NIGHT)
    found = explain(served, *asked)
    assert found == explain(embedded, *asked)
    assert found.items
    assert found.agrees is True


def test_the_tickets_of_a_waiting_time_are_the_same_on_both_engines(postgres, tmp_path):
    embedded = settings_in(tmp_path)
    served = replace(embedded, warehouse=postgres.make_database())
    found = []
    for settings in (embedded, served):
        with open_warehouse(settings.warehouse) as warehouse:
            put_record(warehouse, second_world())
            compute_marts(warehouse, SEPTEMBER)
            publish_marts(warehouse, SEPTEMBER)
            warehouse.publish_copy(settings.published)
        found.append(
            explain(settings, "counter_waiting_time", "CITY", dt.date(2022, 1, 1), SEPTEMBER)
        )
    assert found[0] == found[1]
    assert (found[1].numerator, found[1].denominator, found[1].agrees) == (6000, 4, True)


@pytest.mark.parametrize(
    "command",
    [
        ["scorecard", "--lang", "en"],
        ["deliveries"],
        ["rejected"],
        ["explain", "on_time_rate", "--unit", "DISTRICT", "--from", "2022-10-01", "--to",
         "2022-12-31"],
        ["report", "form-06a", "--unit", "CITY", "--from", "2022-10-01", "--to", "2022-12-31",
         "-o", "form.xlsx"],
    ],
    ids=lambda command: " ".join(command[:2]),
)  # fmt: skip
def test_every_command_prints_the_same_on_both_engines(both, command, tmp_path, monkeypatch):
    printed = []
    for settings in both:
        monkeypatch.setenv("ONESTOP_WAREHOUSE", settings.warehouse)
        monkeypatch.setenv("ONESTOP_PUBLISHED", str(settings.published))
        monkeypatch.setenv("ONESTOP_LANDING", str(settings.landing))
        monkeypatch.setenv("ONESTOP_WORK", str(settings.work))
        monkeypatch.chdir(tmp_path)
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
        printed.append(result.output)
    assert printed[0] == printed[1]


def test_the_doctor_counts_the_same_refused_files_and_rows_on_both_engines(both):
    first, second = (
        [one for one in examine(settings) if one.message.startswith("refused files of night")]
        for settings in both
    )
    assert first == second
    assert len(first) == 1


@pytest.mark.slow
def test_every_night_of_a_quarter_is_the_same_on_both_engines(postgres, tmp_path):
    embedded = settings_in(tmp_path / "embedded")
    nights = [SINCE + dt.timedelta(days=n) for n in range(92)]
    write_sample(embedded.exports, nights[0], nights[-1], per_day=4, communes=1, dirt_percent=5)
    served = on_postgres(embedded, postgres, tmp_path / "served")
    run(embedded, nights)
    run(served, nights)
    assert_equal_warehouses(embedded, served)


def test_figures_that_an_earlier_release_held_in_one_table_are_published_anew(both, postgres):
    for settings in both:
        with open_warehouse(settings.warehouse) as warehouse, warehouse.as_owner():
            warehouse.execute("create table mart.held as select * from mart.indicator_value")
            warehouse.execute("drop view mart.indicator_value")
            warehouse.execute("drop table mart.indicator_figure")
            warehouse.execute("alter table mart.held rename to indicator_value")
        with open_warehouse(settings.warehouse) as warehouse:
            compute_marts(warehouse, NIGHT + DAY)
            publish_marts(warehouse, NIGHT + DAY)
            assert warehouse.relations("mart")["indicator_value"] is True
    assert_equal_warehouses(*both)
    reader = postgres.as_login(both[1].warehouse, postgres.make_login("onestop_bi"))
    with open_warehouse(reader, read_only=True) as warehouse:
        assert warehouse.value("select count(*) from mart.indicator_value") > 0
