"""What commands print fits 80 columns on a terminal and in a pipe, in both languages."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from onestop.cli import app
from onestop.intake.landing import MANIFESTS

COLUMNS = 80
SPAN = ["--from", "2022-11-01", "--to", "2022-11-30"]


@pytest.fixture
def nights(after_two_nights, monkeypatch):
    """The environment of an installation with two published nights; returns these."""
    for name, value in after_two_nights.to_environment().items():
        monkeypatch.setenv(name, value)
    listed = sorted((after_two_nights.landing / MANIFESTS).glob("????-??-??.json"))
    return [path.stem for path in listed]


def tables(nights):
    """The command lines that print tables."""
    return [
        ["scorecard"],
        ["explain", "on_time_rate", "--unit", "CITY", *SPAN],
        ["explain", "counter_waiting_time", "--unit", "CITY", *SPAN],
        ["explain", "extended_twice", "--unit", "CITY", *SPAN],
        ["diff", *nights],
        ["diff", *nights, "--indicator", "on_time_rate"],
        ["deliveries"],
        ["rejected"],
        ["alerts"],
        ["nights"],
        ["report", "list"],
        ["doctor"],
        ["lineage", "form_06a"],
        ["lineage", "form_06a.received_total"],
    ]


def test_every_table_fits_eighty_columns(nights, monkeypatch):
    wide = {}
    for lang in ("vi", "en"):
        monkeypatch.setenv("LANG_UI", lang)
        for typed in tables(nights):
            done = CliRunner().invoke(app, typed)
            assert done.exit_code == (1 if typed == ["doctor"] else 0), done.output
            # a name without a blank, such as a path, is not broken
            lines = [line for line in done.output.splitlines() if len(line.split()) > 1]
            assert lines, typed
            if too_long := [line for line in lines if len(line) > COLUMNS]:
                wide[lang, *typed] = too_long[:3]
    assert wide == {}
