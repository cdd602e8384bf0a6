"""What holds for every test."""

from __future__ import annotations

import pytest

from postgres_server import running_server


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL server, started when the first test asks for it."""
    with running_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    """Pages have their piped width, and no installation of the developer's is touched."""
    for name in ("COLUMNS", "LANG_UI", "ONESTOP_VAR", "ONESTOP_EXPORTS", "ONESTOP_WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
