"""Copies of a PostgreSQL warehouse by PostgreSQL's own tools.

A dump shows the database at one moment, regardless of later writes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg

from onestop.files import READ_ONLY
from onestop.progress import advance, working
from onestop.said import said
from onestop.warehouse.base import WarehouseError, schema_files
from onestop.warehouse.sql_text import statements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: How often it is looked how far a tool is.
_LOOK_SECONDS = 0.5
_SCHEME = re.compile(r"^postgres(?:ql)?(?:\+\w+)?://")


def dump(url: str, copy: Path) -> None:
    """Write a dump of the database.

    Raises:
        WarehouseError: pg_dump is not installed, or failed.
    """
    with working("copying", copy.name, unit="MiB"):
        _run_tool(
            "pg_dump",
            url,
            "--format=custom",
            f"--file={copy}",
            done=lambda: copy.stat().st_size if copy.exists() else 0,
        )
    copy.chmod(READ_ONLY)


def restore_dump(copy: Path, url: str) -> None:
    """Restore a dump into an empty database, with the warehouse's roles.

    Raises:
        WarehouseError: pg_restore is not installed, or failed, or the login may not make roles.
    """
    _make_roles(url)
    size = copy.stat().st_size
    with (
        working("copying", copy.name, unit="MiB", total=size >> 20 or None),
        copy.open("rb") as dump,
    ):
        # it reads the very handle, whose place is the same for both processes
        _run_tool(
            "pg_restore",
            url,
            "--exit-on-error",
            "--single-transaction",
            source=dump,
            done=lambda: os.lseek(dump.fileno(), 0, os.SEEK_CUR),
        )
    _limit_sessions(url)


def _make_roles(url: str) -> None:
    """Create the roles, which belong to the server and are in no dump."""
    (file,) = [one for one in schema_files("postgresql") if "_roles." in one.path.name]
    make_them = next(statements(file.path.read_text(encoding="utf-8")))
    try:
        _run(url, make_them)
    except psycopg.Error as error:
        raise WarehouseError(
            said(
                "the roles of the warehouse could not be created ({reason})",
                reason=str(error).strip().splitlines()[0],
            ),
            remedy="restore with an administrator's login",
        ) from None


def _limit_sessions(url: str) -> None:
    """Set the database's limits, which a dump does not contain; earlier releases have none."""
    _run(
        url,
        "do $$ begin if to_regprocedure('meta.limit_sessions()') is not null then"
        " call meta.limit_sessions(); end if; end $$",
    )


def _run(url: str, statement: str) -> None:
    with psycopg.connect(_SCHEME.sub("postgresql://", url), autocommit=True) as connection:
        connection.execute(statement.encode())


def _run_tool(
    tool: str, url: str, *options: str, done: Callable[[], int], source: IO[bytes] | None = None
) -> None:
    """Run one of PostgreSQL's tools; the password is passed in the environment, not as argument.

    Args:
        tool: its name.
        url: of the database.
        options: its further options.
        done: how many bytes it has read or written.
        source: its standard input.

    Raises:
        WarehouseError: it is not installed, or failed.
    """
    program = shutil.which(tool)
    if program is None:
        raise WarehouseError(
            said("{tool} is not installed", tool=tool),
            remedy="install PostgreSQL's client programs of the server's version or newer"
            " (Debian: postgresql-client)",
        )
    parts = urlsplit(_SCHEME.sub("postgresql://", url))
    login, _, host = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    netloc = f"{user}@{host}" if user else host
    address = urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
    environment = dict(os.environ)
    if parts.password:
        environment["PGPASSWORD"] = unquote(parts.password)
    with (
        TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(  # noqa: S603 - PostgreSQL's own program, our own options
            [program, f"--dbname={address}", *options],
            env=environment,
            stdin=source or subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        ) as process,
    ):
        reported = 0
        try:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_SECONDS)
                whole = done() >> 20
                advance(whole - reported)
                reported = whole
        except BaseException:  # what was interrupted must not end as if it were not
            process.kill()
            raise
        errors.seek(0)
        messages = errors.read().strip()
    if process.returncode:
        reason = messages or "no reason given"
        remedy = (
            "install PostgreSQL's client programs of the server's version, first on the PATH"
            if "version mismatch" in reason
            else ""
        )
        raise WarehouseError(
            said("{tool} failed: {reason}", tool=tool, reason=reason.splitlines()[0]), remedy=remedy
        )
