"""``audit.night_step``: when each step of a night began and ended, what came of it, and where.

Steps run in several processes, some of which cannot write the warehouse. So each execution of a
step writes a small file of its own: a line when it begins, a line when it ends. The file is locked
in between, so a step whose process died is one without an end whose lock is free. A publication
enters the files into the record. Until they are in the readers' copy, readers read the files too.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import functools
import io
import json
import logging
import os
import platform
import uuid
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields, replace
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeVar

import pyarrow as pa

from onestop.files import write_whole
from onestop.intake.delivery import RefusedDeliveryError
from onestop.language import log
from onestop.said import said
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.settings import LONGEST_TASK
from onestop.storage import is_shared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from onestop.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: The steps, in the order of a night.
STEPS = (
    *("discover", "land", "read", "validate", "load"),
    *("require", "compute", "check", "publish"),
)
DONE, REFUSED, FAILED, KILLED, RUNNING = "done", "refused", "failed", "killed", "running"

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class NightStepRun:
    """One execution of a step: a row of ``audit.night_step``, which describes the columns."""

    step_id: str
    as_of_date: dt.date
    step: str
    file_name: str | None
    began_at: dt.datetime
    ended_at: dt.datetime | None
    outcome: str
    rows_done: int | None
    process: str

    @property
    def seconds(self) -> float | None:
        """How long it took; None without an end."""
        return (self.ended_at - self.began_at).total_seconds() if self.ended_at else None


_COLUMNS = tuple(field.name for field in fields(NightStepRun))
_TYPES: list[tuple[str, pa.DataType]] = [
    ("step_id", pa.string()),
    ("as_of_date", pa.date32()),
    ("step", pa.string()),
    ("file_name", pa.string()),
    ("began_at", pa.timestamp("us", tz="UTC")),
    ("ended_at", pa.timestamp("us", tz="UTC")),
    ("outcome", pa.string()),
    ("rows_done", pa.int64()),
    ("process", pa.string()),
]
#: The folder of the files, and the night that this process runs.
_running: ContextVar[tuple[Path, dt.date] | None] = ContextVar("night", default=None)


@contextmanager
def noting_steps(folder: Path, night: dt.date) -> Iterator[None]:
    """Note the steps that are executed in this block; outside of one they are not noted.

    Args:
        folder: of the files.
        night: the night that is run.
    """
    token = _running.set((folder, night))
    try:
        yield
    finally:
        _running.reset(token)


def noted(
    step: str,
) -> Callable[[Callable[_Arguments, _Result]], Callable[_Arguments, _Result]]:
    """Decorates a step, so that its executions are noted; see :func:`noting_steps`.

    The file is that of its first argument, the rows are those of its result, where they have some.

    Args:
        step: one of :data:`STEPS`.
    """

    def decorate(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        @functools.wraps(function)
        def execute(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
            running = _running.get()
            if running is None:
                return function(*args, **kwargs)
            with ExitStack() as stack:
                note = _begin(stack, *running, step, getattr(args[0], "file_name", None))
                outcome, rows = FAILED, None
                try:
                    result = function(*args, **kwargs)
                    outcome, rows = DONE, _rows_of(result)
                except RefusedDeliveryError:
                    outcome = REFUSED
                    raise
                finally:
                    _end(note, outcome, rows)
                return result

        return execute

    return decorate


def _rows_of(result: object) -> int | None:
    """The rows that a step read or made, by what it returned."""
    rows = getattr(result, "rows_read", None)
    if rows is None:
        tables = getattr(result, "rows", None)
        rows = sum(tables.values()) if isinstance(tables, dict) else None
    return rows


class _SharedNote(io.StringIO):
    """A note on object storage, put whole each time it is written."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def flush(self) -> None:
        write_whole(self._path, self.getvalue())


def _begin(
    stack: ExitStack, folder: Path, night: dt.date, step: str, file_name: str | None
) -> IO[str] | None:
    """A file that says which step has begun; None where it cannot be written.

    It is locked as long as the step runs; on object storage there are no locks.
    """
    step_id = uuid.uuid4().hex
    begun = {
        "step_id": step_id,
        "as_of_date": night.isoformat(),
        "step": step,
        "file_name": file_name,
        "began_at": dt.datetime.now(LOCAL_ZONE).isoformat(),
        "process": f"{platform.node()}:{os.getpid()}",
    }
    try:
        path = folder / f"{night.isoformat()}.{step_id}.jsonl"
        if is_shared(path):
            shared = _SharedNote(path)
            _write(shared, begun)
            return shared
        folder.mkdir(parents=True, exist_ok=True)
        note = stack.enter_context(path.open("x", encoding="utf-8"))
        fcntl.flock(note, fcntl.LOCK_EX)
        _write(note, begun)
    except OSError as error:
        log(
            logger,
            logging.WARNING,
            said(
                "the time of step {step} is not kept: {error}; the step goes on. Make {folder}"
                " writable",
                step=step,
                error=error,
                folder=folder,
            ),
        )
        return None
    return note


