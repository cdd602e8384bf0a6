"""One night, step by step: what the DAG's tasks run and what ``onestop night`` runs.

The steps, in order: ``discover_deliveries``; for each file ``land_delivery``,
``read_delivery_file``, ``validate_delivery_file``, ``load_delivery``; then ``require_expected``,
``compute_night``, ``check_night``, ``publish_night``. Each takes what it works on first, then what
it needs of the installation: the source systems, the warehouse's address, the folders.

Every step is idempotent. Files are worked on in parallel and cannot write the warehouse, so a
refusal is noted in a small file; ``require_expected``, which writes the warehouse, enters the
notes into the record.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from onestop.errors import OneStopError
from onestop.figures.due_soon import write_due_soon
from onestop.gate import (
    BrokenRuleError,
    check_marts,
    load_suite,
    render_data_docs,
    render_reports,
    validate_delivery,
)
from onestop.gate.past_volumes import note_volumes, noted_usual_volume
from onestop.gate.results import latest_result
from onestop.gate.unpublished import note_unpublished
from onestop.intake.awaited import awaited_name, awaited_where, misnamed
from onestop.intake.candidate import Candidate
from onestop.intake.delivery import RefusedDeliveryError
from onestop.intake.exports import ExportsError, list_exports, readable_name
from onestop.intake.landing import land_file, unread_delivery
from onestop.language import log
from onestop.marts.compute import compute_marts, staged_night, staged_record
from onestop.marts.publish import publish_marts
from onestop.marts.reference_names import UNKNOWN_NAME_REMEDY, unknown_names
from onestop.progress import working
from onestop.readers import FILE_RULES
from onestop.record.arrivals import is_delivered, reasons_not_loaded, was_refused
from onestop.record.decisions import accepted_volumes
from onestop.record.evidence import keep_rules
from onestop.record.load import load_delivery as load_staged
from onestop.record.night_runs import (
    lacks_published_run,
    latest_night_runs,
    record_marts_verdict,
    record_night_run,
)
from onestop.record.night_steps import noted, noting_steps, record_steps, remove_noted
from onestop.record.places import note_place, record_places, settled_files
from onestop.record.publications import (
    frozen_reason,
    is_copy_current,
    is_frozen,
    is_published,
    write_manifests,
)
from onestop.record.record_checks import lost_keys, record_state, vanished_wholesale
from onestop.record.refusals import (
    record_noted_refusals,
    refuse_judged,
    refuse_unread,
    withdraw_refusal,
)
from onestop.said import (
    Said,
    said,
    said_both,
    said_count,
    said_either,
    said_list,
    said_number,
    said_text,
    translated,
)
from onestop.schema.mapping import ClaimedTwiceError, Recognised, recognise
from onestop.staging.delivery_lock import working_on
from onestop.staging.shared_staged import JUDGED, READ, staged_at_hand
from onestop.staging.staged_delivery import DamagedStagedError, noticing_damage, read_delivery
from onestop.upkeep.rebuild import refuse_lost_warehouse
from onestop.warehouse import WarehouseBusyError, WarehouseError, open_warehouse
from onestop.warehouse.staged_names import STAGED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from onestop.gate import GateVerdict, MartsVerdict
    from onestop.gate.unpublished import NightRun
    from onestop.intake.delivery import Delivery
    from onestop.intake.exports import ExportedFile
    from onestop.intake.exports import Folder as ExportsFolder
    from onestop.record.load import LoadedDelivery
    from onestop.said import Language
    from onestop.schema.mapping import FeedMapping, Mappings
    from onestop.settings import Folders, Settings, SourceSystems
    from onestop.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: How many times run_night computes a night when other runs load files meanwhile.
_COMPUTATIONS = 3
#: Marker tables among the staged marts; the next computation deletes them.
_CHECK_BEGUN, _CHECKED = "check_begun", "checked"
#: How many times a night is computed again after another run replaced its staged marts.
_TURNS = 3


class MissingDeliveryError(OneStopError):
    """A night lacks an expected delivery, so that it cannot be published.

    Attributes:
        state: how the night ends, as in ``audit.night_run``.
    """

    state: ClassVar[str] = "missing_delivery"


class OnlyRefusedError(MissingDeliveryError):
    """Files of all expected deliveries came; those that are lacking were refused."""

    state: ClassVar[str] = "refused_delivery"


class UnlistedExportsError(MissingDeliveryError):
    """The exports could not be listed, so that it is unknown which deliveries are missing."""

    state: ClassVar[str] = "exports_unread"


class ChecksFailedError(OneStopError):
    """The computed marts break a critical rule; they are kept and not published."""


class MovedRecordError(ChecksFailedError):
    """The record grew after the marts were computed; compute them again."""


class NightsAtOnceError(WarehouseBusyError):
    """Other runs keep replacing this night's staged marts by their own.

    Args:
        night: which night.
    """

    def __init__(self, night: dt.date) -> None:
        super().__init__(
            "not published, because other runs compute their nights at the same time",
            subject=said("night {night}", night=night),
            remedy="run nights one after the other (--max-active-runs 1), and this one again",
        )


@dataclass(frozen=True)
class NightStep:
    """What a step did with a night's marts.

    Attributes:
        night: the night.
        rows: rows of each table; None when the marts were not computed.
        failed_rules: number of failed rules; None when the marts were not checked.
        frozen: why the step did nothing; empty when it did something.
        message: of a publication: the night, and what its figures lack.
        is_published: whether the night is published, by this step or an earlier one; None before
            the last step.
    """

    night: dt.date
    rows: Mapping[str, int] | None = None
    failed_rules: int | None = None
    frozen: str = ""
    message: str = ""
    is_published: bool | None = None

    def __str__(self) -> str:
        """What was done, as one sentence in English."""
        return self.in_language("en")

    def in_language(self, lang: Language) -> str:
        """What was done, as one sentence for people."""
        if self.message and not self.frozen:
            return translated(self.message, lang)
        done: str = (
            said_text(self.frozen)
            if self.frozen
            else said("checked; broken rules: {count}", count=self.failed_rules)
        )
        if self.rows is not None:
            done = said(
                "{tables} tables computed, {rows}",
                tables=len(self.rows),
                rows=said_count(sum(self.rows.values()), "row"),
            )
        return said("night {night}: {done}", night=self.night, done=done).in_language(lang)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, without the empty ones."""
        given = {
            name: str(value) if isinstance(value, str) else value
            for name, value in vars(self).items()
            if value is not None and value != ""
        }
        return {**given, "night": self.night.isoformat()}


