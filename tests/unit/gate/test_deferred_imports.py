"""Imports of a large library, without those of its own imports that are not used here."""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys

from onestop.gate.deferred_imports import deferring


def test_what_an_import_made_is_not_looked_at_by_the_garbage_collector():
    with deferring(()):
        assert not gc.isenabled()
        made = [{"number": number} for number in range(10)]
        assert any(one is made for one in gc.get_objects())
    assert gc.isenabled()
    assert not any(one is made for one in gc.get_objects())


def test_a_command_ends_without_a_report_of_leaks():
    program = (
        "from onestop.gate.deferred_imports import deferring\n"
        "with deferring(()):\n"
        "    import duckdb\n"
        "    connection = duckdb.connect()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_a_deferred_module_is_executed_when_it_is_used(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with deferring(("colorsys",)):
        colorsys = importlib.import_module("colorsys")
    assert "rgb_to_hls" not in object.__getattribute__(colorsys, "__dict__")
    assert colorsys.rgb_to_hls(0.0, 0.0, 0.0)[1] == 0.0
