"""Signs of edits after the fact: what counts as a sign, and its effect on the rate."""

from __future__ import annotations

import datetime as dt

import pytest
from computed_marts import compute_only
from worked_dossiers import UNIT, at, dossier, record, record_unit

from onestop.marts.publish import refresh_reference
from onestop.record.history import VANISHED, history_insert, history_select
from onestop.schema.feeds import DOSSIERS, UNITS
from onestop.warehouse import open_warehouse
from onestop.warehouse.staged_names import STAGED

NIGHTS = [dt.date(2022, 6, day) for day in range(8, 16)]
#: Received 01/06, due 10/06: overdue from the 11th on.
OPEN = dossier("X", "01/06", "10/06 17:00")
LATE = dossier("X", "01/06", "10/06 17:00", "13/06 09:00")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    path = tmp_path_factory.mktemp("signs") / "w.duckdb"
    with open_warehouse(f"duckdb:///{path}") as opened:
        refresh_reference(opened)
        record_unit(opened, dt.date(2022, 6, 1))
        opened.execute(history_insert(UNITS, history_select(UNITS)))
        yield opened


def signs(warehouse, story, *, nights=NIGHTS, vanished=None):
    """The signs found in the nightly exports of a dossier."""
    for table in ("core.dossier_version", "core.dossier_history"):
        warehouse.execute(f"delete from {table}")
    warehouse.execute("delete from audit.delivery where feed = 'dossiers'")
    warehouse.execute("delete from audit.snapshot_scope")
    for night in nights:
        record(warehouse, night, [{**row} for row in story.get(night.day, [])] or [FILLER])
    if vanished:
        warehouse.execute(
            "insert into core.dossier_version (delivery_id, night, known_from, content_hash,"
            " is_vanished, dossier_code) values (:delivery, :night, :night, :gone, true, 'X')",
            {
                "delivery": f"one_stop.dossiers.{vanished:%Y%m%d}.000000000000",
                "night": vanished,
                "gone": VANISHED,
            },
        )
        warehouse.execute(
            "insert into audit.snapshot_scope (delivery_id, column_name, value, is_anchor,"
            " known_from) values (:delivery, '*', '', true, :night)",
            {
                "delivery": f"one_stop.dossiers.{vanished:%Y%m%d}.000000000000",
                "night": vanished,
            },
        )
    warehouse.execute(history_insert(DOSSIERS, history_select(DOSSIERS)))
    warehouse.empty_schema(STAGED)
    compute_only(warehouse, nights[-1], ["changed_after_overdue"])
    return warehouse.rows(
        f"select * from {STAGED}.changed_after_overdue order by dossier_code, change_kind"
    )


#: A dossier that is always on time, so that the unit has a rate.
FILLER = dossier("OTHER", "01/06", "08/06", "07/06")


def kinds(found):
    return [(row["change_kind"], row["strength"]) for row in found]


def changed(row, **values):
    """A later state of a dossier; its dates are derived as the reader derives them."""
    new = {**row, **values}
    for name in ("received", "due", "original_due", "resolved"):
        stamp = new[f"{name}_at"]
        new[f"{name}_date"] = stamp.date() if stamp else None
    return new


def test_a_due_date_moved_after_it_had_passed_is_a_sign(warehouse):
    (sign,) = signs(warehouse, {8: [OPEN], 13: [changed(OPEN, due_at=at("20/06 17:00"))]})
    assert (sign["change_kind"], sign["strength"]) == ("due_moved_later", "strong")
    assert (sign["dossier_code"], sign["unit_code"]) == ("X", UNIT)
    assert sign["changed_night"] == dt.date(2022, 6, 13)
    assert sign["last_seen_night"] == dt.date(2022, 6, 12)
    assert sign["days_overdue"] == 3
    assert sign["has_turned_on_time"] is False
    assert (sign["delivery_before"], sign["row_before"]) == (
        "one_stop.dossiers.20220608.000000000000",
        1,
    )
    assert (sign["delivery_after"], sign["row_after"]) == (
        "one_stop.dossiers.20220613.000000000000",
        1,
    )


@pytest.mark.parametrize("day", [9, 10])
def test_an_extension_while_the_deadline_still_runs_is_no_sign(warehouse, day):
    extended = changed(OPEN, due_at=at("20/06 17:00"))
    assert signs(warehouse, {8: [OPEN], day: [extended]}) == []


def test_a_removed_due_date_counts_as_a_due_date_moved_later(warehouse):
    found = signs(warehouse, {8: [OPEN], 13: [changed(OPEN, due_at=None)]})
    assert kinds(found) == [("due_moved_later", "strong")]


