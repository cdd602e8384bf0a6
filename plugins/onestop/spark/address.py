"""Where full computations run (``ONESTOP_COMPUTE``), and what that needs on this machine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PosixPath
from typing import TYPE_CHECKING

from onestop.errors import OneStopError
from onestop.said import said
from onestop.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS = re.compile(
    r"local(\[(\*|[1-9]\d*)\])?"
    r"|spark://[\w.-]+:\d+(,[\w.-]+:\d+)*"
    r"|sc://[\w.-]+(:\d+)?(/;.*)?"
)
_HOST = re.compile(r"([\w.-]+)(?::(\d+))?")
#: The port of Spark Connect where the address names none.
_CONNECT_PORT = 15002
_OLDEST_JAVA = 17
_SECONDS = 5.0
_INSTALL = "pip install 'onestop[spark]', or `make setup-spark` in a checkout"


class ComputeError(OneStopError):
    """Apache Spark cannot be used for a computation; says why, and what to do."""


@dataclass(frozen=True)
class Computing:
    """Where full computations run.

    Attributes:
        address: ``local[2]``, ``spark://host:port`` or ``sc://host:port``; empty where the
            warehouse's engine computes (``ONESTOP_COMPUTE``).
        folder: the record as Parquet files, and what a computation leaves for its next step. The
            workers of a cluster see it under the same path (``ONESTOP_RECORD_FILES``).
    """

    address: str
    folder: Path

    @classmethod
    def from_environment(cls) -> Computing:
        """Read ``ONESTOP_COMPUTE`` and ``ONESTOP_RECORD_FILES``.

        The folder defaults to ``record`` beside the landing.

        Raises:
            ComputeError: ``ONESTOP_COMPUTE`` is no address of Spark.
        """
        address = (os.environ.get("ONESTOP_COMPUTE") or "").strip()
        if not address:
            return cls("", Path())
        if not _ADDRESS.fullmatch(address):
            raise ComputeError(
                said("{address} is no address of Apache Spark", address=address),
                subject="ONESTOP_COMPUTE",
                remedy="write local[2], local[*], spark://host:7077 or sc://host:15002, or unset"
                " it: the warehouse's engine computes then",
            )
        folder = os.environ.get("ONESTOP_RECORD_FILES")
        if not folder:
            landing = Settings.from_environment().landing
            if not isinstance(landing, PosixPath):
                raise ComputeError(
                    "is not set, and the landing is on object storage",
                    subject="ONESTOP_RECORD_FILES",
                    remedy="set it to a folder that this machine and Spark's workers share",
                )
            folder = str(landing.parent / "record")
        return cls(address, Path(folder).expanduser().absolute())

    @property
    def is_on_spark(self) -> bool:
        """Whether Spark computes."""
        return bool(self.address)

    @property
    def is_local(self) -> bool:
        """Whether Spark runs in a process of this machine."""
        return self.address.startswith("local")

    @property
    def is_connect(self) -> bool:
        """Whether Spark is reached by Spark Connect, which needs no Java on this machine."""
        return self.address.startswith("sc://")


@contextmanager
def files_apart(computing: Computing, purpose: str) -> Iterator[Computing]:
    """The same place to compute with a folder of its own, for a scratch warehouse.

    The folder lies below that of the installation, so that the workers of a cluster see it, and is
    removed when the block ends.

    Args:
        computing: where full computations run.
        purpose: part of the folder's name.
    """
    if not computing.is_on_spark:
        yield computing
        return
    folder = computing.folder / f"{purpose}-{uuid.uuid4().hex}"
    try:
        yield replace(computing, folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def obstacles(computing: Computing) -> Iterator[tuple[str, str]]:
    """What keeps Spark from computing: what is wrong, and the remedy; nothing where all is well."""
    if importlib.util.find_spec("pyspark") is None:
        yield said("pyspark is not installed"), said("install it: {how}", how=_INSTALL)
        return
    if computing.is_connect:
        missing = [
            name
            for name in ("grpc", "grpc_status", "google.rpc", "zstandard")
            if not _is_importable(name)
        ]
        if missing:
            yield (
                said("Spark Connect lacks {names}", names=", ".join(missing)),
                said("install it: {how}", how=_INSTALL),
            )
    elif problem := _java_problem():
        yield (
            problem,
            said("install a Java runtime (Debian: openjdk-17-jre-headless), or set JAVA_HOME"),
        )
    if not computing.is_local and not _reachable(computing.address):
        yield (
            said("nothing answers at {address}", address=computing.address.partition(";")[0]),
            said("start the cluster, or correct ONESTOP_COMPUTE"),
        )


def require_spark(computing: Computing) -> None:
    """Refuse to begin where Spark cannot compute.

    Raises:
        ComputeError: names the first obstacle and its remedy.
    """
    for what, remedy in obstacles(computing):
        raise ComputeError(what, subject="ONESTOP_COMPUTE", remedy=remedy)


def _is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # the package that it lies in
        return False


def _java_problem() -> str:
    """What is wrong with the Java runtime; empty where nothing is."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).is_file():
        return said("there is no Java runtime")
    done = subprocess.run(  # noqa: S603 - the machine's own Java
        [java, "-version"], capture_output=True, text=True, check=False
    )
    found = re.search(r'version "(\d+)', done.stderr)
    if not found:
        return said("{java} does not run", java=java)
    if int(found[1]) < _OLDEST_JAVA:
        return said(
            "Java {found} is too old: Spark needs {needed}", found=found[1], needed=_OLDEST_JAVA
        )
    return ""


def _reachable(address: str) -> bool:
    """Whether one of the servers of an address accepts a connection."""
    servers = address.partition("://")[2].partition("/")[0]
    for server in servers.split(","):
        if found := _HOST.fullmatch(server):
            try:
                with socket.create_connection(
                    (found[1], int(found[2] or _CONNECT_PORT)), timeout=_SECONDS
                ):
                    return True
            except OSError:
                continue
    return False
