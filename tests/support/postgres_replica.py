"""A streaming replica of the tests' PostgreSQL server."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psutil
import psycopg


@contextmanager
def streaming_replica(url: str):
    """A replica of the server of a database; yields the database's address there.

    Args:
        url: of the database, by a socket, for an administrator.
    """
    socket_folder = parse_qs(urlsplit(url).query)["host"][0]
    folder = Path(tempfile.mkdtemp(prefix="onestop-replica-"))
    owner = Path(socket_folder).stat().st_uid
    user = pwd.getpwuid(owner).pw_name if os.geteuid() == 0 and owner else None
    pg_ctl = programs_of(url) / "pg_ctl"
    _copy(url, folder / "data", f"host={socket_folder} user=postgres")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, -1)

    def run(*arguments: str) -> None:
        subprocess.run(
            [pg_ctl, "-D", str(folder / "data"), "-w", *arguments],
            check=True,
            user=user,
            cwd="/",
            stdout=subprocess.DEVNULL,
        )

    try:
        run("-l", str(folder / "log"), "-o", f"-h '' -k {folder}", "start")
        yield url.replace(quote(socket_folder, safe=""), quote(str(folder), safe=""))
    finally:
        with suppress(subprocess.CalledProcessError):
            run("-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def programs_of(url: str) -> Path:
    """The folder of the programs of a server's version; there may be others on the machine."""
    with psycopg.connect(url) as connection:
        server = psutil.Process(connection.info.backend_pid).parent()
        return Path(server.exe()).parent


def _copy(url: str, data: Path, server: str) -> None:
    """Copy the running server's files, as the manual says."""
    with psycopg.connect(url, autocommit=True) as connection:
        [source] = connection.execute("show data_directory").fetchone()
        connection.execute("select pg_backup_start('replica', true)")
        with suppress(shutil.Error):  # files that went away meanwhile
            shutil.copytree(source, data, ignore=shutil.ignore_patterns("postmaster.*", ".s.*"))
        [label] = connection.execute("select labelfile from pg_backup_stop(false)").fetchone()
    (data / "backup_label").write_text(label, encoding="utf-8")
    (data / "standby.signal").touch()
    with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"primary_conninfo = '{server}'\n")
