"""Every column that readers meet says what it means, in both languages."""

from __future__ import annotations

import datetime as dt

import pytest

from onestop.marts import column_texts, compute_marts
from onestop.warehouse import open_warehouse


@pytest.fixture(scope="module")
def columns(tmp_path_factory):
    path = tmp_path_factory.mktemp("w") / "w.duckdb"
    with open_warehouse(f"duckdb:///{path}") as warehouse:
        compute_marts(warehouse, dt.date(2022, 6, 30))
        return {
            f"{schema}.{table}.{column}"
            for schema in ("mart", "mart_staged", "audit", "core")
            for table in warehouse.tables(schema)
            if table != "night"
            for column in warehouse.columns(schema, table)
        }


def test_every_column_is_described(columns):
    texts = column_texts()
    missing = {c for c in columns if c.split(".")[-1] not in texts}
    assert not missing
    assert len(columns) > 200


def test_every_description_is_bilingual():
    for name, text in column_texts().items():
        vietnamese, _, english = text.partition(" — ")
        assert vietnamese, name
        assert english, name
