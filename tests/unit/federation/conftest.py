"""Fixtures of the tests of the federation."""

from __future__ import annotations

import pytest
from generated_provinces import make_nation, national_settings

from onestop.federation.national_warehouse import open_national


@pytest.fixture(scope="session")
def nation(one_night, tmp_path_factory):
    """The 63 provinces with their keys; their registry is to be changed in copies only."""
    return make_nation(one_night, tmp_path_factory.mktemp("nation"))


@pytest.fixture(scope="session")
def empty_office(one_night, tmp_path_factory):
    """The settings of a national office that has received nothing yet; to be copied."""
    folder = tmp_path_factory.mktemp("empty_office")
    settings = national_settings(one_night, folder)
    settings.exports.mkdir()
    open_national(settings).close()
    return settings
