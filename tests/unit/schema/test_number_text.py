from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestop.schema.number_text import counted, day, measured, percent, target_text, whole


def test_a_rate_is_never_rounded_up_to_its_target():
    assert measured(97_999, 100_000, None, "percent", "vi") == "97,99 %"
    assert measured(97_999, 100_000, None, "percent", "en") == "97.99%"
    assert measured(999_999, 1_000_000, None, "percent", "vi") == "99,99 %"


def test_a_waiting_time_is_never_rounded_down_to_its_target():
    assert measured(1800 * 3 + 1, 3, None, "seconds", "vi") == "30 phút 1 giây"
    assert measured(1800 * 3, 3, None, "seconds", "vi") == "30 phút"


@given(st.integers(0, 10**7), st.integers(1, 10**7))
def test_a_shown_rate_reaches_the_target_only_when_the_integers_do(numerator, denominator):
    shown = percent(Decimal(100 * numerator) / denominator, "en").rstrip("%").replace(",", "")
    if Decimal(shown) >= 98:
        assert numerator * 100 >= 98 * denominator


@pytest.mark.parametrize(("numerator", "denominator"), [(None, None), (0, 0), (None, 5)])
def test_without_a_denominator_there_is_no_figure(numerator, denominator):
    assert measured(numerator, denominator, None, "percent", "vi") == ""


def test_decimal_marks_and_dates_follow_the_language():
    assert whole(1_234_567, "vi") == "1.234.567"
    assert whole(1_234_567, "en") == "1,234,567"
    assert day(dt.date(2022, 6, 5), "vi") == "05/06/2022"
    assert day(dt.date(2022, 6, 5), "en") == "5 Jun 2022"


@pytest.mark.parametrize(
    ("target", "comparison", "unit", "text"),
    [
        (98, ">=", "percent", "≥ 98 %"),
        (Decimal("100.0000"), "=", "percent", "100 %"),
        (Decimal("97.5000"), ">", "percent", "> 97,5 %"),
        (1800, "<=", "seconds", "≤ 30 phút"),
        (None, None, "percent", ""),
    ],
)
def test_targets_are_worded_as_in_the_plan(target, comparison, unit, text):
    assert target_text(target, comparison, unit, "vi") == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 dossiers"), (1, "1 dossier"), (1200, "1,200 dossiers")]
)
def test_one_of_a_kind_is_named_in_the_singular(number, text):
    assert counted(number, "dossier") == text


def test_a_noun_with_a_plural_of_its_own_has_it():
    assert [counted(n, "delivery", "deliveries") for n in (1, 2)] == ["1 delivery", "2 deliveries"]
