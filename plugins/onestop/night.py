"""One night, step by step: what the DAG's tasks run and what ``onestop night`` runs.

Each step may be run again at any time; what is done already is not done twice. A refusal of a
file is noted in a small file, because files are worked on side by side; ``require_expected``,
which owns the warehouse, enters it into the record.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from onestop.errors import OneStopError
from onestop.gate import (
    BrokenRuleError,
    check_marts,
    load_suite,
    render_reports,
    validate_delivery,
)
from onestop.gate.past_volumes import note_volumes, noted_usual_volume
from onestop.gate.unpublished import note_unpublished
from onestop.intake.awaited import awaited_where
from onestop.intake.candidate import Candidate
from onestop.intake.delivery import RefusedDeliveryError
from onestop.intake.exports import ExportsError, list_exports, readable_name
from onestop.intake.landing import land_file, unread_delivery
from onestop.marts.compute import compute_marts, staged_night, staged_record
from onestop.marts.publish import publish_marts
from onestop.readers import FILE_RULES
from onestop.record.arrivals import is_delivered, reasons_not_loaded
from onestop.record.evidence import keep_rules
from onestop.record.load import load_delivery as load_staged
from onestop.record.night_runs import (
    lacks_published_run,
    latest_night_runs,
    record_marts_verdict,
    record_night_run,
)
from onestop.record.places import note_place, record_places, settled_files
from onestop.record.publications import (
    frozen_reason,
    is_copy_current,
    is_frozen,
    write_manifests,
)
from onestop.record.record_checks import lost_keys, record_state, vanished_wholesale
from onestop.record.refusals import (
    record_noted_refusals,
    refuse_judged,
    refuse_unread,
    withdraw_refusal,
)
from onestop.schema.mapping import ClaimedTwiceError, recognise
from onestop.staging.delivery_lock import working_on
from onestop.staging.staged_delivery import read_delivery, staged_path
from onestop.upkeep.rebuild import refuse_lost_warehouse
from onestop.warehouse import WarehouseBusyError, open_warehouse
from onestop.warehouse.staged_names import STAGED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from onestop.gate import GateVerdict, MartsVerdict
    from onestop.gate.unpublished import NightRun
    from onestop.intake.delivery import Delivery
    from onestop.intake.exports import ExportedFile
    from onestop.record.load import LoadedDelivery
    from onestop.schema.mapping import FeedMapping, Recognised, SourceMapping
    from onestop.settings import Settings
    from onestop.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: How often a run without a scheduler computes a night while other runs load files.
_COMPUTATIONS = 3
#: Marks among the staged marts; a computation deletes them with the marts.
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


@dataclass(frozen=True)
class NightStep:
    """What a step did with a night's marts.

    Attributes:
        night: the night.
        rows: rows of each table, where the marts were computed.
        failed_rules: number of rules that found something, where the marts were checked.
        frozen: why the night was left alone; empty where it was not.
    """

    night: dt.date
    rows: Mapping[str, int] | None = None
    failed_rules: int | None = None
    frozen: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, without those that do not apply."""
        given = {
            name: value for name, value in vars(self).items() if value is not None and value != ""
        }
        return {**given, "night": self.night.isoformat()}


@dataclass(frozen=True)
class DeliveryReport:
    """What became of one file of a night.

    Attributes:
        file_name: its path below the exports.
        state: ``loaded``, ``already_loaded`` or ``refused``.
        reason: of a refusal, for people.
    """

    file_name: str
    state: str
    reason: str = ""


@dataclass
class NightReport:
    """How a night ended.

    Attributes:
        night: the night.
        state: ``published``, ``unchanged``, ``missing_delivery`` or ``checks_failed``.
        message: one sentence for people.
        deliveries: what became of each file, in order.
    """

    night: dt.date
    state: str
    message: str
    deliveries: list[DeliveryReport] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether readers see this night (or had seen it already)."""
        return self.state in {"published", "unchanged"}


def discover_deliveries(settings: Settings, night: dt.date) -> list[Candidate]:
    """Find what a night has to look at in the exports.

    All files of the night itself, and files of earlier nights that came late or were replaced
    since. A file is known by its path below the exports, length and time of change.

    Returns:
        Candidates by night, registers first.

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
        settled = settled_files(warehouse)
        note_volumes(warehouse, night, settings.past_volumes(night))
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
        candidates.append(Candidate.of(file, found))
    order = {"units": 0, "procedures": 1}
    candidates.sort(key=lambda c: (c.night, order.get(c.feed, 2), c.source, c.file_name))
    return candidates


