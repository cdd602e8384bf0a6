"""One night, step by step: what the DAG's tasks run and what ``onestop night`` runs.

Each step may be run again at any time, by whomever, and changes nothing that is done already.
A refusal met while files are worked on side by side is noted in a small file; the step that owns
the warehouse enters it into the record.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from onestop.errors import OneStopError
from onestop.files import write_once, write_whole
from onestop.gate.unpublished import NightRun, note_unpublished
from onestop.intake import landing as landing_module
from onestop.intake.awaited import awaited_where
from onestop.intake.delivery import RETRYABLE_RULES, Delivery, RefusedDeliveryError
from onestop.intake.exports import ExportsError, candidate_of, file_of, list_exports, readable_name
from onestop.marts.compute import (
    compute_marts,
    last_published,
    publish_marts,
    staged_night,
    staged_record,
)
from onestop.readers import FILE_RULES
from onestop.record.evidence import keep_rules, keep_settlements
from onestop.record.load import load_delivery as load_staged
from onestop.record.record_checks import lost_keys, record_state, vanished_wholesale
from onestop.record.refusals import record_refusal
from onestop.schema.mapping import ClaimedTwiceError, recognise
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.staging.delivery_lock import working_on
from onestop.staging.staged_delivery import read_delivery, staged_path
from onestop.upkeep.rebuild import refuse_lost_warehouse
from onestop.warehouse import WarehouseBusyError, open_warehouse
from onestop.warehouse.duckdb_files import open_duckdb
from onestop.warehouse.staged_names import STAGED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from onestop.gate import UsualVolume
    from onestop.gate.mart_checks import MartsVerdict
    from onestop.intake.exports import ExportedFile
    from onestop.schema.mapping import FeedMapping, Recognised, SourceMapping
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

logger = logging.getLogger(__name__)

_REFUSALS = "refusals"
#: How often a run without a scheduler computes a night while other runs load files.
_COMPUTATIONS = 3
_PLACES = "places"
#: Marks among the staged marts; whoever computes takes them away with the marts.
_CHECK_BEGUN, _CHECKED = "check_begun", "checked"
#: How often a night computes again what another run has computed in its place.
_TURNS = 3
_UNREAD_EXPORTS = (
    "the exports of night {night} could not be looked through, so it is unknown which files are"
    " there; see the log of discover_deliveries, then run the night again"
)


class MissingDeliveryError(OneStopError):
    """A night lacks a delivery that it cannot be published without."""


class ChecksFailedError(OneStopError):
    """The computed marts break a critical rule; they are kept and not published."""


class MovedRecordError(ChecksFailedError):
    """The record grew after the marts were computed; compute them again."""


class NightsAtOnceError(WarehouseBusyError):
    """Other runs keep computing their marts in the place of this night's.

    Args:
        night: which night.
    """

    def __init__(self, night: dt.date) -> None:
        super().__init__(
            f"night {night} is not published: other runs compute their nights at the same time; run"
            " nights one after the other (--max-active-runs 1), and this one again"
        )


@dataclass
class NightReport:
    """How a night ended.

    Attributes:
        night: which one.
        state: ``published``, ``unchanged``, ``missing_delivery`` or ``checks_failed``.
        message: one sentence for people.
        deliveries: what became of each file, in order.
    """

    night: dt.date
    state: str
    message: str
    deliveries: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether readers see this night (or had seen it already)."""
        return self.state in {"published", "unchanged"}


def discover_deliveries(settings: Settings, night: dt.date) -> list[dict[str, Any]]:
    """Find what a night has to look at in the exports.

    All files of the night itself, and files of earlier nights that came late or were replaced
    since. A file is known by its path below the exports, length and time of change.

    Returns:
        Candidates, registers first, each with ``path``, ``file_name``, ``source``, ``feed``,
        ``night`` (ISO), ``kind``, and the facts it was listed with.

    Raises:
        ExportsError: the exports are not there or cannot be reached.
        LostWarehouseError: the landing lists published nights that the warehouse lacks.
    """
    refuse_lost_warehouse(settings)
    exported = list_exports(settings.exports)
    mappings = settings.mappings()
    for problem in mappings.problems:
        logger.error("%s Its source is left out; the others go on", problem)
    with open_warehouse(settings.warehouse) as warehouse:
        settled = _settled_files(warehouse)
        note_volumes(settings, warehouse, night)
    candidates = []
    for file in exported:
        name = readable_name(file.path_below)
        try:
            found = recognise(name, mappings.sources)
        except ClaimedTwiceError as error:
            stated = error.claims[0].night
            if stated == night or (stated < night and _identity(file) not in settled):
                _refuse_name(settings, name, error.claims[0], "FILE-F12", error.problem)
            continue
        if found is None:
            logger.warning("%s: no mapping knows a file of this name; left alone", name)
            continue
        if found.night > night:
            continue
        if name != file.path_below:
            _refuse_name(settings, name, found, "FILE-F11")
            continue
        if found.night < night and _identity(file) in settled:
            continue
        candidates.append(
            {
                **candidate_of(file),
                "source": found.source,
                "feed": found.feed,
                "night": found.night.isoformat(),
                "kind": found.kind,
            }
        )
    order = {"units": 0, "procedures": 1}
    candidates.sort(
        key=lambda c: (c["night"], order.get(c["feed"], 2), c["source"], c["file_name"])
    )
    return candidates


