"""Backfills of earlier sessions, before another one starts."""

from __future__ import annotations

import pytest

from onestop.local import backfill
from onestop.local.backfill import _settle_leftovers


class Airflow:
    """An Airflow with one backfill, which the scheduler completes at the third look."""

    def __init__(self, *states):
        self.states = states
        self.looks = 0
        self.cancelled = []

    def get(self, path, **_):
        assert path == "/backfills"
        self.looks += 1
        is_complete = self.looks > 2 and "running" not in self.states
        return {"backfills": [{"id": 7, "completed_at": "now" if is_complete else None}]}

    def put(self, path):
        self.cancelled.append(path)
        self.states = tuple("failed" for _ in self.states)

    def runs(self, _):
        return [{"dag_run_id": str(n), "state": state} for n, state in enumerate(self.states)]

    def check_alive(self):
        pass


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(backfill, "_POLL_SECONDS", 0)


def test_a_backfill_whose_nights_have_ended_is_completed_and_not_cancelled():
    airflow = Airflow("success", "failed")
    assert _settle_leftovers(airflow) == {"0", "1"}
    assert airflow.cancelled == []
    assert airflow.looks == 3


def test_an_interrupted_backfill_is_cancelled():
    airflow = Airflow("success", "running")
    _settle_leftovers(airflow)
    assert airflow.cancelled == ["/backfills/7/cancel"]


def test_a_backfill_that_the_scheduler_never_completes_is_cancelled_in_the_end(monkeypatch):
    monkeypatch.setattr(backfill, "_COMPLETION_SECONDS", -1)
    airflow = Airflow("success")
    _settle_leftovers(airflow)
    assert airflow.cancelled == ["/backfills/7/cancel"]