@dataclass(frozen=True)
class DeliveryReport:
    """What became of one file of a night.

    Attributes:
        file_name: its path below the exports.
        night: that the file describes.
        state: ``loaded``, ``already_loaded`` or ``refused``.
        reason: of a refusal, for people.
        rows_rejected: rows in quarantine.
        warnings: findings of all warning rules together.
    """

    file_name: str
    night: dt.date
    state: str
    reason: str = ""
    rows_rejected: int = 0
    warnings: int = 0


@dataclass
class NightReport:
    """How a night ended.

    Attributes:
        night: the night.
        state: ``unchanged``, or one of :data:`onestop.gate.unpublished.NIGHT_STATES`.
        message: one sentence for people.
        deliveries: what became of each file, in order.
    """

    night: dt.date
    state: str
    message: str
    deliveries: list[DeliveryReport] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether the night is published, by this run or an earlier one."""
        return self.state in {"published", "unchanged"}


@noted("discover")
def discover_deliveries(
    night: dt.date, systems: SourceSystems, warehouse_url: str, folders: Folders
) -> list[Candidate]:
    """Find the files of the exports that a night has to land.

    All files of the night itself, and files of earlier nights that came late or were replaced
    since. A file is known by its path below the exports, length and time of change.

    Args:
        night: the night.
        systems: the exports, and the mappings that recognise their files.
        warehouse_url: SQLAlchemy URL of the warehouse.
        folders: for the notes of files refused by their names, and of past volumes.

    Returns:
        Candidates by night, registers first.

    Raises:
        ExportsError: the exports are not there or cannot be reached.
        LostWarehouseError: the landing lists published nights that the warehouse lacks.
    """
    refuse_lost_warehouse(folders.landing, warehouse_url)
    exported = list_exports(systems.exports)
    for problem in systems.mappings.problems:
        log(
            logger,
            logging.ERROR,
            said("{problem} This source is skipped; the others go on", problem=problem),
        )
    with open_warehouse(warehouse_url) as warehouse:
        settled = settled_files(warehouse)
        accepted = accepted_volumes(warehouse, night)
        note_volumes(warehouse, night, folders.past_volumes(night), accepted)
    candidates = []
    unknown: list[str] = []
    for file in exported:
        name = readable_name(file.path_below)
        try:
            found = recognise(name, systems.mappings.sources)
        except ClaimedTwiceError as error:
            stated = error.claims[0].night
            if stated == night or (stated < night and _identity(file) not in settled):
                _refuse_name(folders, name, error.claims[0], "FILE-F12", error.problem)
            continue
        if found is None:
            unknown.append(name)
            continue
        if found.night > night:
            continue
        if name != file.path_below:
            _refuse_name(folders, name, found, "FILE-F11")
            continue
        if found.night < night and _identity(file) in settled:
            continue
        candidates.append(Candidate.of(file, found))
    _refuse_misnamed(unknown, candidates, night, systems.mappings, folders)
    order = {"units": 0, "procedures": 1}
    candidates.sort(key=lambda c: (c.night, order.get(c.feed, 2), c.source, c.file_name))
    return candidates


def _refuse_misnamed(
    names: Sequence[str],
    candidates: Sequence[Candidate],
    night: dt.date,
    mappings: Mappings,
    folders: Folders,
) -> None:
    """Refuse files of the night whose names nearly fit a feed, and log the other unknown ones.

    Where an expected feed has no other file of the night, the night waits and names them.
    """
    found = {(one.source, one.feed) for one in candidates if one.night == night}
    for name in names:
        feed = misnamed(name, night, mappings.sources)
        if feed is None or (feed.expected and (feed.source, feed.feed) not in found):
            log(
                logger,
                logging.WARNING,
                said(
                    "{file}: skipped, no mapping matches its name; rename it (names:"
                    " docs/feeds.md), add its name to a mapping, or take it away",
                    file=name,
                ),
            )
            continue
        meant = Recognised(feed.source, feed.feed, night, "delta", feed)
        wanted = list(dict.fromkeys(awaited_name(one.name, night) for one in feed.files))
        _refuse_name(
            folders,
            name,
            meant,
            "FILE-F15",
            said("its name is not {names}; rename it, run again", names=said_either(wanted)),
        )


def _identity(file: ExportedFile) -> tuple[str, int, int] | None:
    """The file as :func:`settled_files` names it."""
    facts = file.facts
    return (file.path_below, facts.size_bytes, int(facts.modified)) if facts else None


def _refuse_name(
    folders: Folders,
    name: str,
    found: Recognised,
    rule_code: str,
    reason: str = "",
) -> None:
    """Refuse a file because of its name, without opening it."""
    delivery = unread_delivery(
        name, source=found.source, feed=found.feed, night=found.night, kind=found.kind
    )
    rule = FILE_RULES[rule_code]
    shown = said_text(reason) if reason else said_both(vi=rule.vi, en=rule.en)
    log(
        logger,
        logging.WARNING,
        said("{file}: refused, {rule}: {reason}", file=name, rule=rule_code, reason=shown),
    )
    refuse_unread(folders.refusals, folders.validation_results, delivery, rule_code, reason)


def awaited_deliveries(
    night: dt.date, candidates: Sequence[Candidate], systems: SourceSystems, warehouse_url: str
) -> list[str]:
    """The expected feeds that are neither in the exports nor in the record.

    Args:
        night: the night.
        candidates: from :func:`discover_deliveries`.
        systems: the exports, and the mappings that say which feeds are expected.
        warehouse_url: SQLAlchemy URL of the warehouse.

    Returns:
        One sentence for each, naming source, feed, file name, folder and similar names; none for
        a published night.
    """
    found = {(one.source, one.feed, one.night) for one in candidates}
    awaited = [
        feed for feed in systems.mappings.expected if (feed.source, feed.feed, night) not in found
    ]
    with open_warehouse(warehouse_url) as warehouse:
        if not awaited or is_frozen(warehouse, night):
            return []
        awaited = [feed for feed in awaited if not is_delivered(warehouse, feed, night)]
    return [_not_delivered(feed, night, systems) for feed in awaited]


@noted("land")
def land_delivery(candidate: Candidate, exports: ExportsFolder, folders: Folders) -> Delivery:
    """Copy a candidate's bytes into the landing.

    Args:
        candidate: from :func:`discover_deliveries`.
        exports: where it is.
        folders: the landing, and the folders of notes for the record.

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
            candidate.file(exports),
            folders.landing,
            source=candidate.source,
            feed=candidate.feed,
            night=candidate.night,
            kind=candidate.kind,
        )
    except RefusedDeliveryError as refused:
        _note_refused(folders, unread, refused)
        raise
    withdraw_refusal(folders.refusals, unread)
    note_place(folders.places, delivery, candidate)
    return delivery


