"""What the doctor says of the folder of Spark's files, and how it loads the suites."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from published_marts import settings_in

from onestop.storage import store_at
from onestop.upkeep import doctor
from onestop.upkeep.doctor import examine


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An installation whose marts Spark computes, with the files in its folder ``record``."""
    monkeypatch.setattr(doctor, "_CHECKS", {"compute": doctor._compute})
    monkeypatch.setattr(doctor, "obstacles", lambda _: ())
    monkeypatch.setenv("ONESTOP_COMPUTE", "local[2]")
    monkeypatch.setenv("ONESTOP_RECORD_FILES", str(tmp_path / "record"))
    return settings_in(tmp_path)


def test_files_of_spark_beside_a_landing_on_object_storage_are_well(here):
    store = "s3://bucket/city"
    [finding] = examine(replace(here, landing=store_at(store) / "landing", store=store))
    assert finding.state == "OK", finding.message


def test_files_of_spark_in_the_landing_are_a_failure(here, tmp_path):
    [finding] = examine(replace(here, landing=tmp_path))
    assert (finding.state, "lies in" in finding.message) == ("FAIL", True)


def test_suites_are_loaded_as_nights_load_them_without_analytics_and_apache_spark():
    program = (
        "import os, sys; from onestop.upkeep.doctor import _suites; [_] = _suites(None, None);"
        " print(os.environ['GX_ANALYTICS_ENABLED'], 'pyspark' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("false False\n", "")