def _refuse_name(
    settings: Settings, name: str, found: Recognised, rule_code: str, reason: str = ""
) -> None:
    """Note a file whose name alone is the reason to refuse it; it is not opened."""
    delivery = landing_module.unread_delivery(
        name, source=found.source, feed=found.feed, night=found.night, kind=found.kind
    )
    logger.warning("%s: refused, %s: %s", name, rule_code, reason or FILE_RULES[rule_code].en)
    _note_unread(settings, delivery, rule_code, reason)


def awaited_deliveries(
    settings: Settings, night: dt.date, candidates: list[dict[str, Any]]
) -> list[str]:
    """What a night cannot do without, and that is neither in the exports nor in the record.

    Args:
        settings: where everything lies.
        night: which night.
        candidates: from :func:`discover_deliveries`.

    Returns:
        A sentence for each, naming source, feed, file name and folder, and names that come
        close; nothing for a night that is published already.
    """
    found = {(found["source"], found["feed"], found["night"]) for found in candidates}
    mappings = settings.mappings()
    awaited = [
        feed
        for feed in mappings.expected
        if (feed.source, feed.feed, night.isoformat()) not in found
    ]
    with open_warehouse(settings.warehouse) as warehouse:
        if not awaited or _is_frozen(warehouse, night):
            return []
        awaited = [feed for feed in awaited if not _is_delivered(warehouse, feed, night)]
    return [_not_delivered(settings, feed, night, mappings.sources) for feed in awaited]


def note_volumes(settings: Settings, warehouse: Warehouse, night: dt.date) -> None:
    """Note how many rows past deliveries had, for the gates that work side by side."""
    rows = warehouse.rows(
        "select distinct delivery_id, source, feed, kind, file_name, night, rows_read"
        " from audit.delivery where state = 'loaded' and night < :night and night >= :since",
        {"night": night, "since": night - dt.timedelta(weeks=10)},
    )
    found: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        series = _series(row["source"], row["feed"], row["kind"], row["file_name"])
        nights = found.setdefault(series, {})
        nights.setdefault(row["night"].isoformat(), []).append(int(row["rows_read"]))
    # Parts of a night that no part of their paths tells apart from each other have no usual size.
    volumes = {
        series: {day: counts[0] for day, counts in nights.items() if len(counts) == 1}
        for series, nights in found.items()
    }
    path = _volumes_file(settings, night)
    _write_note(path, json.dumps(volumes))


_DATES = re.compile(r"\d{6,}")


def _series(source: str, feed: str, kind: str, file_name: str) -> str:
    """Names the files of past nights that a file is compared with: same path but for the date."""
    return f"{source} {feed} {kind} {_DATES.sub('#', file_name)}"


def _volumes_file(settings: Settings, night: dt.date) -> Path:
    return settings.work / "volumes" / f"{night.isoformat()}.json"


def _usual_volume(settings: Settings, delivery: Delivery, night: dt.date) -> UsualVolume | None:
    """What the delivery's rows are compared with; late files and parts of a night are not."""
    from onestop.gate import is_volume_excepted, usual_volume  # noqa: PLC0415 - imports slowly

    path = _volumes_file(settings, night)
    if delivery.night != night or not path.is_file():
        return None
    if is_volume_excepted(delivery.source, delivery.feed, night):
        return None
    series = json.loads(path.read_text(encoding="utf-8")).get(
        _series(delivery.source, delivery.feed, delivery.kind, delivery.file_name), {}
    )
    return usual_volume(night, {dt.date.fromisoformat(day): rows for day, rows in series.items()})


