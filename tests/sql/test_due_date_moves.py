"""Moves of due dates and violations of the decrees, one case per test."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from computed_marts import compute_only
from worked_dossiers import at, dossier, record, record_unit

from onestop.marts.publish import refresh_reference
from onestop.record.history import history_insert, history_select
from onestop.schema.feeds import DOSSIERS, UNITS
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import REFERENCE_STAGED, STAGED

#: The source exports every night from Wednesday 08/06 to Wednesday 15/06.
NIGHTS = [dt.date(2022, 6, day) for day in range(8, 16)]
FILLER = dossier("OTHER", "01/06", "08/06", "07/06")
OPEN = dossier("X", "01/06", "14/06 17:00", original_due_at=None)


def with_a_unit(opened):
    refresh_reference(opened)
    record_unit(opened, dt.date(2022, 6, 1))
    opened.execute(history_insert(UNITS, history_select(UNITS)))
    return opened


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    path = tmp_path_factory.mktemp("moves") / "w.duckdb"
    with open_warehouse(f"duckdb:///{path}") as opened:
        yield with_a_unit(opened)


@pytest.fixture(params=["duckdb", "postgresql"])
def new_warehouse(request, tmp_path):
    """A warehouse with an empty record: PostgreSQL refuses to delete from the record."""
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as opened:
        yield with_a_unit(opened)


def computed(warehouse, story, *, nights=NIGHTS):
    """Compute the marts from the nightly exports of a dossier."""
    if warehouse.value("select count(*) from core.dossier_version"):
        for table in ("core.dossier_version", "core.dossier_history"):
            warehouse.execute(f"delete from {table}")
        warehouse.execute("delete from audit.delivery where feed = 'dossiers'")
    for night in nights:
        record(warehouse, night, [story[night.day]] if night.day in story else [FILLER])
    warehouse.execute(history_insert(DOSSIERS, history_select(DOSSIERS)))
    warehouse.empty_schema(STAGED)
    compute_only(warehouse, nights[-1], ["due_date_move", "decree_check", "dossier_period"])


def moves(warehouse, story, **more):
    computed(warehouse, story, **more)
    rows = warehouse.rows(
        "select move_kind, due_date_before, due_date_after, moved_night, last_seen_night,"
        f" move_reason from {STAGED}.due_date_move order by move_number"
    )
    return [(row["move_kind"], _day(row["due_date_before"]), _day(row["due_date_after"]), row)
            for row in rows]  # fmt: skip


def _day(date):
    return date and date.day


def kinds(found):
    return [each[:3] for each in found]


def checks(warehouse, story, **more):
    computed(warehouse, story, **more)
    rows = warehouse.rows(f"select check_code, strength from {STAGED}.decree_check order by 1")
    return {row["check_code"]: row["strength"] for row in rows}


def changed(row, **values):
    """A later state of a dossier; its dates are derived as the reader derives them."""
    new = {**row, **values}
    for name in ("received", "due", "original_due", "resolved"):
        stamp = new[f"{name}_at"]
        new[f"{name}_date"] = stamp.date() if stamp else None
    return new


LATER = changed(OPEN, due_at=at("20/06 17:00"))
WAITING = changed(OPEN, status="awaiting_supplement")


def test_an_unchanged_due_date_is_no_move(warehouse):
    assert moves(warehouse, {8: OPEN, 10: changed(OPEN, channel="post")}) == []


def test_a_later_due_date_is_an_extension_made_after_the_previous_export(warehouse):
    [(*found, row)] = moves(warehouse, {8: OPEN, 10: LATER})
    assert found == ["extension", 14, 20]
    assert (row["moved_night"].day, row["last_seen_night"].day) == (10, 9)


def test_an_earlier_due_date_is_brought_forward(warehouse):
    earlier = changed(OPEN, due_at=at("13/06 17:00"))
    assert kinds(moves(warehouse, {8: OPEN, 10: earlier})) == [("brought_forward", 14, 13)]


def test_the_restart_of_the_time_limit_after_a_supplement_is_no_extension(warehouse):
    found = moves(warehouse, {8: OPEN, 9: WAITING, 13: LATER})
    assert kinds(found) == [("after_supplement", 14, 20)]


def test_a_due_date_moved_some_nights_after_a_supplement_is_part_of_its_restart(warehouse):
    found = moves(warehouse, {8: OPEN, 9: WAITING, 10: changed(OPEN, channel="post"), 13: LATER})
    assert kinds(found) == [("after_supplement", 14, 20)]


def test_one_supplement_explains_only_one_move(warehouse):
    again = changed(OPEN, due_at=at("24/06 17:00"))
    found = moves(warehouse, {8: OPEN, 9: WAITING, 10: LATER, 13: again})
    assert kinds(found) == [("after_supplement", 14, 20), ("extension", 20, 24)]


@pytest.mark.parametrize("status", ["awaiting_payment", "suspended"])
def test_moves_after_other_pauses_are_a_separate_kind(warehouse, status):
    found = moves(warehouse, {8: OPEN, 9: changed(OPEN, status=status), 13: LATER})
    assert kinds(found) == [("after_pause", 14, 20)]


def test_a_due_date_that_is_removed_and_set_again_counts_as_two_moves(warehouse):
    found = moves(warehouse, {8: OPEN, 9: changed(OPEN, due_at=None), 13: LATER})
    assert kinds(found) == [("removed", 14, None), ("extension", 14, 20)]


def test_a_first_due_date_that_is_set_after_the_receipt_is_no_move(warehouse):
    assert moves(warehouse, {8: changed(OPEN, due_at=None), 9: OPEN}) == []


def test_a_first_due_date_that_no_export_had_was_moved_before_the_first_export(warehouse):
    first = changed(LATER, original_due_at=at("14/06"))
    [(*found, row)] = moves(warehouse, {8: first})
    assert found == ["before_record", 14, 20]
    assert row["last_seen_night"] is None


def test_the_reason_of_a_move_is_the_one_that_the_mapping_keeps(new_warehouse):
    extra = json.dumps({"ward": "Phường 1", "due_date_reason": "Chờ ý kiến cơ quan khác"})
    [(*_, row)] = moves(new_warehouse, {8: OPEN, 10: changed(LATER, extra=extra)})
    assert row["move_reason"] == "Chờ ý kiến cơ quan khác"


LATE_EXTENSION = {"extended_late": "strong"}


@pytest.mark.parametrize(
    ("night", "expected"), [(11, {}), (13, {}), (14, LATE_EXTENSION), (15, LATE_EXTENSION)]
)
def test_an_extension_is_late_from_the_day_before_the_due_date(warehouse, night, expected):
    assert checks(warehouse, {8: OPEN, night: LATER}) == expected


def test_an_extension_between_exports_that_are_days_apart_may_be_in_time(warehouse):
    nights = [dt.date(2022, 6, 8), dt.date(2022, 6, 15)]
    assert checks(warehouse, {8: OPEN, 15: LATER}, nights=nights) == {"extended_late": "weak"}


def test_a_second_extension_is_one_too_many_but_a_restart_does_not_count(warehouse):
    again = changed(OPEN, due_at=at("24/06 17:00"))
    assert checks(warehouse, {8: OPEN, 9: LATER, 10: again}) == {"extended_twice": "strong"}
    restarted = {8: OPEN, 9: LATER, 10: changed(LATER, status="suspended"), 13: again}
    assert checks(warehouse, restarted) == {}


RECEIVED = dossier("X", "08/06", "21/06 17:00", original_due_at=None)


@pytest.mark.parametrize(("night", "expected"), [(13, {}), (14, {"supplement_late": "strong"})])
def test_a_supplement_may_be_asked_for_on_the_third_working_day(warehouse, night, expected):
    asked = changed(RECEIVED, status="awaiting_supplement")
    assert checks(warehouse, {8: RECEIVED, night: asked}) == expected


def test_the_day_of_asking_is_unknown_for_a_dossier_first_exported_as_waiting(warehouse):
    asked = changed(RECEIVED, status="awaiting_supplement")
    assert checks(warehouse, {14: asked}) == {"supplement_late": "weak"}


def test_a_late_second_supplement_is_only_a_possible_finding(warehouse):
    asked = changed(RECEIVED, status="awaiting_supplement")
    found = checks(warehouse, {8: RECEIVED, 9: asked, 10: RECEIVED, 15: asked})
    assert found == {"supplement_late": "weak"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("H24.31-220601-0001", {}),
        ("H24.31-220531-0001", {"code_date_differs": "strong"}),
        ("000.00.31.H24-220531-0001", {"code_date_differs": "strong"}),
        ("H24.31-229901-0001", {}),
        ("H24.31-220600-0001", {}),
        ("H24.31-0001", {}),
        ("X", {}),
    ],
)
def test_six_digits_in_a_code_are_compared_with_the_receipt_if_they_form_a_date(
    warehouse, code, expected
):
    assert checks(warehouse, {8: changed(OPEN, dossier_code=code)}) == expected


def test_a_decree_that_is_no_longer_in_force_gives_no_findings(warehouse):
    warehouse.execute(f"update {REFERENCE_STAGED}.decree_check set valid_to = date '2022-06-10'")
    try:
        assert checks(warehouse, {8: OPEN, 14: LATER}) == {}
    finally:
        refresh_reference(warehouse)