def _identity(file: ExportedFile) -> tuple[str, int, int] | None:
    """The file as :func:`settled_files` names it."""
    facts = file.facts
    return (file.path_below, facts.size_bytes, int(facts.modified)) if facts else None


def _refuse_name(
    settings: Settings, name: str, found: Recognised, rule_code: str, reason: str = ""
) -> None:
    """Refuse a file for its name alone; it is not opened."""
    delivery = unread_delivery(
        name, source=found.source, feed=found.feed, night=found.night, kind=found.kind
    )
    logger.warning("%s: refused, %s: %s", name, rule_code, reason or FILE_RULES[rule_code].en)
    refuse_unread(settings.refusals, settings.validation_results, delivery, rule_code, reason)


def awaited_deliveries(
    settings: Settings, night: dt.date, candidates: Sequence[Candidate]
) -> list[str]:
    """The expected feeds that are neither in the exports nor in the record.

    Args:
        settings: of this installation.
        night: the night.
        candidates: from :func:`discover_deliveries`.

    Returns:
        A sentence for each, naming source, feed, file name and folder, and names that come
        close; nothing for a night that is published already.
    """
    found = {(one.source, one.feed, one.night) for one in candidates}
    mappings = settings.mappings()
    awaited = [feed for feed in mappings.expected if (feed.source, feed.feed, night) not in found]
    with open_warehouse(settings.warehouse) as warehouse:
        if not awaited or is_frozen(warehouse, night):
            return []
        awaited = [feed for feed in awaited if not is_delivered(warehouse, feed, night)]
    return [_not_delivered(settings, feed, night, mappings.sources) for feed in awaited]


def land_delivery(settings: Settings, candidate: Candidate) -> Delivery:
    """Copy a candidate's bytes into the landing.

    Raises:
        RefusedDeliveryError: the file could not be copied whole; a later run tries again. The
            refusal is noted for the record.
    """
    unread = unread_delivery(
        candidate.file_name,
        source=candidate.source,
        feed=candidate.feed,
        night=candidate.night,
        kind=candidate.kind,
    )
    try:
        delivery = land_file(
            candidate.file(settings.exports),
            settings.landing,
            source=candidate.source,
            feed=candidate.feed,
            night=candidate.night,
            kind=candidate.kind,
        )
    except RefusedDeliveryError as refused:
        _note_refused(settings, unread, refused)
        raise
    withdraw_refusal(settings.refusals, unread)
    note_place(settings.places, delivery, candidate)
    return delivery


def read_delivery_file(settings: Settings, delivery: Delivery, *, keeps_rules: bool = True) -> Path:
    """Stage a landed file.

    Args:
        settings: of this installation.
        delivery: the landed file.
        keeps_rules: whether the mapping is kept beside the landing.

    Returns:
        The staged file.

    Raises:
        RefusedDeliveryError: the file cannot be read; the refusal is noted for the record.
    """
    try:
        mapping = _mapping(settings, delivery)
        if keeps_rules:
            keep_rules(settings.landing, mapping.sha256, mapping.text)
        with working_on(delivery, settings.locks):
            return read_delivery(delivery, settings.landing, settings.staging, mapping)
    except RefusedDeliveryError as refused:
        _note_refused(settings, delivery, refused)
        raise


def validate_delivery_file(
    settings: Settings,
    delivery: Delivery,
    night: dt.date,
    *,
    has_usual_volume: bool = True,
    keeps_rules: bool = True,
) -> GateVerdict:
    """Put a staged file through the gate.

    Args:
        settings: of this installation.
        delivery: the delivery.
        night: the night that is run.
        has_usual_volume: whether its row count is compared with past weeks.
        keeps_rules: whether the suite is kept beside the landing.

    Raises:
        RefusedDeliveryError: the gate refused it; the refusal is noted for the record.
    """
    suite = load_suite(delivery.feed)
    if keeps_rules:
        keep_rules(settings.landing, suite.sha256, suite.text)
    past = settings.past_volumes(night)
    with working_on(delivery, settings.locks):
        verdict = validate_delivery(
            delivery,
            staged_path(settings.staging, delivery.delivery_id),
            settings.validation_results,
            night,
            usual=noted_usual_volume(past, delivery, night) if has_usual_volume else None,
        )
    if verdict.is_refused:
        raise refuse_judged(settings.refusals, delivery, verdict)
    return verdict


