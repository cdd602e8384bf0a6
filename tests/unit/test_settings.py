"""How long a night waits: two variables with a default and a clear word where they are wrong."""

from __future__ import annotations

import datetime as dt

import pytest

from onestop.schema.time_zone import LOCAL_ZONE
from onestop.settings import Settings, SettingsError, wait_interval

NIGHT = dt.date(2022, 11, 24)


def waits_until(monkeypatch, text):
    monkeypatch.setenv("ONESTOP_WAIT_UNTIL", text)
    return Settings.from_environment().waits_until(NIGHT)


def test_a_night_waits_until_six_in_the_morning_after_it_by_default(monkeypatch):
    expected = dt.datetime(2022, 11, 25, 6, tzinfo=LOCAL_ZONE)
    assert waits_until(monkeypatch, "") == expected
    assert wait_interval() == dt.timedelta(minutes=5)


def test_until_when_and_how_often_can_be_set(monkeypatch):
    expected = dt.datetime(2022, 11, 25, 7, 30, tzinfo=LOCAL_ZONE)
    assert waits_until(monkeypatch, "07:30") == expected
    monkeypatch.setenv("ONESTOP_WAIT_MINUTES", "2.5")
    assert wait_interval() == dt.timedelta(seconds=150)


@pytest.mark.parametrize("text", ["6 am", "25:00", "soon"])
def test_what_is_no_time_of_day_is_named_with_its_variable(monkeypatch, text):
    with pytest.raises(SettingsError, match=f"ONESTOP_WAIT_UNTIL: {text} is no time of day; write"):
        waits_until(monkeypatch, text)


@pytest.mark.parametrize("text", ["0", "-5", "often", "nan", "2000"])
def test_what_is_no_number_of_minutes_is_named_with_its_variable(monkeypatch, text):
    monkeypatch.setenv("ONESTOP_WAIT_MINUTES", text)
    with pytest.raises(SettingsError, match=f"ONESTOP_WAIT_MINUTES: {text} is no number"):
        wait_interval()
