"""Replaying: what was refused, read again from the landing after a fix.

A rule, a mapping or a reference file was put right; the rows (and whole files) that were refused
because of it are read again from ``landing/``, put through the gate as it is now, and what is good
goes into the record. Published nights stay as they are: what is replayed shows from the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from onestop.figures.known import refuse_unknown
from onestop.files import scratch_folder
from onestop.gate.past_volumes import note_volumes
from onestop.intake.delivery import Delivery, RefusedDeliveryError
from onestop.night import read_delivery_file, validate_delivery_file
from onestop.record.load import load_delivery, load_replayed
from onestop.record.settlements import is_loaded
from onestop.staging.delivery_lock import working_on
from onestop.staging.staged_delivery import staged_path
from onestop.warehouse import open_warehouse

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from onestop.settings import Settings

_COLUMNS = tuple(field.name for field in fields(Delivery))


@dataclass(frozen=True)
class ReplayFilter:
    """Which refused rows and files are read again; everything unless told.

    Attributes:
        first: only deliveries that describe this night or a later one.
        last: only deliveries that describe this night or an earlier one.
        source: only this source.
        feed: only this feed.
        rule: only deliveries with something refused by this rule.
        delivery_id: only this delivery.
        has_superseded: also deliveries in which nothing is open, and rows that a later version
            superseded would only complete how things stood before.
    """

    first: dt.date | None = None
    last: dt.date | None = None
    source: str | None = None
    feed: str | None = None
    rule: str | None = None
    delivery_id: str | None = None
    has_superseded: bool = False


def find_replayable(settings: Settings, wanted: ReplayFilter | None = None) -> list[Delivery]:
    """The deliveries in which something is still refused, oldest night first.

    Raises:
        FileNotFoundError: there is no warehouse yet.
        QuestionError: there is no such source, feed, rule or delivery.
    """
    wanted = wanted or ReplayFilter()
    conditions = {
        "night >= :first": wanted.first,
        "night <= :last": wanted.last,
        "source = :source": wanted.source,
        "feed = :feed": wanted.feed,
        "delivery_id = :delivery_id": wanted.delivery_id,
        "rule = :rule": wanted.rule,
    }
    chosen = [text for text, value in conditions.items() if value is not None]
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        refuse_unknown(settings, warehouse, {**vars(wanted), "rule_code": wanted.rule})
        rows = warehouse.rows(
            f"select distinct {', '.join(_COLUMNS)} from ("
            # a file that never came into the landing has nothing to be read again
            f"select {', '.join(_COLUMNS)}, refused_rule as rule from audit.delivery"
            " where state = 'refused' and landed_path is not null and delivery_id not in"
            " (select delivery_id from audit.delivery where state = 'loaded')"
            f" union all select {', '.join(f'd.{name}' for name in _COLUMNS)}, r.rule_code"
            " from audit.delivery as d inner join audit.rejected_row as r"
            " on d.delivery_id = r.delivery_id where d.state = 'loaded' and (r.state = 'open'"
            " or (r.state = 'superseded' and :has_superseded))"
            f") as refused where {' and '.join(chosen) or 'true'} order by night, delivery_id",
            {name: value for name, value in vars(wanted).items() if value is not None},
        )
    return [Delivery(**row) for row in rows]


def replay_delivery(
    settings: Settings, delivery: Delivery, *, is_trial: bool = False
) -> dict[str, Any]:
    """Read one delivery again and take what is good by now into the record.

    Replaying again changes nothing.

    Args:
        settings: of this installation.
        delivery: from :func:`find_replayable`.
        is_trial: only say what would be closed; nothing is written anywhere that stays.

    Returns:
        ``state`` (``replayed``, ``loaded``, ``unchanged``, ``refused``), counts, and the reason
        of a refusal.
    """
    if is_trial:
        # Staged file, results and notes of a refusal go with this folder.
        with scratch_folder("replay") as scratch:
            return _replay(replace(settings, work=scratch), delivery, is_trial=True)
    return _replay(settings, delivery, is_trial=False)


def _replay(settings: Settings, delivery: Delivery, *, is_trial: bool) -> dict[str, Any]:
    result = {"delivery_id": delivery.delivery_id, "file_name": delivery.file_name}
    with open_warehouse(settings.warehouse) as warehouse:
        was_loaded = is_loaded(warehouse, delivery.delivery_id)
        note_volumes(warehouse, delivery.night, settings.past_volumes(delivery.night))
    try:
        read_delivery_file(settings, delivery, keeps_rules=not is_trial)
        verdict = validate_delivery_file(
            settings,
            delivery,
            delivery.night,
            has_usual_volume=not was_loaded,
            keeps_rules=not is_trial,
        )
    except RefusedDeliveryError as refused:
        return {**result, "state": "refused", "reason": f"{refused.rule_code}: {refused.reason}"}
    staged = staged_path(settings.staging, delivery.delivery_id)
    with open_warehouse(settings.warehouse) as warehouse, working_on(delivery, settings.locks):
        if was_loaded:
            counts = load_replayed(warehouse, delivery, staged, is_trial=is_trial)
            state = "replayed" if counts["rows_replayed"] else "unchanged"
        elif is_trial:
            counts, state = {"rows_accepted": verdict.rows_accepted}, "loaded"
        else:
            loaded = load_delivery(warehouse, delivery, staged)
            counts = {"rows_accepted": loaded.rows_accepted, "versions": loaded.versions}
            state = "loaded"
    return {**result, "state": state, **counts}


def replay(
    settings: Settings,
    wanted: ReplayFilter | None = None,
    *,
    is_trial: bool = False,
    echo: Callable[[dict[str, Any]], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Replay everything that a filter lets through, oldest night first.

    Args:
        settings: of this installation.
        wanted: which refused rows and files.
        is_trial: only say what would be closed.
        echo: is told what became of each delivery.
    """
    results = []
    for delivery in find_replayable(settings, wanted):
        result = replay_delivery(settings, delivery, is_trial=is_trial)
        echo(result)
        results.append(result)
    return results


def replay_line(result: dict[str, Any]) -> str:
    """What became of one delivery, as a sentence."""
    name = result["file_name"]
    if result["state"] == "refused":
        return f"{name}: still refused, {result['reason']}"
    if result["state"] == "loaded":
        return f"{name}: was refused whole; {result['rows_accepted']} rows accepted now"
    return f"{name}: {result['rows_replayed']} rows closed, {result['rows_open']} still rejected"


def replay_summary(results: list[dict[str, Any]], *, is_trial: bool) -> str:
    """What came of all of it, and what to do next."""
    closed = sum(result.get("rows_replayed", 0) for result in results)
    loaded = sum(result["state"] == "loaded" for result in results)
    if not results:
        return "no refused rows or files to read again"
    found = f"{len(results)} deliveries read again: {closed} rows and {loaded} whole files"
    if is_trial:
        return f"{found} would be loaded; run it without --dry-run"
    if closed or loaded:
        return f"{found} loaded; they appear in the figures from the next night on"
    return f"{found} loaded; correct the rule, the mapping or the reference file first"
