"""How nights ended, in the language of the reader."""

from __future__ import annotations

import datetime as dt

import pytest

from onestop.record.night_runs import latest_night_runs, reason_sql, record_night_run
from onestop.said import said_both
from onestop.warehouse import open_warehouse

NIGHT = dt.date(2022, 11, 24)
WHY = said_both(vi="thiếu tệp", en="a file is missing")


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request, tmp_path):
    url = f"duckdb:///{tmp_path}/w.duckdb"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as opened:
        record_night_run(opened, NIGHT, "missing_delivery", WHY)
        yield opened


def reason(warehouse, lang):
    sentence = reason_sql(warehouse, "night_run", "message", lang)
    return warehouse.value(f"select {sentence} from audit.night_run as night_run")


def in_both(warehouse):
    [run] = latest_night_runs(warehouse)
    return [run["message"].in_language(lang) for lang in ("vi", "en")]


def test_a_reason_is_kept_in_both_languages(warehouse):
    assert in_both(warehouse) == ["thiếu tệp", "a file is missing"]
    assert [reason(warehouse, lang) for lang in ("vi", "en")] == in_both(warehouse)


def test_a_reason_that_an_earlier_release_recorded_stays_english(warehouse):
    with warehouse.as_owner():
        warehouse.execute("update audit.night_run set message_vi = null")
    assert in_both(warehouse) == ["a file is missing", "a file is missing"]
    assert reason(warehouse, "vi") == "a file is missing"


def test_a_copy_that_an_earlier_release_made_gives_its_english_reasons(warehouse):
    with warehouse.as_owner():
        warehouse.execute("alter table audit.night_run drop column message_vi")
    assert reason(warehouse, "vi") == "a file is missing"