@noted("read")
def read_delivery_file(
    delivery: Delivery, mappings: Mappings, folders: Folders, *, keeps_rules: bool = True
) -> Path:
    """Stage a landed file.

    Args:
        delivery: the landed file.
        mappings: of the source systems.
        folders: the landing, the staged deliveries and their locks.
        keeps_rules: whether the mapping is kept beside the landing.

    Returns:
        The staged file.

    Raises:
        RefusedDeliveryError: the file cannot be read; the refusal is noted for the record.
    """
    try:
        mapping = _mapping(mappings, delivery)
        if keeps_rules:
            keep_rules(folders.landing, mapping.sha256, mapping.text)
        with (
            working_on(delivery, folders.locks),
            staged_at_hand(delivery, folders, takes=READ, gives=READ),
        ):
            return read_delivery(delivery, folders.landing, folders.staging, mapping)
    except RefusedDeliveryError as refused:
        _note_refused(folders, delivery, refused)
        raise


@noted("validate")
def validate_delivery_file(
    delivery: Delivery,
    night: dt.date,
    folders: Folders,
    *,
    has_usual_volume: bool = True,
    keeps_rules: bool = True,
) -> GateVerdict:
    """Put a staged file through the gate.

    Args:
        delivery: the delivery.
        night: the night that is run.
        folders: the staged deliveries, their locks, the validation results, past volumes.
        has_usual_volume: whether its row count is compared with past weeks.
        keeps_rules: whether the suite is kept beside the landing, and the page of the result made.

    Raises:
        RefusedDeliveryError: the gate refused it; the refusal is noted for the record.
        DamagedStagedError: the staged file was damaged after it was made.
    """
    suite = load_suite(delivery.feed)
    if keeps_rules:
        keep_rules(folders.landing, suite.sha256, suite.text)
    past = folders.past_volumes(night)
    with (
        working_on(delivery, folders.locks),
        staged_at_hand(delivery, folders, takes=READ, gives=JUDGED) as staged,
        noticing_damage(delivery, folders.staging),
    ):
        verdict = validate_delivery(
            delivery,
            staged,
            folders.validation_results,
            night,
            usual=noted_usual_volume(past, delivery, night) if has_usual_volume else None,
        )
    if keeps_rules and verdict.result_file:
        _write_data_docs(folders.validation_results / verdict.result_file, folders)
    if verdict.is_refused:
        raise refuse_judged(folders.refusals, delivery, verdict)
    return verdict


