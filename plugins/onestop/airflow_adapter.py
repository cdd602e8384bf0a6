"""The bodies of Airflow's tasks. Only modules named ``airflow_…`` import Airflow.

Each step is one task's body: it takes the night from the run's partition key and the settings
from the Connections, calls the library, and turns its refusals into what Airflow understands.
Candidates and deliveries are JSON only here, as XComs; the library takes and returns its classes.

The library's steps are imported by the functions that call them: only running tasks need them,
and the DAG processor, which imports this module for every DAG file, stays light.
"""

from __future__ import annotations

import datetime as dt
import functools
import logging
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from urllib.parse import quote

from airflow.sdk import (
    Asset,
    BaseHook,
    ObjectStoragePath,
    PokeReturnValue,
    get_current_context,
    task,
)
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSkipException,
)
from airflow.sdk.io import has_fs

from onestop.batches import batch_label, in_batches, work_through
from onestop.errors import OneStopError, errors_in
from onestop.intake.candidate import Candidate
from onestop.intake.delivery import Delivery
from onestop.intake.exports import ExportsError, RemoteFolder, exports_at
from onestop.language import log, shown_language
from onestop.said import in_language, said, said_list, said_number, said_text
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.settings import LONGEST_TASK, Settings, record_roles, wait_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from onestop.batches import File, Outcome
    from onestop.intake.delivery import RefusedDeliveryError
    from onestop.intake.exports import Folder
    from onestop.night import NightStep
    from onestop.record.load import LoadedDelivery
    from onestop.replay import ReplayResult
    from onestop.said import Said

#: How a mapped task is labelled in Airflow's pages: by the files or the report it works on.
FILE_NAME = "{{ file_name }}"
REPORT_CODE = "{{ report_code }}"

#: Retries and time limit of every task.
TASK_DEFAULTS: dict[str, Any] = {
    "owner": "onestop",
    "retries": 2,
    "retry_exponential_backoff": 2,
    "max_retry_delay": dt.timedelta(hours=1),
    "execution_timeout": LONGEST_TASK,
}

#: What a published night changes, one asset for each schema of its readers. Each event has the
#: night as partition.
MART = Asset(name="onestop_mart", uri="x-onestop://published/mart")
REFERENCE = Asset(name="onestop_ref", uri="x-onestop://published/ref")
#: The morning after a night has come, whether or not the night is published. A partition is the
#: night.
MORNING = Asset(name="onestop_morning", uri="x-onestop://clock/morning")

#: How the sensor waits for files: rescheduled, so that it holds no worker slot meanwhile.
WAITING: dict[str, Any] = {
    "mode": "reschedule",
    "poke_interval": wait_interval().total_seconds(),
    "timeout": dt.timedelta(hours=12).total_seconds(),
}

EXPORTS_CONNECTION = "onestop_exports"
WAREHOUSE_CONNECTION = "onestop_warehouse"

#: What a task returns: JSON. For a task annotated with dict, Airflow stores one XCom per key.
Returned = Any

#: A batch of files between two tasks: candidates or deliveries as JSON.
JsonBatch = list[dict[str, Any]]


class _ToJson(Protocol):
    def to_json(self) -> dict[str, Any]: ...


_File = TypeVar("_File", bound="File")

logger = logging.getLogger(__name__)


