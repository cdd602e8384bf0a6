"""Fixtures of the tests of figures."""

from __future__ import annotations

import pytest
from web_site import publish_site


@pytest.fixture(scope="session")
def site(kept, tmp_path_factory):
    """An installation to look at in the browser; to be read, not changed."""
    return kept.copy(publish_site, tmp_path_factory.mktemp("site") / "var")
