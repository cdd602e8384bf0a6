"""What holds for every test."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    """Pages have their piped width, and no installation of the developer's is touched."""
    for name in ("COLUMNS", "LANG_UI", "ONESTOP_VAR", "ONESTOP_EXPORTS", "ONESTOP_WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
