"""The shipped dashboard uses existing columns and shows the figures of the scorecard."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from superset_dashboard import SHIPPED, read_charts, read_datasets

from onestop.figures.scorecard.values import count_verdicts, read_scorecard
from onestop.warehouse import open_warehouse

CHARTS = read_charts()


@pytest.fixture(scope="module")
def published(one_night):
    with open_warehouse(f"duckdb:///{one_night.published}", read_only=True) as warehouse:
        yield warehouse


@pytest.mark.parametrize("dataset", read_datasets().values(), ids=lambda item: item["table_name"])
def test_a_dataset_has_the_columns_that_it_declares(published, dataset):
    found = published.arrow(f"select * from ({dataset['sql']}) as asked").schema.names
    assert sorted(found) == sorted(column["column_name"] for column in dataset["columns"])
    assert all(column["verbose_name"] for column in dataset["columns"])


@pytest.mark.parametrize("chart", CHARTS)
def test_the_query_of_a_chart_returns_rows(published, chart):
    rows = published.rows(CHARTS[chart].sql())
    assert rows or chart == "changed_after_overdue"


@pytest.mark.parametrize(
    ("chart", "indicator", "as_shown"),
    [
        # rates are cut and waits rounded up, so that no figure looks better than it is
        ("on_time", "on_time_rate", "floor(100 * value) / 100"),
        ("waiting", "counter_waiting_time", "ceil(value / 6) / 10"),
        ("online", "online_share_level34", "floor(100 * value) / 100"),
    ],
)
def test_a_number_on_the_dashboard_equals_the_one_on_the_scorecard(
    published, chart, indicator, as_shown
):
    [row] = published.rows(CHARTS[chart].sql())
    [shown] = row.values()
    expected = published.value(
        f"select {as_shown} from mart.scorecard where indicator_code = :indicator"
        " and unit_code = 'CITY'",
        {"indicator": indicator},
    )
    assert float(shown) == float(expected)


def test_the_indicators_that_miss_their_target_are_counted_once_as_on_the_scorecard(
    published, one_night
):
    [row] = published.rows(CHARTS["not_met"].sql())
    [shown] = row.values()
    lines = read_scorecard(one_night)
    assert shown == count_verdicts(lines)["not_met"]
    assert shown < sum(line.status == "not_met" for line in lines)


def test_the_shipped_files_hold_no_address_of_an_installation():
    [database] = (SHIPPED / "databases").glob("*.yaml")
    uri = yaml.safe_load(database.read_text(encoding="utf-8"))["sqlalchemy_uri"]
    assert uri == "postgresql+psycopg2://dashboards@localhost/onestop"
    assert all(dataset["catalog"] is None for dataset in read_datasets().values())


def test_filters_and_places_of_the_dashboard_name_what_is_shipped():
    [path] = (SHIPPED / "dashboards").glob("*.yaml")
    dashboard = yaml.safe_load(path.read_text(encoding="utf-8"))
    placed = [
        part["meta"]
        for part in dashboard["position"].values()
        if isinstance(part, dict) and part["type"] == "CHART"
    ]
    charts = [
        yaml.safe_load(chart.read_text(encoding="utf-8"))
        for chart in (SHIPPED / "charts").glob("*.yaml")
    ]
    assert {one["uuid"]: one["sliceName"] for one in placed} == {
        one["uuid"]: one["slice_name"] for one in charts
    }
    numbers = {one["chartId"]: one["uuid"] for one in placed}
    assert len(numbers) == len(placed)
    datasets = read_datasets()
    of_chart = {one["uuid"]: one["dataset_uuid"] for one in charts}
    filters = dashboard["metadata"]["native_filter_configuration"]
    assert [one["name"] for one in filters] == ["Cấp", "Cơ quan", "Tháng"]
    for one in filters:
        [target] = one["targets"]
        in_scope = set(numbers) - set(one["scope"]["excluded"])
        assert in_scope < set(numbers)
        for dataset in (target["datasetUuid"], *(of_chart[numbers[each]] for each in in_scope)):
            columns = {column["column_name"] for column in datasets[dataset]["columns"]}
            assert target["column"]["name"] in columns, (one["name"], dataset)


FIGURES = {"value", "projected_value", "coverage", "rate_lower", "rate_upper"}


@pytest.mark.parametrize(
    "dataset",
    [
        dataset
        for dataset in read_datasets().values()
        if FIGURES.intersection(column["column_name"] for column in dataset["columns"])
    ],
    ids=lambda item: item["table_name"],
)
def test_superset_is_left_nothing_to_round_in_a_table(published, dataset):
    """It rounds to two decimals, and 97.996 would look like 98."""
    rows = published.rows(f"select * from ({dataset['sql']}) as asked")
    shown = [row[name] for row in rows for name in FIGURES & row.keys() if row[name] is not None]
    assert shown
    assert [value for value in shown if float(value) != round(float(value), 2)] == []


_DECIMALS_LEFT = {"/ 100": 2, "/ 10": 1}


def _formats(params):
    """Each number format of a chart with the aggregate that it formats; None is all of them."""
    for name in ("valueFormat", "y_axis_format"):
        if name in params:
            yield None, params[name]
    for column, config in params.get("column_config", {}).items():
        if "d3NumberFormat" in config:
            yield column, config["d3NumberFormat"]


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_shows_all_decimals_that_its_query_leaves(chart):
    """A format with one decimal shows 97.96 as 98.0, which looks like the target."""
    content = yaml.safe_load((SHIPPED / "charts" / f"{chart}.yaml").read_text(encoding="utf-8"))
    for column, number_format in _formats(content["params"]):
        decimals = re.fullmatch(r",(?:d|\.(\d)~?f)", number_format)
        assert decimals, number_format
        shown = [m for m in CHARTS[chart].metrics if column in (None, m["label"])]
        for metric in shown:
            for ending, left in _DECIMALS_LEFT.items():
                if metric["sqlExpression"].endswith(ending):
                    assert int(decimals[1] or 0) >= left, (metric["label"], number_format)
        if not shown:  # a column of the dataset: a count, or it keeps two decimals
            least = 0 if column in _COUNTS else 2
            assert int(decimals[1] or 0) >= least, (column, number_format)


_COUNTS = {"shortfall", "needed_count", "remaining_total", "numerator", "denominator"}


@pytest.mark.parametrize("chart", CHARTS)
def test_a_colour_says_on_which_side_of_the_target_a_figure_is_not_how_far(chart):
    """Superset's gradient is palest at the bound: 90.00 would look better than 97.56."""
    content = yaml.safe_load((SHIPPED / "charts" / f"{chart}.yaml").read_text(encoding="utf-8"))
    rules = content["params"].get("conditional_formatting", [])
    assert [rule for rule in rules if rule.get("useGradient", True)] == []