@noted("load")
def load_delivery(delivery: Delivery, warehouse_url: str, folders: Folders) -> LoadedDelivery:
    """Load a validated file into the warehouse, in one transaction.

    Raises:
        DamagedStagedError: the staged file was damaged after it was made.
    """
    # The warehouse first, here and wherever both are held: two runs never wait for each other.
    with (
        open_warehouse(warehouse_url) as warehouse,
        working_on(delivery, folders.locks),
        staged_at_hand(delivery, folders, takes=JUDGED) as staged,
        noticing_damage(delivery, folders.staging),
    ):
        return load_staged(warehouse, delivery, staged)


@noted("require")
def require_expected(
    night: dt.date,
    candidates: Sequence[Candidate] | None,
    systems: SourceSystems,
    warehouse_url: str,
    folders: Folders,
) -> None:
    """Enter refusals into the record, then fail unless all expected deliveries are loaded.

    Args:
        night: the night.
        candidates: from :func:`discover_deliveries`; None when it failed, so that the contents of
            the exports are unknown.
        systems: the exports, and the mappings that say which feeds are expected.
        warehouse_url: SQLAlchemy URL of the warehouse.
        folders: the notes to enter into the record, and the reports.

    Raises:
        MissingDeliveryError: names what is missing, was refused or was not loaded, and what to do.
    """
    with open_warehouse(warehouse_url) as warehouse:
        record_noted_refusals(warehouse, folders)
        record_places(warehouse, folders.places)
        if is_frozen(warehouse, night):
            return
        sentences: list[str]
        ends_with: type[MissingDeliveryError] = MissingDeliveryError
        if candidates is None:
            ends_with = UnlistedExportsError
            unread = said(
                "the exports of night {night} could not be listed, so it is unknown which files are"
                " there; see the log of discover_deliveries, then run the night again",
                night=night,
            )
            sentences = [unread]
        else:
            feeds = [
                feed
                for feed in systems.mappings.expected
                if not is_delivered(warehouse, feed, night)
            ]
            if feeds and all(was_refused(warehouse, feed, night) for feed in feeds):
                ends_with = OnlyRefusedError
            sentences = [
                sentence
                for feed in feeds
                for sentence in _missing(warehouse, feed, night, candidates, systems)
            ]
        if sentences:
            message = said_list((*sentences, *_sources_left_out(systems.mappings)))
            record_night_run(warehouse, night, ends_with.state, message)
            _render_reports(folders, latest_night_runs(warehouse))
            raise ends_with(message)


