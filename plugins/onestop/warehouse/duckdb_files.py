"""Opening DuckDB files with limits of memory and threads, and errors of a full disk."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import duckdb

from onestop.errors import OneStopError
from onestop.files import DiskFullError
from onestop.said import said, said_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


#: Disabled steps of DuckDB's optimiser. In DuckDB 2.0 ``outer_join_simplification`` turns ``left
#: join … where right.key is null`` into an anti-join and may lose a filter of the right side, so
#: that rows vanish; it has further faults (duckdb/duckdb issues 24540, 24542 and 24623).
_FAULTY_STEPS = ("outer_join_simplification",)


#: Memory that one connection may use before it spills to a folder beside its file.
_MEMORY = "1GB"
_AMOUNT = re.compile(
    r"(?!0+(\.0*)?\s*[KMGT])(?P<number>\d{1,6}(\.\d{1,3})?)\s*(?P<unit>[KMGT])(?P<binary>i?)B",
    re.IGNORECASE,
)
_THREADS = re.compile(r"[1-9][0-9]{0,2}")


class LimitError(OneStopError):
    """``ONESTOP_MEMORY`` or ``ONESTOP_THREADS`` is no limit."""


def memory_limit() -> str:
    """The memory that one connection may use (``ONESTOP_MEMORY``, default 1 GB).

    Raises:
        LimitError: the variable holds something else.
    """
    return _memory().group()


def memory_gigabytes() -> float:
    """The same in GB.

    Raises:
        LimitError: as above.
    """
    amount = _memory()
    thousand = 1024 if amount["binary"] else 1000
    power = "KMGT".index(amount["unit"].upper()) + 1
    return float(float(amount["number"]) * thousand**power / 1000**3)


def _memory() -> re.Match[str]:
    amount = os.environ.get("ONESTOP_MEMORY", "").strip() or _MEMORY
    found = _AMOUNT.fullmatch(amount)
    if found is None:
        raise LimitError(
            said("{amount} is no amount of memory", amount=amount),
            subject="ONESTOP_MEMORY",
            remedy="write a number and a unit, such as 800MB or 2GB",
        )
    return found


def thread_limit() -> int | None:
    """The threads that one connection may use (``ONESTOP_THREADS``); None for all processors.

    Raises:
        LimitError: the variable holds something else.
    """
    number = os.environ.get("ONESTOP_THREADS", "").strip()
    if not number:
        return None
    if not _THREADS.fullmatch(number):
        raise LimitError(
            said("{number} is no number of threads", number=number),
            subject="ONESTOP_THREADS",
            remedy="write a number from 1 to 999, or leave it empty for all processors",
        )
    return int(number)


def open_duckdb(
    path: Path | str, *, read_only: bool = False, without: Sequence[str] = ()
) -> duckdb.DuckDBPyConnection:
    """Open a connection with its limits, no progress bar and no faulty optimiser steps.

    All connections of the product are opened here. DuckDB spills data beyond
    :func:`memory_limit` to a temporary folder beside the file.

    Args:
        path: of the file; ``:memory:`` for none.
        read_only: whether nothing is written; several processes can read at once.
        without: further steps of the optimiser to disable.

    Raises:
        duckdb.IOException: the file cannot be opened, or another process holds it.
        LimitError: ``ONESTOP_MEMORY`` or ``ONESTOP_THREADS`` is no limit.
    """
    limit, threads = memory_limit(), thread_limit()
    connection = duckdb.connect(  # noqa: TID251 - the one place
        path, read_only=read_only, config={} if threads is None else {"threads": threads}
    )
    with suppress(duckdb.InvalidInputException):  # in a notebook that cannot draw one, it is off
        connection.execute("set enable_progress_bar = false")
    connection.execute(f"set memory_limit = '{limit}'")
    connection.execute(f"set disabled_optimizers = '{','.join((*_FAULTY_STEPS, *without))}'")
    return connection


#: DuckDB's errors caused by the disk, the memory or the file rather than by a statement.
OUTSIDE = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.FatalException,
    duckdb.TransactionException,
)
#: DuckDB's messages about a full disk; afterwards it reports an invalidated database.
_FULL = ("no space left", "could not write all bytes", "disk quota exceeded")
_INVALIDATED = "invalidated"
_LITTLE_ROOM = 1 << 20


@contextmanager
def named_when_disk_full(path: Path) -> Iterator[None]:
    """Raise an error that names the folder of a DuckDB file when its disk is full.

    Args:
        path: of the file that is written; DuckDB also writes beside it.

    Raises:
        DiskFullError: there is no room.
    """
    try:
        yield
    except OUTSIDE as error:
        text = str(error).lower()
        is_full = any(words in text for words in _FULL) or (
            _INVALIDATED in text and shutil.disk_usage(path.parent).free < _LITTLE_ROOM
        )
        if not is_full:
            raise
        raise DiskFullError(path.parent) from error


def remedy_of(error: Exception) -> str:
    """What helps against one of :data:`OUTSIDE`."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return said(
            "set ONESTOP_MEMORY, now {amount}, to more, and run it again", amount=memory_limit()
        )
    return said_text("remove the cause and run it again")


def roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Roll back a transaction after an error, unless the database has ended it already."""
    with suppress(duckdb.Error):
        connection.execute("rollback")


#: Run in a process of its own on two paths. Each line that it prints has the bytes done since the
#: line before; after an error the last one has the error's number.
_COPY = """
import os, sys
try:
    with open(sys.argv[1], "rb") as held, open(sys.argv[2], "wb") as copy:
        while part := held.read(8 << 20):
            copy.write(part)
            print(len(part), flush=True)
        copy.flush()
        os.fsync(copy.fileno())
except OSError as error:
    sys.exit(print(error.errno) or 2)
"""
_COMPARE = """
import sys
try:
    with open(sys.argv[1], "rb") as held, open(sys.argv[2], "rb") as copy:
        is_same = True
        while is_same and (part := held.read(8 << 20)):
            is_same = copy.read(8 << 20) == part
            print(len(part), flush=True)
        sys.exit(0 if is_same and not copy.read(1) else 3)
except OSError as error:
    sys.exit(print(error.errno) or 2)
"""
_SAME, _DIFFERENT, _FAILED = 0, 3, 2


def copy_held(source: Path, target: Path, count: Callable[[int], None] = lambda _: None) -> None:
    """Copy a file that this process has open, and thereby locked.

    The operating system releases a process's lock on a file when the process closes any handle on
    it. A copy in this process would release it, so another process copies.

    Args:
        source: of an open database.
        target: of the copy.
        count: takes how many more bytes are copied.

    Raises:
        OSError: it cannot be read or written, for instance because the disk is full.
    """
    _run_on(_COPY, "copied", source, target, count)


def is_copy_of_held(
    copy: Path, source: Path, count: Callable[[int], None] = lambda _: None
) -> bool:
    """Whether a copy has the bytes of a file that this process has open, read by another process.

    Args:
        copy: the copy.
        source: the file.
        count: takes how many more bytes are compared.

    Raises:
        OSError: one of them cannot be read.
    """
    return _run_on(_COMPARE, "compared", source, copy, count) == _SAME


def _run_on(
    script: str, done_to_it: str, source: Path, copy: Path, count: Callable[[int], None]
) -> int:
    """Run a script on the file and its copy, counting the bytes done; returns its exit status."""
    printed = "0"
    with subprocess.Popen(  # noqa: S603 - this very Python, our own script
        [sys.executable, "-I", "-S", "-c", script, str(source), str(copy)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            for line in process.stdout or ():
                count(int(printed))
                printed = line
        except BaseException:  # the caller removes what it would write on to
            process.kill()
            raise
    status = process.wait()
    if status in {_SAME, _DIFFERENT}:
        count(int(printed))
        return status
    number = int(printed) if status == _FAILED else errno.EIO
    raise OSError(number, f"{os.strerror(number)} while {source.name} was {done_to_it}", str(copy))
