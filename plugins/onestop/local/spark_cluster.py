"""A Spark master and its workers on this machine, by the scripts that come with pyspark.

    python -m onestop.local.spark_cluster [--workers 2] [--port 7077] [--memory 1g]

It prints the address for ``ONESTOP_COMPUTE``, runs until Ctrl-C, and ends all processes then.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from onestop.errors import OneStopError
from onestop.language import shown_language
from onestop.said import said, said_text
from onestop.spark.address import ComputeError, Computing, require_spark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_HERE = "127.0.0.1"
_SECONDS = 60.0
_STEP = 0.2


@dataclass(frozen=True)
class SparkCluster:
    """A running cluster.

    Attributes:
        address: for ``ONESTOP_COMPUTE``.
        workers: their processes.
    """

    address: str
    workers: Sequence[subprocess.Popen[bytes]]


@contextmanager
def running_cluster(
    logs: Path, *, workers: int = 2, port: int = 7077, memory: str = "1g"
) -> Iterator[SparkCluster]:
    """Start a master and workers with one core each; all are ended with the block.

    Args:
        logs: folder for their logs and work.
        workers: how many.
        port: of the master, on this machine only.
        memory: of each worker.

    Raises:
        ComputeError: pyspark or Java is missing, or a process does not start.
    """
    require_spark(Computing("local", Path()))
    logs.mkdir(parents=True, exist_ok=True)
    address = f"spark://{_HERE}:{port}"
    with ExitStack() as running:
        running.enter_context(
            spark_process(logs / "master.log", _MASTER, "--host", _HERE, "--port", str(port),
                          "--webui-port", "0")
        )  # fmt: skip
        wait_for_port(port, logs / "master.log")
        found = [
            running.enter_context(
                spark_process(logs / f"worker_{number}.log", _WORKER, address, "--host", _HERE,
                              "--cores", "1", "--memory", memory, "--webui-port", "0",
                              "--work-dir", str(logs / f"work_{number}"))
            )
            for number in range(1, workers + 1)
        ]  # fmt: skip
        yield SparkCluster(address, found)


@contextmanager
def spark_process(log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Spark, ended with the block.

    Args:
        log: the file that gets its output.
        command: the Java class and its arguments.
    """
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:  # require_spark has seen it
        raise ComputeError("pyspark is not installed")
    script = Path(found.origin).parent / "bin" / "spark-class"
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - a script of pyspark, our own arguments
            [str(script), *command], stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for_port(port: int, log: Path) -> None:
    """Wait until a process of Spark listens at a port of this machine.

    Raises:
        ComputeError: it did not within a minute; names the log.
    """
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((_HERE, port), timeout=_STEP):
                return
        except OSError:
            time.sleep(_STEP)
    raise ComputeError(
        said("the Spark master did not start within {seconds:.0f} s", seconds=_SECONDS),
        remedy=said("its log is {log}", log=log),
    )


def main() -> int:
    """Run a cluster until Ctrl-C; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--port", type=int, default=7077)
    parser.add_argument("--memory", default="1g", help="of each worker")
    parser.add_argument("--logs", type=Path, default=Path("var/spark"))
    given = parser.parse_args()
    lang = shown_language()
    try:
        with running_cluster(
            given.logs.absolute(), workers=given.workers, port=given.port, memory=given.memory
        ) as cluster:
            started = said(
                "{workers} workers at {address}; in another terminal: {command}",
                workers=given.workers,
                address=cluster.address,
                command=f"ONESTOP_COMPUTE={cluster.address} onestop night D",
            )
            for sentence in (started, said_text("Ctrl-C ends them")):
                typer.echo(sentence.in_language(lang))
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            signal.pause()
    except OneStopError as error:
        typer.echo(error.in_language(lang), err=True)
        return error.exit_status
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
