from __future__ import annotations

import datetime as dt
import operator
import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestop.schema.number_text import (
    ROUNDING,
    amounts_text,
    clock_text,
    counted,
    day,
    duration,
    measured,
    percent,
    share_text,
    signed,
    target_text,
    whole,
    with_days,
)


def test_a_rate_is_never_rounded_up_to_its_target():
    assert measured(97_999, 100_000, None, "percent", "vi") == "97,99 %"
    assert measured(97_999, 100_000, None, "percent", "en") == "97.99%"
    assert measured(999_999, 1_000_000, None, "percent", "vi") == "99,99 %"


def test_a_change_of_seconds_is_shown_as_minutes_and_seconds():
    assert signed(67_681, "en", "seconds") == "+1,128 min 1 s"
    assert signed(-75, "vi", "seconds") == "−1 phút 15 giây"
    assert [signed(number, "vi") for number in (1205, 0, -3)] == ["+1.205", "0", "−3"]


def test_a_waiting_time_is_never_rounded_down_to_its_target():
    assert measured(1800 * 3 + 1, 3, None, "seconds", "vi") == "30 phút 1 giây"
    assert measured(1800 * 3, 3, None, "seconds", "vi") == "30 phút"


COMPARISONS = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
#: Near a target: the integers of a rate or a mean, and how far from it.
denominators, offsets = st.integers(1, 10**7), st.integers(-3, 3)


def agrees(shown, exact, target):
    """Whether a figure as it is shown has the verdicts of its integers."""
    return all(meets(shown, target) == meets(exact, target) for meets in COMPARISONS.values())


