"""SQLAlchemy engines on DuckDB, for libraries that ask for one."""

from __future__ import annotations

import atexit
import gc
import sys
from typing import TYPE_CHECKING

from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb
    import sqlalchemy as sa


@atexit.register
def _clear_duckdb_engine() -> None:
    """Clear duckdb_engine's module at exit, before the interpreter does.

    Otherwise DuckDB's module may be freed last, and its bindings then print leaked objects to
    standard error. Registered at import, this runs after the exit handlers of its users.
    """
    for name in [name for name in sys.modules if name.split(".")[0] == "duckdb_engine"]:
        vars(sys.modules.pop(name)).clear()
    gc.collect()


def engine_on(connection: duckdb.DuckDBPyConnection) -> sa.Engine:
    """A SQLAlchemy engine on an open DuckDB connection.

    It uses its own cursor: it sees committed data and does not touch the connection's
    transaction.
    """
    import sqlalchemy as sa  # noqa: PLC0415 - imports slowly, and only checks need it
    from duckdb_engine import ConnectionWrapper  # noqa: PLC0415 - as above

    cursor = connection.cursor()
    cursor.execute(f"set timezone = '{LOCAL_ZONE.key}'")
    return sa.create_engine(
        "duckdb://", creator=lambda: ConnectionWrapper(cursor), poolclass=sa.StaticPool
    )


def engine_of_readers(opened: Callable[[], duckdb.DuckDBPyConnection]) -> sa.Engine:
    """A SQLAlchemy engine whose connections each open the file anew.

    Args:
        opened: opens the file read-only.
    """
    import sqlalchemy as sa  # noqa: PLC0415 - imports slowly
    from duckdb_engine import ConnectionWrapper  # noqa: PLC0415 - as above

    return sa.create_engine(
        "duckdb://", creator=lambda: ConnectionWrapper(opened()), poolclass=sa.NullPool
    )
