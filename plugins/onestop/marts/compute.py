"""Computation: the marts of a night, staged beside the published ones.

``sql/mart/*.sql`` holds one SELECT per table (or view, where its first line says so), named as
the table; ``sql/mart/indicator/*.sql`` one SELECT per indicator. They read ``core``, ``ref`` and
each other as ``mart.<name>``. While a night is computed, ``mart`` stands for ``mart_staged``, and
``ref`` and ``core.calendar`` for ``ref_staged``: readers see none of it before the publication.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

from onestop.language import log
from onestop.marts.changes import (
    FIGURE_MART,
    REPLACED,
    ChangeSet,
    DoubtError,
    rule_boundaries,
)
from onestop.marts.descriptions import column_texts
from onestop.marts.files import SQL_FOLDER, dated, mart_files, rules_digest
from onestop.marts.night_changes import NIGHT_CHANGE, stage_night_change
from onestop.marts.unit_parts import COUNTED_IN_PARTS, make_tally
from onestop.progress import counted_off, working
from onestop.record.publications import (
    ALL,
    CHANGES,
    Publication,
    last_published,
    latest_publication,
)
from onestop.record.record_checks import record_state
from onestop.said import said, said_text, translated
from onestop.schema.reference import reference_tables
from onestop.schema.workdays import FIRST_DAY, WorkCalendar, calendar_table
from onestop.spark.address import Computing
from onestop.warehouse.base import quoted_text
from onestop.warehouse.staged_names import (
    CALENDAR,
    PUBLISHED,
    REFERENCE,
    REFERENCE_STAGED,
    STAGED,
    staged_name,
)

if TYPE_CHECKING:
    from onestop.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: core.calendar reaches this many whole years beyond the night's: a dossier that is due more than
#: three years after its receipt has a warning of the gate.
_YEARS_AHEAD = 5


def stage_reference(warehouse: Warehouse, as_of: dt.date) -> None:
    """Fill schema ``ref_staged`` from ``sql/reference``, for the publication of night ``as_of``."""
    folder = SQL_FOLDER / "reference"
    tables = {f"{REFERENCE}.{name}": table for name, table in reference_tables(folder).items()}
    tables[CALENDAR] = calendar_table(
        FIRST_DAY,
        dt.date(as_of.year + _YEARS_AHEAD, 12, 31),
        WorkCalendar.from_reference(folder),
    )
    with warehouse.transaction():
        warehouse.empty_schema(REFERENCE_STAGED)
        for name, table in tables.items():
            warehouse.put_table(staged_name(name), table)


def compute_marts(
    warehouse: Warehouse, as_of: dt.date, computing: Computing | None = None
) -> dict[str, int]:
    """Compute all marts of one night beside the published ones.

    They are computed from the published marts and the night's change set, unless there is a reason
    to count everything; the result is the same.

    Args:
        warehouse: open for writing.
        as_of: the night.
        computing: where a full computation runs; defaults to ``ONESTOP_COMPUTE``.

    Returns:
        Rows that were computed of each table.

    Raises:
        ComputeError: a full computation is needed, and Apache Spark cannot run it.
    """
    computing = computing or Computing.from_environment()
    counted_by = warehouse.product
    state, rules = record_state(warehouse, as_of), rules_digest()
    warehouse.empty_schema(STAGED)
    stage_reference(warehouse, as_of)
    warehouse.gather_statistics("core", REFERENCE_STAGED)
    last = latest_publication(warehouse)
    why = _reason_to_count_all(warehouse, last, as_of, rules)
    counts: dict[str, int] = {}
    if last is not None and not why:
        try:
            with working("computing", unit="tables", total=len(mart_files())):
                counts = ChangeSet(warehouse, last, as_of).compute()
            stage_night_change(
                warehouse,
                last.as_of_date,
                as_of,
                is_from_changes=True,
                has_other_rules=False,
            )
        except DoubtError as doubt:
            why = doubt.args[0]
            warehouse.empty_schema(STAGED)
    if why:
        with working("computing", unit="tables", total=len(mart_files())):
            if computing.is_on_spark:
                counted_by, counts = _compute_on_spark(warehouse, as_of, computing)
            else:
                counts = _compute_all(warehouse, as_of)
        stage_night_change(
            warehouse,
            last.as_of_date if last else None,
            as_of,
            is_from_changes=False,
            has_other_rules=last is not None and _has_other_rules(warehouse, last, as_of, rules),
        )
    done = (
        said("all dossiers counted: {why}", why=said_text(why))
        if why
        else said_text("changes counted")
    )
    log(
        logger,
        logging.INFO,
        said("night {night}: {done}; by {engine}", night=as_of, done=done, engine=counted_by),
    )
    # Last: only a complete set of marts has its night.
    warehouse.make_table(
        f"{STAGED}.night",
        f"select date '{as_of}' as as_of_date, cast({state} as bigint) as record_state,"
        f" '{rules}' as rules_sha256, '{ALL if why else CHANGES}' as computed,"
        f" {_text(why)} as computed_why, {_text(translated(why, 'vi'))} as computed_why_vi,"
        f" {quoted_text(counted_by)} as counted_by,"
        + (f" date '{last.as_of_date}'" if last else " cast(null as date)")
        + " as previous_night",
    )
    return counts


def _text(text: str) -> str:
    return quoted_text(text) if text else "cast(null as varchar)"


def _compute_all(warehouse: Warehouse, as_of: dt.date) -> dict[str, int]:
    counts = {}
    rows_at_once = warehouse.rows_at_once
    files = {file.name: file for file in mart_files()}
    for file in counted_off(mart_files()):
        if rows_at_once is not None and file.name in COUNTED_IN_PARTS:
            make_tally(warehouse, file, files, as_of, rows_at_once)
        else:
            make = warehouse.make_view if file.is_view else warehouse.make_table
            make(f"{STAGED}.{file.name}", file.select(as_of, STAGED))
        if not file.is_view:
            counts[file.name] = int(warehouse.value(f"select count(*) from {STAGED}.{file.name}"))
    return counts


def _compute_on_spark(
    warehouse: Warehouse, as_of: dt.date, computing: Computing
) -> tuple[str, dict[str, int]]:
    """Count all marts on Spark, and load their rows.

    Returns:
        Name and version of what counted them, and the rows of each table.
    """
    # it imports sqlglot, which no other night needs
    from onestop.spark.compute import MartQuery, counting  # noqa: PLC0415

    files = {file.name: file for file in mart_files()}
    marts = [MartQuery(file.name, dated(file.text, as_of), file.is_view) for file in mart_files()]
    counts = {}
    with counting(warehouse, marts, computing) as (version, counted):
        for mart in counted_off(counted):
            file = files[mart.name]
            table, select = f"{STAGED}.{file.name}", file.select(as_of, STAGED)
            if file.is_view:
                warehouse.make_view(table, select)
                continue
            # the engine's own columns and types; no row is counted here
            warehouse.make_table(table, f"select * from ({select}) as counted limit 0")
            warehouse.append_parquet(table, mart.files)
            counts[file.name] = int(warehouse.value(f"select count(*) from {table}"))
            logger.debug(
                "%s: %s rows, counted in %.1f s", mart.name, counts[file.name], mart.seconds
            )
    return f"Apache Spark {version}", counts


def _reason_to_count_all(
    warehouse: Warehouse, last: Publication | None, as_of: dt.date, rules_sha256: str
) -> str:
    """Why the published marts and a change set do not suffice; empty where they do."""
    if last is None:
        return said_text("no night is published yet")
    night = last.as_of_date
    begun = rule_boundaries(warehouse, night, as_of)
    reasons = (
        (
            last.rules_sha256 != rules_sha256,
            said(
                "the SELECTs, the reference rows or the release are not those of night {night}",
                night=night,
            ),
        ),
        (as_of.year != night.year, said("a year has begun since night {night}", night=night)),
        (
            begun,
            said(
                "a reference row begins or ends since night {night}: {rows}",
                night=night,
                rows=", ".join(begun),
            ),
        ),
        (
            not last.record_state or last.record_state != record_state(warehouse, night),
            said(
                "the record of night {night} is not the one that its figures were computed from",
                night=night,
            ),
        ),
    )
    for is_so, why in reasons:
        if is_so:
            return why
    return _damage(warehouse, last)


def _has_other_rules(
    warehouse: Warehouse, last: Publication, as_of: dt.date, rules_sha256: str
) -> bool:
    """Whether figures are computed by other SELECTs or reference rows than at the last night."""
    return last.rules_sha256 != rules_sha256 or bool(
        rule_boundaries(warehouse, last.as_of_date, as_of)
    )


def _damage(warehouse: Warehouse, last: Publication) -> str:
    """What is wrong with the published marts; empty where nothing is."""
    published = warehouse.relations(PUBLISHED)
    if any(published.get(file.name) is not file.is_view for file in mart_files()):
        return said_text("a published mart is missing")
    columns = warehouse.rows(
        "select table_name, column_name from information_schema.columns where table_schema = :name",
        {"name": PUBLISHED},
    )
    ours, known = {file.name for file in mart_files()}, column_texts().keys()
    if any(row["table_name"] in ours and row["column_name"] not in known for row in columns):
        return said_text("a published mart has a column of another origin")
    dossiers = warehouse.value(f"select count(*) from {PUBLISHED}.counted_dossier")
    nights = warehouse.rows(f"select distinct as_of_date from {PUBLISHED}.period")
    if dossiers != last.dossier_count or nights != [{"as_of_date": last.as_of_date}]:
        return said("the published marts are not those of night {night}", night=last.as_of_date)
    if _altered_figures(warehouse):
        return said_text("the published figures are not those of their history")
    return ""


def _altered_figures(warehouse: Warehouse) -> int:
    """How many published figures are others than the last publication recorded."""
    key = REPLACED[FIGURE_MART].key
    # the end of a period that runs is another every night
    beside = {*key, "period_end", "valid_from", "valid_to"}
    recorded = set(warehouse.columns(PUBLISHED, "indicator_history")) - beside
    differs = " or ".join(f"f.{name} is distinct from h.{name}" for name in sorted(recorded))
    return int(
        warehouse.value(
            f"select count(*) from {PUBLISHED}.{FIGURE_MART} as f full join"
            f" (select * from {PUBLISHED}.indicator_history where valid_to is null) as h"
            f" on {' and '.join(f'f.{name} = h.{name}' for name in key)}"
            f" where f.unit_code is null or h.unit_code is null or {differs}"
        )
    )


def staged_night(warehouse: Warehouse) -> dt.date | None:
    """The night whose marts are staged and complete, or None.

    Those of a release that has other marts are not complete, nor are those that were computed
    before another night was published: a change set rests on the last publication.
    """
    needed = {"night", NIGHT_CHANGE, *(file.name for file in mart_files())}
    if not needed <= set(warehouse.tables(STAGED)):
        return None
    if not {"previous_night", "computed_why_vi"} <= set(warehouse.columns(STAGED, "night")):
        return None  # an earlier release computed them
    staged = warehouse.rows(f"select as_of_date, previous_night from {STAGED}.night")
    # After a crash of the server the staged tables are there and have no rows.
    if not staged or staged[0]["previous_night"] != last_published(warehouse):
        return None
    as_of = staged[0]["as_of_date"]
    return as_of if isinstance(as_of, dt.date) else None


def staged_record(warehouse: Warehouse) -> int:
    """The state of the record that the staged marts were computed from."""
    return int(warehouse.value(f"select record_state from {STAGED}.night"))
