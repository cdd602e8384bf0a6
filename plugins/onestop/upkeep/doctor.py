"""The doctor: checks whether an installation is healthy, with a remedy for each finding."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import stat
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from onestop.console import page_width, printed, write_csv
from onestop.federation.configuration import nation_publishes_by, registry_file
from onestop.federation.national_warehouse import last_national, pending_national
from onestop.federation.registry import read_registry
from onestop.gate.unpublished import NIGHT_STATES
from onestop.intake.exports import list_exports
from onestop.language import chosen_language
from onestop.marts.published import NothingPublishedError, has_national, open_published
from onestop.marts.reference_names import UNKNOWN_NAME_REMEDY, unknown_names
from onestop.progress import counted_off, working
from onestop.record.night_runs import reason_sql
from onestop.record.publications import last_published
from onestop.said import (
    Said,
    in_language,
    said,
    said_both,
    said_count,
    said_list,
    said_number,
    said_text,
)
from onestop.schema.mapping import ClaimedTwiceError, recognise
from onestop.schema.reference import read_reference
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.settings import VARIABLES, Settings, wait_interval
from onestop.spark.address import Computing, obstacles
from onestop.storage import is_shared, listed, put_new
from onestop.upkeep.housekeeping import read_retention
from onestop.warehouse import NoWarehouseError, engine_of, open_warehouse

if TYPE_CHECKING:
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

State = Literal["OK", "WARN", "FAIL"]
#: How long a night may run after the end of its wait.
_NIGHT_RUNS_FOR = dt.timedelta(hours=1)
#: Seconds that a replica may be behind without a warning.
_REPLICA_BEHIND = 300
#: Up to this many late nights are a warning; with more, readers' figures are stale.
_NIGHTS_BEHIND = 3
_GIB = 1 << 30
_LITTLE_ROOM, _NO_ROOM = 5 * _GIB, 1 * _GIB
_CLOCKS_DIFFER = dt.timedelta(minutes=5)
_UNTRUSTED = stat.S_IRWXO


@dataclass(frozen=True)
class Finding:
    """One finding of the doctor.

    Attributes:
        check: name of the check.
        state: ``OK``, ``WARN`` (works, but needs attention) or ``FAIL``.
        message: what was found.
        remedy: what to do; empty when nothing is to be done.
    """

    check: str
    state: State
    message: str
    remedy: str = ""


def examine(settings: Settings, now: dt.datetime | None = None) -> list[Finding]:
    """Check everything that a night depends on.

    Nothing is changed, and an unexpected error in a check does not hide the others.

    Args:
        settings: of this installation.
        now: the moment from which ages count; defaults to the current time.
    """
    now = now or dt.datetime.now(LOCAL_ZONE)
    findings = []
    left_out = _OF_CITIES if _has_no_city(settings) else set()
    checks = {name: check for name, check in _CHECKS.items() if name not in left_out}
    with working("checking", unit="checks", total=len(checks)):
        for name, check in counted_off(checks.items()):
            try:
                findings += [Finding(name, *found) for found in check(settings, now)]
            except Exception as error:  # noqa: BLE001 - each is reported, whatever happens in it
                message = said("{error}", error=error) if str(error) else type(error).__name__
                findings.append(Finding(name, "FAIL", message, _remedy_within(message)))
    return findings


def print_examination(
    settings: Settings,
    form: str,
    night: dt.date | None = None,
    *,
    is_quiet: bool = False,
    lang: Language = "en",
) -> bool:
    """Examine the installation and print the findings.

    Args:
        settings: of this installation.
        form: ``table``, ``json`` or ``csv``.
        night: the night that should be published; defaults to yesterday's.
        is_quiet: show warnings and failures only.
        lang: of the table; the machine formats are in English.

    Returns:
        Whether nothing failed.
    """
    now = None
    if night is not None:
        now = settings.waits_until(night) + _NIGHT_RUNS_FOR
    findings = examine(settings, now)
    is_well = all(one.state != "FAIL" for one in findings)
    if is_quiet:
        findings = [one for one in findings if one.state != "OK"]
    if form == "json":
        json.dump([asdict(one) for one in findings], sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
    elif form == "csv":
        columns = [field.name for field in fields(Finding)]
        write_csv(sys.stdout, columns, (asdict(one).values() for one in findings))
    else:
        colours = {"OK": "green", "WARN": "yellow", "FAIL": "bold red"}
        with printed(sys.stdout, page_width(sys.stdout)) as console:
            for one in findings:
                check, message = in_language(said(one.check), lang), in_language(one.message, lang)
                console.print(f"{one.state:<5}{check}: {message}", style=colours[one.state])
                if one.remedy:
                    console.print(f"     → {in_language(one.remedy, lang)}")
    return is_well


_Found = Iterator[tuple[State, str] | tuple[State, str, str]]


def _remedy_within(message: str) -> str:
    return "" if ";" in message or ". " in message else said("see docs/operations.md")


def _settings(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - all checks are called alike
    unknown = sorted(
        name for name in os.environ if name.startswith("ONESTOP_") and name not in VARIABLES
    )
    for name in unknown:
        yield (
            "WARN",
            said("{name} is set, and nothing reads it", name=name),
            said("correct its name, or unset it"),
        )
    folders = (settings.landing, settings.work, settings.published.parent)
    nested = list(_in_landing(settings, settings.work, settings.published))
    yield from nested
    wait_interval()  # raises where its variable cannot be used, as does the next
    chosen_language()
    if not unknown and not nested:
        # the address of a server holds a login
        file = engine_of(settings.warehouse).file_of(settings.warehouse)
        yield (
            "OK",
            said(
                "warehouse {warehouse}; {folders}",
                warehouse=file or settings.warehouse_name,
                folders=", ".join(map(str, folders)),
            ),
        )


def _in_landing(settings: Settings, *folders: Path) -> _Found:
    """The folders that lie in a landing on this machine."""
    landing = settings.landing
    for inner in folders:
        if not is_shared(landing) and inner.is_relative_to(landing):
            yield (
                "FAIL",
                said("{inner} lies in {outer}", inner=inner, outer=landing),
                said("keep landing/ apart: what is below it counts as evidence"),
            )


def _clock(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    known = [
        entry.changed_at
        for folder in (settings.landing / "publications", settings.published.parent)
        for entry in listed(folder).values()
    ]
    latest = max(known, default=dt.datetime.fromtimestamp(0, dt.UTC)).astimezone(LOCAL_ZONE)
    today = dt.datetime.now(LOCAL_ZONE)
    if latest > today + _CLOCKS_DIFFER:
        message = said(
            "the clock says {now}, what was published {latest}",
            now=f"{today:%Y-%m-%d %H:%M}",
            latest=f"{latest:%Y-%m-%d %H:%M}",
        )
        yield "FAIL", message, said("set the clock and keep it set (chrony, systemd-timesyncd)")
        return
    zone = said(
        "{now} in Asia/Ho_Chi_Minh (UTC{offset})",
        now=f"{today:%Y-%m-%d %H:%M}",
        offset=f"{today:%z}",
    )
    if today.utcoffset() != dt.timedelta(hours=7):
        yield "FAIL", zone, said("reinstall the time zone data (tzdata): Việt Nam is UTC+7")
        return
    yield "OK", zone


def _retention(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    kept = read_retention()
    yield (
        "OK",
        said(
            "{count} rules; refused deliveries {days}",
            count=len(kept),
            days=kept["refused_deliveries"] or said("for ever"),
        ),
    )


def _mappings(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    mappings = settings.mappings()
    feeds = [f"{source.source} ({', '.join(source.feeds)})" for source in mappings.sources.values()]
    yield "OK", "; ".join(feeds)
    for problem in mappings.problems:
        message = said(
            "{file}: {key}: {problem}; its source is not read",
            file=problem.file_name,
            key=problem.key,
            problem=problem.problem,
        )
        yield "FAIL", message, problem.remedy


def _suites(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    from onestop.gate import all_suites  # noqa: PLC0415 - imports slowly
    from onestop.gate.evaluation import load_engine  # noqa: PLC0415 - as above

    as_expectation = load_engine().as_expectation
    suites = all_suites()
    rules = [rule for suite in suites for rule in suite.rules]
    for rule in rules:
        as_expectation(rule.expectation)
    found = said("{suites} suites with {rules} rules load", suites=len(suites), rules=len(rules))
    yield "OK", found


def _days_off(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    reviewed = {
        row["calendar_date"].year
        for row in read_reference()["day_off"]
        if row["verified"] and isinstance(row["calendar_date"], dt.date)
    }
    for year in (now.year, now.year + 1):
        if year in reviewed:
            yield "OK", said("the days off of {year} are reviewed", year=year)
        else:
            yield (
                "WARN",
                said(
                    "sql/reference/day_off.csv has no reviewed days off of {year}: only weekends"
                    " count as days off",
                    year=year,
                ),
                said(
                    "add the days off that the Prime Minister announced for {year}, verified ="
                    " true",
                    year=year,
                ),
            )


def _exports(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    files = list_exports(settings.exports)
    mappings = settings.mappings()
    unmatched, claimed_twice = [], []
    for file in files:
        try:
            if recognise(file.path_below, mappings.sources) is None:
                unmatched.append(file.path_below)
        except ClaimedTwiceError as error:
            claimed_twice.append(error)
    for claim in claimed_twice[:1]:
        yield (
            "FAIL",
            said(
                "refused: {files}: {problem}",
                files=_counted_files(len(claimed_twice)),
                problem=claim.problem,
            ),
            claim.remedy,
        )
    found = {"folder": settings.exports, "files": _counted_files(len(files))}
    message = said("{folder}: {files}", **found)
    if not files:
        remedy = said("have the source systems export, or set ONESTOP_EXPORTS")
        yield "WARN", message, remedy
    elif unmatched:
        yield (
            "WARN",
            said(
                "{folder}: {files}, {count} that match no mapping, such as {example}",
                **found,
                count=said_number(len(unmatched)),
                example=unmatched[0],
            ),
            said("name them as a mapping expects, add a mapping, or take them away"),
        )
    else:
        yield "OK", message


def _counted_files(count: int) -> Said:
    return said("1 file") if count == 1 else said("{count} files", count=said_number(count))


def _warehouse(settings: Settings, now: dt.datetime) -> _Found:
    try:
        warehouse = open_warehouse(settings.warehouse, read_only=True)
    except NoWarehouseError as error:
        yield "WARN", said("{problem} yet", problem=error), _first_run(settings)
        return
    with warehouse:
        version, pending = warehouse.schema_version(), warehouse.pending()
        if pending:
            yield (
                "WARN",
                said(
                    "schema {version}, {count} schema files behind this release",
                    version=version,
                    count=len(pending),
                ),
                said("take a backup; the next night upgrades it, or `onestop migrate` now"),
            )
        else:
            yield (
                "OK",
                said(
                    "{warehouse} opens, schema {version}",
                    warehouse=settings.warehouse_name,
                    version=version,
                ),
            )
        yield from _replica(warehouse)
        yield from _published_night(settings, warehouse, now)
        yield from _readers_copy(settings, warehouse)
        yield from _left_out(warehouse)
        for problem in unknown_names(warehouse, settings.mappings().sources):
            yield "WARN", problem, UNKNOWN_NAME_REMEDY


def _replica(warehouse: Warehouse) -> _Found:
    """How far a streaming replica, from which readers may read, is behind."""
    replica = warehouse.replica()
    if replica is None:
        return
    seconds = said_number(replica.seconds_behind)
    if not replica.is_fed:
        yield (
            "FAIL",
            said("it is a replica that receives nothing"),
            said("check primary_conninfo and the replication slot; see docs/scale-workers.md"),
        )
    elif replica.seconds_behind > _REPLICA_BEHIND:
        yield (
            "WARN",
            said("it is a replica, {seconds} seconds behind", seconds=seconds),
            said("end long queries there, or give it more processors and faster disks"),
        )
    else:
        yield "OK", said("it is a replica, {seconds} seconds behind", seconds=seconds)


def _published_night(settings: Settings, warehouse: Warehouse, now: dt.datetime) -> _Found:
    due = now.astimezone(LOCAL_ZONE).date() - dt.timedelta(days=1)
    if now < settings.waits_until(due) + _NIGHT_RUNS_FOR:
        due -= dt.timedelta(days=1)
    last = last_published(warehouse)
    if last is None and _has_no_city(settings):
        return
    if last is None:
        remedy = said("run `onestop night` for the first one")
        yield "WARN", said("no night is published yet"), remedy
        return
    behind = (due - last).days
    if behind <= 0:
        yield "OK", said("night {night} is published", night=last)
    else:
        first = last + dt.timedelta(days=1)
        span = f"{first} --to {due}" if behind > 1 else f"{first}"
        yield (
            "FAIL" if behind > _NIGHTS_BEHIND else "WARN",
            said(
                "night {last} is the last one published; night {due} should be",
                last=last,
                due=due,
            ),
            said("look at Airflow's last runs, then run `onestop night {span}`", span=span),
        )
    for ended in warehouse.rows(
        "select as_of_date, state, message,"
        f" {reason_sql(warehouse, 'night_run', 'message', 'vi')} as message_vi"
        " from audit.night_run as night_run"
        " where as_of_date > :last order by as_of_date",
        {"last": last},
    ):
        state = ended["state"]
        message = said(
            "night {night}: {state}: {message}",
            night=ended["as_of_date"],
            state=said_both(**NIGHT_STATES.get(state, {"vi": state, "en": state})),
            message=said_both(vi=ended["message_vi"], en=ended["message"]),
        )
        yield "FAIL", message, said("correct what it names and run the night again")


def _left_out(warehouse: Warehouse) -> _Found:
    """What the figures of the last night lack: files, rows, and units for the levels' figures."""
    last = last_published(warehouse)
    if last is None:
        return
    files = warehouse.value(
        "select count(distinct refused.file_name) from audit.delivery as refused"
        " where refused.night = :last and refused.state = 'refused' and not exists"
        " (select 1 from audit.delivery as loaded where loaded.state = 'loaded'"
        " and loaded.source = refused.source and loaded.feed = refused.feed"
        " and loaded.file_name = refused.file_name"
        " and loaded.settled_at > refused.settled_at)",
        {"last": last},
    )
    rows = warehouse.value(
        "select count(*) from (select distinct delivery_id, row_number from audit.rejected_row"
        " where state = 'open') as still_open"
    )
    yield (
        "OK",
        said(
            "refused files of night {last}, not loaded since: {files} (all refusals: onestop"
            " deliveries --state refused); rejected rows of all nights, still open: {rows} (onestop"
            " rejected --state open)",
            last=last,
            files=files,
            rows=rows,
        ),
    )
    unknown = warehouse.rows(
        "select unit_code from mart.unit where unit_scope = 'unit'"
        " and unit_level = 'unregistered' order by unit_code"
    )
    if unknown:
        message = said(
            "units with data that the register lacks: {count}, such as {example}; they count for"
            " the city, not for a level",
            count=said_number(len(unknown)),
            example=unknown[0]["unit_code"],
        )
        remedy = said("have them added to the register (feed units) with their level")
        yield "WARN", message, remedy


