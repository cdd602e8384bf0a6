"""A verification that Spark is to count, and cannot, ends before it loads the files again."""

from __future__ import annotations

import importlib.util

import pytest
from published_marts import settings_in

from onestop.spark.address import ComputeError
from onestop.upkeep.verify import verify


@pytest.mark.parametrize(
    ("address", "cause"),
    [("yes", "is no address of Apache Spark"), ("local[2]", "pyspark is not installed")],
)
def test_spark_that_cannot_count_is_named_first(monkeypatch, tmp_path, address, cause):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("ONESTOP_COMPUTE", address)
    with pytest.raises(ComputeError, match=cause):
        verify(settings_in(tmp_path))