def load_delivery(settings: Settings, delivery: Delivery) -> LoadedDelivery:
    """Load a validated file into the warehouse, in one transaction."""
    # The warehouse first, here and wherever both are held: two runs never wait for each other.
    with open_warehouse(settings.warehouse) as warehouse, working_on(delivery, settings.locks):
        return load_staged(warehouse, delivery, staged_path(settings.staging, delivery.delivery_id))


def require_expected(
    settings: Settings, night: dt.date, candidates: Sequence[Candidate] | None
) -> None:
    """Enter refusals into the record, then fail unless the night has what it cannot do without.

    Args:
        settings: of this installation.
        night: the night.
        candidates: from :func:`discover_deliveries`; None when it failed, so that nothing can be
            said about what the exports hold.

    Raises:
        MissingDeliveryError: names what is missing, was refused or was not loaded, and what to do.
    """
    with open_warehouse(settings.warehouse) as warehouse:
        record_noted_refusals(
            warehouse, settings.refusals, staging=settings.staging, locks=settings.locks
        )
        record_places(warehouse, settings.places)
        if is_frozen(warehouse, night):
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
            record_night_run(warehouse, night, state, message)
            _render_reports(settings, latest_night_runs(warehouse))
            raise MissingDeliveryError(message)


def compute_night(settings: Settings, night: dt.date) -> NightStep:
    """Compute the night's marts beside the published ones.

    A night that is published already is frozen and left alone: what came later is in the next.
    """
    with open_warehouse(settings.warehouse) as warehouse:
        if is_frozen(warehouse, night):
            return NightStep(night, frozen=frozen_reason(warehouse, night))
        return NightStep(night, rows=compute_marts(warehouse, night))


def _refuse_moved_record(warehouse: Warehouse, night: dt.date) -> None:
    """A night's figures are of one state of the record: that at which they were computed."""
    if staged_record(warehouse) != record_state(warehouse, night):
        raise MovedRecordError(
            f"night {night}: files were loaded since its marts were computed; compute it again"
        )


def check_night(settings: Settings, night: dt.date) -> NightStep:
    """Check the computed marts with the suites of ``expectations/marts/``.

    Where another run has computed in their place since, they are computed again.

    Raises:
        ChecksFailedError: a critical rule is broken; the marts are kept and not published.
        NightsAtOnceError: other runs keep computing in their place.
    """
    for _ in range(_TURNS):
        with open_warehouse(settings.warehouse) as warehouse:
            if is_frozen(warehouse, night):
                return NightStep(night, frozen=frozen_reason(warehouse, night))
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
                if not is_frozen(warehouse, night) and _is_being_checked(warehouse, night):
                    raise
            continue
        with open_warehouse(settings.warehouse) as warehouse:
            if _is_being_checked(warehouse, night):
                _note_verdict(settings, warehouse, night, verdict, lost)
                return NightStep(night, failed_rules=len(verdict.failed))
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
    record_marts_verdict(warehouse, verdict)
    if lost or not verdict.is_publishable:
        critical = (
            f"{rule.rule_code}: {rule.message_en} ({rule.rows_failed} rows)"
            for rule in verdict.critical
        )
        broken = "; ".join((*lost, *critical))
        message = "; ".join((broken, *_sources_left_out(settings)))
        record_night_run(warehouse, night, "checks_failed", message)
        _render_reports(settings, latest_night_runs(warehouse))
        raise ChecksFailedError(f"night {night} is not published: {broken}")
    warehouse.make_table(f"{STAGED}.{_CHECKED}", "select true as is_checked")


def publish_night(settings: Settings, night: dt.date) -> NightStep:
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
            frozen = is_frozen(warehouse, night)
            if frozen or _is_checked(warehouse, night):
                reason = _publish(settings, warehouse, night, stays_frozen=frozen)
                runs = latest_night_runs(warehouse)
                break
        check_night(settings, night)
    else:
        raise NightsAtOnceError(night)
    _render_reports(settings, runs)
    return NightStep(night, frozen=reason)


def _is_checked(warehouse: Warehouse, night: dt.date) -> bool:
    return _CHECKED in warehouse.tables(STAGED) and staged_night(warehouse) == night


