"""What the pages say of a night that failed, once it or a later one is published."""

from __future__ import annotations

import datetime as dt

import pytest
from kept_installations import copied
from published_marts import settings_in
from staged_files import a_delivery
from web_site import BEFORE, NIGHT, UNPUBLISHED, browser

from onestop.figures.web.repairs import Repair, repairs_of
from onestop.gate.unpublished import note_unpublished
from onestop.intake.exports import ExportsError
from onestop.record.night_steps import noted, noting_steps, record_steps
from onestop.record.settlements import NO_ROWS, insert_settlement
from onestop.said import said_both
from onestop.warehouse import open_warehouse

FAILED, LATER = dt.date(2022, 6, 29), dt.date(2022, 6, 30)


@pytest.fixture
def warehouse():
    with open_warehouse("duckdb://") as warehouse:
        yield warehouse


def publish(warehouse, night):
    warehouse.execute(
        "insert into audit.publication (publication_id, as_of_date, published_at, delivery_count,"
        " dossier_count, figures_sha256) values (1, :night, current_timestamp, 0, 0, '')",
        {"night": night},
    )


def repair_of(warehouse, folder, state):
    return repairs_of(warehouse, settings_in(folder), {FAILED: state}).get(FAILED)


@pytest.mark.parametrize(
    "state", ["missing_delivery", "refused_delivery", "checks_failed", "exports_unread"]
)
def test_the_last_night_that_was_run_is_not_repaired_by_itself(warehouse, tmp_path, state):
    assert repair_of(warehouse, tmp_path, state) is None


def test_a_night_without_its_file_is_repaired_once_the_file_counts_in_a_later_one(
    warehouse, tmp_path
):
    publish(warehouse, LATER)
    repair = repair_of(warehouse, tmp_path, "missing_delivery")
    assert repair == Repair(is_repaired=False, by=LATER, lacking=("one_stop/dossiers",))
    insert_settlement(warehouse, a_delivery("dossiers", str(FAILED)), LATER, "loaded", NO_ROWS)
    assert repair_of(warehouse, tmp_path, "missing_delivery") == Repair(True, LATER)


def test_a_night_whose_figures_failed_is_repaired_by_the_next_publication(warehouse, tmp_path):
    publish(warehouse, LATER)
    assert repair_of(warehouse, tmp_path, "checks_failed") == Repair(True, LATER)


def test_a_published_night_that_failed_before_is_said_to_be_repaired(warehouse, tmp_path):
    publish(warehouse, FAILED)
    assert repair_of(warehouse, tmp_path, "published") is None
    with noting_steps(tmp_path, FAILED):

        @noted("require")
        def require(_night):
            raise ValueError

        with pytest.raises(ValueError, match=r"^$"):
            require(FAILED)
    record_steps(warehouse, tmp_path)
    assert repair_of(warehouse, tmp_path, "published") == Repair(is_repaired=True)


def test_a_published_night_that_waited_for_exports_out_of_reach_did_not_fail(warehouse, tmp_path):
    publish(warehouse, FAILED)
    with noting_steps(tmp_path, FAILED):

        @noted("discover")
        def discover(_night):
            raise ExportsError("nothing answers there")

        with pytest.raises(ExportsError):
            discover(FAILED)
    record_steps(warehouse, tmp_path)
    assert repair_of(warehouse, tmp_path, "published") is None


def test_the_pages_say_how_a_night_is_repaired_and_when_it_was(site):
    auditor = browser(site, reads_record=True)
    failed = BEFORE + dt.timedelta(days=7)
    for page in ("/nights", f"/night?date={failed}"):
        text = auditor.get(page).text
        assert "Đã sửa bằng đêm sau" in text
        assert f'href="night?date={NIGHT}"' in text
    assert "Clear only failed tasks" in auditor.get(f"/night?date={failed}").text
    waiting = auditor.get(f"/night?date={UNPUBLISHED}").text
    assert f"onestop night {UNPUBLISHED}" in waiting
    assert "discover_deliveries" in waiting


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("missing_delivery", "put the missing file into the exports"),
        ("refused_delivery", "have the refused file exported again"),
        ("checks_failed", "correct the cause"),
    ],
)
def test_the_remedy_of_a_failed_night_is_that_of_its_cause(site, tmp_path, state, remedy):
    changed = copied(site, tmp_path / "var")
    run = {"as_of_date": UNPUBLISHED, "state": state, "message": said_both(vi="x", en="x")}
    note_unpublished(changed.folders.unpublished_nights, [run])
    page = browser(changed, reads_record=True).get(f"/night?date={UNPUBLISHED}&lang=en").text
    assert f"To repair it: {remedy}" in page
    assert page.count("To repair it:") == 1
