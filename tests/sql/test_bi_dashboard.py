"""The shipped dashboards use existing columns and show the figures of the scorecard."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from corrected_nights import publish_corrected_nights
from published_marts import settings_in
from superset_dashboard import SHIPPED, read_charts, read_dashboards, read_datasets

from onestop.figures.scorecard.values import count_verdicts, read_scorecard
from onestop.schema.project import PROJECT_ROOT
from onestop.warehouse import open_warehouse
from onestop.warehouse.sql_text import tables_read

CHARTS = read_charts()
DASHBOARDS = read_dashboards()
#: Charts of which two nights may leave nothing: no sign, no fault, no month that is over for long.
MAY_BE_EMPTY = {
    *("changed_after_overdue", "timeliness_disagreement", "usual_revision"),
    "waiting_by_unit",
}


@pytest.fixture(scope="module")
def two_nights(kept, tmp_path_factory):
    return kept.copy(_publish, tmp_path_factory.mktemp("two_nights") / "var")


def _publish(folder, _):
    publish_corrected_nights(settings_in(folder))


@pytest.fixture(scope="module")
def published(two_nights):
    with open_warehouse(f"duckdb:///{two_nights.published}", read_only=True) as warehouse:
        yield warehouse


def content_of(chart):
    return yaml.safe_load((SHIPPED / "charts" / f"{chart}.yaml").read_text(encoding="utf-8"))


def test_each_table_of_figures_has_a_dataset_or_a_reason_to_have_none(published):
    """A new table is given a chart, or a line in docs/bi.md that says why readers need none."""
    read = {
        name.removeprefix("mart.")
        for dataset in read_datasets().values()
        for name in tables_read(dataset["sql"])
    }
    text = (PROJECT_ROOT / "docs" / "bi.md").read_text(encoding="utf-8")
    _, _, section = text.partition("### Tables without a dataset\n")
    lines = [line for line in section.partition("\n#")[0].splitlines() if line.startswith("| `")]
    left_out = [name for line in lines for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert all(line.split("|")[2].strip() for line in lines)
    assert len(left_out) == len(set(left_out))
    assert read & set(left_out) == set()
    assert (read | set(left_out)) >= set(published.tables("mart"))
    assert set(left_out) <= set(published.tables("mart"))


@pytest.mark.parametrize("dataset", read_datasets().values(), ids=lambda item: item["table_name"])
def test_a_dataset_has_the_columns_that_it_declares(published, dataset):
    found = published.arrow(f"select * from ({dataset['sql']}) as asked").schema.names
    assert sorted(found) == sorted(column["column_name"] for column in dataset["columns"])
    assert all(column["verbose_name"] for column in dataset["columns"])


@pytest.mark.parametrize("chart", CHARTS)
def test_the_query_of_a_chart_returns_rows(published, chart):
    rows = published.rows(CHARTS[chart].sql())
    assert rows or chart in MAY_BE_EMPTY


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
    published, two_nights
):
    [row] = published.rows(CHARTS["not_met"].sql())
    [shown] = row.values()
    lines = read_scorecard(two_nights)
    assert shown == count_verdicts(lines)["not_met"]
    assert shown < sum(line.status == "not_met" for line in lines)


def test_the_shipped_files_hold_no_address_of_an_installation():
    [database] = (SHIPPED / "databases").glob("*.yaml")
    uri = yaml.safe_load(database.read_text(encoding="utf-8"))["sqlalchemy_uri"]
    assert uri == "postgresql+psycopg2://dashboards@localhost/onestop"
    assert all(dataset["catalog"] is None for dataset in read_datasets().values())


def test_each_chart_has_its_place_and_each_dataset_a_chart():
    """Superset imports no other dataset than those of the charts that it places."""
    placed = [one for dashboard in DASHBOARDS.values() for one in placed_charts(dashboard)]
    contents = [content_of(chart) for chart in CHARTS]
    assert sorted((one["uuid"], one["sliceName"]) for one in placed) == sorted(
        (one["uuid"], one["slice_name"]) for one in contents
    )
    assert {one["dataset_uuid"] for one in contents} == set(read_datasets())


def placed_charts(dashboard):
    return [
        part["meta"]
        for part in dashboard["position"].values()
        if isinstance(part, dict) and part["type"] == "CHART"
    ]


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
def test_rows_and_tabs_hold_all_parts_of_a_dashboard(dashboard):
    parts = {name: part for name, part in dashboard["position"].items() if isinstance(part, dict)}
    held = [child for part in parts.values() for child in part.get("children", ())]
    assert sorted(held) == sorted(set(parts) - {"ROOT_ID", "GRID_ID", "HEADER_ID"})
    for part in parts.values():
        if part["type"] == "ROW":
            assert sum(parts[child]["meta"]["width"] for child in part["children"]) == 12
        for child in part.get("children", ()):
            assert parts[child]["parents"] == [*part.get("parents", ()), part["id"]]


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
def test_filters_of_a_dashboard_name_columns_of_the_charts_that_they_filter(dashboard):
    numbers = {one["chartId"]: one["uuid"] for one in placed_charts(dashboard)}
    assert len(numbers) == len(placed_charts(dashboard))
    datasets = read_datasets()
    contents = [content_of(chart) for chart in CHARTS]
    of_chart = {one["uuid"]: one["dataset_uuid"] for one in contents}
    filters = dashboard["metadata"]["native_filter_configuration"]
    assert [one["name"] for one in filters] == ["Cấp", "Cơ quan", "Tháng"]
    for one in filters:
        [target] = one["targets"]
        in_scope = set(numbers) - set(one["scope"]["excluded"])
        assert in_scope
        assert in_scope < set(numbers)
        for dataset in (target["datasetUuid"], *(of_chart[numbers[each]] for each in in_scope)):
            columns = {column["column_name"] for column in datasets[dataset]["columns"]}
            assert target["column"]["name"] in columns, (one["name"], dataset)


#: Not shown, or with the decimals that they have: what a text sets, and the sums of days.
_EXACT = {"target", "median_workdays", "p75_workdays", "p90_workdays"}


def figures_of(dataset):
    """The columns of figures that a query computes."""
    return {
        column["column_name"]
        for column in dataset["columns"]
        if column["type"] in {"DECIMAL", "FLOAT"} and column["column_name"] not in _EXACT
    }


@pytest.mark.parametrize(
    "dataset",
    [dataset for dataset in read_datasets().values() if figures_of(dataset)],
    ids=lambda item: item["table_name"],
)
def test_superset_is_left_nothing_to_round_in_a_table(published, dataset):
    """It rounds to two decimals, and 97.996 would look like 98."""
    rows = published.rows(f"select * from ({dataset['sql']}) as asked")
    figures = figures_of(dataset)
    shown = [row[name] for row in rows for name in figures if row[name] is not None]
    assert shown or dataset["uuid"] in {CHARTS[chart].dataset["uuid"] for chart in MAY_BE_EMPTY}
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
    content = content_of(chart)
    for column, number_format in _formats(content["params"]):
        decimals = re.fullmatch(r",(?:d|\.(\d)~?f)", number_format)
        assert decimals, number_format
        shown = [m for m in CHARTS[chart].metrics if column in (None, m["label"])]
        for metric in shown:
            for ending, left in _DECIMALS_LEFT.items():
                if metric["sqlExpression"].endswith(ending):
                    assert int(decimals[1] or 0) >= left, (metric["label"], number_format)
        if not shown:  # a column of the dataset: a count, or it keeps two decimals
            [kind] = [
                one["type"]
                for one in CHARTS[chart].dataset["columns"]
                if one["column_name"] == column
            ]
            least = 0 if kind == "LONGINTEGER" else 2
            assert int(decimals[1] or 0) >= least, (column, number_format)


@pytest.mark.parametrize("chart", CHARTS)
def test_a_colour_says_on_which_side_of_the_target_a_figure_is_not_how_far(chart):
    """Superset's gradient is palest at the bound: 90.00 would look better than 97.56."""
    content = content_of(chart)
    rules = content["params"].get("conditional_formatting", [])
    assert [rule for rule in rules if rule.get("useGradient", True)] == []


