"""``onestop`` commands in separate processes, without importing the library for each of them.

A command is a process of :mod:`clean_processes`; it ends like any command, with an exit status and
output in the two streams. Tests of imports, logging or the end of the interpreter need
:func:`run_with_new_interpreter`.
"""

from __future__ import annotations

import io
import logging
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

from clean_processes import clean_process, status_of

from onestop import cli

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PROGRAM = "import sys; from onestop.cli import main; sys.argv[0] = 'onestop'; main()"


@dataclass(frozen=True)
class Done:
    """Exit status and output of a command."""

    returncode: int
    stdout: str
    stderr: str


class Command:
    """A running command.

    Args:
        arguments: after ``onestop``.
        env: its whole environment.
        main: what the command runs; for tests of this module.
    """

    def __init__(
        self,
        *arguments: object,
        env: Mapping[str, str],
        main: Callable[[], object] = cli.main,
    ) -> None:
        self._output = Path(tempfile.mkdtemp(prefix="onestop-command-"))
        texts = [str(argument) for argument in arguments]
        self._process = clean_process(_run, main, texts, dict(env), self._output)
        self._process.start()

    def poll(self) -> int | None:
        """The exit status; None while the command runs."""
        return self._process.exitcode

    def wait(self, seconds: float = 400) -> Done:
        """Wait until the command ends; to be called once.

        Raises:
            TimeoutError: it did not end in time, and was killed.
        """
        try:
            status = status_of(self._process, seconds)
        except TimeoutError:
            shutil.rmtree(self._output)
            raise
        stdout, stderr = ((self._output / name).read_text("utf-8") for name in ("stdout", "stderr"))
        shutil.rmtree(self._output)
        return Done(status, stdout, stderr)


def run_command(
    *arguments: object, env: Mapping[str, str], main: Callable[[], object] = cli.main
) -> Done:
    """Run a command and wait for its end.

    Args:
        arguments: after ``onestop``.
        env: its whole environment.
        main: what the command runs; for tests of this module.
    """
    return Command(*arguments, env=env, main=main).wait()


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


def _run(
    main: Callable[[], object], arguments: list[str], env: dict[str, str], output: Path
) -> None:
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
        main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - the interpreter ends on any error
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