def test_a_due_date_replaced_when_a_pause_ends_is_no_sign(warehouse):
    paused = changed(OPEN, status="awaiting_supplement")
    resumed = changed(OPEN, due_at=at("20/06 17:00"))
    assert signs(warehouse, {8: [OPEN], 9: [paused], 14: [resumed]}) == []


def test_a_pause_that_begins_after_the_due_date_is_a_weak_sign(warehouse):
    found = signs(warehouse, {8: [OPEN], 13: [changed(OPEN, status="suspended")]})
    assert kinds(found) == [("paused_overdue", "weak")]


def test_an_end_moved_before_the_due_date_turns_late_into_on_time(warehouse):
    edited = changed(LATE, resolved_at=at("09/06 09:00"))
    (sign,) = signs(warehouse, {13: [LATE], 14: [edited]})
    assert (sign["change_kind"], sign["strength"]) == ("end_moved_earlier", "strong")
    assert sign["has_turned_on_time"] is True
    assert sign["days_overdue"] == 3


def test_an_end_moved_to_another_late_day_is_a_sign_without_effect(warehouse):
    edited = changed(LATE, resolved_at=at("12/06 09:00"))
    (sign,) = signs(warehouse, {13: [LATE], 14: [edited]})
    assert sign["has_turned_on_time"] is False
    assert (sign["numerator"], sign["denominator"]) == (1, 2)
    assert (sign["numerator_without"], sign["denominator_without"]) == (1, 2)


def test_an_end_moved_later_is_no_sign(warehouse):
    assert signs(warehouse, {13: [LATE], 14: [changed(LATE, resolved_at=at("14/06"))]}) == []


def test_an_overdue_dossier_ended_at_the_exact_second_of_its_due_date_is_a_strong_sign(warehouse):
    reset = changed(LATE, resolved_at=at("10/06 17:00"))
    found = signs(warehouse, {8: [OPEN], 14: [reset]})
    assert kinds(found) == [("end_set_to_due", "strong")]
    assert found[0]["has_turned_on_time"] is True


def test_an_end_at_the_exact_second_of_the_due_date_is_a_weak_sign(warehouse):
    exact = changed(LATE, resolved_at=at("10/06 17:00"))
    found = signs(warehouse, {10: [exact], 11: [{**exact, "returned_at": at("11/06")}]})
    assert kinds(found) == [("end_set_to_due", "weak")]


def test_dates_without_a_time_of_day_are_no_sign(warehouse):
    exact = changed(LATE, due_at=at("10/06 00:00"), resolved_at=at("10/06 00:00"))
    assert signs(warehouse, {10: [exact]}) == []


def test_an_end_on_a_day_whose_export_had_the_dossier_open_is_a_weak_sign(warehouse):
    backdated = changed(LATE, resolved_at=at("09/06 15:00"))
    found = signs(warehouse, {8: [OPEN], 14: [backdated]})
    assert kinds(found) == [("end_backdated", "weak")]


def test_a_late_dossier_that_is_exported_as_late_is_no_sign(warehouse):
    assert signs(warehouse, {8: [OPEN], 13: [LATE]}) == []


def test_a_late_dossier_that_is_reopened_is_a_sign(warehouse):
    assert kinds(signs(warehouse, {13: [LATE], 14: [OPEN]})) == [("status_rewound", "strong")]


def test_an_overdue_dossier_that_becomes_refused_at_intake_is_a_sign(warehouse):
    refused = changed(OPEN, status="refused_at_intake", closing_class="refused_at_intake")
    assert kinds(signs(warehouse, {8: [OPEN], 13: [refused]})) == [("status_rewound", "strong")]


def test_a_late_dossier_that_becomes_withdrawn_is_a_sign(warehouse):
    withdrawn = changed(LATE, status="withdrawn", closing_class="withdrawn")
    found = signs(warehouse, {13: [LATE], 14: [withdrawn]})
    assert kinds(found) == [("class_changed", "strong")]
    # withdrawn after its due date, it is as late as before
    assert (found[0]["numerator"], found[0]["denominator"]) == (1, 2)
    assert (found[0]["numerator_without"], found[0]["denominator_without"]) == (1, 2)


CLOSED_OUT = [("returned", "returned_unprocessed"), ("withdrawn", "withdrawn")]


@pytest.mark.parametrize(("status", "closing_class"), CLOSED_OUT)
def test_an_overdue_dossier_that_is_returned_or_withdrawn_is_a_strong_sign_and_late(
    warehouse, status, closing_class
):
    closed_out = changed(LATE, status=status, closing_class=closing_class)
    (sign,) = signs(warehouse, {8: [OPEN], 13: [closed_out]})
    assert (sign["change_kind"], sign["strength"]) == ("closed_out_overdue", "strong")
    assert (sign["closing_class_before"], sign["closing_class_after"]) == (None, closing_class)
    assert (sign["days_overdue"], sign["has_turned_on_time"]) == (3, False)
    assert (sign["numerator"], sign["denominator"]) == (1, 2)
    assert (sign["numerator_without"], sign["denominator_without"]) == (1, 2)


