"""Copies of a PostgreSQL warehouse by PostgreSQL's own tools.

A dump shows the database at one moment, regardless of later writes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg

from onestop.files import READ_ONLY
from onestop.said import said
from onestop.warehouse.base import WarehouseError, schema_files
from onestop.warehouse.sql_text import statements

if TYPE_CHECKING:
    from pathlib import Path

_SCHEME = re.compile(r"^postgres(?:ql)?(?:\+\w+)?://")


def dump(url: str, copy: Path) -> None:
    """Write a dump of the database.

    Raises:
        WarehouseError: pg_dump is not installed, or failed.
    """
    _run_tool("pg_dump", url, "--format=custom", f"--file={copy}")
    copy.chmod(READ_ONLY)


def restore_dump(copy: Path, url: str) -> None:
    """Restore a dump into an empty database, with the warehouse's roles.

    Raises:
        WarehouseError: pg_restore is not installed, or failed, or the login may not make roles.
    """
    _make_roles(url)
    _run_tool("pg_restore", url, "--exit-on-error", "--single-transaction", copy)
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


def _run_tool(tool: str, url: str, *options: str | Path) -> None:
    """Run one of PostgreSQL's tools; the password is passed in the environment, not as argument.

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
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, our own options
        [program, f"--dbname={address}", *map(str, options)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip() or "no reason given"
        remedy = (
            "install PostgreSQL's client programs of the server's version, first on the PATH"
            if "version mismatch" in reason
            else ""
        )
        raise WarehouseError(
            said("{tool} failed: {reason}", tool=tool, reason=reason.splitlines()[0]), remedy=remedy
        )
