"""The dashboards that are shipped for Superset, and the query of each of their charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from onestop.schema.project import PROJECT_ROOT

SHIPPED = PROJECT_ROOT / "docs" / "bi" / "superset"


@dataclass(frozen=True)
class Chart:
    """One chart: its dataset, columns, aggregates and conditions."""

    name: str
    dataset: dict[str, Any]
    columns: tuple[str | dict[str, Any], ...]
    metrics: tuple[dict[str, Any], ...]
    filters: tuple[dict[str, Any], ...]

    def sql(self) -> str:
        """The chart's query as SQL."""
        named = [column for column in (*self.columns, *self.metrics) if not isinstance(column, str)]
        asked = [
            *(column for column in self.columns if isinstance(column, str)),
            *(f'{column["sqlExpression"]} as "{column["label"]}"' for column in named),
        ]
        by = [
            column if isinstance(column, str) else column["sqlExpression"]
            for column in self.columns
        ]
        grouped = f" group by {', '.join(by)}" if self.metrics and by else ""
        conditions = " and ".join(["1 = 1", *map(_condition, self.filters)])
        return (
            f"select {', '.join(asked)} from ({self.dataset['sql']}) as asked"
            f" where {conditions}{grouped}"
        )

    def query(self) -> dict[str, Any]:
        """The chart's query for Superset's API."""
        written = [f["sqlExpression"] for f in self.filters if f["expressionType"] == "SQL"]
        return {
            "columns": list(self.columns),
            "metrics": list(self.metrics) or None,
            "filters": [
                {"col": f["subject"], "op": f["operator"], "val": f["comparator"]}
                for f in self.filters
                if f["expressionType"] == "SIMPLE"
            ],
            "extras": {"where": " and ".join(f"({text})" for text in written), "having": ""},
            "row_limit": 10000,
        }


def _condition(condition: dict[str, Any]) -> str:
    if condition["expressionType"] == "SQL":
        return str(condition["sqlExpression"])
    value = condition["comparator"]
    if condition["operator"] == "IN":
        return f"{condition['subject']} in ({', '.join(map(_literal, value))})"
    operator = "=" if condition["operator"] == "==" else condition["operator"]
    return f"{condition['subject']} {operator} {_literal(value)}"


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def read_datasets() -> dict[str, dict[str, Any]]:
    """The shipped datasets by their identity."""
    found = [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (SHIPPED / "datasets").rglob("*.yaml")
    ]
    return {dataset["uuid"]: dataset for dataset in found}


def read_dashboards() -> dict[str, dict[str, Any]]:
    """The shipped dashboards by the names of their files."""
    return {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted((SHIPPED / "dashboards").glob("*.yaml"))
    }


def read_charts() -> dict[str, Chart]:
    """The shipped charts by the names of their files."""
    datasets = read_datasets()
    charts = {}
    for path in sorted((SHIPPED / "charts").glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        asked = content["params"]
        columns = [
            *([asked["x_axis"]] if "x_axis" in asked else []),
            *asked.get("groupby", ()),
            *asked.get("groupbyRows", ()),
            *asked.get("groupbyColumns", ()),
            *asked.get("all_columns", ()),
        ]
        metrics = [*asked.get("metrics", ()), *([asked["metric"]] if "metric" in asked else [])]
        charts[path.stem] = Chart(
            content["slice_name"],
            datasets[content["dataset_uuid"]],
            tuple(columns),
            tuple(metrics),
            tuple(asked.get("adhoc_filters", ())),
        )
    return charts
