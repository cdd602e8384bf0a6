"""Fixtures for the tests on Apache Spark."""

from __future__ import annotations

import pytest
from spark_here import running_spark


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """A session, started when the first test asks for it."""
    with running_spark(tmp_path_factory.mktemp("spark")) as session:
        yield session
