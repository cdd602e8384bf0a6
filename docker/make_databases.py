"""Create the two databases and their logins on the server, unless they exist.

Passwords come from the pgpass file. Run by the one-shot service ``init``.
"""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
from psycopg import sql

SERVER = "postgresql://postgres@postgres/postgres"
#: Login, database, and whether the database is the login's own.
DATABASES = (
    ("airflow", "airflow", True),
    ("onestop_writer", "onestop", False),
    ("onestop_reader", "onestop", False),
)


def main() -> None:
    """Create the logins, then databases that sort text by bytes like the embedded warehouse."""
    passwords = read_passwords(Path(os.environ["PGPASSFILE"]))
    with psycopg.connect(SERVER, autocommit=True) as server:
        for login, database, is_own in DATABASES:
            if not exists(server, "select 1 from pg_roles where rolname = %s", login):
                server.execute(
                    sql.SQL("create role {} login password {}").format(
                        sql.Identifier(login), sql.Literal(passwords[login])
                    )
                )
            if not exists(server, "select 1 from pg_database where datname = %s", database):
                server.execute(
                    sql.SQL(
                        "create database {} owner {} template template0 encoding 'UTF8'"
                        " locale_provider builtin builtin_locale 'C.UTF-8' locale 'C.UTF-8'"
                    ).format(
                        sql.Identifier(database), sql.Identifier(login if is_own else "postgres")
                    )
                )


def read_passwords(path: Path) -> dict[str, str]:
    """Passwords by login, from a pgpass file."""
    lines = path.read_text(encoding="ascii").splitlines()
    return {login: password for _, _, _, login, password in (line.split(":") for line in lines)}


def exists(server: psycopg.Connection[tuple[object, ...]], query: str, name: str) -> bool:
    """Whether the query finds something of that name."""
    return server.execute(query.encode(), (name,)).fetchone() is not None


if __name__ == "__main__":
    main()
