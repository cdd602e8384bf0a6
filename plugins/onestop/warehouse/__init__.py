"""The warehouse: opening it, and its engines.

The SELECTs in ``sql/`` are the same for every engine. Differences (bulk load, transactions, the
readers' copy) are in one module per engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.said import said
from onestop.warehouse.base import (
    NoWarehouseError,
    SchemaError,
    Warehouse,
    WarehouseBusyError,
    WarehouseError,
)
from onestop.warehouse.duckdb_engine import DuckDBWarehouse, duckdb_address

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "NoWarehouseError",
    "SchemaError",
    "Warehouse",
    "WarehouseBusyError",
    "WarehouseError",
    "duckdb_address",
    "engine_of",
    "engine_of_copy",
    "open_warehouse",
]


def open_warehouse(url: str, *, read_only: bool = False) -> Warehouse:
    """Open the warehouse at a SQLAlchemy URL and bring its schema up to date.

    Args:
        url: ``duckdb:///path/to/file.duckdb`` or ``postgresql://login@host:5432/database``.
        read_only: open an existing warehouse without changing its schema.

    Raises:
        WarehouseBusyError: another process is writing the warehouse.
        NoWarehouseError: ``read_only``, and there is none.
        WarehouseError: it cannot be reached, does not fit this release, or has no engine for its
            URL.
    """
    return engine_of(url).open(url, read_only=read_only)


def engine_of(url: str) -> type[Warehouse]:
    """The engine of the warehouse at a SQLAlchemy URL.

    Raises:
        WarehouseError: there is no engine for this URL.
    """
    scheme = url.split(":", 1)[0].split("+", 1)[0]
    if scheme == "duckdb":
        return DuckDBWarehouse
    if scheme in {"postgresql", "postgres"}:
        return _postgresql()
    raise WarehouseError(
        said("no engine for {scheme!r} addresses", scheme=scheme),
        subject="ONESTOP_WAREHOUSE",
        remedy="use duckdb:///… or postgresql://…",
    )


def engine_of_copy(copy: Path) -> type[Warehouse]:
    """The engine that wrote a copy of a warehouse, by the ending of its name."""
    return DuckDBWarehouse if copy.suffix == DuckDBWarehouse.copy_suffix else _postgresql()


def _postgresql() -> type[Warehouse]:
    # the driver is not loaded where the warehouse is a file
    from onestop.warehouse.postgres_engine import PostgreSQLWarehouse  # noqa: PLC0415

    return PostgreSQLWarehouse
