"""What the tests of several modules share: nights of a real Airflow, and a browser."""

from __future__ import annotations

import pytest
from airflow_nights import nights_in_airflow, write_exports_of_nights


@pytest.fixture(scope="session")
def exports_of_nights(tmp_path_factory):
    """The files of the three nights."""
    folder = tmp_path_factory.mktemp("exports")
    write_exports_of_nights(folder)
    return folder


@pytest.fixture(scope="session")
def in_airflow(tmp_path_factory, exports_of_nights):
    """The three nights, and the pages of the Airflow that ran them."""
    with nights_in_airflow(tmp_path_factory.mktemp("airflow"), exports_of_nights) as nights:
        yield nights


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    """Where the browser saves files."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory, downloads):
    """A browser that nobody has used before."""
    from real_browser import running_chromium  # noqa: PLC0415 - only the tests of pages need it

    with running_chromium(tmp_path_factory.mktemp("chromium"), downloads) as chromium:
        yield chromium