@noted("compute")
def compute_night(night: dt.date, warehouse_url: str) -> NightStep:
    """Compute the night's marts into the staged schema.

    A published night is frozen and not computed again: later deliveries count in the next one.
    """
    with open_warehouse(warehouse_url) as warehouse:
        if is_frozen(warehouse, night):
            return NightStep(night, frozen=frozen_reason(warehouse, night))
        return NightStep(night, rows=compute_marts(warehouse, night))


def _refuse_moved_record(warehouse: Warehouse, night: dt.date) -> None:
    """Refuse marts that were computed before the record's last change."""
    if staged_record(warehouse) != record_state(warehouse, night):
        raise MovedRecordError(
            "files were loaded since its marts were computed",
            subject=said("night {night}", night=night),
            remedy="compute it again",
        )


@noted("check")
def check_night(
    night: dt.date, mappings: Mappings, warehouse_url: str, folders: Folders
) -> NightStep:
    """Check the computed marts with the suites of ``expectations/marts/``.

    When another run has replaced the night's staged marts since, they are computed again.

    Args:
        night: the night.
        mappings: the night's message names the broken ones.
        warehouse_url: SQLAlchemy URL of the warehouse.
        folders: the validation results, and the reports.

    Raises:
        ChecksFailedError: a critical rule is broken; the marts are kept and not published.
        NightsAtOnceError: other runs keep computing in their place.
    """
    for _ in range(_TURNS):
        with open_warehouse(warehouse_url) as warehouse:
            if is_frozen(warehouse, night):
                return NightStep(night, frozen=frozen_reason(warehouse, night))
            if staged_night(warehouse) != night:
                compute_marts(warehouse, night)
            _refuse_moved_record(warehouse, night)
            lost = [*lost_keys(warehouse, night), *vanished_wholesale(warehouse, night)]
            warehouse.make_table(f"{STAGED}.{_CHECK_BEGUN}", "select true as is_begun")
        try:
            verdict = check_marts(warehouse_url, night, results=folders.validation_results)
        except (BrokenRuleError, WarehouseError):
            # Another run may have dropped the tables meanwhile, by computing or publishing.
            with open_warehouse(warehouse_url) as warehouse:
                if not is_frozen(warehouse, night) and _is_being_checked(warehouse, night):
                    raise
            continue
        checked = latest_result(folders.validation_results / night.isoformat(), "marts")
        _write_data_docs(checked, folders)
        with open_warehouse(warehouse_url) as warehouse:
            if _is_being_checked(warehouse, night):
                _note_verdict(warehouse, night, verdict, lost, mappings, folders)
                return NightStep(night, failed_rules=len(verdict.failed))
    raise NightsAtOnceError(night)


def _is_being_checked(warehouse: Warehouse, night: dt.date) -> bool:
    """Whether the staged marts are still those whose check began."""
    return _CHECK_BEGUN in warehouse.tables(STAGED) and staged_night(warehouse) == night


