"""Processes forked from a server that has imported the library and opened no database.

A process forked from the test's own inherits the locks that other threads of it hold at that
moment (DuckDB's and Arrow's workers), and may wait for them for ever. The server has no such
threads, and it imports the library and Great Expectations once: importing them would cost each
process 3 to 7 seconds of processor time.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING

import short_nights

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.context import ForkServerProcess

#: For the values and events that processes share.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["forked_library"])
#: Descriptor of the file into which a process writes its stacks when it is asked for them.
_STACKS = 198


def clean_process(target: Callable[..., object], *arguments: object) -> ForkServerProcess:
    """A process that calls ``target``; not started.

    Its nights are whole or short as those of this process. Nothing else that a test has replaced
    in the library is replaced in it.

    Args:
        target: a function of a module.
        arguments: which can be pickled.
    """
    start_server()
    return CONTEXT.Process(target=_run, args=(short_nights.is_whole(), target, *arguments))


def status_of(process: ForkServerProcess, seconds: float = 300) -> int:
    """Wait for the end of a process; returns its exit status, negative for a signal.

    Raises:
        TimeoutError: it did not end in time, and was killed; says where it waited.
    """
    process.join(seconds)
    if process.exitcode is None:
        os.kill(process.pid, signal.SIGUSR1)
        time.sleep(1)
        stacks = Path(f"/proc/{process.pid}/fd/{_STACKS}").read_text("utf-8")
        process.kill()
        process.join()
        raise TimeoutError(f"the process runs longer than {seconds} seconds:\n{stacks}")
    return process.exitcode


def start_server() -> None:
    """Start the server, unless it runs, with the module path of the tests."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    try:
        forkserver.ensure_running()
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before


def _run(whole: bool, target: Callable[..., object], *arguments: object) -> None:
    with tempfile.TemporaryFile() as stacks:
        os.dup2(stacks.fileno(), _STACKS)
    faulthandler.register(signal.SIGUSR1, _STACKS)
    short_nights.install()
    short_nights.set_whole(whole=whole)
    target(*arguments)
