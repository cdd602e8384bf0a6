"""Create all secrets once, and give each service those that it needs.

Run by the one-shot service ``secrets`` as root at every start, before all others. The secrets stay
in ``/secrets/all``, which no other service mounts; each service's own folder is a separate volume.
Nothing is printed.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path

FOLDER = Path("/secrets")
AIRFLOW_USER = 50000
#: Which database each login is for.
LOGINS = {
    "postgres": "*",
    "airflow": "airflow",
    "onestop_writer": "onestop",
    "onestop_reader": "onestop",
}
#: The files of each service, and the logins in its pgpass file. Only `init` sees the superuser:
#: it makes the databases. Tasks run in the scheduler and the worker, which alone write the
#: warehouse; they get Airflow's Connections from the API server.
SERVICES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "postgres": (("database_superuser",), ()),
    "init": (
        ("api_secret_key", "fernet_key", "admin_password"),
        ("postgres", "airflow", "onestop_writer", "onestop_reader"),
    ),
    "api-server": (
        ("api_secret_key", "jwt_secret", "fernet_key"),
        ("airflow", "onestop_reader"),
    ),
    "scheduler": (
        ("api_secret_key", "jwt_secret", "fernet_key"),
        ("airflow", "onestop_writer"),
    ),
    "dag-processor": (("api_secret_key",), ("airflow",)),
    "triggerer": (("api_secret_key", "fernet_key"), ("airflow",)),
    "worker": (("api_secret_key",), ("airflow", "onestop_writer")),
}


def main(folder: Path = FOLDER) -> None:
    """Create missing secrets, and rewrite every service's folder."""
    kept = folder / "all"
    kept.chmod(0o700)
    own = {
        "database_superuser": keep(kept, "database_superuser", secrets.token_urlsafe(24)),
        "jwt_secret": keep(kept, "jwt_secret", secrets.token_hex(32)),
        "api_secret_key": keep(kept, "api_secret_key", secrets.token_hex(32)),
        "fernet_key": keep(
            kept, "fernet_key", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        ),
        "admin_password": keep(kept, "admin_password", secrets.token_urlsafe(15)),
    }
    passwords = keep_passwords(kept, own["database_superuser"])
    for service, (names, logins) in SERVICES.items():
        files = {name: own[name] for name in names}
        if logins:
            files["pgpass"] = pgpass({login: passwords[login] for login in logins})
        fill(folder / service, files)


def keep_passwords(kept: Path, superuser: str) -> dict[str, str]:
    """The password of each login; those of earlier releases' single pgpass file stay."""
    path = kept / "pgpass"
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    found = {login: word for _, _, _, login, word in (line.split(":") for line in lines)}
    made = {login: secrets.token_urlsafe(24) for login in LOGINS}
    passwords = {**made, **found, "postgres": superuser}
    if passwords != found:
        write(path, pgpass(passwords))
    return passwords


def pgpass(passwords: dict[str, str]) -> str:
    """The lines of a pgpass file."""
    return "\n".join(
        f"postgres:5432:{LOGINS[login]}:{login}:{word}" for login, word in passwords.items()
    )


def keep(folder: Path, name: str, value: str) -> str:
    """The secret of that name; an existing one, else ``value``."""
    path = folder / name
    if not path.exists():
        write(path, value)
    return path.read_text(encoding="ascii").strip()


def fill(folder: Path, files: dict[str, str]) -> None:
    """Make a service's folder hold exactly these files."""
    folder.chmod(0o750)
    os.chown(folder, 0, 0)
    for name, value in files.items():
        write(folder / name, value, owner=AIRFLOW_USER)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()


def write(path: Path, value: str, owner: int = 0) -> None:
    """Write a file atomically, readable by its owner only."""
    draft = path.with_name(f".{path.name}")
    draft.touch(mode=0o600)
    draft.write_text(value + "\n", encoding="ascii")
    os.chown(draft, owner, 0)
    draft.rename(path)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
