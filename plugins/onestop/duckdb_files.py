"""Opening DuckDB files for work whose output somebody reads, or keeps as a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path


def open_duckdb(path: Path | str, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection that draws no progress bar, however long a statement takes.

    Args:
        path: of the file.
        read_only: whether nothing is written; several processes can read at once.

    Raises:
        duckdb.IOException: the file cannot be opened, or another process holds it.
    """
    connection = duckdb.connect(path, read_only=read_only)
    connection.execute("set enable_progress_bar = false")
    return connection
