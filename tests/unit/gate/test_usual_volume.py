"""The usual volume, with which a night's volume is compared."""

from __future__ import annotations

import datetime as dt

import pytest
from staged_files import a_delivery

from onestop.gate import UsualVolume, is_volume_excepted, usual_volume
from onestop.gate.past_volumes import note_volumes, noted_usual_volume
from onestop.record.settlements import NO_ROWS, insert_settlement
from onestop.warehouse import open_warehouse

MONDAY = dt.date(2022, 6, 27)


def mondays(*counts: int, before: dt.date = MONDAY) -> dict[dt.date, int]:
    """Counts of the preceding Mondays, the latest first."""
    return {before - dt.timedelta(weeks=n): count for n, count in enumerate(counts, start=1)}


def test_the_usual_volume_is_the_median_of_the_last_four_same_weekdays():
    counts = mondays(900, 100, 950, 800, 7, 7, 7)
    counts[dt.date(2022, 6, 24)] = 5
    expected = UsualVolume(800, "trung vị của 4 thứ Hai", "median of 4 Mondays")
    assert usual_volume(MONDAY, counts) == expected


def test_three_known_nights_are_enough_and_two_are_not():
    assert usual_volume(MONDAY, mondays(1, 2, 3)) == UsualVolume(
        2, "trung vị của 3 thứ Hai", "median of 3 Mondays"
    )
    assert usual_volume(MONDAY, mondays(1, 2)) is None


def test_nights_more_than_eight_weeks_back_are_not_compared_with():
    counts = {MONDAY - dt.timedelta(weeks=n): 9 for n in (1, 2, 9, 10)}
    assert usual_volume(MONDAY, counts) is None


def test_a_holiday_has_no_usual_volume_and_is_part_of_none():
    after_tet = dt.date(2022, 2, 7)
    counts = mondays(3, 900, 910, 920, 930, before=after_tet)  # 31/01/2022 is a day off
    found = usual_volume(after_tet, counts)
    assert found is not None
    assert found.rows == 910
    assert (
        usual_volume(dt.date(2022, 1, 31), mondays(900, 900, 900, before=dt.date(2022, 1, 31)))
        is None
    )


def test_a_swapped_working_saturday_has_no_usual_volume():
    saturday = dt.date(2024, 5, 4)
    counts = {saturday - dt.timedelta(weeks=n): 10 for n in range(1, 5)}
    assert usual_volume(saturday, counts) is None


def test_a_confirmed_volume_is_looked_up_by_source_feed_and_night(monkeypatch):
    row = {"source": "one_stop", "feed": "dossiers", "night": MONDAY}
    monkeypatch.setattr("onestop.gate.volume.read_reference", lambda _: {"volume_exception": [row]})
    assert is_volume_excepted("one_stop", "dossiers", MONDAY)
    assert not is_volume_excepted("one_stop", "visits", MONDAY)
    assert not is_volume_excepted("one_stop", "dossiers", dt.date(2022, 6, 28))


def test_no_volume_is_confirmed_without_a_row_in_the_reference():
    assert not is_volume_excepted("one_stop", "dossiers", MONDAY)


def night_of(weeks):
    return MONDAY - dt.timedelta(weeks=weeks)


def a_file(path, weeks, part=0):
    """The file that an office left in its folder a number of weeks ago."""
    name = f"{path}/dossiers_{night_of(weeks):%Y%m%d}.json"
    return a_delivery(
        "dossiers", str(night_of(weeks)), delivery_id=f"{path}.{weeks}.{part}", file_name=name
    )


@pytest.fixture
def usual_volume_of(tmp_path):
    """Function: the usual volume of tonight's file below a path after these settlements."""

    def ask(path, *settled):
        with open_warehouse("duckdb://") as warehouse:
            for delivery, counts in settled:
                facts = {**NO_ROWS, **counts}
                insert_settlement(warehouse, delivery, delivery.night, "loaded", facts)
            note_volumes(warehouse, MONDAY, tmp_path / "volumes.json")
        found = noted_usual_volume(tmp_path / "volumes.json", a_file(path, 0), MONDAY)
        return found and found.rows

    return ask


def test_files_of_one_name_are_compared_with_those_of_their_own_folder(usual_volume_of):
    settled = [(a_file("H24.31", weeks), {"rows_accepted": 900}) for weeks in (1, 2, 3)]
    settled += [(a_file("H24.32", weeks), {"rows_accepted": 5}) for weeks in (1, 2, 3)]
    assert [usual_volume_of(path, *settled) for path in ("H24.31", "H24.32", "H24.33")] == [
        900,
        5,
        None,
    ]


def test_rows_that_are_not_judged_are_not_counted(usual_volume_of):
    counts = {
        "rows_read": 1000,
        "rows_accepted": 60,
        "rows_rejected": 10,
        "rows_blank": 500,
        "rows_skipped": 400,
        "rows_repeated": 30,
    }
    assert (
        usual_volume_of("H24.31", *((a_file("H24.31", weeks), counts) for weeks in (1, 2, 3))) == 70
    )


def test_a_replay_does_not_change_the_usual_volume(usual_volume_of):
    first = [(a_file("H24.31", weeks), {"rows_accepted": 60}) for weeks in (1, 2, 3)]
    again = [(file, {"rows_accepted": 61, "rows_rejected": 3}) for file, _ in first]
    assert usual_volume_of("H24.31", *first, *again) == 60


def test_two_files_of_one_path_and_night_have_no_usual_volume(usual_volume_of):
    settled = [(a_file("H24.31", weeks), {"rows_accepted": 9}) for weeks in (1, 2, 3)]
    settled += [(a_file("H24.31", weeks, 1), {"rows_accepted": 9}) for weeks in (1, 2)]
    assert usual_volume_of("H24.31", *settled) is None