def _settled_files(warehouse: Warehouse) -> set[tuple[str, int, int]]:
    """Files that need not be read again; those with a retryable refusal are left out."""
    retryable = ", ".join(f"'{code}'" for code in RETRYABLE_RULES)
    settled = f"sha256 is not null and coalesce(refused_rule, '') not in ({retryable})"
    rows = warehouse.rows(
        "select file_name, size_bytes,"
        " cast(extract(epoch from file_modified_at) as bigint) as modified from ("
        f"select file_name, size_bytes, file_modified_at from audit.delivery where {settled}"
        " union select file_name, size_bytes, file_modified_at from audit.delivery_place"
        f" where delivery_id in (select delivery_id from audit.delivery where {settled})) as place"
    )
    return {(row["file_name"], row["size_bytes"], row["modified"]) for row in rows}


def _identity(file: ExportedFile) -> tuple[str, int, int] | None:
    facts = file.facts
    return (file.path_below, facts.size_bytes, int(facts.modified)) if facts else None


def land_delivery(settings: Settings, candidate: dict[str, Any]) -> dict[str, Any]:
    """Copy a candidate's bytes into the landing.

    Returns:
        The delivery, as JSON.

    Raises:
        RefusedDeliveryError: the file could not be copied whole; a later run tries again. The
            refusal is noted for the record.
    """
    unread = landing_module.unread_delivery(
        candidate["file_name"],
        source=candidate["source"],
        feed=candidate["feed"],
        night=dt.date.fromisoformat(candidate["night"]),
        kind=candidate["kind"],
    )
    try:
        delivery = landing_module.land_file(
            file_of(settings.exports, candidate),
            settings.landing,
            source=unread.source,
            feed=unread.feed,
            night=unread.night,
            kind=unread.kind,
        )
    except RefusedDeliveryError as refused:
        refused.page = _note_unread(settings, unread, refused.rule_code, refused.reason)
        raise
    _refusal_note(settings, unread).unlink(missing_ok=True)
    _note_place(settings, delivery, candidate)
    return delivery.to_json()


