"""Publication: the staged marts and reference rows become what readers see, in one transaction."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

from onestop.marts.changes import LOOKED_UP_BY, REPLACED, TOUCHED_FIGURES, TOUCHED_FORM
from onestop.marts.compute import stage_reference, staged_night
from onestop.marts.descriptions import describe_tables
from onestop.marts.files import mart_files
from onestop.marts.night_changes import NIGHT_CHANGE
from onestop.marts.restatement import record_restatements
from onestop.progress import counted_off, working
from onestop.record.publications import (
    CHANGES,
    Computation,
    last_published,
    latest_publication,
    record_publication,
)
from onestop.record.reference_versions import keep_reference
from onestop.warehouse.csv_text import csv_text
from onestop.warehouse.staged_names import (
    CALENDAR,
    PUBLISHED,
    REFERENCE,
    REFERENCE_STAGED,
    STAGED,
    staged_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pyarrow as pa

    from onestop.warehouse import Warehouse

#: Tables of what every night said, and the mart whose rows each of them keeps.
HISTORIES = {"indicator_history": "indicator_value", "form_06a_history": "form_06a"}
#: The last day of the plan's year.
_END_OF_PLAN = dt.date(2022, 12, 31)


def publish_reference(warehouse: Warehouse) -> None:
    """Make the staged reference rows those that readers see; part of the running transaction."""
    for name in warehouse.tables(REFERENCE_STAGED):
        staged = f"{REFERENCE_STAGED}.{name}"
        is_calendar = staged == staged_name(CALENDAR)
        warehouse.renew_table(CALENDAR if is_calendar else f"{REFERENCE}.{name}", staged)


def refresh_reference(warehouse: Warehouse, as_of: dt.date = _END_OF_PLAN) -> None:
    """Stage and publish the reference rows at once, for a warehouse that has no readers.

    Args:
        warehouse: written.
        as_of: the night that the calendar is made for.
    """
    stage_reference(warehouse, as_of)
    with warehouse.transaction():
        publish_reference(warehouse)


def publish_marts(warehouse: Warehouse, as_of: dt.date) -> int:
    """Make the staged marts what readers see, in one transaction.

    Returns:
        The publication's number.

    Raises:
        RuntimeError: the staged marts are not those of ``as_of``, or a later night is published.
    """
    if staged_night(warehouse) != as_of:
        raise RuntimeError(f"the staged marts are not those of {as_of}; compute the night again")
    last = last_published(warehouse)
    if last is not None and as_of <= last:
        raise RuntimeError(f"night {last} is published; {as_of} cannot be published after it")
    staged = warehouse.rows(f"select * from {STAGED}.night")[0]
    has_changes = staged["computed"] == CHANGES
    tables = [file.name for file in mart_files() if not file.is_view]
    publishing = working("publishing", unit="tables", total=len(tables) + len(HISTORIES))
    with publishing, warehouse.transaction():
        publish_reference(warehouse)
        staged_views = warehouse.relations(STAGED)
        for name in counted_off(tables):
            _publish_table(warehouse, name, is_whole=not staged_views[name])
        views = {
            f"{PUBLISHED}.{file.name}": file.select(as_of, PUBLISHED)
            for file in mart_files()
            if file.is_view
        }
        if has_changes:  # computed by the same SELECTs as the night before
            warehouse.keep_views(views)
        else:
            for name, select in views.items():
                warehouse.make_view(name, select)
        for history, table in counted_off(HISTORIES.items()):
            touched = _TOUCHED.get(history) if has_changes else None
            _extend_history(
                warehouse, table, history, _HISTORY_KEYS[history], as_of, touched=touched
            )
        columns = ", ".join(warehouse.columns(PUBLISHED, NIGHT_CHANGE))
        warehouse.execute(
            f"insert into {PUBLISHED}.{NIGHT_CHANGE} ({columns})"
            f" select {columns} from {STAGED}.{NIGHT_CHANGE}"
        )
        number = record_publication(
            warehouse,
            as_of,
            Computation(
                staged["computed"],
                staged["computed_why"],
                staged["computed_why_vi"],
                staged["counted_by"],
                staged["rules_sha256"],
                staged["record_state"],
            ),
            dossier_count=_dossier_count(warehouse, has_changes=has_changes),
            figures_sha256=figures_digest(warehouse, PUBLISHED),
        )
        if not has_changes:  # a night that counts changes has the rows of the night before
            keep_reference(warehouse, as_of)
        if last is not None:
            record_restatements(warehouse, last, as_of, has_changes=has_changes)
        describe_tables(warehouse)
    warehouse.empty_schema(STAGED)
    warehouse.empty_schema(REFERENCE_STAGED)
    return number


def _dossier_count(warehouse: Warehouse, *, has_changes: bool) -> int:
    """Number of dossiers in the marts; of a change set, without reading all of them."""
    last = latest_publication(warehouse)
    relations = warehouse.relations(STAGED)
    if not has_changes or last is None or "counted_dossier_old" not in relations:
        return int(warehouse.value(f"select count(*) from {PUBLISHED}.counted_dossier"))
    return last.dossier_count + int(
        warehouse.value(
            f"select (select count(*) from {REPLACED['counted_dossier'].new})"
            f" - (select count(*) from {STAGED}.counted_dossier_old)"
        )
    )


def _publish_table(warehouse: Warehouse, name: str, *, is_whole: bool) -> None:
    """Replace a mart, whole, or those of its rows that the night changes."""
    mart, staged = f"{PUBLISHED}.{name}", f"{STAGED}.{name}"
    rule = REPLACED.get(name)
    if rule is None or is_whole:
        warehouse.replace_table(mart, staged)
        for columns_found_by in LOOKED_UP_BY.get(name, ()):
            warehouse.keep_index(mart, columns_found_by)
        return
    columns = ", ".join(warehouse.columns(PUBLISHED, name))
    warehouse.execute(f"delete from {mart} as published where {rule.condition('published')}")
    warehouse.execute(f"insert into {mart} ({columns}) select {columns} from {rule.new}")


_PERIOD_KEY = ("unit_code", "period_type", "period_basis", "period_start")
_HISTORY_KEYS = {
    "indicator_history": ("indicator_code", "method_code", *_PERIOD_KEY),
    "form_06a_history": ("field_code", *_PERIOD_KEY),
}
#: The keys of each history whose rows a change set may change; its ``<mart>_new`` has the rows.
_TOUCHED = {"form_06a_history": TOUCHED_FORM, "indicator_history": TOUCHED_FIGURES}


def _extend_history(
    warehouse: Warehouse,
    table: str,
    history: str,
    key: Iterable[str],
    as_of: dt.date,
    *,
    touched: str | None = None,
) -> None:
    """Close the figures that changed or went away, and add what took their place.

    Args:
        warehouse: written, in a transaction.
        table: the published mart.
        history: its history.
        key: columns of a figure's key.
        as_of: the night.
        touched: the relation with the keys of the figures to compare; None compares all.
    """
    columns = [
        name
        for name in warehouse.columns(PUBLISHED, history)
        if name not in {"valid_from", "valid_to"}
    ]
    values = ", ".join(
        "case when period_type <> 'year_to_date' then period_end end as period_end"
        if name == "period_end"
        else name
        for name in columns
    )
    names, keys = ", ".join(columns), ", ".join(key)
    now = f"select {values} from {PUBLISHED}.{table}"
    before = f"select {names} from {PUBLISHED}.{history} as h where valid_to is null"
    if touched:
        now = f"select {values} from {STAGED}.{table}_new"
        same = " and ".join(f"t.{name} = h.{name}" for name in key)
        before += f" and exists (select 1 from {touched} as t where {same})"
    warehouse.execute(
        f"update {PUBLISHED}.{history} set valid_to = :as_of where valid_to is null"
        f" and ({keys}) in (select {keys} from ({before} except {now}) as gone)",
        {"as_of": as_of},
    )
    warehouse.execute(
        f"insert into {PUBLISHED}.{history} (valid_from, valid_to, {names})"
        f" select :as_of, null, {names} from ({now} except {before}) as added",
        {"as_of": as_of},
    )


def figures_digest(warehouse: Warehouse, schema: str) -> str:
    """SHA-256 over all counted figures of one night, the same on every engine."""
    return _digest_of(warehouse.csv, f"{schema}.indicator_value", f"{schema}.form_06a")


def digest_of(arrow: Callable[[str], pa.Table], indicator_value: str, form_06a: str) -> str:
    """SHA-256 over all counted figures of one night.

    Args:
        arrow: runs a query.
        indicator_value: the relation with the rows of ``mart.indicator_value``.
        form_06a: the relation with the rows of ``mart.form_06a``.
    """
    return _digest_of(lambda query: [csv_text(arrow(query))], indicator_value, form_06a)


def _digest_of(
    csv: Callable[[str], Iterable[bytes | bytearray | memoryview]],
    indicator_value: str,
    form_06a: str,
) -> str:
    digest = hashlib.sha256()
    for query in (
        (
            "select indicator_code, method_code, unit_code, period_type, period_basis,"
            " cast(period_start as varchar) as period_start, numerator, denominator, status"
            f" from {indicator_value} order by 1, 2, 3, 4, 5, 6"
        ),
        (
            "select field_code, unit_code, period_type, period_basis,"
            " cast(period_start as varchar) as period_start, received_online,"
            " received_counter_post, carried_over, resolved_early, resolved_on_time, resolved_late,"
            " open_in_time, open_overdue, returned_early, returned_on_time, returned_late"
            f" from {form_06a} order by 1, 2, 3, 4, 5"
        ),
    ):
        for part in csv(query):
            digest.update(part)
    return digest.hexdigest()
