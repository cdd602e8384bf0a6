"""What holds for every test."""

from __future__ import annotations

import shutil

import pytest
from postgres_server import running_server
from published_marts import FIRST, THIRD, settings_in

from onestop.night import run_night
from onestop.sample import write_sample


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL server, started when the first test asks for it."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def one_night(tmp_path_factory):
    """The exports of three nights, the first of them published; to be copied, not changed."""
    settings = settings_in(tmp_path_factory.mktemp("one_night"))
    write_sample(settings.exports, FIRST, THIRD, per_day=10)
    assert run_night(settings, FIRST).state == "published"
    return settings


@pytest.fixture
def after_one_night(one_night, tmp_path):
    """A copy of it."""
    return copied(one_night, tmp_path / "copy")


def copied(settings, folder):
    """All of an installation in another folder."""
    shutil.copytree(settings.exports.parent, folder)
    there = settings_in(folder)
    there.landing.chmod(0o700)
    return there


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    """Pages have their piped width, and no installation of the developer's is touched."""
    for name in ("COLUMNS", "LANG_UI", "ONESTOP_VAR", "ONESTOP_EXPORTS", "ONESTOP_WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
