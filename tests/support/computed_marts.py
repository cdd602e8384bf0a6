"""Compute only the marts that a test reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.marts.files import mart_files
from onestop.warehouse.staged_names import STAGED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from onestop.warehouse import Warehouse

#: The marts whose figures the reference counts too.
COUNTED = (
    "form_06a", "indicator_value", "on_time_detail", "online_share", "waiting_time",
    "digitisation", "procedure_provision", "dossier", "due_date_move", "decree_check",
    "decree_check_count", "indicator_variant",
)  # fmt: skip


def compute_only(
    warehouse: Warehouse,
    as_of: dt.date,
    wanted: Iterable[str] = COUNTED,
    schema: str = STAGED,
) -> None:
    """Compute these marts, and the marts that they read, as staged marts or in another schema."""
    files = {file.name: file for file in mart_files()}
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in needed and name in files:
            needed.add(name)
            waiting += files[name].reads
    for file in mart_files():
        if file.name in needed:
            make = warehouse.make_view if file.is_view else warehouse.make_table
            make(f"{schema}.{file.name}", file.select(as_of, schema))