def _end(note: IO[str] | None, outcome: str, rows: int | None) -> None:
    if note is None:
        return
    now = dt.datetime.now(LOCAL_ZONE).isoformat()
    try:
        _write(note, {"ended_at": now, "outcome": outcome, "rows_done": rows})
    except OSError as error:
        log(
            logger,
            logging.WARNING,
            said("the end of a step is not kept: {error}; the night goes on", error=error),
        )


def _write(note: IO[str], values: dict[str, Any]) -> None:
    note.write(json.dumps(values, ensure_ascii=False) + "\n")
    note.flush()


def _noted_steps(folder: Path, night: dt.date | None = None) -> dict[Path, NightStepRun]:
    """The steps that have a file; of one night, or of all."""
    found = {}
    for path in folder.glob(f"{night.isoformat() if night else '*'}.*.jsonl"):
        if is_shared(path):
            with suppress(FileNotFoundError):
                run = _from_lines(path.read_text(encoding="utf-8").splitlines())
                if run is not None:
                    found[path] = run
            continue
        with suppress(OSError), path.open(encoding="utf-8") as note:
            is_running = _is_locked(note)
            run = _from_lines(note.read().splitlines())
            if run is not None:
                is_open = run.ended_at is None and is_running
                found[path] = replace(run, outcome=RUNNING) if is_open else run
    return _running_elsewhere(found) if is_shared(folder) else found


def _running_elsewhere(found: dict[Path, NightStepRun]) -> dict[Path, NightStepRun]:
    """Steps of any machine; one without an end still runs, unless it was begun anew since.

    After the longest time of a task it counts as killed.
    """
    last: dict[tuple[object, ...], dt.datetime] = {}
    for run in found.values():
        which = (run.as_of_date, run.step, run.file_name)
        last[which] = max(run.began_at, last.get(which, run.began_at))
    oldest = dt.datetime.now(LOCAL_ZONE) - LONGEST_TASK
    return {
        path: replace(run, outcome=RUNNING)
        if run.ended_at is None
        and oldest < run.began_at == last[run.as_of_date, run.step, run.file_name]
        else run
        for path, run in found.items()
    }


def _is_locked(note: IO[str]) -> bool:
    try:
        fcntl.flock(note, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _from_lines(lines: list[str]) -> NightStepRun | None:
    """The step of a file; None while nothing is written, or where that was cut off."""
    values: dict[str, Any] = {"ended_at": None, "outcome": KILLED, "rows_done": None}
    for line in lines:
        with suppress(json.JSONDecodeError):
            values |= json.loads(line)
    if "step_id" not in values:
        return None
    ended = values["ended_at"]
    values |= {
        "as_of_date": dt.date.fromisoformat(values["as_of_date"]),
        "began_at": dt.datetime.fromisoformat(values["began_at"]),
        "ended_at": dt.datetime.fromisoformat(ended) if ended else None,
    }
    return NightStepRun(**values)


def record_steps(warehouse: Warehouse, folder: Path) -> Collection[Path]:
    """Enter the steps that are over into the record.

    Args:
        warehouse: open for writing.
        folder: of the files.

    Returns:
        The files of the steps that are in the record, for :func:`remove_noted`.
    """
    noted_now = {path: run for path, run in _noted_steps(folder).items() if run.outcome != RUNNING}
    if not noted_now:
        return ()
    in_record = warehouse.rows(
        "select step_id from audit.night_step where as_of_date >= :first",
        {"first": min(run.as_of_date for run in noted_now.values())},
    )
    known = {row["step_id"] for row in in_record}
    new = [asdict(run) for run in noted_now.values() if run.step_id not in known]
    if new:
        table = pa.Table.from_pylist(new, pa.schema(_TYPES))
        with warehouse.transaction():
            warehouse.append("audit.night_step", table)
    return noted_now


def remove_noted(noted_now: Collection[Path]) -> None:
    """Remove files of steps that are in the record and in the readers' copy."""
    for path in noted_now:
        path.unlink(missing_ok=True)


def read_steps(warehouse: Warehouse, folder: Path, night: dt.date) -> list[NightStepRun]:
    """The executions of a night's steps, in the order in which they began.

    Args:
        warehouse: the record, or its published copy.
        folder: of the files of steps that are not in the copy yet.
        night: the night.
    """
    runs = {}
    with suppress(OSError):  # the login of the pages may not list them
        runs = {run.step_id: run for run in _noted_steps(folder, night).values()}
    if "night_step" in warehouse.tables("audit"):  # an earlier release kept none
        for row in warehouse.rows(
            f"select {', '.join(_COLUMNS)} from audit.night_step where as_of_date = :night",
            {"night": night},
        ):
            runs[row["step_id"]] = NightStepRun(**row)
    return sorted(runs.values(), key=lambda run: (run.began_at, run.step_id))