def step(body: Callable[..., Any], **options: Any) -> Any:  # noqa: ANN401 - Airflow's own types
    """A task with this body. What it returns is for the next task and stays out of its log.

    Args:
        body: the function.
        **options: of the operator.
    """

    @functools.wraps(body)
    def in_own_language(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - the body's
        with errors_in(shown_language()):
            return body(*given, **named)

    return cast("Any", task)(in_own_language, show_return_value_in_logs=False, **options)


def discover_deliveries() -> PokeReturnValue:
    """Find the night's files, in batches, and wait for those that it needs.

    While an expected file is not there yet, or the exports cannot be reached, the task is
    rescheduled, until the time that :meth:`Settings.waits_until` gives. Then it returns the files
    found, so that those are loaded; ``require_expected`` names the missing ones.
    """
    from onestop.night import awaited_deliveries
    from onestop.night import discover_deliveries as discover

    settings, night = settings_of_task(), night_of_run()
    until = settings.waits_until(night)
    may_wait = dt.datetime.now(LOCAL_ZONE) < until
    try:
        systems = settings.source_systems()
        with _noting_steps(settings):
            candidates = discover(night, systems, settings.warehouse, settings.folders)
    except ExportsError as error:
        if not may_wait:
            raise
        _log(said("{error}", error=error), logging.WARNING)
        _log(_waits(night, until))
        return PokeReturnValue(is_done=False)
    awaited = awaited_deliveries(night, candidates, systems, settings.warehouse) if may_wait else []
    if awaited:
        for sentence in awaited:
            _log(sentence, logging.WARNING)
        _log(_waits(night, until))
        return PokeReturnValue(is_done=False)
    for one in candidates:
        _log(
            said(
                "{file}: {feed} of {night}, {kind}",
                file=one.file_name,
                feed=one.feed,
                night=one.night,
                kind=said_text(one.kind),
            )
        )
    return PokeReturnValue(is_done=True, xcom_value=_json_batches(candidates))


def land_deliveries(batch: JsonBatch) -> Returned:
    """Copy the files' bytes into landing/; a file that is still growing is tried again."""
    from onestop.night import land_delivery

    settings = settings_of_task()

    def land(candidate: Candidate) -> Delivery:
        delivery = land_delivery(candidate, settings.exports, settings.folders)
        _log(
            said(
                "{file}: {size} bytes, {delivery}",
                file=delivery.file_name,
                size=said_number(delivery.size_bytes),
                delivery=delivery.delivery_id,
            )
        )
        return delivery

    with _noting_steps(settings):
        return _of_batch(_candidates(batch), "land", land, settings, is_refusal_final=False)


def read_deliveries(batch: JsonBatch | None) -> Returned:
    """Stage the files; one that cannot be read is refused."""
    from onestop.night import read_delivery_file

    settings = settings_of_task()

    def read(delivery: Delivery) -> Delivery:
        staged = read_delivery_file(delivery, settings.mappings(), settings.folders)
        _log(said("{file}: staged as {staged}", file=delivery.file_name, staged=staged.name))
        return delivery

    with _noting_steps(settings):
        return _of_batch(_deliveries(batch), "read", read, settings)


def validate_deliveries(batch: JsonBatch | None) -> Returned:
    """Put the staged files through the gate, which passes or refuses each of them.

    The findings of each rule are in the log and in the validation result.
    """
    from onestop.night import (
        read_again,
        read_delivery_file,
        rows_counted,
        validate_delivery_file,
    )
    from onestop.staging.staged_delivery import DamagedStagedError

    settings, night = settings_of_task(), night_of_run()

    def validate(delivery: Delivery) -> Delivery:
        try:
            verdict = validate_delivery_file(delivery, night, settings.folders)
        except DamagedStagedError as damaged:
            _log(read_again(damaged), logging.WARNING)
            read_delivery_file(delivery, settings.mappings(), settings.folders)
            verdict = validate_delivery_file(delivery, night, settings.folders)
        _log(said("{file}: {counts}", file=delivery.file_name, counts=rows_counted(verdict)))
        return delivery

    with _noting_steps(settings):
        return _of_batch(_deliveries(batch), "validate", validate, settings)


def load_deliveries(batch: JsonBatch | None) -> Returned:
    """Write the accepted rows into the warehouse, each file in one transaction."""
    from onestop.night import load_delivery, read_again, read_and_load, rows_counted
    from onestop.staging.staged_delivery import DamagedStagedError

    settings, night = settings_of_task(), night_of_run()

    def load(delivery: Delivery) -> LoadedDelivery:
        warehouse, folders = settings.warehouse, settings.folders
        try:
            loaded = load_delivery(delivery, warehouse, folders)
        except DamagedStagedError as damaged:
            _log(read_again(damaged), logging.WARNING)
            loaded = read_and_load(delivery, night, settings.mappings(), warehouse, folders)
        counts = said_text("loaded before") if loaded.is_repeat else rows_counted(loaded)
        _log(said("{file}: {counts}", file=delivery.file_name, counts=counts))
        return loaded

    with _noting_steps(settings):
        return _of_batch(_deliveries(batch), "load", load, settings)


def require_expected(found: list[JsonBatch] | None) -> None:
    """Fail unless all expected deliveries of the night are loaded.

    Args:
        found: what ``discover_deliveries`` returned; None when it failed.
    """
    from onestop.night import MissingDeliveryError
    from onestop.night import require_expected as require

    settings = settings_of_task()
    candidates = None
    if found is not None:
        candidates = [candidate for batch in found for candidate in _candidates(batch)]
    try:
        with _noting_steps(settings):
            require(
                night_of_run(),
                candidates,
                settings.source_systems(),
                settings.warehouse,
                settings.folders,
            )
    except MissingDeliveryError as missing:
        raise AirflowFailException(_shown(missing)) from None


def compute_night() -> Returned:
    """Compute the night's marts beside the published ones, and send their lineage."""
    from onestop.night import compute_night as compute

    settings = settings_of_task()
    with _noting_steps(settings):
        computed = compute(night_of_run(), settings.warehouse)
    if computed.rows is not None:
        _emit_lineage()
    return _logged(computed)


def check_night() -> Returned:
    """Check the computed marts."""
    from onestop.night import ChecksFailedError
    from onestop.night import check_night as check

    settings = settings_of_task()
    try:
        with _noting_steps(settings):
            done = check(night_of_run(), settings.mappings(), settings.warehouse, settings.folders)
    except ChecksFailedError as failed:
        raise AirflowFailException(_shown(failed)) from None
    return _logged(done)


def publish_night() -> Returned:
    """Move the pointer: readers see the new night, and its assets have an event.

    A night that cannot be published any more, because a later one is, is skipped without one.
    """
    from onestop.night import ChecksFailedError
    from onestop.night import publish_night as publish

    settings, night = settings_of_task(), night_of_run()
    try:
        with _noting_steps(settings):
            done = publish(night, settings.mappings(), settings.warehouse, settings.folders)
    except ChecksFailedError as failed:
        raise AirflowFailException(_shown(failed)) from None
    if not done.is_published:
        raise AirflowSkipException(_shown(done))
    events = get_current_context()["outlet_events"]
    for asset in (MART, REFERENCE):
        events[asset].extra = {"night": night.isoformat()}
        events[asset].add_partitions(night.isoformat())
    return _logged(done)


def announce_morning() -> None:
    """Start what waits for the morning after the run's night."""
    get_current_context()["outlet_events"][MORNING].add_partitions(night_of_run().isoformat())


def issue_report(report_code: str, night: str) -> Returned:
    """Issue one report.

    Args:
        report_code: as in ``ref.report_calendar``.
        night: the published night that it rests on.
    """
    from onestop.figures.issued import ReportFilesError, issue_line
    from onestop.figures.issued import issue_report as issue_on
    from onestop.marts.published import QuestionError

    cast("dict[str, Any]", get_current_context())["report_code"] = report_code
    settings = settings_of_task()
    now = dt.datetime.now(LOCAL_ZONE)
    try:
        issue = issue_on(settings, report_code, dt.date.fromisoformat(night), now)
    except (QuestionError, ReportFilesError) as refused:
        raise AirflowFailException(_shown(refused)) from None
    level = logging.WARNING if issue.is_late else logging.INFO
    _log(issue_line(settings, issue, now), level)
    return {
        "folder": issue.folder,
        "as_of_date": issue.as_of_date.isoformat(),
        "is_late": issue.is_late,
    }


def complete_reports() -> None:
    """Make the files that a killed run left out of issued reports."""
    from onestop.figures.issued import ReportFilesError
    from onestop.figures.issued import complete_reports as complete

    try:
        complete(settings_of_task())
    except ReportFilesError as error:
        raise AirflowFailException(_shown(error)) from None


def find_replayable() -> Returned:
    """Find the deliveries with refused rows or refused whole, by the run's parameters."""
    from onestop.marts.published import QuestionError
    from onestop.replay import ReplayFilter
    from onestop.replay import find_replayable as find

    given: dict[str, Any] = {
        name: dt.date.fromisoformat(value) if name in {"first", "last"} else value
        for name, value in get_current_context()["params"].items()
        if value
    }
    settings = settings_of_task()
    try:
        found = find(ReplayFilter(**given), settings.mappings(), settings.warehouse)
    except QuestionError as unknown:
        raise AirflowFailException(_shown(unknown)) from None
    _log(
        said("deliveries that hold something still refused: {count}", count=said_number(len(found)))
    )
    return _json_batches(found)


def replay_deliveries(batch: JsonBatch) -> Returned:
    """Read deliveries again and load the rows that pass now."""
    from onestop.replay import replay_delivery

    settings = settings_of_task()

    def replay(delivery: Delivery) -> ReplayResult:
        result = replay_delivery(
            delivery, settings.mappings(), settings.warehouse, settings.folders
        )
        _log(said("{result}", result=result))
        return result

    return _of_batch(_deliveries(batch), "replay", replay, settings)


def examine_installation() -> None:
    """Check everything that a night depends on; fail when a check fails."""
    from onestop.upkeep.doctor import examine

    failed = []
    for one in examine(settings_of_task()):
        level = {"OK": logging.INFO, "WARN": logging.WARNING, "FAIL": logging.ERROR}[one.state]
        found = said(
            "{check}: {message}", check=said_text(one.check), message=said_text(one.message)
        )
        _log(
            said("{found}; {remedy}", found=found, remedy=said_text(one.remedy))
            if one.remedy
            else found,
            level,
        )
        failed += [found] if one.state == "FAIL" else []
    if failed:
        raise AirflowFailException(_shown(said_list(failed)))


def remove_old_files() -> Returned:
    """Delete files past their retention (``retention.yaml``)."""
    from onestop.upkeep.housekeeping import housekeep

    removed = housekeep(settings_of_task()).summary()
    for rule, found in removed.items():
        _log(
            said(
                "{rule}: {count} deleted, {size} MB",
                rule=rule,
                count=said_number(found["count"]),
                size=said_number(found["size_bytes"] / 1e6, 1),
            )
        )
    if not removed:
        _log(said_text("nothing is past its retention"))
    return removed


def _log(sentence: str, level: int = logging.INFO) -> None:
    log(logger, level, sentence)


def _shown(text: object) -> str:
    """A sentence or an error, in the language of logs."""
    return str(in_language(text, shown_language()))


def _waits(night: dt.date, until: dt.datetime) -> Said:
    return said("night {night} waits until {until}", night=night, until=f"{until:%Y-%m-%d %H:%M}")


def settings_of_task() -> Settings:
    """The environment's settings, with the Connections' exports and warehouse where they exist."""
    settings = Settings.from_environment()
    if exports := connection_of(EXPORTS_CONNECTION):
        settings = replace(settings, exports=exports_of(exports))
    if warehouse := connection_of(WAREHOUSE_CONNECTION):
        settings = replace(settings, warehouse=warehouse_url(warehouse))
    return settings


def connection_of(connection_id: str) -> Any:  # noqa: ANN401 - Airflow's class is not typed for us
    """The Connection of that name; None where there is none."""
    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        return None


def exports_of(connection: Any) -> Folder:  # noqa: ANN401 - Airflow's class is not typed for us
    """The exports that a Connection leads to.

    The extra field ``path`` names the folder, as Airflow's own file Connections do: alone for a
    folder on this machine or on the Connection's SFTP server, as ``s3://bucket/folder`` (or
    another address that an installed provider can read) for object storage.

    Raises:
        ExportsError: the Connection is incomplete, or its address cannot be read here.
    """
    extra = connection.extra_dejson
    path = extra.get("path") or connection.schema or ""
    scheme = path.split("://")[0] if "://" in path else ""
    if connection.conn_type in {"sftp", "ssh"} or scheme == "sftp":
        return _sftp_exports(connection, extra, path)
    if scheme and scheme != "file" and has_fs(scheme):
        at = ObjectStoragePath(path, conn_id=connection.conn_id)
        return RemoteFolder(path, at.path.rstrip("/"), lambda: at.fs)
    if scheme:
        return exports_at(path, _s3_options(connection, extra) if scheme == "s3" else {})
    folder = path or connection.host
    if not folder:
        raise ExportsError(
            "names no folder",
            subject=said("the Connection {name}", name=connection.conn_id),
            remedy='put it into its extra field "path"',
        )
    return Path(folder).absolute()


def _sftp_exports(connection: Any, extra: dict[str, Any], path: str) -> Folder:  # noqa: ANN401 - as above
    """An SFTP server, with the fields that Airflow's own SFTP Connections have."""
    if "://" not in path:
        login = f"{quote(connection.login)}@" if connection.login else ""
        path = f"sftp://{login}{connection.host}:{connection.port or 22}/{path.lstrip('/')}"
    options = {
        "password": connection.password,
        "key_filename": extra.get("key_file"),
        "private_key": extra.get("private_key"),
        "passphrase": extra.get("private_key_passphrase"),
        "host_key": extra.get("host_key"),
        "known_hosts": extra.get("known_hosts"),
    }
    return exports_at(path, {name: value for name, value in options.items() if value})


def _s3_options(connection: Any, extra: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - as above
    """What s3fs needs, from the fields that Airflow's own AWS Connections have."""
    options = {
        "key": connection.login,
        "secret": connection.password,
        "token": extra.get("aws_session_token"),
        "endpoint_url": extra.get("endpoint_url"),
        "client_kwargs": {"region_name": extra["region_name"]}
        if extra.get("region_name")
        else None,
    }
    return {name: value for name, value in options.items() if value}


def warehouse_url(connection: Any) -> str:  # noqa: ANN401 - Airflow's class is not typed for us
    """The SQLAlchemy URL of a Connection: DuckDB by its file, PostgreSQL by its parts."""
    if connection.conn_type == "duckdb":
        path = connection.extra_dejson.get("path") or connection.host
        return f"duckdb:///{path}"
    return cast("str", connection.get_uri()).replace("postgres://", "postgresql://", 1)


def night_of_run() -> dt.date:
    """The night that the current run describes: its partition key.

    Without a key (a run started by hand), it is the last night that was over at the run's start.
    """
    context = get_current_context()
    if key := context.get("partition_key"):
        return dt.date.fromisoformat(key)
    run_after = cast("dt.datetime", context["dag_run"].run_after)
    return run_after.astimezone(LOCAL_ZONE).date() - dt.timedelta(days=1)


@contextmanager
def _noting_steps(settings: Settings) -> Iterator[None]:
    """Note the steps of the run's night that are executed in this block."""
    from onestop.record.night_steps import noting_steps

    with noting_steps(settings.folders.steps, night_of_run()):
        yield


def _candidates(batch: JsonBatch) -> list[Candidate]:
    return [Candidate.from_json(file) for file in batch]


def _deliveries(batch: JsonBatch | None) -> list[Delivery]:
    return [Delivery.from_json(file) for file in batch or ()]


def _json_batches(files: Sequence[File]) -> list[JsonBatch]:
    return [[file.to_json() for file in batch] for batch in in_batches(files)]


def _of_batch(
    batch: Sequence[_File],
    name: str,
    step: Callable[[_File], _ToJson],
    settings: Settings,
    *,
    is_refusal_final: bool = True,
) -> Returned:
    """Run one step on each file of a batch, and return the results of those that succeeded.

    A refused file fails the task, so that Airflow's pages show it; the results of the other files
    are kept for the next step, which runs even after a failure. After any other error the task is
    retried with all files; a file that is done is not done again.

    Args:
        batch: what the step before it returned; empty when no file came through it.
        name: of the step.
        step: what is done with each file.
        settings: of this installation.
        is_refusal_final: whether a refusal is not tried again.
    """
    if not batch:
        raise AirflowSkipException(
            _shown(said_text("no file of this batch came through the step before"))
        )
    context = get_current_context()
    cast("dict[str, Any]", context)["file_name"] = batch_label(batch)
    instance = context["ti"]

    def keep(passed: Sequence[_ToJson]) -> None:
        if passed:
            instance.xcom_push("return_value", [result.to_json() for result in passed])

    outcome = work_through(
        batch,
        step,
        marks=settings.folders.under_work / name,
        before_suspects=keep,
    )
    for refused in outcome.refused:
        _log_refusal(refused)
    for file_name, error in outcome.failed:
        # An error for people says what to do; any other is a fault and shows where it arose.
        trace = None if isinstance(error, OneStopError) else error
        logger.error("%s: %s: %s", file_name, type(error).__name__, _shown(error), exc_info=trace)
    again = [*outcome.failed, *([] if is_refusal_final else outcome.refused)]
    if again and instance.try_number <= instance.max_tries:
        raise AirflowException(
            _shown(said("{failures}; tried again", failures=_failures_line(outcome)))
        )
    if outcome.refused or outcome.failed:
        keep(outcome.passed)
        raise AirflowFailException(_shown(_failures_line(outcome))) from None
    return [result.to_json() for result in outcome.passed]


def _failures_line(outcome: Outcome[_ToJson]) -> Said:
    """The files that failed, in one line; the log has the details."""
    each = [
        said(
            "{file}: {rule}: {line}",
            file=refused.file_name,
            rule=refused.rule_code,
            line=said_text(refused.lines[0]),
        )
        for refused in outcome.refused
    ]
    each += [
        said("{file}: {kind}: {error}", file=name, kind=type(error).__name__, error=error)
        for name, error in outcome.failed
    ]
    count = len(each) + len(outcome.passed)
    if count == 1:
        return each[0]
    return said(
        "{failed} of {count} files: {each}", failed=len(each), count=count, each=said_list(each)
    )


def _log_refusal(refused: RefusedDeliveryError) -> None:
    """Log a refusal: one line each for the rule, the rows, the remedy and the page."""
    _log(
        said("{file}: refused by {rule}", file=refused.file_name, rule=refused.rule_code),
        logging.ERROR,
    )
    for line in refused.lines:
        _log(said("    {line}", line=said_text(line)), logging.ERROR)
    if refused.page:
        base = conf.get("api", "base_url", fallback="") or ""
        logger.error("    %s/onestop/reports/%s", base.rstrip("/"), quote(refused.page))


def _logged(step: NightStep) -> Returned:
    """Log what a step did with the night; returns it as JSON."""
    _log(said("{step}", step=step))
    return step.to_json()


def _emit_lineage() -> None:
    """Send the marts' lineage where Airflow's OpenLineage sends its events.

    An error is only logged, because a night does not depend on it.
    """
    from airflow.providers.openlineage.api import (
        emit_dataset_lineage,
        is_openlineage_active,
    )

    if not is_openlineage_active():
        return
    try:
        from onestop.marts.lineage import kept_lineage, openlineage_datasets

        settings = settings_of_task()
        marts = kept_lineage(settings.folders.lineage)
        inputs, outputs = openlineage_datasets(settings.warehouse_name, marts)
        emit_dataset_lineage(inputs=inputs, outputs=outputs)
    except Exception:
        logger.warning(_shown(said_text("the lineage of the marts was not sent")), exc_info=True)


#: The custom view that auth managers without role names are asked about.
RECORD_VIEW = "One-stop record"


def user_reads_record(user: object, auth_manager: Any) -> bool:  # noqa: ANN401 - of any kind
    """Whether a user sees the pages of deliveries, quarantine and audit.

    Those whose role is named by ``ONESTOP_RECORD_ROLES`` do. An auth manager whose users carry no
    role names, such as Keycloak's, decides itself, as for reading the custom view
    :data:`RECORD_VIEW`.

    Args:
        user: as the auth manager gives it: with ``role`` (a name) or ``roles`` (with names).
        auth_manager: Airflow's.
    """
    if hasattr(user, "role") or hasattr(user, "roles"):
        roles = [getattr(user, "role", None), *(getattr(user, "roles", None) or ())]
        names = {str(getattr(role, "name", role)).lower() for role in roles if role}
        return not names.isdisjoint(record_roles())
    return bool(
        auth_manager.is_authorized_custom_view(method="GET", resource_name=RECORD_VIEW, user=user)
    )