@pytest.mark.parametrize(("status", "closing_class"), CLOSED_OUT)
def test_a_dossier_first_exported_as_closed_after_its_due_date_is_a_weak_sign(
    warehouse, status, closing_class
):
    # it may have waited for its supplement since before its due date
    found = signs(warehouse, {13: [changed(LATE, status=status, closing_class=closing_class)]})
    assert kinds(found) == [("closed_out_overdue", "weak")]
    assert found[0]["days_overdue"] == 3
    # no export before showed it as it stood before
    assert (found[0]["last_seen_night"], found[0]["delivery_before"]) == (None, None)


@pytest.mark.parametrize(("status", "closing_class"), CLOSED_OUT)
def test_a_dossier_returned_or_withdrawn_by_its_due_date_is_no_sign(
    warehouse, status, closing_class
):
    in_time = changed(
        LATE, status=status, closing_class=closing_class, resolved_at=at("10/06 09:00")
    )
    assert signs(warehouse, {8: [OPEN], 10: [in_time]}) == []


def test_closing_a_dossier_that_was_paused_in_time_is_a_weak_sign(warehouse):
    paused = changed(OPEN, status="awaiting_supplement")
    returned = changed(LATE, closing_class="returned_unprocessed")
    found = signs(warehouse, {8: [OPEN], 9: [paused], 13: [returned]})
    assert kinds(found) == [("closed_out_overdue", "weak")]


def test_closing_a_dossier_is_a_weak_sign_if_it_changed_after_its_due_date_while_paused(warehouse):
    paused = changed(OPEN, status="awaiting_supplement")
    touched = changed(paused, status="awaiting_payment")
    returned = changed(LATE, closing_class="returned_unprocessed")
    found = signs(warehouse, {8: [OPEN], 9: [paused], 12: [touched], 13: [returned]})
    assert kinds(found) == [("closed_out_overdue", "weak")]


def test_closing_a_dossier_that_was_paused_in_its_first_export_is_a_weak_sign(warehouse):
    paused = changed(OPEN, status="awaiting_supplement")
    returned = changed(LATE, closing_class="returned_unprocessed")
    found = signs(warehouse, {12: [paused], 13: [returned]})
    assert kinds(found) == [("closed_out_overdue", "weak")]


def test_closing_a_dossier_that_was_paused_only_when_overdue_is_a_strong_sign(warehouse):
    paused = changed(OPEN, status="awaiting_supplement")
    returned = changed(LATE, closing_class="returned_unprocessed")
    found = signs(warehouse, {8: [OPEN], 12: [paused], 13: [returned]})
    assert kinds(found) == [("closed_out_overdue", "strong"), ("paused_overdue", "weak")]


@pytest.mark.parametrize(
    ("nights", "between", "strength"),
    [
        # no export from the 9th to the 11th: it may have been paused in time, on the 9th or 10th
        ([8, 13], {}, "weak"),
        ([8, 12, 13], {12: "awaiting_supplement"}, "weak"),
        # the export of the due date, or a later one, shows it without a pause
        ([8, 10, 13], {}, "strong"),
        ([8, 10, 12, 13], {12: "awaiting_supplement"}, "strong"),
        ([8, 12, 13], {12: "processing"}, "strong"),
    ],
)
def test_closing_a_dossier_is_a_weak_sign_if_it_may_have_been_paused_between_exports(
    warehouse, nights, between, strength
):
    returned = changed(LATE, closing_class="returned_unprocessed")
    story = {8: [OPEN], 13: [returned]}
    story |= {day: [changed(OPEN, status=status)] for day, status in between.items()}
    dates = [dt.date(2022, 6, day) for day in nights]
    found = signs(warehouse, story, nights=dates)
    assert dict(kinds(found))["closed_out_overdue"] == strength
    doubt = "was_waiting" if strength == "weak" else None
    assert closing_checks(warehouse, dates[-1]) == [{"strength": strength, "doubt_code": doubt}]


def closing_checks(warehouse, night):
    compute_only(warehouse, night, ["decree_check"])
    return warehouse.rows(
        f"select strength, doubt_code from {STAGED}.decree_check"
        " where check_code = 'closed_out_overdue'"
    )


