"""Verification: recomputes published figures from the landed files alone, and compares.

A scratch warehouse is built from the files in the night's list; all figures must be identical.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from onestop.files import has_sha256, scratch_folder
from onestop.intake.landing import MANIFESTS, landed_deliveries
from onestop.marts.compute import compute_marts
from onestop.marts.files import rules_digest
from onestop.marts.publish import figures_digest
from onestop.marts.published import QuestionError, find_night, open_published
from onestop.progress import counted_off, working
from onestop.record.evidence import Settlement, kept_mapping, kept_settlement
from onestop.record.load import load_delivery, load_replayed
from onestop.record.reference_changes import reference_changes, reference_on
from onestop.said import said, said_both, said_count, said_text
from onestop.schema.feeds import FEEDS
from onestop.spark.address import Computing, files_apart, require_spark
from onestop.staging.staged_delivery import read_delivery
from onestop.storage import text_of
from onestop.upkeep.compared_figures import (
    CodeNames,
    differing_figures,
    put_counted_figures,
    put_published_figures,
    read_code_names,
    uncaused_figures,
)
from onestop.warehouse import duckdb_address, open_warehouse
from onestop.warehouse.duckdb_files import open_duckdb
from onestop.warehouse.staged_names import REFERENCE_STAGED, STAGED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from onestop.intake.delivery import Delivery
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

_SHOWN = 20


@dataclass
class Verification:
    """The result of a verification.

    Attributes:
        night: the verified night.
        deliveries: how many landed files the figures were built from.
        figures: how many published figures were compared.
        differences: the first differences, one sentence each.
        difference_count: number of all differences.
        notes: files on whose rows today's rules decide otherwise (the figures are computed by the
            rules of their time), and figures that only a later release computes.
        reasons: what changed since the publication that the figures are computed by, and the
            remedy; empty where the figures are identical.
    """

    night: dt.date
    deliveries: int = 0
    figures: int = 0
    differences: list[str] = field(default_factory=list)
    difference_count: int = 0
    notes: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def is_identical(self) -> bool:
        """Whether everything is as published."""
        return self.difference_count == 0

    def differ(self, sentence: str) -> None:
        """Note one difference."""
        self.difference_count += 1
        if len(self.differences) < _SHOWN:
            self.differences.append(sentence)


def verify(
    settings: Settings,
    as_of: dt.date | None = None,
) -> Verification:
    """Rebuild a published night's figures from ``landing/`` alone and compare.

    Args:
        settings: of this installation.
        as_of: a published night; defaults to the last one.

    Raises:
        ComputeError: ``ONESTOP_COMPUTE`` is wrong, or Apache Spark cannot be used.
        QuestionError: that night is not published, or its list of files is missing.
    """
    computing = Computing.from_environment()
    if computing.is_on_spark:  # before hours of loading
        require_spark(computing)
    with scratch_folder("verify") as folder:
        scratch = replace(
            settings,
            warehouse=duckdb_address(folder / "warehouse.duckdb"),
            work=folder / "work",
            store="",
        )
        with open_published(settings) as published:
            night = find_night(published, as_of)
            digest = published.value(
                "select figures_sha256 from audit.publication where as_of_date = :night",
                {"night": night},
            )
            has_same_rules = _has_same_rules(published, night)
            reference = {} if has_same_rules else reference_on(published, night)
            with open_warehouse(scratch.warehouse) as warehouse:
                figures = put_published_figures(
                    warehouse, published, night, has_same_rules=has_same_rules
                )
            result = Verification(night, figures=figures)
            names = read_code_names(published)
            _check_causes(published, night, names, result)
        deliveries = listed_deliveries(settings, night, result)
        result.deliveries = len(deliveries)
        with working("verifying", str(night), unit="files", total=len(deliveries)):
            for delivery, attempts in counted_off(deliveries):
                for attempt in attempts:
                    load_again(scratch, delivery, attempt, night, result)
        with open_warehouse(scratch.warehouse) as warehouse:
            with files_apart(computing, "verify") as apart:
                compute_marts(warehouse, night, apart)
            added = put_counted_figures(warehouse, has_same_rules=has_same_rules)
            for kind, count in added.items():
                result.notes.append(
                    said(
                        "{kind}: not published that night; counted since a later release"
                        " ({figures}, not compared)",
                        kind=kind,
                        figures=said_count(count, "figure"),
                    )
                )
            _compare(warehouse, names, result)
            is_whole = result.is_identical and not added
            if is_whole and figures_digest(warehouse, STAGED) != digest:
                result.differ("the figures' digest is not the published one")
            if not (result.is_identical or has_same_rules):
                result.reasons += _changed_rules(night, reference, warehouse)
    return result


#: Reference files that no compared figure is computed from: notes, dates of reports, texts.
BESIDE_FIGURES = frozenset(
    {"known_issue", "volume_exception", "report_calendar", "change_cause", "code_label"}
)


def _changed_rules(
    night: dt.date, reference: dict[str, pa.Table], scratch: Warehouse
) -> Iterator[str]:
    """Which rules are others than those that the night was published by, and the remedy.

    Args:
        night: the night.
        reference: the reference rows of that night; none where a release kept none.
        scratch: the warehouse of the verification, which has those of ``sql/reference``.
    """
    today = {
        name: scratch.arrow(f"select * from {REFERENCE_STAGED}.{name}")
        for name in scratch.tables(REFERENCE_STAGED)
        if name in reference
    }
    changes = [
        change
        for change in reference_changes(reference, today)
        if change.file_name.removesuffix(".csv") not in BESIDE_FIGURES
    ]
    if not changes:
        yield (
            said(
                "sql/mart or the release is not what it was when night {night} was published:"
                " verify it with the release that published it",
                night=night,
            )
        )
        return
    yield said("sql/reference is not what it was when night {night} was published:", night=night)
    for change in changes[:_SHOWN]:
        yield said("  {change}", change=change)
    if len(changes) > _SHOWN:
        yield said("  … and {rows}", rows=said_count(len(changes) - _SHOWN, "more row"))
    yield said_text(
        "put back the rows as they were, verify, then restore today's rows; a row that is added on"
        " purpose changes no night that is verified if it begins after the last one published"
        " (CONTRIBUTING.md, A target that changes)"
    )


def _check_causes(
    published: Warehouse, night: dt.date, names: CodeNames, result: Verification
) -> None:
    """Check that the causes recorded with the night add up to the changes of its figures.

    The causes are evidence like the histories: recorded with the publication, never again. Nights
    of releases that recorded none are passed over.
    """
    if "night_change" not in published.tables("mart"):
        return
    previous = published.value(
        "select max(previous_night) from mart.night_change where as_of_date = :night",
        {"night": night},
    )
    if previous is None:
        return
    for figure, left in uncaused_figures(published, night, previous):
        result.differ(
            said(
                "{figure}: the causes leave {left} of its change",
                figure=figure.named(names),
                left=left,
            )
        )


def listed_deliveries(
    settings: Settings, night: dt.date, result: Verification
) -> list[tuple[Delivery, list[int]]]:
    """The files of a night, each with the numbers of its loads and replays."""
    manifest = settings.landing / MANIFESTS / f"{night.isoformat()}.json"
    text = text_of(manifest)
    if text is None:
        raise QuestionError(
            said(
                "the list of the files that night {night} includes is not in the landing"
                " ({manifests}/{name})",
                night=night,
                manifests=MANIFESTS,
                name=manifest.name,
            ),
            remedy=said(
                "publish it again with `onestop night {night}`, which writes the list", night=night
            ),
        )
    listed = json.loads(text)["deliveries"]
    wanted = {entry["delivery_id"] for entry in listed}
    landed = {one.delivery_id: one for one in landed_deliveries(settings.landing, wanted)}
    found: dict[str, tuple[Delivery, list[int]]] = {}
    for entry in listed:
        delivery = landed.get(entry["delivery_id"])
        if delivery is None:
            result.differ(
                said("{delivery} is not in the landing any more", delivery=entry["delivery_id"])
            )
        elif delivery.delivery_id in found:
            found[delivery.delivery_id][1].append(entry["attempt"])
        elif not has_sha256(settings.landing / delivery.landed_path, entry["sha256"]):
            result.differ(
                said(
                    "{file}: its bytes in the landing were changed; restore it from the backup, or"
                    " have it exported again (docs/operations.md)",
                    file=delivery.file_name,
                )
            )
        else:
            found[delivery.delivery_id] = (delivery, [entry["attempt"]])
    return sorted(found.values(), key=lambda one: (one[0].night, one[0].delivery_id))


def load_again(
    scratch: Settings, delivery: Delivery, attempt: int, night: dt.date, result: Verification
) -> None:
    """Load a landed file by the mapping and the rules of that time."""
    from onestop.gate import validate_delivery  # noqa: PLC0415 - Great Expectations imports slowly

    then = kept_settlement(scratch.landing, delivery.delivery_id, attempt)
    mapping = kept_mapping(scratch.landing, then.mapping_sha256) if then else None
    mapping = mapping or scratch.mappings().feed(delivery.source, delivery.feed)
    if mapping is None:
        result.differ(
            said(
                "{file}: neither is there a mapping for {source} {feed}, nor was the one of"
                " that time kept in the landing",
                file=delivery.file_name,
                source=delivery.source,
                feed=delivery.feed,
            )
        )
        return
    staged = read_delivery(delivery, scratch.landing, scratch.folders.staging, mapping)
    verdict = validate_delivery(delivery, staged, scratch.folders.validation_results, night)
    if then is None:
        if verdict.is_refused:
            result.differ(
                said(
                    "{file} was loaded and would be refused now: {reason}",
                    file=delivery.file_name,
                    reason=said_both(vi=verdict.reason_vi or "", en=verdict.reason_en or ""),
                )
            )
            return
    elif differs := _judge_as_then(staged, then):
        result.notes.append(said("{file}: {differs}", file=delivery.file_name, differs=differs))
    with open_warehouse(scratch.warehouse) as warehouse:
        if then is None or then.replayed_rows is None:
            load_delivery(warehouse, delivery, staged)
        else:
            load_replayed(warehouse, delivery, staged, rows=then.replayed_rows)


def _judge_as_then(staged: Path, then: Settlement) -> str | None:
    """Replace the staged file's quarantine by that of its time.

    Returns:
        A sentence with the number of rows on which today's rules decide otherwise, or None.
    """
    with open_duckdb(staged) as connection:
        today = {row for (row,) in connection.execute(_REJECTED_TODAY).fetchall()}
        if then.replayed_rows is None:
            bad, good = set(then.rejected_rows) - today, today - set(then.rejected_rows)
        else:
            bad, good = set[int](), today & set(then.replayed_rows)
        if good:
            connection.execute(
                "delete from rejected_row where row_number in (select unnest($rows))",
                {"rows": sorted(good)},
            )
        if bad:
            key = " || '|' || ".join(f"cast({name} as varchar)" for name in _key(connection))
            connection.execute(
                "insert into rejected_row (row_number, key_text, rule_code, severity, message_vi,"
                f" message_en) select row_number, {key}, 'kept', 'error', 'như khi nạp',"
                " 'as when it was loaded' from staged_row"
                " where row_number in (select unnest($rows))",
                {"rows": sorted(bad)},
            )
    if not (good or bad):
        return None
    return said(
        "today's rules would reject {rows} that were accepted, and accept {accepted}"
        " that were rejected",
        rows=said_count(len(good), "row"),
        accepted=said_count(len(bad), "row"),
    )


_REJECTED_TODAY = "select distinct row_number from rejected_row"


def _key(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    feed = connection.execute("select feed from read_summary").fetchall()[0][0]
    return FEEDS[feed].key


def _has_same_rules(published: Warehouse, night: dt.date) -> bool:
    """Whether the night was computed by the SELECTs and reference rows of today."""
    rules = published.value(
        "select rules_sha256 from audit.publication where as_of_date = :night", {"night": night}
    )
    return bool(rules == rules_digest())


def _compare(scratch: Warehouse, names: CodeNames, result: Verification) -> None:
    first, count = differing_figures(scratch, _SHOWN)
    for one in first:
        result.differ(
            said(
                "{figure}: published {was}, counted {now}",
                figure=one.figure.named(names),
                was=one.was or said_text("nothing"),
                now=one.now or said_text("nothing"),
            )
        )
    result.difference_count += count - len(first)