def _readers_copy(settings: Settings, warehouse: Warehouse) -> _Found:
    if not warehouse.has_readers_copy or last_published(warehouse) is None:
        return
    again = said("run the last published night again; it makes the copy")
    number = "select max(publication_id) from audit.publication"
    if not settings.published.is_file():
        missing = said("the readers' copy {copy} is not there", copy=settings.published)
        yield "FAIL", missing, again
        return
    with open_published(settings) as copy:
        is_current = copy.value(number) == warehouse.value(number)
    if is_current:
        yield "OK", said("the readers' copy {copy} holds it", copy=settings.published.name)
    else:
        yield "FAIL", said("the readers' copy holds an earlier night"), again


def _store(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    """Whether the object storage, if there is one, is there and writes a file once."""
    if not settings.store:
        return
    probe = settings.folders.work / "doctor" / uuid.uuid4().hex
    put_new(probe, b"")
    try:
        put_new(probe, b"")
    except FileExistsError:
        yield "OK", said("{store} answers, and keeps what is written once", store=settings.store)
    else:
        yield (
            "FAIL",
            said("{store} overwrites what is to be written once", store=settings.store),
            said("use storage that knows If-None-Match for PutObject"),
        )
    finally:
        probe.unlink()


def _landing(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    if settings.store:
        return  # the bucket's policy says who may read it
    landing = settings.landing
    if not landing.is_dir():
        missing = said("{folder} is not there yet", folder=landing)
        yield "WARN", missing, _first_run(settings)
        return
    found = landing.stat()
    mode = stat.filemode(found.st_mode)
    is_own = found.st_uid == os.geteuid()
    if found.st_mode & _UNTRUSTED:
        yield (
            "FAIL",
            said(
                "{folder} holds personal data and is open to everybody ({mode})",
                folder=landing,
                mode=mode,
            ),
            f"chmod o-rwx {landing}",
        )
    elif not os.access(landing, os.R_OK | os.W_OK | os.X_OK):
        closed = said("{folder} may not be written ({mode})", folder=landing, mode=mode)
        yield "FAIL", closed, said("run as the pipeline's user")
    elif not is_own:
        yield (
            "WARN",
            said(
                "{folder} belongs to user {owner}, and this is user {user}",
                folder=landing,
                owner=found.st_uid,
                user=os.geteuid(),
            ),
            said("run as the pipeline's user, so that what is written stays its own"),
        )
    else:
        yield "OK", said("{folder} is closed to others ({mode})", folder=landing, mode=mode)


def _disk(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    folders = {"work": settings.work}
    if not settings.store:
        folders |= {"landing": settings.landing, "published": settings.published.parent}
    size = 0
    if file := engine_of(settings.warehouse).file_of(settings.warehouse):
        folders["warehouse"] = file.parent
        size = file.stat().st_size if file.is_file() else 0
    by_device: dict[int, list[str]] = {}
    free: dict[int, int] = {}
    for name, folder in folders.items():
        there = next(path for path in (folder, *folder.parents) if path.is_dir())
        device = there.stat().st_dev
        by_device.setdefault(device, []).append(name)
        free[device] = shutil.disk_usage(there).free
    for device, names in by_device.items():
        room = free[device]
        facts = {"room": said_number(room / _GIB, 1), "names": ", ".join(names)}
        message = said("{room} GiB free for {names}", **facts)
        remedy = said(
            "make room: `onestop housekeeping --dry-run` lists what can be deleted; or add disk"
        )
        if room < max(_NO_ROOM, size):
            needed = said_number(max(_NO_ROOM, size) / _GIB, 1)
            lacking = "{room} GiB free for {names}, and publishing needs {needed}"
            yield "FAIL", said(lacking, **facts, needed=needed), remedy
        elif room < max(_LITTLE_ROOM, 3 * size):
            yield "WARN", message, remedy
        else:
            yield "OK", message


def _airflow(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    """Findings about Airflow's access control, if this environment sets Airflow up."""
    ours = {name for name in os.environ if name.startswith("AIRFLOW__")}
    if not ours:
        return
    open_to_all = os.environ.get("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "").lower()
    if open_to_all in {"true", "1", "t"}:
        yield (
            "FAIL",
            said("everybody who reaches Airflow's pages is its administrator"),
            said("unset AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"),
        )
        return
    yield "OK", said("asks who logs in")


def _compute(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    """Whether the engine of full computations is there."""
    computing = Computing.from_environment()
    if not computing.is_on_spark:
        product = engine_of(settings.warehouse).product
        yield "OK", said("{engine} computes the marts", engine=product)
        return
    found = list(obstacles(computing))
    for what, remedy in found:
        yield "FAIL", what, remedy
    if found:
        return
    if nested := list(_in_landing(settings, computing.folder)):
        yield from nested
        return
    yield (
        "OK",
        said(
            "Apache Spark at {address} computes the marts in full, from the files in {folder}",
            address=computing.address.partition(";")[0],
            folder=computing.folder,
        ),
    )


def _provinces(settings: Settings, now: dt.datetime) -> _Found:  # noqa: ARG001 - as above
    """The registry of a national office, and keys that end soon."""
    if not _is_office():
        return
    today = now.astimezone(LOCAL_ZONE).date()
    registry = read_registry(registry_file())
    yield "OK", said("{provinces} in the registry", provinces=said_count(len(registry), "province"))
    soon = today + _KEYS_END
    ending = [
        code
        for code, province in registry.items()
        if not any(key.is_valid_on(soon) for key in province.keys)
    ]
    if ending:
        yield (
            "WARN",
            said(
                "no key is valid on {day}: {provinces}",
                day=soon,
                provinces=said_list(ending, ", "),
            ),
            said("have these provinces make a key, and add it to the registry"),
        )


def _nation(settings: Settings, now: dt.datetime) -> _Found:
    """The nation's figures, in a national office."""
    try:
        warehouse = open_warehouse(settings.warehouse, read_only=True)
    except NoWarehouseError:
        return  # the check of the warehouse says so
    with warehouse:
        if not has_national(warehouse):
            if _is_office():
                yield _no_national_figures()
            return
        if pending := pending_national(warehouse):
            yield (
                "WARN",
                said("{count} schema files behind this release", count=len(pending)),
                said(
                    "take a backup; the next `onestop federate` upgrades it, or `onestop migrate`"
                ),
            )
        last = last_national(warehouse)
        yield from _nations_night(last, now) if last else [_no_national_figures()]
        refused = warehouse.value(
            "select count(*) from national.package where package_state = 'refused'"
            " and refusal_code <> 'PKG-F08' and last_received_at > :since",
            {"since": now - _REFUSED_LATELY},
        )
        if refused:
            yield (
                "WARN",
                said("packages refused in the last week: {count}", count=said_number(refused)),
                said("see the reasons with `onestop nation --list packages`"),
            )
        if last:
            yield from _nations_copy(settings, warehouse, last["publication_id"])


def _no_national_figures() -> tuple[State, Said, Said]:
    return "WARN", said("no national figures are published yet"), said_text(_FEDERATE)


def _nations_night(last: dict[str, Any], now: dt.datetime) -> _Found:
    due = now.astimezone(LOCAL_ZONE).date() - dt.timedelta(days=1)
    if now < nation_publishes_by(due) + _NIGHT_RUNS_FOR:
        due -= dt.timedelta(days=1)
    behind = (due - last["as_of_date"]).days
    if behind > 0:
        yield (
            "FAIL" if behind > _NIGHTS_BEHIND else "WARN",
            said(
                "night {last} is the last one published; night {due} should be",
                last=last["as_of_date"],
                due=due,
            ),
            said(
                "see what came with `onestop nation --list packages`, then run `onestop federate`"
            ),
        )
    counts = said(
        "the nation's night {night} is published with {are_in} of {total} provinces",
        night=last["as_of_date"],
        are_in=last["provinces_in"] + last["provinces_ahead"],
        total=last["provinces_total"],
    )
    if last["provinces_late"] + last["provinces_missing"]:
        yield "WARN", counts, said("see who is not with `onestop nation --list provinces`")
    else:
        yield "OK", counts


def _nations_copy(settings: Settings, warehouse: Warehouse, publication: int) -> _Found:
    if not warehouse.has_readers_copy:
        return
    try:
        with open_published(settings) as copy:
            held = last_national(copy)
    except NothingPublishedError:
        held = None
    if held is None or held["publication_id"] != publication:
        again = said("run `onestop federate`; it makes the copy")
        yield "FAIL", said("the readers' copy lacks the nation's last publication"), again


def _first_run(settings: Settings) -> Said:
    """What makes the warehouse and the landing."""
    return said_text(_FEDERATE if _has_no_city(settings) else "the first night makes it")


def _is_office() -> bool:
    """Whether this is a national office."""
    return bool(os.environ.get("ONESTOP_PROVINCES"))


def _has_no_city(settings: Settings) -> bool:
    """Whether this is a national office only, which receives no exports."""
    exports = settings.exports
    return (
        _is_office()
        and "ONESTOP_EXPORTS" not in os.environ
        and isinstance(exports, Path)
        and not exports.is_dir()
    )


_FEDERATE = "run `onestop federate` with the packages of the provinces"
#: Checks of what only a city needs.
_OF_CITIES = {"mappings", "days_off", "exports"}
_KEYS_END = dt.timedelta(days=30)
_REFUSED_LATELY = dt.timedelta(days=7)
_CHECKS: dict[str, Callable[[Settings, dt.datetime], _Found]] = {
    "settings": _settings,
    "clock": _clock,
    "mappings": _mappings,
    "suites": _suites,
    "days_off": _days_off,
    "retention": _retention,
    "exports": _exports,
    "warehouse": _warehouse,
    "compute": _compute,
    "store": _store,
    "landing": _landing,
    "disk": _disk,
    "airflow": _airflow,
    "provinces": _provinces,
    "nation": _nation,
}