def _note_verdict(
    warehouse: Warehouse,
    night: dt.date,
    verdict: MartsVerdict,
    lost: list[str],
    mappings: Mappings,
    folders: Folders,
) -> None:
    record_marts_verdict(warehouse, verdict)
    if lost or not verdict.is_publishable:
        critical = (
            said(
                "{rule}: {message} ({rows})",
                rule=rule.rule_code,
                message=said_both(vi=rule.message_vi, en=rule.message_en),
                rows=said_count(rule.rows_failed, "row"),
            )
            for rule in verdict.critical
        )
        broken = said_list((*lost, *critical))
        message = said_list((broken, *_sources_left_out(mappings)))
        record_night_run(warehouse, night, "checks_failed", message)
        _render_reports(folders, latest_night_runs(warehouse))
        raise ChecksFailedError(
            said("night {night} is not published: {broken}", night=night, broken=broken)
        )
    warehouse.make_table(f"{STAGED}.{_CHECKED}", "select true as is_checked")


@noted("publish")
def publish_night(
    night: dt.date, mappings: Mappings, warehouse_url: str, folders: Folders
) -> NightStep:
    """Publish the checked marts, so that readers see the whole new night.

    The transaction comes first. The night's end in the record, the list of its deliveries in the
    landing, the readers' copy and the reports are made from it; a later run makes missing ones.
    When another run has replaced the checked marts since, they are computed and checked again.

    Args:
        night: the night.
        mappings: the night's message names the broken ones.
        warehouse_url: SQLAlchemy URL of the warehouse.
        folders: the landing, the readers' copy, the reports.

    Raises:
        ChecksFailedError: the marts, computed again, break a critical rule.
        NightsAtOnceError: other runs keep computing in their place.
    """
    for _ in range(_TURNS):
        with open_warehouse(warehouse_url) as warehouse:
            frozen = is_frozen(warehouse, night)
            if frozen or _is_checked(warehouse, night):
                published = _publish(warehouse, night, mappings, folders, stays_frozen=frozen)
                runs = latest_night_runs(warehouse)
                break
        check_night(night, mappings, warehouse_url, folders)
    else:
        raise NightsAtOnceError(night)
    _render_reports(folders, runs)
    return published


def _is_checked(warehouse: Warehouse, night: dt.date) -> bool:
    return _CHECKED in warehouse.tables(STAGED) and staged_night(warehouse) == night


def _publish(
    warehouse: Warehouse,
    night: dt.date,
    mappings: Mappings,
    folders: Folders,
    *,
    stays_frozen: bool,
) -> NightStep:
    """Publish unless the night is frozen."""
    if not stays_frozen:
        _refuse_moved_record(warehouse, night)
        publish_marts(warehouse, night)
    unknown = unknown_names(warehouse, mappings.sources)
    for problem in unknown:
        log(
            logger,
            logging.WARNING,
            said("{problem}; {remedy}", problem=problem, remedy=UNKNOWN_NAME_REMEDY),
        )
    left_out = (*_sources_left_out(mappings), *unknown)
    message = said_list((said("night {night} is published", night=night), *left_out))
    if lacks_published_run(warehouse, night):
        record_night_run(warehouse, night, "published", message)
    _complete(warehouse, folders)
    reason = frozen_reason(warehouse, night) if stays_frozen else ""
    return NightStep(
        night, frozen=reason, message=message, is_published=is_published(warehouse, night)
    )


def complete_publication(warehouse_url: str, folders: Folders) -> None:
    """Write the files that a publication leaves beside the warehouse, where one is missing."""
    with open_warehouse(warehouse_url) as warehouse:
        _complete(warehouse, folders)


def _complete(warehouse: Warehouse, folders: Folders) -> None:
    write_manifests(folders.landing, warehouse)
    if not is_copy_current(folders.published, warehouse):
        steps = record_steps(warehouse, folders.steps)
        warehouse.publish_copy(folders.published)
        remove_noted(steps)
    write_due_soon(warehouse, folders.published)


