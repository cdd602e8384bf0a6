"""The warehouse: what both engines do, and how to open one.

The SELECTs in ``sql/`` are the same for every engine. What differs (bulk load, transactions,
how readers get a copy) lives in one small module per engine.
"""

from __future__ import annotations

from onestop.warehouse.base import Warehouse, WarehouseBusyError
from onestop.warehouse.duckdb_engine import DuckDBWarehouse

__all__ = ["Warehouse", "WarehouseBusyError", "open_warehouse"]


def open_warehouse(url: str, *, read_only: bool = False) -> Warehouse:
    """Open the warehouse at a SQLAlchemy URL and bring its schema up to date.

    Args:
        url: ``duckdb:///path/to/file.duckdb``.
        read_only: only look; the file must exist and its schema is left as it is.

    Raises:
        WarehouseBusyError: another process is writing the embedded warehouse.
        ValueError: no engine for this URL.
    """
    scheme = url.split(":", 1)[0].split("+", 1)[0]
    if scheme == "duckdb":
        return DuckDBWarehouse.open(url, read_only=read_only)
    raise ValueError(f"ONESTOP_WAREHOUSE: no engine for {scheme!r} addresses; use duckdb:///…")
