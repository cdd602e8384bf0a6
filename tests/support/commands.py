"""``onestop`` commands in separate processes, without importing the library for each of them.

A command is forked from the test's process, which has already imported the library and Great
Expectations; it ends like any command, with an exit status and output in the two streams. Importing
would cost 3 to 7 seconds of processor time per command. Tests of imports, logging or the end of
the interpreter need :func:`run_with_new_interpreter`.
"""

from __future__ import annotations

import gc
import io
import logging
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from onestop import cli
from onestop.gate.evaluation import load_engine

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROGRAM = "import sys; from onestop.cli import main; sys.argv[0] = 'onestop'; main()"
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Done:
    """Exit status and output of a command."""

    returncode: int
    stdout: str
    stderr: str


class Command:
    """A running command."""

    def __init__(self, *arguments: object, env: Mapping[str, str]) -> None:
        load_engine()
        self._output = Path(tempfile.mkdtemp(prefix="onestop-command-"))
        texts = [str(argument) for argument in arguments]
        self._process = _FORK.Process(target=_run, args=(texts, dict(env), self._output))
        self._process.start()

    def poll(self) -> int | None:
        """The exit status; None while the command runs."""
        return self._process.exitcode

    def wait(self, seconds: float = 400) -> Done:
        """Wait until the command ends; to be called once.

        Raises:
            TimeoutError: it did not end in time, and was killed.
        """
        self._process.join(seconds)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
            shutil.rmtree(self._output)
            raise TimeoutError(f"the command runs longer than {seconds} seconds")
        stdout, stderr = ((self._output / name).read_text("utf-8") for name in ("stdout", "stderr"))
        shutil.rmtree(self._output)
        return Done(self._process.exitcode, stdout, stderr)


def run_command(*arguments: object, env: Mapping[str, str]) -> Done:
    """Run a command and wait for its end.

    Args:
        arguments: after ``onestop``.
        env: its whole environment.
    """
    return Command(*arguments, env=env).wait()


def run_with_new_interpreter(*arguments: object, env: Mapping[str, str]) -> Done:
    """Run a command in a new interpreter, as a shell does."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *map(str, arguments)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _run(arguments: list[str], env: dict[str, str], output: Path) -> None:
    gc.freeze()  # skip the clean-up of the test's process
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(output / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(file, descriptor)
        os.close(file)
        stream = io.TextIOWrapper(
            io.FileIO(descriptor, "w", closefd=False), encoding="utf-8", write_through=True
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None
    logging.root.handlers.clear()
    warnings.showwarning = warnings._showwarning_orig
    sys.modules["__main__"] = ModuleType(
        "__main__"
    )  # else the command would be named after its package
    sys.argv = ["onestop", *arguments]
    status = 1
    try:
        cli.main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - the interpreter ends on any error
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
