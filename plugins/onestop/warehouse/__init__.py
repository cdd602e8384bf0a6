"""The warehouse: what both engines do, and how to open one.

The SELECTs in ``sql/`` are the same for every engine. What differs (bulk load, transactions,
how readers get a copy) lives in one small module per engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        read_only: only look; what is looked at must exist, and its schema is left as it is.

    Raises:
        WarehouseBusyError: another process is writing the warehouse.
        NoWarehouseError: it is to be read only, and there is none.
        WarehouseError: it cannot be reached, does not fit this release, or no engine is for this
            URL.
    """
    return engine_of(url).open(url, read_only=read_only)


def engine_of(url: str) -> type[Warehouse]:
    """The engine of the warehouse at a SQLAlchemy URL.

    Raises:
        WarehouseError: no engine is for this URL.
    """
    scheme = url.split(":", 1)[0].split("+", 1)[0]
    if scheme == "duckdb":
        return DuckDBWarehouse
    if scheme in {"postgresql", "postgres"}:
        return _postgresql()
    raise WarehouseError(
        f"no engine for {scheme!r} addresses",
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
