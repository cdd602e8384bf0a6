"""The warehouse: what both engines do, and how to open one.

The SELECTs in ``sql/`` are the same for every engine. What differs (bulk load, transactions,
how readers get a copy) lives in one small module per engine.
"""

from __future__ import annotations

from onestop.warehouse.base import (
    NoWarehouseError,
    SchemaError,
    Warehouse,
    WarehouseBusyError,
    WarehouseError,
)
from onestop.warehouse.duckdb_engine import DuckDBWarehouse

__all__ = [
    "NoWarehouseError",
    "SchemaError",
    "Warehouse",
    "WarehouseBusyError",
    "WarehouseError",
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
    scheme = url.split(":", 1)[0].split("+", 1)[0]
    if scheme == "duckdb":
        return DuckDBWarehouse.open(url, read_only=read_only)
    if scheme in {"postgresql", "postgres"}:
        # the driver is not loaded where the warehouse is a file
        from onestop.warehouse.postgres_engine import PostgreSQLWarehouse  # noqa: PLC0415

        return PostgreSQLWarehouse.open(url, read_only=read_only)
    raise WarehouseError(
        f"no engine for {scheme!r} addresses",
        subject="ONESTOP_WAREHOUSE",
        remedy="use duckdb:///… or postgresql://…",
    )