def _note_place(settings: Settings, delivery: Delivery, candidate: dict[str, Any]) -> None:
    """Note a file whose bytes are a delivery of another path or time: it is not read again."""
    place = {
        "delivery_id": delivery.delivery_id,
        "file_name": candidate["file_name"],
        "size_bytes": candidate["size_bytes"],
        "file_modified_at": dt.datetime.fromtimestamp(
            int(candidate["modified"]), LOCAL_ZONE
        ).isoformat(),
    }
    first = delivery.to_json()
    if any(place[name] != first[name] for name in place):
        text = json.dumps(place, ensure_ascii=False, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()
        _write_note(settings.work / _PLACES / f"{name}.json", text)


def _record_places(settings: Settings, warehouse: Warehouse) -> None:
    for note, text in _notes(settings.work / _PLACES):
        place = json.loads(text)
        place["file_modified_at"] = dt.datetime.fromisoformat(place["file_modified_at"])
        same = " and ".join(f"{name} = :{name}" for name in place)
        if not warehouse.value(f"select count(*) from audit.delivery_place where {same}", place):
            warehouse.execute(
                f"insert into audit.delivery_place ({', '.join(place)})"
                f" values ({', '.join(f':{name}' for name in place)})",
                place,
            )
        note.unlink(missing_ok=True)


def read_delivery_file(
    settings: Settings, delivery: dict[str, Any], *, keeps_rules: bool = True
) -> dict[str, Any]:
    """Stage a landed file.

    Args:
        settings: where everything lies.
        delivery: as JSON.
        keeps_rules: whether the mapping is kept beside the landing.

    Raises:
        RefusedDeliveryError: the file cannot be read; the refusal is noted for the record.
    """
    landed = Delivery.from_json(delivery)
    try:
        mapping = _mapping(settings, landed)
        if keeps_rules:
            keep_rules(settings.landing, mapping.sha256, mapping.text)
        with working_on(landed, settings.locks):
            staged = read_delivery(landed, settings.landing, settings.staging, mapping)
    except RefusedDeliveryError as refused:
        refused.page = _note_unread(settings, landed, refused.rule_code, refused.reason)
        raise
    return {"staged": staged.name}


def validate_delivery_file(
    settings: Settings,
    delivery: dict[str, Any],
    night: dt.date,
    *,
    has_usual_volume: bool = True,
    keeps_rules: bool = True,
) -> dict[str, Any]:
    """Put a staged file through the gate.

    Args:
        settings: where everything lies.
        delivery: as JSON.
        night: the night that is run.
        has_usual_volume: whether its rows are counted against those of past weeks.
        keeps_rules: whether the suite is kept beside the landing.

    Returns:
        The verdict, as JSON.

    Raises:
        RefusedDeliveryError: the gate refused it; the refusal is noted for the record.
    """
    from onestop.gate import load_suite, validate_delivery  # noqa: PLC0415 - imports slowly

    landed = Delivery.from_json(delivery)
    suite = load_suite(landed.feed)
    if keeps_rules:
        keep_rules(settings.landing, suite.sha256, suite.text)
    with working_on(landed, settings.locks):
        verdict = validate_delivery(
            landed,
            staged_path(settings.staging, landed.delivery_id),
            settings.validation_results,
            night,
            usual=_usual_volume(settings, landed, night) if has_usual_volume else None,
        )
    if verdict.is_refused:
        error = verdict.as_error()
        error.page = _page_of(verdict.result_file or "")
        _note_refusal(
            settings,
            landed,
            error.rule_code,
            verdict.reason_vi or error.reason,
            verdict.reason_en or error.reason,
        )
        raise error
    return verdict.to_json()


def load_delivery(settings: Settings, delivery: dict[str, Any]) -> dict[str, Any]:
    """Load a validated file into the warehouse, in one transaction."""
    landed = Delivery.from_json(delivery)
    # The warehouse first, here and wherever both are held: two runs never wait for each other.
    with open_warehouse(settings.warehouse) as warehouse, working_on(landed, settings.locks):
        return load_staged(warehouse, landed, staged_path(settings.staging, landed.delivery_id))


def require_expected(
    settings: Settings, night: dt.date, candidates: list[dict[str, Any]] | None
) -> None:
    """Enter refusals into the record, then fail unless the night has what it cannot do without.

    Args:
        settings: where everything lies.
        night: which night.
        candidates: from :func:`discover_deliveries`; None when it failed, so that nothing can be
            said about what the exports hold.

    Raises:
        MissingDeliveryError: names what is missing, was refused or was not loaded, and what to do.
    """
    with open_warehouse(settings.warehouse) as warehouse:
        _record_refusals(settings, warehouse)
        _record_places(settings, warehouse)
        if _is_frozen(warehouse, night):
            return
        state, sentences = "missing_delivery", []
        if candidates is None:
            state, sentences = "exports_unread", [_UNREAD_EXPORTS.format(night=night)]
        else:
            mappings = settings.mappings()
            sentences = [
                sentence
                for feed in mappings.expected
                for sentence in _missing(
                    settings, warehouse, feed, night, candidates, mappings.sources
                )
            ]
        if sentences:
            message = "; ".join((*sentences, *_sources_left_out(settings)))
            _note_night(warehouse, night, state, message)
            _render_reports(settings, _night_runs(warehouse))
            raise MissingDeliveryError(message)


def compute_night(settings: Settings, night: dt.date) -> dict[str, Any]:
    """Compute the night's marts beside the published ones.

    A night that is published already is frozen and left alone: what came later is in the next.
    """
    with open_warehouse(settings.warehouse) as warehouse:
        if _is_frozen(warehouse, night):
            return {"night": night.isoformat(), **_frozen_how(warehouse, night)}
        return {"night": night.isoformat(), "rows": compute_marts(warehouse, night)}


def _refuse_moved_record(warehouse: Warehouse, night: dt.date) -> None:
    """A night's figures are of one state of the record: that at which they were computed."""
    if staged_record(warehouse) != record_state(warehouse, night):
        raise MovedRecordError(
            f"night {night}: files were loaded since its marts were computed; compute it again"
        )


def check_night(settings: Settings, night: dt.date) -> dict[str, Any]:
    """Check the computed marts with the suites of ``expectations/marts/``.

    Where another run has computed in their place since, they are computed again.

    Raises:
        ChecksFailedError: a critical rule is broken; the marts are kept and not published.
        NightsAtOnceError: other runs keep computing in their place.
    """
    from onestop.gate import (  # noqa: PLC0415 - Great Expectations imports slowly
        BrokenRuleError,
        check_marts,
    )

    for _ in range(_TURNS):
        with open_warehouse(settings.warehouse) as warehouse:
            if _is_frozen(warehouse, night):
                return {"night": night.isoformat(), **_frozen_how(warehouse, night)}
            if staged_night(warehouse) != night:
                compute_marts(warehouse, night)
            _refuse_moved_record(warehouse, night)
            lost = [*lost_keys(warehouse, night), *vanished_wholesale(warehouse, night)]
            warehouse.make_table(f"{STAGED}.{_CHECK_BEGUN}", "select true as is_begun")
        try:
            verdict = check_marts(settings.warehouse, night, results=settings.validation_results)
        except BrokenRuleError:
            # Another run may have taken the tables away under it, by computing or publishing.
            with open_warehouse(settings.warehouse) as warehouse:
                if not _is_frozen(warehouse, night) and _is_being_checked(warehouse, night):
                    raise
            continue
        with open_warehouse(settings.warehouse) as warehouse:
            if _is_being_checked(warehouse, night):
                _note_verdict(settings, warehouse, night, verdict, lost)
                return {"night": night.isoformat(), "failed_rules": len(verdict.failed)}
    raise NightsAtOnceError(night)


def _is_being_checked(warehouse: Warehouse, night: dt.date) -> bool:
    """Whether the staged marts are those whose check began: a computation empties the schema."""
    return _CHECK_BEGUN in warehouse.tables(STAGED) and staged_night(warehouse) == night


def _note_verdict(
    settings: Settings,
    warehouse: Warehouse,
    night: dt.date,
    verdict: MartsVerdict,
    lost: list[str],
) -> None:
    _record_mart_results(warehouse, night, verdict.results)
    if lost or not verdict.is_publishable:
        critical = (
            f"{rule.rule_code}: {rule.message_en} ({rule.rows_failed} rows)"
            for rule in verdict.critical
        )
        broken = "; ".join((*lost, *critical))
        message = "; ".join((broken, *_sources_left_out(settings)))
        _note_night(warehouse, night, "checks_failed", message)
        _render_reports(settings, _night_runs(warehouse))
        raise ChecksFailedError(f"night {night} is not published: {broken}")
    warehouse.make_table(f"{STAGED}.{_CHECKED}", "select true as is_checked")


def publish_night(settings: Settings, night: dt.date) -> dict[str, Any]:
    """Move the pointer: readers see the new night, whole.

    The transaction comes first; how the night ended, the list of deliveries beside the landing,
    the readers' copy and the reports are made from it, again whenever one of them is not there.
    Where another run has computed in the place of the checked marts, they are checked again.

    Raises:
        ChecksFailedError: the marts, computed again, break a critical rule.
        NightsAtOnceError: other runs keep computing in their place.
    """
    for _ in range(_TURNS):
        with open_warehouse(settings.warehouse) as warehouse:
            frozen = _is_frozen(warehouse, night)
            if frozen or _is_checked(warehouse, night):
                how = _publish(settings, warehouse, night, is_frozen=frozen)
                runs = _night_runs(warehouse)
                break
        check_night(settings, night)
    else:
        raise NightsAtOnceError(night)
    _render_reports(settings, runs)
    return {"night": night.isoformat(), **how}


def _is_checked(warehouse: Warehouse, night: dt.date) -> bool:
    return _CHECKED in warehouse.tables(STAGED) and staged_night(warehouse) == night


def _publish(
    settings: Settings, warehouse: Warehouse, night: dt.date, *, is_frozen: bool
) -> dict[str, str]:
    if not is_frozen:
        _refuse_moved_record(warehouse, night)
        publish_marts(warehouse, night)
    if _is_published_unnoted(warehouse, night):
        message = "; ".join((f"night {night} is published", *_sources_left_out(settings)))
        _note_night(warehouse, night, "published", message)
    _complete(settings, warehouse)
    return _frozen_how(warehouse, night) if is_frozen else {}


def complete_publication(settings: Settings) -> None:
    """Make what a publication leaves beside the warehouse, where it is not there."""
    with open_warehouse(settings.warehouse) as warehouse:
        _complete(settings, warehouse)


def _complete(settings: Settings, warehouse: Warehouse) -> None:
    _write_manifests(settings, warehouse)
    if not _copy_is_current(settings, warehouse):
        warehouse.publish_copy(settings.published)


def run_night(
    settings: Settings, night: dt.date, echo: Callable[[str], None] = lambda _: None
) -> NightReport:
    """Run a whole night without a scheduler.

    Args:
        settings: where everything lies.
        night: which night.
        echo: is told each step as it ends.
    """
    report = NightReport(night, "published", "")
    try:
        candidates = discover_deliveries(settings, night)
    except ExportsError as unread:
        _note_unread_exports(settings, night, str(unread))
        raise
    for candidate in candidates:
        report.deliveries.append(_run_delivery(settings, candidate, night, echo))
    try:
        require_expected(settings, night, candidates)
    except MissingDeliveryError as missing:
        report.state, report.message = "missing_delivery", str(missing)
        return report
    try:
        published = _compute_and_publish(settings, night)
    except ChecksFailedError as failed:
        report.state, report.message = "checks_failed", str(failed)
        return report
    if frozen := published.get("frozen"):
        report.state = "unchanged"
        report.message = f"night {night}: {frozen}"
    else:
        report.message = "; ".join((f"night {night} is published", *_sources_left_out(settings)))
    return report


def _note_unread_exports(settings: Settings, night: dt.date, message: str) -> None:
    with open_warehouse(settings.warehouse) as warehouse:
        if not _is_frozen(warehouse, night):
            _note_night(warehouse, night, "exports_unread", message)
            _render_reports(settings, _night_runs(warehouse))


def _compute_and_publish(settings: Settings, night: dt.date) -> dict[str, Any]:
    """From the record to the readers; again, when another run loaded a file meanwhile."""
    for _ in range(_COMPUTATIONS - 1):
        try:
            return _compute_and_publish_once(settings, night)
        except MovedRecordError as moved:
            logger.warning("%s", moved)
    return _compute_and_publish_once(settings, night)


def _compute_and_publish_once(settings: Settings, night: dt.date) -> dict[str, Any]:
    compute_night(settings, night)
    check_night(settings, night)
    return publish_night(settings, night)


def _run_delivery(
    settings: Settings, candidate: dict[str, Any], night: dt.date, echo: Callable[[str], None]
) -> dict[str, Any]:
    name = candidate["file_name"]
    try:
        delivery = land_delivery(settings, candidate)
        read_delivery_file(settings, delivery)
        validate_delivery_file(settings, delivery, night)
    except RefusedDeliveryError as refused:
        echo(f"{name}: refused, {refused.rule_code}: {refused.reason}")
        return {"file_name": name, "state": "refused", "reason": str(refused)}
    loaded = load_delivery(settings, delivery)
    if loaded["already_loaded"]:
        echo(f"{name}: loaded before")
        return {"file_name": name, "state": "already_loaded"}
    echo(
        f"{name}: {loaded['rows_read']} rows read, {loaded['rows_accepted']} accepted,"
        f" {loaded['rows_rejected']} rejected"
    )
    return {"file_name": name, "state": "loaded", **loaded}


def _sources_left_out(settings: Settings) -> list[str]:
    """For each source that a broken mapping stops, what is wrong, for the night's readers."""
    return [
        f"a source system is left out, its mapping is broken: {problem}"
        for problem in settings.mappings().problems
    ]


def _mapping(settings: Settings, delivery: Delivery) -> FeedMapping:
    mappings = settings.mappings()
    found = mappings.feed(delivery.source, delivery.feed)
    if found is None:
        broken = "; ".join(map(str, mappings.problems))
        raise RefusedDeliveryError(
            delivery.file_name,
            "FILE-F07",
            f"there is no usable mapping for {delivery.source} {delivery.feed} any more"
            + (f" ({broken})" if broken else "")
            + "; put its file back into ONESTOP_SOURCES, then run `onestop replay`",
        )
    return found


def _note_unread(settings: Settings, delivery: Delivery, rule_code: str, found: str = "") -> str:
    """Note a file that was refused before its rows were judged; what was found is in English.

    Returns:
        The file's page among the reports.
    """
    from onestop.gate import keep_unread  # noqa: PLC0415 - imports slowly

    rule = FILE_RULES[rule_code]
    reason_vi = f"{rule.vi} [{found}]" if found else rule.vi
    reason_en = found or rule.en
    kept = keep_unread(delivery, settings.validation_results, rule_code, reason_vi, reason_en)
    _note_refusal(settings, delivery, rule_code, reason_vi, reason_en)
    return _page_of(str(kept.relative_to(settings.validation_results)))


def _page_of(result_file: str) -> str:
    """The English page of a validation result, relative to the reports."""
    return f"{result_file.removesuffix('.json')}.en.html"


def _note_refusal(
    settings: Settings, delivery: Delivery, rule_code: str, reason_vi: str, reason_en: str
) -> None:
    refusal = {
        "delivery": delivery.to_json(),
        "rule_code": rule_code,
        "reason_vi": reason_vi,
        "reason_en": reason_en,
    }
    _write_note(_refusal_note(settings, delivery), json.dumps(refusal, ensure_ascii=False))


def _write_note(note: Path, text: str) -> None:
    """Put a note in place whole; of two runs at once the later one's stays."""
    write_whole(note, text)


def _refusal_note(settings: Settings, delivery: Delivery) -> Path:
    return settings.work / _REFUSALS / f"{delivery.delivery_id}.json"


def _record_refusals(settings: Settings, warehouse: Warehouse) -> None:
    for note, text in _notes(settings.work / _REFUSALS):
        refusal = json.loads(text)
        delivery = Delivery.from_json(refusal["delivery"])
        staged = staged_path(settings.staging, delivery.delivery_id)
        was_judged = not refusal["rule_code"].startswith("FILE-") and staged.exists()
        with working_on(delivery, settings.locks):
            record_refusal(
                warehouse,
                delivery,
                staged=staged if was_judged else None,
                rule_code=refusal["rule_code"],
                reason_vi=refusal["reason_vi"],
                reason_en=refusal["reason_en"],
            )
        note.unlink(missing_ok=True)


def _notes(folder: Path) -> Iterator[tuple[Path, str]]:
    """The notes in a folder with their texts; one that another run took away is left out."""
    for note in sorted(folder.glob("*.json")):
        with suppress(FileNotFoundError):
            text = note.read_text(encoding="utf-8")
            yield note, text


def _is_frozen(warehouse: Warehouse, night: dt.date) -> bool:
    last = last_published(warehouse)
    return last is not None and night <= last


def _is_published_unnoted(warehouse: Warehouse, night: dt.date) -> bool:
    """Whether readers see the night and ``audit.night_run`` does not say so yet."""
    return bool(
        warehouse.value(
            "select count(*) from audit.publication where as_of_date = :night"
            " and as_of_date not in"
            " (select as_of_date from audit.night_run where state = 'published')",
            {"night": night},
        )
    )


def _frozen_how(warehouse: Warehouse, night: dt.date) -> dict[str, str]:
    """Why a night's figures are not computed again, and where what came since will show."""
    last = last_published(warehouse)
    was_published = warehouse.value(
        "select count(*) from audit.publication where as_of_date = :night", {"night": night}
    )
    if was_published:
        how = "published before, and stays as it was"
    else:
        how = f"not published in its time, and cannot be after night {last}"
    return {"frozen": f"{how}; what was loaded since shows from the night after {last} on"}


def _is_delivered(warehouse: Warehouse, feed: FeedMapping, night: dt.date) -> bool:
    """Whether a delivery of the feed is loaded for the night."""
    return bool(
        warehouse.value(
            "select count(*) from audit.delivery where state = 'loaded'"
            " and source = :source and feed = :feed and night = :night",
            {"source": feed.source, "feed": feed.feed, "night": night},
        )
    )


def _missing(
    settings: Settings,
    warehouse: Warehouse,
    feed: FeedMapping,
    night: dt.date,
    candidates: list[dict[str, Any]],
    mappings: dict[str, SourceMapping],
) -> list[str]:
    """Why the night lacks an expected feed; nothing when it has it."""
    if _is_delivered(warehouse, feed, night):
        return []
    here = {
        found["file_name"]
        for found in candidates
        if (found["source"], found["feed"], found["night"])
        == (feed.source, feed.feed, night.isoformat())
    }
    refused = {
        name: row
        for name, row in _last_refusals(warehouse, feed, night).items()
        if not here or name in here  # one that was taken away for another has no say any more
    }
    sentences = [
        f"{name} was refused ({row['refused_rule']}: {row['reason_en']}); have {feed.source}"
        f" export it again, then run night {night} again"
        for name, row in refused.items()
    ]
    sentences += [
        f"{name} is in the exports and was not loaded; see the log of its delivery task, then run"
        f" night {night} again"
        for name in sorted(here - refused.keys())
    ]
    return sentences or [
        f"{_not_delivered(settings, feed, night, mappings)}; put it there, then run the night again"
    ]


def _not_delivered(
    settings: Settings, feed: FeedMapping, night: dt.date, mappings: dict[str, SourceMapping]
) -> str:
    where = awaited_where(settings.exports, feed, night, mappings)
    return f"{feed.source} has delivered no {feed.feed} file for night {night}: {where}"


def _last_refusals(
    warehouse: Warehouse, feed: FeedMapping, night: dt.date
) -> dict[str, dict[str, Any]]:
    """The last refusal of each of the night's files, by file name."""
    rows = warehouse.rows(
        "select file_name, refused_rule, reason_en from audit.delivery where state = 'refused'"
        " and source = :source and feed = :feed and night = :night"
        " order by file_name, settled_at, attempt",
        {"source": feed.source, "feed": feed.feed, "night": night},
    )
    return {row["file_name"]: row for row in rows}


def _note_night(warehouse: Warehouse, night: dt.date, state: str, message: str) -> None:
    """Keep how the night ended; the same end again changes nothing."""
    counts = warehouse.rows(
        "select count(distinct case when state = 'loaded' then delivery_id end) as loaded,"
        " count(distinct case when state = 'refused' then delivery_id end) as refused"
        " from audit.delivery where night = :night",
        {"night": night},
    )[0]
    row = {
        "as_of_date": night,
        "state": state,
        "message": message,
        "delivery_count": counts["loaded"],
        "refused_count": counts["refused"],
    }
    same = " and ".join(f"{name} = :{name}" for name in row)
    if warehouse.value(f"select count(*) from audit.night_run where {same}", row):
        return
    with warehouse.transaction():
        warehouse.execute(
            "delete from audit.night_run where as_of_date = :as_of_date", {"as_of_date": night}
        )
        warehouse.execute(
            "insert into audit.night_run (as_of_date, state, message, delivery_count,"
            " refused_count, changed_at) values (:as_of_date, :state, :message, :delivery_count,"
            " :refused_count, :changed_at)",
            {**row, "changed_at": dt.datetime.now(LOCAL_ZONE)},
        )


def _record_mart_results(warehouse: Warehouse, night: dt.date, results: dict[str, Any]) -> None:
    """Enter what the suites found in the marts; the same findings again are entered once."""
    name = f"mart.{night:%Y%m%d}"
    known = warehouse.rows(
        "select rule_code, rows_failed, attempt from audit.validation_result"
        " where delivery_id = :name",
        {"name": name},
    )
    attempt = max((row["attempt"] for row in known), default=0)
    latest = {(row["rule_code"], row["rows_failed"]) for row in known if row["attempt"] == attempt}
    rules = [rule for found in results.values() for rule in found]
    if latest == {(rule.rule_code, rule.rows_failed) for rule in rules}:
        return
    with warehouse.transaction():
        for rule in rules:
            warehouse.execute(
                "insert into audit.validation_result (delivery_id, attempt, rule_code, severity,"
                " expectation_type, is_success, rows_checked, rows_failed, message_vi, message_en,"
                " clause) values (:delivery_id, :attempt, :rule_code, :severity,"
                " :expectation_type, :is_success, :rows_checked, :rows_failed, :message_vi,"
                " :message_en, :clause)",
                {
                    "delivery_id": name,
                    "attempt": attempt + 1,
                    "rule_code": rule.rule_code,
                    "severity": rule.severity,
                    "expectation_type": rule.expectation_type,
                    "is_success": rule.success,
                    "rows_checked": rule.rows_checked,
                    "rows_failed": rule.rows_failed,
                    "message_vi": rule.message_vi,
                    "message_en": rule.message_en,
                    "clause": rule.clause,
                },
            )


def _write_manifests(settings: Settings, warehouse: Warehouse) -> None:
    """List beside the landed files which of them each published night rests on.

    Written for every published night that has none: a run may have been killed before it came
    to that.
    """
    keep_settlements(settings.landing, warehouse)
    folder = settings.landing / landing_module.MANIFESTS
    for published in warehouse.rows(
        "select as_of_date, publication_id, figures_sha256 from audit.publication order by 1"
    ):
        night = published["as_of_date"]
        path = folder / f"{night.isoformat()}.json"
        if path.exists():
            continue
        deliveries = warehouse.rows(
            "select delivery_id, sha256, attempt from audit.delivery where state = 'loaded'"
            " and known_from <= :night order by delivery_id, attempt",
            {"night": night},
        )
        manifest = {**published, "as_of_date": night.isoformat(), "deliveries": deliveries}
        write_once(path, json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def _render_reports(settings: Settings, runs: Sequence[NightRun]) -> None:
    from onestop.gate import render_reports  # noqa: PLC0415 - Great Expectations imports slowly

    render_reports(settings.validation_results, settings.reports, runs=runs)
    note_unpublished(settings, runs)


def _night_runs(warehouse: Warehouse) -> list[NightRun]:
    """How the latest nights ended, the latest first; what is published says so in any case."""
    rows = warehouse.rows(
        "select as_of_date, case when as_of_date in (select as_of_date from audit.publication)"
        " then 'published' else state end as state, message from audit.night_run"
        " order by as_of_date desc limit 30"
    )
    return [
        {"as_of_date": row["as_of_date"], "state": row["state"], "message": row["message"]}
        for row in rows
    ]


def _copy_is_current(settings: Settings, warehouse: Warehouse) -> bool:
    """Whether the readers' copy holds the last publication."""
    if not settings.published.is_file():
        return False
    last = (
        "select publication_id, as_of_date, figures_sha256 from audit.publication"
        " order by publication_id desc limit 1"
    )
    try:
        with open_duckdb(settings.published, read_only=True) as copy:
            held = copy.execute(last).fetchall()
    except duckdb.Error as error:
        logger.warning(
            "the readers' copy %s cannot be read (%s); it is made again",
            settings.published,
            type(error).__name__,
        )
        return False
    return bool(held == [tuple(row.values()) for row in warehouse.rows(last)])
