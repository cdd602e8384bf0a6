"""Verification: recomputes published figures from the landed files alone, and compares.

A scratch warehouse is built from the files in the night's list; all figures must be identical.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

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
_CHUNK = 1 << 20


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
    with open_published(settings) as published:
        night = find_night(published, as_of)
        digest = published.value(
            "select figures_sha256 from audit.publication where as_of_date = :night",
            {"night": night},
        )
        has_same_rules = _has_same_rules(published, night)
        reference = {} if has_same_rules else reference_on(published, night)
        figures = _published_figures(published, night, has_same_rules=has_same_rules)
        result = Verification(night, figures=len(figures))
        names = read_code_names(published)
        _check_causes(published, night, names, result)
    deliveries = listed_deliveries(settings, night, result)
    result.deliveries = len(deliveries)
    with scratch_folder("verify") as folder:
        scratch = replace(
            settings,
            warehouse=duckdb_address(folder / "warehouse.duckdb"),
            work=folder / "work",
            store="",
        )
        with working("verifying", str(night), unit="files", total=len(deliveries)):
            for delivery, attempts in counted_off(deliveries):
                for attempt in attempts:
                    load_again(scratch, delivery, attempt, night, result)
        with open_warehouse(scratch.warehouse) as warehouse:
            with files_apart(computing, "verify") as apart:
                compute_marts(warehouse, night, apart)
            computed = _computed_figures(warehouse, has_same_rules=has_same_rules)
            added = _added_since(figures, computed)
            for kind, count in sorted(Counter(map(_kind, added)).items()):
                result.notes.append(
                    said(
                        "{kind}: not published that night; counted since a later release"
                        " ({figures}, not compared)",
                        kind=kind,
                        figures=said_count(count, "figure"),
                    )
                )
            compared = {
                figure: counts for figure, counts in computed.items() if figure not in added
            }
            _compare(figures, compared, names, result)
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


#: The codes of a figure by the kind of ``mart.label``, as :data:`_INDICATOR_QUERY` and its like
#: write them.
_CODES = (
    re.compile(r"(?P<indicator_code>\S+) by (?P<method_code>\S+) of (?P<unit_code>[^,]+)"),
    re.compile(r"of (?P<unit_code>[^,]+), field (?P<field_code>[^,]+)"),
)
CodeNames = dict[tuple[str, str], dict[str, Any]]


def read_code_names(published: Warehouse) -> CodeNames:
    """The names of indicators, methods, units and fields, by kind and code.

    Args:
        published: the published marts; none where an earlier release published them.
    """
    if "label" not in published.relations("mart"):
        return {}
    rows = published.rows(
        "select code_kind, code, label_vi, label_en from mart.label"
        " where code_kind in ('indicator_code', 'method_code', 'unit_code', 'field_code')"
    )
    return {(row["code_kind"], row["code"]): row for row in rows}


def named_figure(figure: str, names: CodeNames) -> str:
    """A figure with the names of its codes beside it, in the reader's language.

    Args:
        figure: its codes, as ``on_time_rate by cohort of CITY, month (calendar) from 2022-11-01``.
        names: from :func:`read_code_names`.
    """
    found = next((match for match in (each.search(figure) for each in _CODES) if match), None)
    codes = found.groupdict().items() if found else ()
    known = [names[kind, code] for kind, code in codes if (kind, code) in names]
    if not known:
        return figure
    texts = ("; ".join(row[f"label_{lang}"] for row in known) for lang in ("vi", "en"))
    in_vietnamese, in_english = (f"{figure} ({text})" for text in texts)
    return said_both(vi=in_vietnamese, en=in_english)


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
    for row in published.rows(_UNCAUSED, {"night": night, "previous": previous}):
        result.differ(
            said(
                "{figure}: the causes leave {left} of its change",
                figure=named_figure(row["figure"], names),
                left=f"{row['numerator']:+}/{row['denominator']:+}",
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


#: Figures whose recorded causes are not their change since the night published before, in all
#: periods that the night gives figures for.
_UNCAUSED = """
with stated as (
    select
        indicator_code, method_code, unit_code, period_type, period_basis, period_start,
        coalesce(numerator, 0) * sign as numerator, coalesce(denominator, 0) * sign as denominator
    from (
        select h.*, 1 as sign from mart.indicator_history as h
        where valid_from <= :night and (valid_to is null or valid_to > :night)
        union all
        select h.*, -1 from mart.indicator_history as h
        where valid_from <= :previous and (valid_to is null or valid_to > :previous)
    ) as both_nights
    where (period_type, period_basis, period_start) in (
        select distinct period_type, period_basis, period_start from mart.indicator_history
        where valid_from <= :night and (valid_to is null or valid_to > :night)
    )
    union all
    select
        indicator_code, method_code, unit_code, period_type, period_basis, period_start,
        -numerator_change, -denominator_change
    from mart.night_change
    where as_of_date = :night
)
select
    indicator_code || ' by ' || method_code || ' of ' || unit_code || ', ' || period_type
    || ' (' || period_basis || ') from ' || cast(period_start as varchar) as figure,
    sum(numerator) as numerator, sum(denominator) as denominator
