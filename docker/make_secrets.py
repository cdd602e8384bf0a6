"""Make, once, the secrets that the services share; what is there already stays.

Run by the one-shot service ``secrets`` as root, which gives each file to the only user that reads
it. Nothing is printed.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

FOLDER = Path("/secrets")
AIRFLOW_USER = 50000
#: Who logs in to which database; the superuser's password is PostgreSQL's own file.
LOGINS = {"airflow": "airflow", "onestop_writer": "onestop"}


def main() -> None:
    """Write whatever is missing."""
    FOLDER.chmod(0o750)
    superuser = keep("database_superuser", secrets.token_urlsafe(24))
    keep("jwt_secret", secrets.token_hex(32))
    keep("api_secret_key", secrets.token_hex(32))
    keep("fernet_key", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    keep("admin_password", secrets.token_urlsafe(15))
    lines = [f"postgres:5432:*:postgres:{superuser}"]
    lines += [
        f"postgres:5432:{database}:{login}:{secrets.token_urlsafe(24)}"
        for login, database in LOGINS.items()
    ]
    keep("pgpass", "\n".join(lines))


def keep(name: str, value: str) -> str:
    """The secret of that name; ``value`` unless it is there already."""
    path = FOLDER / name
    if not path.exists():
        draft = FOLDER / f".{name}"
        draft.touch(mode=0o600)
        draft.write_text(value + "\n", encoding="ascii")
        os.chown(draft, AIRFLOW_USER, 0)
        draft.rename(path)
    return path.read_text(encoding="ascii").strip()


if __name__ == "__main__":
    main()