def _publish(
    settings: Settings, warehouse: Warehouse, night: dt.date, *, stays_frozen: bool
) -> str:
    """Publish unless the night is frozen; returns why it is, or nothing."""
    if not stays_frozen:
        _refuse_moved_record(warehouse, night)
        publish_marts(warehouse, night)
    if lacks_published_run(warehouse, night):
        message = "; ".join((f"night {night} is published", *_sources_left_out(settings)))
        record_night_run(warehouse, night, "published", message)
    _complete(settings, warehouse)
    return frozen_reason(warehouse, night) if stays_frozen else ""


def complete_publication(settings: Settings) -> None:
    """Make what a publication leaves beside the warehouse, where it is not there."""
    with open_warehouse(settings.warehouse) as warehouse:
        _complete(settings, warehouse)


def _complete(settings: Settings, warehouse: Warehouse) -> None:
    write_manifests(settings.landing, warehouse)
    if not is_copy_current(settings.published, warehouse):
        warehouse.publish_copy(settings.published)


def run_night(
    settings: Settings, night: dt.date, echo: Callable[[str], None] = lambda _: None
) -> NightReport:
    """Run a whole night without a scheduler.

    Args:
        settings: of this installation.
        night: the night.
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
    if published.frozen:
        report.state = "unchanged"
        report.message = f"night {night}: {published.frozen}"
    else:
        report.message = "; ".join((f"night {night} is published", *_sources_left_out(settings)))
    return report


def _note_unread_exports(settings: Settings, night: dt.date, message: str) -> None:
    with open_warehouse(settings.warehouse) as warehouse:
        if not is_frozen(warehouse, night):
            record_night_run(warehouse, night, "exports_unread", message)
            _render_reports(settings, latest_night_runs(warehouse))


def _compute_and_publish(settings: Settings, night: dt.date) -> NightStep:
    """From the record to the readers; again, when another run loaded a file meanwhile."""
    for _ in range(_COMPUTATIONS - 1):
        try:
            return _compute_and_publish_once(settings, night)
        except MovedRecordError as moved:
            logger.warning("%s", moved)
    return _compute_and_publish_once(settings, night)


def _compute_and_publish_once(settings: Settings, night: dt.date) -> NightStep:
    compute_night(settings, night)
    check_night(settings, night)
    return publish_night(settings, night)


def _run_delivery(
    settings: Settings, candidate: Candidate, night: dt.date, echo: Callable[[str], None]
) -> DeliveryReport:
    name = candidate.file_name
    try:
        delivery = land_delivery(settings, candidate)
        read_delivery_file(settings, delivery)
        validate_delivery_file(settings, delivery, night)
    except RefusedDeliveryError as refused:
        echo(f"{name}: refused, {refused.rule_code}: {refused.reason}")
        return DeliveryReport(name, "refused", str(refused))
    loaded = load_delivery(settings, delivery)
    if loaded.is_repeat:
        echo(f"{name}: loaded before")
        return DeliveryReport(name, "already_loaded")
    echo(
        f"{name}: {loaded.rows_read} rows read, {loaded.rows_accepted} accepted,"
        f" {loaded.rows_rejected} rejected"
    )
    return DeliveryReport(name, "loaded")


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


def _note_refused(settings: Settings, delivery: Delivery, refused: RefusedDeliveryError) -> None:
    """Note a refusal for the record, and add the file's page to it."""
    refused.page = refuse_unread(
        settings.refusals,
        settings.validation_results,
        delivery,
        refused.rule_code,
        refused.reason,
    )


def _missing(
    settings: Settings,
    warehouse: Warehouse,
    feed: FeedMapping,
    night: dt.date,
    candidates: Sequence[Candidate],
    mappings: Mapping[str, SourceMapping],
) -> list[str]:
    """Why the night lacks an expected feed; nothing when it has it."""
    if is_delivered(warehouse, feed, night):
        return []
    found = {
        one.file_name
        for one in candidates
        if (one.source, one.feed, one.night) == (feed.source, feed.feed, night)
    }
    return reasons_not_loaded(warehouse, feed, night, found) or [
        f"{_not_delivered(settings, feed, night, mappings)}; put it there, then run the night again"
    ]


def _not_delivered(
    settings: Settings, feed: FeedMapping, night: dt.date, mappings: Mapping[str, SourceMapping]
) -> str:
    where = awaited_where(settings.exports, feed, night, mappings)
    return f"{feed.source} has delivered no {feed.feed} file for night {night}: {where}"


def _render_reports(settings: Settings, runs: Sequence[NightRun]) -> None:
    render_reports(settings.validation_results, settings.reports, runs=runs)
    note_unpublished(settings, runs)