@pytest.mark.parametrize("chart", CHARTS)
def test_no_figure_is_below_the_axis_of_its_chart(chart):
    """A line leaves the chart below the axis' first number, and nothing says that it does."""
    content = yaml.safe_load((SHIPPED / "charts" / f"{chart}.yaml").read_text(encoding="utf-8"))
    lowest, _ = content["params"].get("y_axis_bounds", (None, None))
    assert lowest in (None, 0)


@pytest.mark.parametrize("chart", ["outlook", "verdict_by_reading"])
def test_a_table_is_in_the_order_of_the_plan(published, chart):
    """Sorted by their names, communes would stand before districts."""
    content = yaml.safe_load((SHIPPED / "charts" / f"{chart}.yaml").read_text(encoding="utf-8"))
    order = [json.loads(one)[0] for one in content["params"]["order_by_cols"]]
    [level] = [column for column in order if column.startswith("level")]
    rows = published.rows(
        f"select distinct level_label, {level} as ordered from"
        f" ({CHARTS[chart].dataset['sql']}) as asked where unit_scope in ('city', 'level')"
    )
    shown = [row["level_label"] for row in sorted(rows, key=lambda row: row["ordered"])]
    assert shown == ["Thành phố", "Sở, ngành", "Cấp huyện", "Cấp xã"]
