"""A name that does not exist is answered with the close ones, not with a line of all."""

from __future__ import annotations

import pytest

from onestop.schema.did_you_mean import did_you_mean
from onestop.schema.reference import read_reference

INDICATORS = [row["indicator_code"] for row in read_reference()["indicator"]]
LEVELS = ["CITY", "DEPARTMENT", "DISTRICT", "COMMUNE"]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("on_time_raet", "on_time_rate"),
        ("ontime_rate", "on_time_rate"),
        ("ON_TIME_RATE", "on_time_rate"),
        ("waiting", "counter_waiting_time"),
        ("on_time", "on_time_rate"),
    ],
)
def test_a_typing_error_a_part_and_other_capitals_find_the_name(asked, meant):
    remedy = did_you_mean(asked, INDICATORS, see="see there")
    assert remedy.startswith(f"did you mean {meant}")
    assert remedy.endswith("? See there")


def test_a_number_without_its_zero_names_one():
    rules = [f"DOS-R{number:02}" for number in range(1, 22)]
    assert did_you_mean("dos-r1", rules, see="see there") == "did you mean DOS-R01? See there"


def test_few_names_are_all_listed():
    assert did_you_mean("x", LEVELS) == "there are CITY, DEPARTMENT, DISTRICT, COMMUNE"
    assert did_you_mean("comune", LEVELS).startswith("did you mean COMMUNE? There are CITY, ")


def test_many_names_are_never_listed():
    assert did_you_mean("nothing like it", INDICATORS, see="see there") == "see there"
    assert len(did_you_mean("rate", INDICATORS, see="see there").split(" or ")[0].split(", ")) <= 3


def test_without_names_there_is_only_the_place_to_look():
    assert did_you_mean("x", [], see="see there") == "see there"
    assert did_you_mean("x", []) == ""