@pytest.mark.parametrize("chart", CHARTS)
def test_no_figure_is_below_the_axis_of_its_chart(chart):
    """A line leaves the chart below the axis' first number, and nothing says that it does."""
    content = content_of(chart)
    lowest, _ = content["params"].get("y_axis_bounds", (None, None))
    assert lowest in (None, 0)


BY_LEVEL = ["outlook", "verdict_by_reading", "waiting_by_level", "form_06a", "night_change"]
BY_LEVEL += ["digitisation_by_level", "procedure_provision", "report_revision"]


@pytest.mark.parametrize("chart", BY_LEVEL)
def test_a_table_is_in_the_order_of_the_plan(published, chart):
    """Sorted by their names, communes would stand before districts."""
    content = content_of(chart)
    order = [json.loads(one)[0] for one in content["params"]["order_by_cols"]]
    [level] = [column for column in order if column.startswith("level")]
    rows = published.rows(
        f"select distinct level_label, {level} as ordered from"
        f" ({CHARTS[chart].dataset['sql']}) as asked where unit_scope in ('city', 'level')"
    )
    shown = [row["level_label"] for row in sorted(rows, key=lambda row: row["ordered"])]
    assert shown == ["Thành phố", "Sở, ngành", "Cấp huyện", "Cấp xã"]


