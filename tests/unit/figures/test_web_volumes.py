"""What the pages say of a file whose number of rows was not compared with a usual one."""

from __future__ import annotations

import datetime as dt

import pytest
from kept_installations import copied
from staged_files import a_delivery
from web_site import NIGHT, REJECTED, browser

from onestop.figures.web.volumes import volume_checks
from onestop.record.decisions import ACCEPTED, VOLUME, Decision, record_decision
from onestop.record.night_files import LAST_ATTEMPT
from onestop.record.settlements import NO_ROWS, insert_settlement
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import open_warehouse

MONDAY = dt.date(2022, 6, 27)
TOO_FEW = "not judged yet: 3 earlier {} make a usual number; {} so far"


@pytest.fixture
def warehouse():
    with open_warehouse("duckdb://") as warehouse:
        yield warehouse


def load(warehouse, night, known_from=None, rows=100, state="loaded"):
    delivery = a_delivery("visits", str(night))
    facts = NO_ROWS | {"rows_read": rows, "rows_accepted": rows}
    insert_settlement(warehouse, delivery, known_from or night, state, facts)


def check_of(warehouse, night, lang="en"):
    rows = warehouse.rows(
        f"select * from audit.delivery as delivery where night = :night and {LAST_ATTEMPT}",
        {"night": night},
    )
    [check] = volume_checks(warehouse, rows, lang).values()
    return check.usual and check.usual.rows, check.unjudged


def load_weeks_before(warehouse, night, weeks=3):
    for week in range(1, weeks + 1):
        load(warehouse, night - dt.timedelta(weeks=week))


def accept(warehouse, night):
    now = dt.datetime.now(LOCAL_ZONE)
    record_decision(
        warehouse, Decision(night, VOLUME, "one_stop/visits", ACCEPTED, "a fair", "an", now)
    )


def test_a_number_of_rows_is_judged_from_three_like_weekdays_on(warehouse):
    load_weeks_before(warehouse, MONDAY, weeks=2)
    load(warehouse, MONDAY)
    assert check_of(warehouse, MONDAY) == (None, TOO_FEW.format("Mondays", 2))
    assert check_of(warehouse, MONDAY, "vi") == (
        None,
        "chưa xét: có số thường lệ khi đã đủ 3 thứ Hai trước đó, nay có 2",
    )
    load(warehouse, MONDAY - dt.timedelta(weeks=3))
    assert check_of(warehouse, MONDAY) == (100, "")


def test_what_came_after_a_night_is_not_what_it_was_compared_with(warehouse):
    load_weeks_before(warehouse, MONDAY, weeks=2)
    load(warehouse, MONDAY)
    load(warehouse, MONDAY - dt.timedelta(weeks=3), known_from=MONDAY)
    assert check_of(warehouse, MONDAY) == (None, TOO_FEW.format("Mondays", 2))


def test_a_number_that_was_accepted_was_not_judged(warehouse):
    load_weeks_before(warehouse, MONDAY)
    load(warehouse, MONDAY, rows=9)
    accept(warehouse, MONDAY)
    assert check_of(warehouse, MONDAY) == (100, "accepted by decision")
    assert check_of(warehouse, MONDAY, "vi") == (100, "chấp nhận theo quyết định")


def test_a_late_file_and_a_replay_of_a_loaded_one_are_not_judged(warehouse):
    load_weeks_before(warehouse, MONDAY)
    load(warehouse, MONDAY, known_from=MONDAY + dt.timedelta(days=2))
    assert check_of(warehouse, MONDAY) == (100, "not judged: it came late")
    load(warehouse, MONDAY, known_from=MONDAY + dt.timedelta(days=3))
    assert check_of(warehouse, MONDAY) == (100, "not judged again at the replay")


def test_a_refused_file_that_is_loaded_by_a_replay_is_judged_then(warehouse):
    load_weeks_before(warehouse, MONDAY)
    load(warehouse, MONDAY, state="refused")
    load(warehouse, MONDAY)
    assert check_of(warehouse, MONDAY) == (100, "")


def test_a_holiday_has_no_usual_number(warehouse):
    holiday = dt.date(2022, 9, 2)
    load_weeks_before(warehouse, holiday)
    load(warehouse, holiday)
    assert check_of(warehouse, holiday) == (
        None,
        "not judged: a day off or a swapped day, without a usual number",
    )


@pytest.mark.parametrize(
    ("is_accepted", "why"),
    [(False, TOO_FEW.format("Sundays", 0)), (True, "accepted by decision")],
)
def test_a_rule_that_judged_no_file_does_not_say_that_it_found_nothing(
    site, tmp_path, is_accepted, why
):
    changed = copied(site, tmp_path / "var")
    with open_warehouse(f"duckdb:///{changed.published}") as warehouse:
        warehouse.execute(
            "insert into audit.validation_result (delivery_id, attempt, rule_code, severity,"
            " expectation_type, is_success, rows_checked, rows_failed, message_vi, message_en)"
            f" values ('{REJECTED}', 1, 'DOS-F05', 'critical', 'x', true, 1, 0, 'Số', 'Number')"
        )
        if is_accepted:
            now = dt.datetime.now(LOCAL_ZONE)
            record_decision(
                warehouse, Decision(NIGHT, VOLUME, "one_stop/dossiers", ACCEPTED, "x", "an", now)
            )
    reader = browser(changed, reads_record=True)
    rule = reader.get("/rule", params={"code": "DOS-F05", "lang": "en"}).text
    assert f"1 file {why}" in rule.replace("\u00a0", " ")
    assert '<td class="number soft">0</td><td class="number">–<' in rule
    delivery = reader.get("/delivery", params={"id": REJECTED, "lang": "en"}).text
    assert "found something, 0 passed" in delivery
    assert why in delivery
    night = reader.get("/night", params={"date": str(NIGHT), "lang": "en"}).text
    assert f'–<span class="note">{why}</span>' in night