@given(denominators, offsets, st.integers(0, 150), st.integers(0, 10**7))
def test_a_shown_rate_has_the_verdict_of_its_integers(denominator, offset, target, other):
    for numerator in (max(0, target * denominator // 100 + offset), other):
        rate = Fraction(100 * numerator, denominator)
        for places in (1, 2):
            text = percent(Decimal(100 * numerator) / denominator, "en", places)
            assert agrees(Fraction(text.rstrip("%").replace(",", "")), rate, target), text


@given(denominators, offsets, st.integers(0, 10**6))
def test_a_rate_with_its_target_has_the_verdict_of_its_integers(denominator, offset, target):
    """Also where the target is no full per cent."""
    goal = Decimal(target).scaleb(-4)
    numerator = max(0, target * denominator // 10**6 + offset)
    text = measured(numerator, denominator, None, "percent", "en", goal)
    shown = Fraction(text.rstrip("%").replace(",", ""))
    assert agrees(shown, Fraction(100 * numerator, denominator), Fraction(goal)), text


def seconds_of(text):
    """The seconds of ``29 min 59.5 s`` or ``29:59.5``."""
    parts = re.sub(r" min ?|:", "|", text).removesuffix(" s").replace(",", "").split("|")
    return int(parts[0]) * 60 + Fraction(parts[1] or 0)


@given(denominators, offsets, st.integers(0, 90))
def test_a_shown_wait_has_the_verdict_of_its_integers(visits, offset, minutes):
    total = max(0, minutes * 60 * visits + offset)
    mean = Decimal(total) / visits
    for text in (duration(mean, "en"), clock_text(mean, "en")):
        assert agrees(seconds_of(text), Fraction(total, visits), minutes * 60), text


@given(denominators, offsets, st.integers(0, 5400))
def test_a_wait_with_its_target_has_the_verdict_of_its_integers(visits, offset, seconds):
    """Also where the target is no full minute."""
    total = max(0, seconds * visits + offset)
    text = measured(total, visits, None, "seconds", "en", seconds)
    assert agrees(seconds_of(text), Fraction(total, visits), seconds), text


def test_a_figure_just_beside_its_target_has_the_places_that_show_it():
    assert measured(98_004, 100_000, None, "percent", "vi") == "98,004 %"
    assert percent(Decimal("97.96"), "vi", 1) == "97,9 %"
    assert measured(97_503, 100_000, None, "percent", "en", Decimal("97.5")) == "97.503%"
    assert measured(3599, 2, None, "seconds", "vi") == "29 phút 59,5 giây"
    assert measured(3599, 2, None, "seconds", "vi", 1800) == "29 phút 59,5 giây"
    assert measured(1919, 2, None, "seconds", "vi") == "15 phút 59,5 giây"
    assert measured(1919, 2, None, "seconds", "vi", 1800) == "16 phút"  # nothing to tell it from
    assert clock_text(Decimal("1799.5"), "vi") == "29:59,5"
    for lang, words in (("vi", "thêm chữ số lẻ"), ("en", "more decimals")):
        assert words in ROUNDING[lang]
    assert clock_text(Decimal(1752), "vi") == "29:12"
    assert clock_text(Decimal(1205), "vi") == "20:05"


@pytest.mark.parametrize(("numerator", "denominator"), [(None, None), (0, 0), (None, 5)])
def test_without_a_denominator_there_is_no_figure(numerator, denominator):
    assert measured(numerator, denominator, None, "percent", "vi") == ""


def test_decimal_marks_and_dates_follow_the_language():
    assert whole(1_234_567, "vi") == "1.234.567"
    assert whole(1_234_567, "en") == "1,234,567"
    assert day(dt.date(2022, 6, 5), "vi") == "05/06/2022"
    assert day(dt.date(2022, 6, 5), "en") == "5 Jun 2022"


@pytest.mark.parametrize(
    ("sentence", "vi", "en"),
    [
        ("are not those of night 2022-06-05", "05/06/2022", "5 Jun 2022"),
        ("(2022-06-05)", "(05/06/2022)", "(5 Jun 2022)"),
        ("visits_2022-06-05.csv was refused", None, None),
        ("run `onestop night 2022-06-05`", None, None),
        ("run onestop night 2022-06-05", None, None),
        ("run onestop replay --night 2022-06-05", None, None),
        ("onestop difference --unit CITY --from 2022-06-05 --to 2022-06-05", None, None),
        ("run onestop replay: it counts from 2022-06-05", "05/06/2022", "5 Jun 2022"),
        ("verify --as-of 2022-06-05", None, None),
        ("2022-06-05 visits.csv was refused", None, None),
        ("visits 2022-06-05.csv was refused", None, None),
        ("on 2022-06-05 visits were refused", "05/06/2022", "5 Jun 2022"),
        ("2022-13-45 is no date", None, None),
    ],
)
def test_the_dates_of_a_sentence_of_the_record_are_as_readers_write_them(sentence, vi, en):
    for lang, text in (("vi", vi), ("en", en)):
        shown = with_days(sentence, lang)
        if text is None:
            assert shown == sentence
        else:
            assert shown == re.sub(r"\(?2022-06-05\)?", text, sentence)


def test_the_note_says_when_a_rate_has_more_places_without_a_target():
    assert percent(Decimal("44.008"), "en") == "44.008%"
    assert "a rate that would look like a full per cent" in ROUNDING["en"]
    assert "tỷ lệ trông như tròn phần trăm" in ROUNDING["vi"]


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


def test_parts_of_a_time_have_the_same_places_each():
    assert [share_text(share, "vi") for share in (0.1508, 0.155, 1)] == [
        "15,0 %",
        "15,5 %",
        "100,0 %",
    ]
    assert share_text(0.1508, "en") == "15.0%"


def test_a_year_has_four_digits():
    assert day(dt.date(1, 1, 1), "vi") == "01/01/0001"
    assert day(dt.date(2022, 11, 4), "en") == "4 Nov 2022"


@pytest.mark.parametrize(
    ("unit", "lang", "text"),
    [
        ("percent", "vi", "4.322 / 1"),
        ("percent", "en", "4,322 / 1"),
        ("seconds", "vi", "4.322 giây / 1 lượt"),
        ("seconds", "en", "4,322 s / 1 visit"),
    ],
)
def test_what_a_mean_wait_is_made_of_has_its_units(unit, lang, text):
    assert amounts_text(4322, 1, unit, lang) == text