from stated
group by indicator_code, method_code, unit_code, period_type, period_basis, period_start
having sum(numerator) <> 0 or sum(denominator) <> 0
order by 1
"""
_INDICATOR_QUERY = (
    "select indicator_code || ' by ' || method_code || ' of ' || unit_code || ', ' || period_type"
    " || ' (' || period_basis || ') from ' || cast(period_start as varchar) as figure,"
    " coalesce(cast(numerator as varchar), '-') || '/' || coalesce(cast(denominator as varchar),"
    " '-') || ' ' || status as counts from {table}"
)
_FORM_QUERY = (
    "select 'form II.06a of ' || unit_code || ', field ' || field_code || ', ' || period_type"
    " || ' (' || period_basis || ') from ' || cast(period_start as varchar) as figure,"
    " concat_ws(' ', received_online, received_counter_post, carried_over, resolved_early,"
    " resolved_on_time, resolved_late, open_in_time, open_overdue) as counts from {table}"
)
#: Nights of earlier releases have no such counts.
_RETURNED_QUERY = (
    "select 'returned dossiers on form II.06a of ' || unit_code || ', field ' || field_code || ', '"
    " || period_type || ' (' || period_basis || ') from ' || cast(period_start as varchar) as"
    " figure, concat_ws(' ', returned_early, returned_on_time, returned_late) as counts"
    " from (select * from {table} where returned_early is not null) as with_returned"
)
#: What is said beside a figure rests on reference rows: compared where these are still the same.
_BESIDE_QUERY = (
    "select 'readings and issues of ' || indicator_code || ' by ' || method_code || ' of '"
    " || unit_code || ', ' || period_type || ' (' || period_basis || ') from '"
    " || cast(period_start as varchar) as figure,"
    " concat_ws(' ', firmness, turned_by, known_issues) as counts"
    " from (select * from {table} where firmness is not null or known_issues is not null)"
    " as with_readings"
)


def _has_same_rules(published: Warehouse, night: dt.date) -> bool:
    """Whether the night was computed by the SELECTs and reference rows of today."""
    rules = published.value(
        "select rules_sha256 from audit.publication where as_of_date = :night", {"night": night}
    )
    return bool(rules == rules_digest())


def _published_figures(
    published: Warehouse, night: dt.date, *, has_same_rules: bool
) -> dict[str, str]:
    """Every figure of a published night, from the histories."""
    then = (
        f" where valid_from <= date '{night}' and (valid_to is null or valid_to > date '{night}')"
    )
    form = "mart.form_06a_history"
    queries = [
        _INDICATOR_QUERY.format(table="mart.indicator_history"),
        _FORM_QUERY.format(table=form),
    ]
    if "returned_early" in published.columns("mart", "form_06a_history"):
        queries.append(_RETURNED_QUERY.format(table=form))
    if has_same_rules:
        queries.append(_BESIDE_QUERY.format(table="mart.indicator_history"))
    return {
        figure: counts
        for query in queries
        for figure, counts in _by_figure(published.rows(query + then)).items()
    }


def _computed_figures(warehouse: Warehouse, *, has_same_rules: bool) -> dict[str, str]:
    beside = _BESIDE_QUERY.format(table=f"{STAGED}.indicator_value")
    return {
        **(_by_figure(warehouse.rows(beside)) if has_same_rules else {}),
        **_by_figure(warehouse.rows(_INDICATOR_QUERY.format(table=f"{STAGED}.indicator_value"))),
        **_by_figure(warehouse.rows(_FORM_QUERY.format(table=f"{STAGED}.form_06a"))),
        **_by_figure(warehouse.rows(_RETURNED_QUERY.format(table=f"{STAGED}.form_06a"))),
    }


def _added_since(published: dict[str, str], computed: dict[str, str]) -> set[str]:
    """Figures of a kind that the night did not publish, because only a later release has it."""
    known = set(map(_kind, published))
    return {figure for figure in computed if _kind(figure) not in known}


def _kind(figure: str) -> str:
    """The indicator and its method, or the form."""
    return figure.split(" of ", 1)[0]


def _by_figure(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["figure"]: row["counts"] for row in rows}


def _compare(
    published: dict[str, str], computed: dict[str, str], names: CodeNames, result: Verification
) -> None:
    for figure in sorted(published.keys() | computed.keys()):
        was, now = published.get(figure), computed.get(figure)
        if was != now:
            result.differ(
                said(
                    "{figure}: published {was}, counted {now}",
                    figure=named_figure(figure, names),
                    was=was or said_text("nothing"),
                    now=now or said_text("nothing"),
                )
            )