def run_night(
    settings: Settings, night: dt.date, echo: Callable[[str], None] = lambda _: None
) -> NightReport:
    """Run a whole night without a scheduler.

    Args:
        settings: of this installation.
        night: the night.
        echo: receives a line for each file.
    """
    with noting_steps(settings.folders.steps, night):
        return _run_night(settings, night, echo)


def _run_night(settings: Settings, night: dt.date, echo: Callable[[str], None]) -> NightReport:
    warehouse_url, folders = settings.warehouse, settings.folders
    systems = settings.source_systems()
    report = NightReport(night, "published", "")
    try:
        candidates = discover_deliveries(night, systems, warehouse_url, folders)
    except ExportsError as unread:
        _note_unread_exports(night, unread, warehouse_url, folders)
        raise
    report.deliveries = [
        take_in(candidate, night, systems, warehouse_url, folders, echo) for candidate in candidates
    ]
    try:
        require_expected(night, candidates, systems, warehouse_url, folders)
    except MissingDeliveryError as missing:
        report.state, report.message = missing.state, said("{error}", error=missing)
        return report
    try:
        published = _compute_and_publish(night, systems.mappings, warehouse_url, folders)
    except ChecksFailedError as failed:
        report.state, report.message = "checks_failed", said("{error}", error=failed)
        return report
    if published.frozen:
        report.state = "unchanged"
        report.message = said("night {night}: {frozen}", night=night, frozen=published.frozen)
    else:
        report.message = published.message
    return report


def _note_unread_exports(
    night: dt.date, unread: ExportsError, warehouse_url: str, folders: Folders
) -> None:
    with open_warehouse(warehouse_url) as warehouse:
        if not is_frozen(warehouse, night):
            record_night_run(warehouse, night, "exports_unread", said("{error}", error=unread))
            _render_reports(folders, latest_night_runs(warehouse))


def _compute_and_publish(
    night: dt.date, mappings: Mappings, warehouse_url: str, folders: Folders
) -> NightStep:
    """Compute, check and publish; repeat when another run loaded a file meanwhile."""
    for _ in range(_COMPUTATIONS - 1):
        try:
            return _compute_and_publish_once(night, mappings, warehouse_url, folders)
        except MovedRecordError as moved:
            log(logger, logging.WARNING, said("{error}", error=moved))
    return _compute_and_publish_once(night, mappings, warehouse_url, folders)


def _compute_and_publish_once(
    night: dt.date, mappings: Mappings, warehouse_url: str, folders: Folders
) -> NightStep:
    compute_night(night, warehouse_url)
    check_night(night, mappings, warehouse_url, folders)
    return publish_night(night, mappings, warehouse_url, folders)


def take_in(
    candidate: Candidate,
    night: dt.date,
    systems: SourceSystems,
    warehouse_url: str,
    folders: Folders,
    echo: Callable[[str], None] = lambda _: None,
) -> DeliveryReport:
    """Take one file through land, read, validate and load.

    Args:
        candidate: from :func:`discover_deliveries`.
        night: the night that is run.
        systems: the exports and the mappings.
        warehouse_url: SQLAlchemy URL of the warehouse.
        folders: of the installation.
        echo: receives a line with the outcome.
    """
    name = candidate.file_name
    try:
        delivery = land_delivery(candidate, systems.exports, folders)
        try:
            loaded = read_and_load(delivery, night, systems.mappings, warehouse_url, folders)
        except DamagedStagedError as damaged:
            log(logger, logging.WARNING, read_again(damaged))
            loaded = read_and_load(delivery, night, systems.mappings, warehouse_url, folders)
    except RefusedDeliveryError as refused:
        echo(
            said(
                "{file}: refused, {rule}: {reason}",
                file=name,
                rule=refused.rule_code,
                reason=said_text(refused.reason),
            )
        )
        return DeliveryReport(name, candidate.night, "refused", str(refused))
    if loaded.is_repeat:
        echo(said("{file}: loaded before", file=name))
        return DeliveryReport(name, candidate.night, "already_loaded")
    echo(said("{file}: {counts}", file=name, counts=rows_counted(loaded)))
    return DeliveryReport(
        name,
        candidate.night,
        "loaded",
        rows_rejected=loaded.rows_rejected,
        warnings=loaded.warnings,
    )


def read_again(damaged: DamagedStagedError) -> Said:
    """The sentence for a staged file that is made again."""
    return said("{file}: {what}; it is read again", file=damaged.subject, what=damaged.what)