@pytest.mark.parametrize(
    "story",
    [
        # closed out in time, by an end that is stated later afterwards
        {9: [changed(LATE, closing_class="returned_unprocessed", resolved_at=at("09/06"))]},
        # paused in time, resolved late, and turned into a withdrawal afterwards
        {9: [changed(OPEN, status="awaiting_supplement")], 12: [LATE]},
    ],
)
def test_a_dossier_closed_out_by_rewriting_an_end_is_a_doubtful_finding(warehouse, story):
    returned = changed(LATE, closing_class="returned_unprocessed")
    found = signs(warehouse, {8: [OPEN], **story, 13: [returned]})
    assert "closed_out_overdue" not in dict(kinds(found))
    checks = closing_checks(warehouse, NIGHTS[-1])
    assert checks == [{"strength": "weak", "doubt_code": "was_waiting"}]


def test_an_export_that_lacks_the_dossier_does_not_show_it_without_a_pause(warehouse):
    vanished = dt.date(2022, 6, 9)
    returned = changed(LATE, closing_class="returned_unprocessed")
    found = signs(warehouse, {8: [OPEN], 13: [returned]}, vanished=vanished)
    assert kinds(found) == [("closed_out_overdue", "weak")]


def test_a_due_date_stated_only_when_a_dossier_is_closed_may_have_been_kept_by_a_pause(warehouse):
    undated = changed(OPEN, due_at=None)
    returned = changed(LATE, closing_class="returned_unprocessed")
    nights = [dt.date(2022, 6, day) for day in (8, 13)]
    found = signs(warehouse, {8: [undated], 13: [returned]}, nights=nights)
    assert kinds(found) == [("closed_out_overdue", "weak")]
    found = signs(warehouse, {8: [undated], 13: [returned]})
    assert kinds(found) == [("closed_out_overdue", "strong")]


def test_a_due_date_moved_when_an_overdue_dossier_is_returned_gives_both_signs(warehouse):
    returned = changed(LATE, closing_class="returned_unprocessed", due_at=at("20/06"))
    found = signs(warehouse, {8: [OPEN], 13: [returned]})
    assert kinds(found) == [("closed_out_overdue", "strong"), ("due_moved_later", "strong")]
    assert found[0]["has_turned_on_time"] is True
    assert (found[0]["numerator"], found[0]["denominator"]) == (2, 2)
    assert (found[0]["numerator_without"], found[0]["denominator_without"]) == (1, 2)


@pytest.mark.parametrize(
    ("closing_class", "turned", "rate"),
    [("returned_unprocessed", True, (2, 2)), ("withdrawn", False, (1, 1))],
)
def test_an_overdue_dossier_closed_with_an_earlier_date_is_a_weak_sign(
    warehouse, closing_class, turned, rate
):
    backdated = changed(LATE, closing_class=closing_class, resolved_at=at("09/06 15:00"))
    (sign,) = signs(warehouse, {8: [OPEN], 14: [backdated]})
    assert (sign["change_kind"], sign["strength"]) == ("end_backdated", "weak")
    assert sign["has_turned_on_time"] is turned
    assert (sign["numerator"], sign["denominator"]) == rate
    assert (sign["numerator_without"], sign["denominator_without"]) == (1, 2)


@pytest.mark.parametrize(("day", "expected"), [(13, [("vanished", "strong")]), (10, [])])
def test_a_dossier_that_vanishes_from_a_snapshot_is_a_sign_only_when_overdue(
    warehouse, day, expected
):
    vanished = dt.date(2022, 6, day)
    found = signs(warehouse, {8: [OPEN]}, vanished=vanished)
    assert kinds(found) == expected
    for sign in found:
        assert sign["changed_night"] == vanished
        assert sign["delivery_after"] == "one_stop.dossiers.20220613.000000000000"
        assert (sign["numerator_without"], sign["denominator_without"]) == (1, 2)


def test_a_change_between_exports_that_are_days_apart_may_be_legal(warehouse):
    nights = [dt.date(2022, 6, 8), dt.date(2022, 6, 15)]
    extended = changed(OPEN, due_at=at("20/06 17:00"))
    found = signs(warehouse, {8: [OPEN], 15: [extended]}, nights=nights)
    assert kinds(found) == [("due_moved_later", "weak")]


def test_each_sign_has_the_unit_s_rate_with_and_without_the_edits(warehouse):
    others = [changed(LATE, dossier_code=code) for code in ("Y", "Z")]
    edited = [changed(row, resolved_at=at("09/06")) for row in (LATE, *others)]
    found = signs(warehouse, {13: [LATE, *others], 14: edited})
    assert [row["dossier_code"] for row in found] == ["X", "Y", "Z"]
    for sign in found:
        assert (sign["numerator"], sign["denominator"]) == (4, 4)
        assert (sign["numerator_without"], sign["denominator_without"]) == (3, 4)
        assert (sign["numerator_without_all"], sign["denominator_without_all"]) == (1, 4)
