"""Fixtures and settings for all tests."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import hypothesis
import pytest
import short_nights
from kept_installations import code_digest, copied, kept_installations
from postgres_server import running_server
from three_nights import load_second_night, publish_one_night, publish_second_night

# Hypothesis profiles: `dev` tries new examples in each run, `ci` always the same, `long` more.
# Examples build files and warehouses, so they have no deadline.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("long", deadline=None, max_examples=1000, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

#: Where the tests of a real Airflow are.
INTEGRATION = Path(__file__).parent / "integration"

short_nights.install()
# As many processes as processors run tests, each with its own database.
os.environ["ONESTOP_THREADS"] = "1"


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Collect no garbage meanwhile: what is imported stays, and is most of what there is."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items):
    """Refuse a test of a real Airflow where ``make test-airflow`` does not look for it."""
    for item in items:
        if item.get_closest_marker("airflow") and INTEGRATION not in item.path.parents:
            message = f"{item.nodeid}: a test with the marker airflow belongs in {INTEGRATION}"
            raise pytest.UsageError(message)


def pytest_collection_finish():
    """Leave what is imported to itself: the collector would go through it thousands of times."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)


def pytest_sessionfinish(session):  # noqa: ARG001 - the name is pytest's
    """Let the interpreter free its modules, so that their libraries do not report leaks."""
    gc.unfreeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Nights run their mart suites and write their pages for tests that ask for it."""
    short_nights.set_whole(whole=item.get_closest_marker("whole_night") is not None)


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL server, started when the first test asks for it."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def kept(pytestconfig):
    """Installations that are built once and copied; see ``kept_installations``."""
    with kept_installations(Path(pytestconfig.cache.mkdir("installations")), code_digest()) as kept:
        yield kept


@pytest.fixture(scope="session")
def one_night(kept, tmp_path_factory):
    """The exports of three nights, the first of them published; to be copied, not changed."""
    return kept.copy(publish_one_night, tmp_path_factory.mktemp("one_night") / "var")


@pytest.fixture
def after_one_night(one_night, tmp_path):
    """A copy of ``one_night`` that the test may change."""
    return copied(one_night, tmp_path / "copy")


@pytest.fixture
def with_second_loaded(kept, tmp_path):
    """A copy in which the second night's files are loaded too, without computed marts."""
    return kept.copy(load_second_night, tmp_path / "copy")


@pytest.fixture
def after_two_nights(kept, tmp_path):
    """A copy in which the second night is published too."""
    return kept.copy(publish_second_night, tmp_path / "copy")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    """Unset variables of the terminal and of the developer's own installation.

    Texts are in English, so that tests compare them in the language in which the code has them.
    """
    monkeypatch.setenv("LANG_UI", "en")
    for name in ("COLUMNS", "ONESTOP_VAR", "ONESTOP_EXPORTS", "ONESTOP_WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
