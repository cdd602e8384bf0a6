"""The shipped dashboard asks for columns that there are, and shows what the scorecard says."""

from __future__ import annotations

from decimal import Decimal

import pytest
import yaml

from onestop.warehouse import open_warehouse
from superset_dashboard import SHIPPED, read_charts, read_datasets

CHARTS = read_charts()


@pytest.fixture(scope="module")
def published(one_night):
    with open_warehouse(f"duckdb:///{one_night.published}", read_only=True) as warehouse:
        yield warehouse


@pytest.mark.parametrize("dataset", read_datasets().values(), ids=lambda item: item["table_name"])
def test_a_dataset_has_the_columns_that_it_says(published, dataset):
    found = published.arrow(f"select * from ({dataset['sql']}) as asked").schema.names
    assert sorted(found) == sorted(column["column_name"] for column in dataset["columns"])
    assert all(column["verbose_name"] for column in dataset["columns"])


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_can_be_drawn(published, chart):
    rows = published.rows(CHARTS[chart].sql())
    assert rows or chart == "changed_after_overdue"


@pytest.mark.parametrize(
    ("chart", "indicator", "scale"),
    [
        ("on_time", "on_time_rate", 1),
        ("waiting", "counter_waiting_time", 60),
        ("online", "online_share_level34", 1),
    ],
)
def test_a_number_on_the_dashboard_is_the_one_of_the_scorecard(published, chart, indicator, scale):
    [row] = published.rows(CHARTS[chart].sql())
    [shown] = row.values()
    expected = published.value(
        "select value from mart.scorecard where indicator_code = :indicator and unit_code = 'CITY'",
        {"indicator": indicator},
    )
    # the scorecard cuts after four decimals
    assert abs(Decimal(str(shown)) * scale - expected) < Decimal("0.0001") * scale


def test_the_shipped_files_name_no_installation():
    [database] = (SHIPPED / "databases").glob("*.yaml")
    uri = yaml.safe_load(database.read_text(encoding="utf-8"))["sqlalchemy_uri"]
    assert uri == "postgresql+psycopg2://dashboards@localhost/onestop"
    assert all(dataset["catalog"] is None for dataset in read_datasets().values())