def rows_counted(loaded: LoadedDelivery | GateVerdict) -> Said:
    """The counts of a file, which add up to the rows read, as one sentence for people."""

    def further(template: str, count: int) -> Said | str:
        return said(template, count=said_number(count)) if count else ""

    read = loaded.rows_read
    return said(
        "{read}, {accepted} accepted, {rejected} rejected{repeated}{blank}{skipped}{warned}",
        read=said("1 row read")
        if read == 1
        else said("{count} rows read", count=said_number(read)),
        accepted=said_number(loaded.rows_accepted),
        rejected=said_number(loaded.rows_rejected),
        repeated=further(", {count} repeated", loaded.rows_repeated),
        blank=further(", {count} blank or title", loaded.rows_blank),
        skipped=further(", {count} left out by the mapping", loaded.rows_skipped),
        warned=further("; warnings: {count}", loaded.warnings),
    )


def read_and_load(
    delivery: Delivery, night: dt.date, mappings: Mappings, warehouse_url: str, folders: Folders
) -> LoadedDelivery:
    """Take one landed file through read, validate and load.

    Raises:
        RefusedDeliveryError: the file is refused.
        DamagedStagedError: the staged file was damaged between two steps.
    """
    read_delivery_file(delivery, mappings, folders)
    validate_delivery_file(delivery, night, folders)
    return load_delivery(delivery, warehouse_url, folders)


def _sources_left_out(mappings: Mappings) -> list[str]:
    """One sentence for each source with a broken mapping."""
    return [
        said("a source system is skipped because its mapping is broken: {problem}", problem=problem)
        for problem in mappings.problems
    ]


def _mapping(mappings: Mappings, delivery: Delivery) -> FeedMapping:
    found = mappings.feed(delivery.source, delivery.feed)
    if found is None:
        broken = said_list(mappings.problems)
        raise RefusedDeliveryError(
            delivery.file_name,
            "FILE-F07",
            said(
                "there is no usable mapping for {source} {feed}{broken}; put its file back into"
                " ONESTOP_SOURCES, then run `onestop replay`",
                source=delivery.source,
                feed=delivery.feed,
                broken=said(" ({problems})", problems=broken) if broken else "",
            ),
        )
    return found


def _note_refused(folders: Folders, delivery: Delivery, refused: RefusedDeliveryError) -> None:
    """Note a refusal for the record, and add the file's page to it."""
    refused.page = refuse_unread(
        folders.refusals,
        folders.validation_results,
        delivery,
        refused.rule_code,
        refused.reason,
    )


def _missing(
    warehouse: Warehouse,
    feed: FeedMapping,
    night: dt.date,
    candidates: Sequence[Candidate],
    systems: SourceSystems,
) -> Sequence[str]:
    """Why the night lacks an expected feed."""
    found = {
        one.file_name
        for one in candidates
        if (one.source, one.feed, one.night) == (feed.source, feed.feed, night)
    }
    return reasons_not_loaded(warehouse, feed, night, found) or [
        said(
            "{missing}; put it there, then run the night again",
            missing=_not_delivered(feed, night, systems),
        )
    ]


def _not_delivered(feed: FeedMapping, night: dt.date, systems: SourceSystems) -> str:
    where = awaited_where(systems.exports, feed, night, systems.mappings.sources)
    return said(
        "{source} has delivered no {feed} file for night {night}: {where}",
        source=feed.source,
        feed=feed.feed,
        night=night,
        where=where,
    )


def _write_data_docs(result: Path | None, folders: Folders) -> None:
    """Write a result's page while Great Expectations is loaded; otherwise publishing would load it.

    The publication makes the page where it cannot be written here.
    """
    if result is None:
        return
    try:
        render_data_docs(result, folders.reports)
    except OSError as error:
        log(
            logger,
            logging.WARNING,
            said(
                "{file}: its Data Docs are not written yet: {error}", file=result.name, error=error
            ),
        )


def _render_reports(folders: Folders, runs: Sequence[NightRun]) -> None:
    with working("reporting", unit="files"):
        render_reports(folders.validation_results, folders.reports, runs=runs)
    note_unpublished(folders.unpublished_nights, runs)
