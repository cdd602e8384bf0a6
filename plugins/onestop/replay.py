"""Replaying: refused rows and files, read again from the landing.

After a rule, a mapping or a reference file was corrected, the rows and whole files that were
refused because of it are read again from ``landing/`` and put through the gate. Those that pass now
are loaded. They appear from the next night on; published nights do not change.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from onestop.figures.known import refuse_unknown
from onestop.files import scratch_folder
from onestop.gate.past_volumes import note_volumes
from onestop.intake.delivery import Delivery, RefusedDeliveryError
from onestop.night import read_delivery_file, validate_delivery_file
from onestop.progress import counted_off, working
from onestop.record.decisions import accepted_volumes
from onestop.record.load import load_delivery, load_replayed
from onestop.record.settlements import is_loaded
from onestop.said import Language, Said, said, said_count, said_number, said_text
from onestop.staging.delivery_lock import working_on
from onestop.staging.shared_staged import JUDGED, staged_at_hand
from onestop.warehouse import open_warehouse

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from onestop.schema.mapping import Mappings
    from onestop.settings import Folders, Settings

_COLUMNS = tuple(field.name for field in fields(Delivery))
#: Condition: a later file of the same path was loaded, and the refused bytes stand nowhere else.
_REPLACED = (
    "(exists (select 1 from audit.delivery as later where later.state = 'loaded'"
    " and later.source = d.source and later.feed = d.feed and later.night = d.night"
    " and later.file_name = d.file_name"
    " and (later.file_modified_at, later.sha256) > (d.file_modified_at, d.sha256))"
    " and not exists (select 1 from audit.delivery_place as p"
    " where p.delivery_id = d.delivery_id and p.file_name <> d.file_name))"
)


@dataclass(frozen=True)
class ReplayFilter:
    """Which refused rows and files are read again; all of them by default.

    Attributes:
        first: only deliveries that describe this night or a later one.
        last: only deliveries that describe this night or an earlier one.
        source: only this source.
        feed: only this feed.
        rule: only deliveries with something refused by this rule.
        delivery_id: only this delivery.
        has_superseded: also refused files that a corrected file replaced, and deliveries whose
            refused rows are all superseded. Replaying those changes only the history before the
            version that superseded them.
    """

    first: dt.date | None = None
    last: dt.date | None = None
    source: str | None = None
    feed: str | None = None
    rule: str | None = None
    delivery_id: str | None = None
    has_superseded: bool = False


@dataclass(frozen=True)
class ReplayResult:
    """What became of one delivery.

    Attributes:
        delivery_id: the delivery.
        file_name: its path below the exports.
        state: ``replayed`` (rows that were refused are loaded or left out), ``loaded`` (the file
            was refused whole), ``unchanged`` (no refused row passes now) or ``refused`` (the file,
            again).
        reason: of a refusal, for people.
        rows_replayed: refused rows that pass now.
        rows_repeated: those of them that only repeat another row.
        rows_left_out: refused rows that the mapping leaves out now.
        rows_open: rows still rejected.
        rows_accepted: rows of a file that was refused whole.
        versions: versions added to the record.
    """

    delivery_id: str
    file_name: str
    state: Literal["replayed", "loaded", "unchanged", "refused"]
    reason: str = ""
    rows_replayed: int = 0
    rows_repeated: int = 0
    rows_left_out: int = 0
    rows_open: int = 0
    rows_accepted: int = 0
    versions: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        """As a sentence in English."""
        return str(self.sentence())

    def in_language(self, lang: Language) -> str:
        """As a sentence."""
        return self.sentence().in_language(lang)

    def sentence(self) -> Said:
        """As a sentence."""
        if self.state == "refused":
            return said("{file}: still refused, {reason}", file=self.file_name, reason=self.reason)
        if self.state == "loaded":
            accepted = said_count(self.rows_accepted, "row")
            return said(
                "{file}: was refused whole; {accepted} accepted now",
                file=self.file_name,
                accepted=accepted,
            )
        left_out = (
            said(" {count} left out by the mapping,", count=said_number(self.rows_left_out))
            if self.rows_left_out
            else ""
        )
        return said(
            "{file}: {rows} accepted now,{left_out} {open} still rejected",
            file=self.file_name,
            rows=said_count(self.rows_replayed, "row"),
            left_out=left_out,
            open=said_number(self.rows_open),
        )


def find_replayable(wanted: ReplayFilter, mappings: Mappings, warehouse_url: str) -> list[Delivery]:
    """The deliveries in which something is still refused, oldest night first.

    Args:
        wanted: which of them.
        mappings: of the source systems.
        warehouse_url: SQLAlchemy URL of the warehouse.

    Raises:
        NoWarehouseError: there is no warehouse yet.
        QuestionError: there is no such source, feed, rule or delivery.
    """
    conditions = {
        "night >= :first": wanted.first,
        "night <= :last": wanted.last,
        "source = :source": wanted.source,
        "feed = :feed": wanted.feed,
        "delivery_id = :delivery_id": wanted.delivery_id,
        "rule = :rule": wanted.rule,
    }
    chosen = [text for text, value in conditions.items() if value is not None]
    with open_warehouse(warehouse_url, read_only=True) as warehouse:
        refuse_unknown(
            warehouse, {**vars(wanted), "rule_code": wanted.rule}, sources=mappings.sources
        )
        rows = warehouse.rows(
            f"select distinct {', '.join(_COLUMNS)} from ("
            # a file that was never landed cannot be read again
            f"select {', '.join(_COLUMNS)}, refused_rule as rule from audit.delivery as d"
            " where state = 'refused' and landed_path is not null and delivery_id not in"
            " (select delivery_id from audit.delivery where state = 'loaded')"
            f" and (:has_superseded or not {_REPLACED})"
            f" union all select {', '.join(f'd.{name}' for name in _COLUMNS)}, r.rule_code"
            " from audit.delivery as d inner join audit.rejected_row as r"
            " on d.delivery_id = r.delivery_id where d.state = 'loaded' and (r.state = 'open'"
            " or (r.state = 'superseded' and :has_superseded))"
            f") as refused where {' and '.join(chosen) or 'true'} order by night, delivery_id",
            {name: value for name, value in vars(wanted).items() if value is not None},
        )
    return [Delivery(**row) for row in rows]


def replay_delivery(
    delivery: Delivery,
    mappings: Mappings,
    warehouse_url: str,
    folders: Folders,
    *,
    is_trial: bool = False,
) -> ReplayResult:
    """Read one delivery again and load the rows that pass now.

    Replaying again changes nothing.

    Args:
        delivery: from :func:`find_replayable`.
        mappings: of the source systems.
        warehouse_url: SQLAlchemy URL of the warehouse.
        folders: of the installation.
        is_trial: only count; nothing is written but temporary files.
    """
    if is_trial:
        # Staged file, results and notes of a refusal are deleted with this folder.
        with scratch_folder("replay") as scratch:
            there = replace(folders, work=scratch, own_work=None)
            return _replay(delivery, mappings, warehouse_url, there, is_trial=True)
    return _replay(delivery, mappings, warehouse_url, folders, is_trial=False)


def _replay(
    delivery: Delivery,
    mappings: Mappings,
    warehouse_url: str,
    folders: Folders,
    *,
    is_trial: bool,
) -> ReplayResult:
    outcome = partial(ReplayResult, delivery.delivery_id, delivery.file_name)
    with open_warehouse(warehouse_url) as warehouse:
        was_loaded = is_loaded(warehouse, delivery.delivery_id)
        accepted = accepted_volumes(warehouse, delivery.night)
        note_volumes(warehouse, delivery.night, folders.past_volumes(delivery.night), accepted)
    try:
        read_delivery_file(delivery, mappings, folders, keeps_rules=not is_trial)
        verdict = validate_delivery_file(
            delivery,
            delivery.night,
            folders,
            has_usual_volume=not was_loaded,
            keeps_rules=not is_trial,
        )
    except RefusedDeliveryError as refused:
        return outcome(
            "refused",
            reason=said(
                "{rule}: {reason}", rule=refused.rule_code, reason=said_text(refused.reason)
            ),
        )
    with (
        open_warehouse(warehouse_url) as warehouse,
        working_on(delivery, folders.locks),
        staged_at_hand(delivery, folders, takes=JUDGED) as staged,
    ):
        if was_loaded:
            found = load_replayed(warehouse, delivery, staged, is_trial=is_trial)
            return outcome("replayed" if found.rows_closed else "unchanged", **asdict(found))
        if is_trial:
            return outcome("loaded", rows_accepted=verdict.rows_accepted)
        loaded = load_delivery(warehouse, delivery, staged)
        return outcome("loaded", rows_accepted=loaded.rows_accepted, versions=loaded.versions)


def replay(
    settings: Settings,
    wanted: ReplayFilter | None = None,
    *,
    is_trial: bool = False,
    echo: Callable[[ReplayResult], None] = lambda _: None,
) -> list[ReplayResult]:
    """Replay all deliveries that a filter selects, oldest night first.

    Args:
        settings: of this installation.
        wanted: which refused rows and files; all of them by default.
        is_trial: only count; nothing is loaded.
        echo: receives the result of each delivery.
    """
    mappings = settings.mappings()
    results = []
    found = find_replayable(wanted or ReplayFilter(), mappings, settings.warehouse)
    with working("replaying", unit="files", total=len(found)):
        for delivery in counted_off(found):
            result = replay_delivery(
                delivery, mappings, settings.warehouse, settings.folders, is_trial=is_trial
            )
            echo(result)
            results.append(result)
    return results


def replay_summary(results: Sequence[ReplayResult], *, is_trial: bool) -> Said:
    """The outcome of all replays, and what to do next."""
    closed = sum(result.rows_replayed + result.rows_left_out for result in results)
    loaded = sum(result.state == "loaded" for result in results)
    if not results:
        return said_text("no refused rows or files to read again")
    found = said(
        "{deliveries} read again: {rows} and {files}",
        deliveries=said_count(len(results), "delivery", "deliveries"),
        rows=said_count(closed, "row"),
        files=said_count(loaded, "refused file"),
    )
    if not (closed or loaded):
        return said(
            "{found} settled; correct the rule, the mapping or the reference file first",
            found=found,
        )
    if is_trial:
        return said("{found} would be settled; run it without --dry-run", found=found)
    return said("{found} settled; they appear in the figures from the next night on", found=found)
