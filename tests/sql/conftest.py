"""What the tests of several marts share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moved_figures import nights_over_new_year

from onestop.warehouse import open_warehouse

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def new_year_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with the nights of ``nights_over_new_year``; only to be read."""
    path = tmp_path_factory.mktemp("new_year") / "w.duckdb"
    with open_warehouse(f"duckdb:///{path}") as warehouse:
        nights_over_new_year(warehouse)
    return path