def shown_columns(content):
    """The columns of a chart's dataset that it shows."""
    asked = content["params"]
    return [*asked.get("all_columns", ()), *asked.get("groupby", ())]


@pytest.mark.parametrize("chart", ["changed_after_overdue", "decree_check"])
def test_strong_signs_stand_above_weak_ones(published, chart):
    """The names of the strengths would put weak before strong in another language."""
    order = [json.loads(one) for one in content_of(chart)["params"]["order_by_cols"]]
    assert order[0] == ["strength_position", True]
    assert shown_columns(content_of(chart))[0] == "strength_label"
    rows = published.rows(
        "select distinct strength_position, strength_label from"
        f" ({CHARTS[chart].dataset['sql']}) as asked order by strength_position"
    )
    names = [row["strength_label"] for row in rows]
    assert names == sorted(names, key=["mạnh", "yếu"].index)


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_shows_names_instead_of_codes(chart):
    """People call dossiers, clauses and procedures by their codes, too."""
    codes = [
        column
        for column in shown_columns(content_of(chart))
        if re.search(r"_(code|codes|key|kind|type|scope)$", column)
    ]
    assert set(codes) <= {"dossier_code", "clause_code", "procedure_key"}


@pytest.mark.parametrize("chart", CHARTS)
def test_a_verdict_stands_beside_its_coverage_and_what_it_depends_on(published, chart):
    """The list of readings is what a verdict depends on."""
    shown = shown_columns(content_of(chart))
    if "status_label" not in shown or chart == "verdict_by_reading":
        return
    assert {"firmness_vi", "firmness_label"} & set(shown)
    covered = published.rows(
        f"select coverage from ({CHARTS[chart].dataset['sql']}) as asked where coverage is not null"
    )
    assert "coverage" in shown or not covered


@pytest.mark.parametrize("chart", CHARTS)
def test_a_ranking_of_units_marks_small_numbers_or_leaves_them_out(chart):
    """By rates alone, one dossier decides who is last."""
    content = content_of(chart)
    scopes = [
        f for f in content["params"].get("adhoc_filters", ()) if f.get("subject") == "unit_scope"
    ]
    rates = {"value", "mean_minutes"} & set(shown_columns(content)) or any(
        "/ nullif(" in metric["sqlExpression"] for metric in CHARTS[chart].metrics
    )
    is_pivot = content["viz_type"] == "pivot_table_v2"
    if rates and not is_pivot and any(f["comparator"] == "unit" for f in scopes):
        assert "small_label" in json.dumps(content["params"])
