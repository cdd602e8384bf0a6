"""Nights of a real Airflow that the tests of two modules look at."""

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
