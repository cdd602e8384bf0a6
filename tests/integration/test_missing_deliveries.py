"""The message of a night that is not published because a delivery is missing."""

from __future__ import annotations

import pytest
from exported_files import as_json, record
from published_marts import FIRST, settings_in
from steps_by_hand import awaited, discover, land, read, require

from onestop.intake.delivery import RefusedDeliveryError
from onestop.intake.exports import ExportsError
from onestop.night import MissingDeliveryError, run_night
from onestop.warehouse import open_warehouse

DAY = f"{FIRST:%Y%m%d}"


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "exports").mkdir()
    return settings_in(tmp_path)


def put(settings, name, content):
    path = settings.exports / name
    path.write_bytes(content)
    return path


def refuse(settings):
    """Land and read every file, which is refused; returns the message of require_expected."""
    candidates = discover(settings, FIRST)
    for candidate in candidates:
        with pytest.raises(RefusedDeliveryError):
            read(settings, land(settings, candidate))
    return message_about(settings, candidates)


def message_about(settings, candidates):
    with pytest.raises(MissingDeliveryError) as missing:
        require(settings, FIRST, candidates)
    return str(missing.value)


def ended(settings):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        return warehouse.rows("select state, message, message_vi from audit.night_run")


def test_a_missing_file_is_named_with_its_folder_and_similar_names(settings):
    put(settings, f"dosiers_{DAY}.json", b"[]")
    expected = (
        f"no file dossiers_{DAY}_snapshot* or dossiers_{DAY}* below {settings.exports};"
        f" similar names there: dosiers_{DAY}.json"
    )
    assert expected in message_about(settings, [])
    [sentence] = awaited(settings, FIRST, [])
    assert sentence.endswith(expected)


def test_the_reason_of_a_missing_file_is_recorded_in_both_languages(settings):
    english = message_about(settings, [])
    [noted] = ended(settings)
    assert noted["message"] == english
    assert f"không có tệp dossiers_{DAY}_snapshot*" in noted["message_vi"]


def test_a_failed_discovery_is_not_reported_as_a_missing_file(settings):
    put(settings, f"dossiers_{DAY}.json", as_json(record(1)))
    message = message_about(settings, None)
    assert "could not be listed" in message
    assert "delivered no" not in message
    assert [row["state"] for row in ended(settings)] == ["exports_unread"]


@pytest.mark.parametrize("candidates", [None, []])
def test_the_error_of_a_night_has_the_state_that_is_recorded(settings, candidates):
    with pytest.raises(MissingDeliveryError) as missing:
        require(settings, FIRST, candidates)
    assert [row["state"] for row in ended(settings)] == [missing.value.state]


def test_a_night_without_airflow_reports_unreadable_exports_too(settings):
    settings.exports.rmdir()
    with pytest.raises(ExportsError, match="is not there"):
        run_night(settings, FIRST)
    [noted] = ended(settings)
    assert noted["state"] == "exports_unread"
    assert "is not there" in noted["message"]
    assert "không có ở đó" in noted["message_vi"]


def test_a_file_that_exists_but_was_not_loaded_is_not_called_missing(settings):
    put(settings, f"dossiers_{DAY}.json", as_json(record(1)))
    message = message_about(settings, discover(settings, FIRST))
    assert f"dossiers_{DAY}.json is in the exports and was not loaded" in message
    assert "delivered no" not in message


def test_a_night_whose_expected_file_was_refused_does_not_end_as_one_that_misses_a_file(settings):
    put(settings, f"dossiers_{DAY}.json", b"")
    refuse(settings)
    assert [row["state"] for row in ended(settings)] == ["refused_delivery"]


def test_the_last_refusal_of_a_file_is_reported(settings):
    put(settings, f"dossiers_{DAY}.json", b"")
    first = refuse(settings)
    put(settings, f"dossiers_{DAY}.json", b"\x00\x01\x02 not a table")
    second = refuse(settings)
    assert first.count("was refused") == second.count("was refused") == 1
    assert "FILE-F01" in first
    assert "FILE-F01" not in second


def test_a_refused_file_that_was_replaced_by_another_is_no_longer_reported(settings):
    first = put(settings, f"dossiers_{DAY}_a.json", b"")
    assert f"{first.name} was refused" in refuse(settings)
    first.unlink()
    second = put(settings, f"dossiers_{DAY}_b.json", b"\x00\x01\x02 not a table")
    message = refuse(settings)
    assert f"{second.name} was refused" in message
    assert first.name not in message
