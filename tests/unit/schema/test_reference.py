from __future__ import annotations

import datetime as dt
import re
import shutil
import unicodedata
from pathlib import Path

import pyarrow as pa
import pytest

from onestop.schema.feeds import CHANNELS, CLOSING_CLASSES, STATUSES, UNIT_LEVELS
from onestop.schema.reference import (
    REFERENCE_FOLDER,
    ReferenceFileError,
    read_reference,
    reference_comments,
    reference_files,
    reference_tables,
)
from onestop.schema.workdays import work_calendar

PLAN_TEXT = Path(__file__).parents[2] / "data" / "3818-QD-UBND.txt"


@pytest.fixture(scope="module")
def rows():
    return read_reference()


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / "reference"
    shutil.copytree(REFERENCE_FOLDER, copy)
    return copy


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{name} does not hold {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def problems(folder: Path) -> str:
    with pytest.raises(ReferenceFileError) as caught:
        read_reference(folder)
    return str(caught.value)


# --- content of the plan ----------------------------------------------------------------------


def test_every_clause_is_quoted_verbatim_from_the_plan(rows):
    raw = unicodedata.normalize("NFC", PLAN_TEXT.read_text(encoding="utf-8"))
    plan = re.sub(r"\s+", " ", raw.replace("\u00a0", " "))
    strange = [
        row["clause_code"]
        for row in rows["plan_clause"]
        # rows 34a and 34b of the annex have a common heading
        if not all(part in plan for part in row["text_vi"].split(": Kế hoạch của"))
    ]
    assert strange == []


def test_every_clause_of_the_targets_and_every_measurable_annex_row_has_an_indicator(rows):
    wanted = {
        *(f"I.2.{letter}" for letter in ["a", "b", "c", "d", "đ", "e", "g", "h"]),
        *(f"PL-{row}" for row in ["14a", "14b", "16", "17", "18b", "34a", "34b", "35"]),
    }
    lines = {
        clause
        for row in rows["indicator"]
        if row["scope"] != "none"
        for clause in (row["clause_code"], row["also_clause_code"])
    }
    assert wanted - lines == set()
    assert wanted - {row["clause_code"] for row in rows["plan_clause"]} == set()


def test_how_a_clause_is_measured_agrees_with_its_indicators(rows):
    for clause in rows["plan_clause"]:
        kinds = {
            row["kind"]
            for row in rows["indicator"]
            if clause["clause_code"] in (row["clause_code"], row["also_clause_code"])
            and row["scope"] != "none"
        }
        expected = kinds.pop() if len(kinds) == 1 else "mixed"
        assert clause["measurement"] == expected, clause["clause_code"]
        if clause["measurement"] != "computed":
            assert clause["measurement_reason_vi"], clause["clause_code"]
            assert clause["measurement_reason_en"], clause["clause_code"]


@pytest.mark.parametrize(
    ("indicator", "expected"),
    [
        ("on_time_rate", ("all", ">=", 98, 100)),
        ("procedures_published_rate", ("all", "=", 100, 100)),
        ("level4_provision_rate", ("all", "=", 100, 100)),
        ("counter_waiting_time", ("all", "<=", 1800, 1)),
        ("digitisation_rollout_district", ("district", ">=", 50, 100)),
        ("digitisation_rollout_commune", ("commune", ">=", 30, 100)),
        ("internal_procedures_published_rate", ("all", "=", 100, 100)),
    ],
)
def test_the_plans_numbers_are_its_targets(rows, indicator, expected):
    """A later change of a target leaves the plan's own row for the days before."""
    target = min(
        (row for row in rows["target"] if row["indicator_code"] == indicator),
        key=lambda row: row["valid_from"],
    )
    columns = ("unit_level", "comparison", "target_numerator", "target_denominator")
    assert tuple(target[name] for name in columns) == expected
    assert target["verified"] is True


def test_thresholds_that_the_plan_does_not_state_are_marked_unverified(rows):
    by_reference = [
        row
        for row in rows["target"]
        if row["indicator_code"].startswith("online_share")
        or row["indicator_code"] == "result_digitisation_rate"
    ]
    assert len(by_reference) == 4
    assert not any(row["verified"] for row in by_reference)
    assert all(row["note_vi"] and row["note_en"] for row in by_reference)


def test_reports_are_sent_before_the_days_of_the_plan(rows):
    calendar = work_calendar()
    due = {row["report_code"]: row for row in rows["report_calendar"]}
    assert {code: str(row["due_before_date"]) for code, row in due.items()} == {
        "q1": "2022-03-10",
        "half_year": "2022-06-10",
        "q3": "2022-09-10",
        "year": "2022-12-05",
    }
    for row in due.values():
        assert (row["due_before_date"] - row["last_day_date"]).days == 1
        assert row["last_workday_date"] <= row["last_day_date"]
        assert calendar.is_workday(row["last_workday_date"])
        later = (row["last_day_date"] - row["last_workday_date"]).days
        assert not any(
            calendar.is_workday(row["last_workday_date"] + dt.timedelta(days=n + 1))
            for n in range(later)
        )


def test_code_lists_hold_exactly_the_canonical_codes(rows):
    def codes(file, column):
        return [row[column] for row in rows[file]]

    assert sorted(codes("status", "status")) == sorted(STATUSES)
    assert sorted(codes("channel", "channel")) == sorted(CHANNELS)
    assert sorted(codes("closing_class", "closing_class")) == sorted(CLOSING_CLASSES)
    assert set(codes("unit_level", "unit_level")) == {*UNIT_LEVELS, "city", "unregistered"}
    assert {row["status"] for row in rows["status"] if row["is_paused"]} == {
        "awaiting_supplement",
        "awaiting_payment",
        "suspended",
    }
    assert codes("firmness", "firmness") == ["met_by_all", "met_by_none", "depends"]
    assert set(codes("figure_status", "status")) == {"met", "not_met", "no_data", "no_target"}


def test_every_class_at_the_end_of_a_period_counts_in_one_way_on_every_day(rows):
    spans = {}
    for row in rows["period_class"]:
        spans.setdefault(row["class_at_end"], []).append((row["valid_from"], row["valid_to"]))
    assert {"returned_late", "withdrawn_late", "paused"} < set(spans)
    for code, found in spans.items():
        ordered = sorted(found, key=lambda span: span[0] or dt.date.min)
        assert ordered[0][0] is None, code
        assert ordered[-1][1] is None, code
        assert [span[1] for span in ordered[:-1]] == [span[0] for span in ordered[1:]], code


#: The methods whose classes mart.indicator_variant can count otherwise (mart.class_tally).
COUNTED_BY_CLASS = {"cohort", "form_06", "qd_766"}
ROLES = ("numerator", "denominator", "left_out")


def classes_counted_otherwise(reading):
    return {role: set((reading[f"as_{role}"] or "").split()) for role in ROLES}


def test_a_reading_counts_otherwise_only_classes_that_are_counted(rows):
    known = {row["class_at_end"] for row in rows["period_class"]}
    for reading in rows["reading"]:
        classes = classes_counted_otherwise(reading).values()
        assert set().union(*classes) <= known, reading
        if reading["method_code"] not in COUNTED_BY_CLASS:
            assert not any(classes), reading
        assert sum(map(len, classes)) == len(set().union(*classes)), reading


def test_a_reading_in_which_nothing_counts_otherwise_has_the_code_of_its_method(rows):
    for reading in rows["reading"]:
        is_method = not any(classes_counted_otherwise(reading).values())
        assert is_method == (reading["reading_code"] == reading["method_code"]), reading


def test_every_service_level_has_one_name_on_every_day(rows):
    for level in (1, 2, 3, 4):
        names = [row for row in rows["service_level_map"] if row["service_level"] == level]
        begins = [str(row["valid_from"]) for row in names]
        assert begins == ["2011-10-01", "2022-08-15", "2026-07-01"]
        assert [str(row["valid_to"]) for row in names] == [*begins[1:], "None"]


# --- what is read -----------------------------------------------------------------------------


def test_tables_are_typed_and_every_column_has_a_comment_in_both_languages():
    tables = reference_tables()
    comments = reference_comments()
    assert tables["target"].schema.field("target_numerator").type == pa.int64()
    assert tables["target"].schema.field("verified").type == pa.bool_()
    assert tables["day_off"].schema.field("calendar_date").type == pa.date32()
    for name, table in tables.items():
        assert list(comments[name]) == table.column_names
        assert all(" — " in text for text in comments[name].values())
        file = reference_files()[name]
        assert file.vi
        assert file.en


def test_every_file_states_the_source_of_its_rows_and_whether_it_was_verified():
    missing = [
        name
        for name, table in reference_tables().items()
        if not {"source_clause", "verified"} <= set(table.column_names)
    ]
    assert missing == []


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("target.csv", "98,100", "98 %,100", "target.csv line 7, column target_numerator"),
        ("target.csv", ">=,98", "≥,98", "'≥' is not one of >=, >, =, <=, <"),
        ("target.csv", "2022-01-01,2023", "01/01/2022,2023", "'01/01/2022' is not a date"),
        ("target.csv", ",true,", ",đúng,", "'đúng' is not true or false"),
        ("target.csv", "on_time_rate,", "on_tme_rate,", "does not occur in indicator.csv"),
        (
            "reading.csv",
            "paused paused_overdue",
            "paused gone",
            "'gone' does not occur in",
        ),
        ("target.csv", "valid_from,valid_to", "valid_to,valid_from", "in another order"),
        ("target.csv", "comparison,", "compare,", "missing: comparison; not described: compare"),
        ("status.csv", "registered,1,", "registered,,", "source_code: is empty; it must be filled"),
        ("status.csv", "processing,4", "received,4", "status = received is already on line 3"),
        ("status.csv", "Đang xử lý", "Đang xử\u00a0lý", "write 'Đang xử lý'"),
        ("status.csv", "Đang xử lý", "Đang, xử lý", "has 11 cells instead of 10"),
        ("status.csv", "Đang xử lý", 'Đang "xử lý', "line 5"),
    ],
)
def test_an_invalid_cell_is_refused_with_its_file_and_line(folder, file, old, new, message):
    if old == "Đang xử lý" and '"' in new:
        old, new = "processing,4,Đang xử lý,", 'processing,4,"Đang" xử lý,'
    edit(folder, file, old, new)
    assert message in problems(folder)


def test_decomposed_accents_are_refused(folder):
    edit(folder, "status.csv", "Đã trả kết quả", unicodedata.normalize("NFD", "Đã trả kết quả"))
    assert "status.csv line 11, column label_vi: has blanks around it" in problems(folder)


def test_a_file_that_is_not_utf8_is_refused(folder):
    path = folder / "status.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    assert "status.csv: byte 0 is not UTF-8" in problems(folder)


def test_a_second_target_for_the_same_days_is_refused(folder):
    line = "on_time_rate,all,>=,95,100,2022-07-01,2023-01-01,thử,false,,\n"
    with (folder / "target.csv").open("a", encoding="utf-8") as file:
        file.write(line)
    assert "with a validity that overlaps" in problems(folder)


def test_a_row_that_no_text_can_verify_is_not_verified(folder):
    path = folder / "projection.csv"
    path.write_text(path.read_text("utf-8").replace("false,true", "true,true"), "utf-8")
    assert "projection.csv line 2: is both verified and chosen" in problems(folder)


def test_what_no_text_prescribes_is_marked_as_chosen(rows):
    for name in ("counting_rule", "projection", "age_band"):
        assert {(row["verified"], row["chosen"]) for row in rows[name]} == {(False, True)}, name


def test_a_target_may_change_from_one_day_to_the_next(folder):
    before = len(
        [r for r in read_reference(folder)["target"] if r["indicator_code"] == "on_time_rate"]
    )
    line = "on_time_rate,all,>=,99,100,2023-01-01,,thử,false,,\n"
    with (folder / "target.csv").open("a", encoding="utf-8") as file:
        file.write(line)
    targets = [r for r in read_reference(folder)["target"] if r["indicator_code"] == "on_time_rate"]
    assert [row["target_numerator"] for row in targets][-1] == 99
    assert len(targets) == before + 1


def test_a_target_for_one_level_beside_one_for_all_is_refused(folder):
    line = "on_time_rate,commune,>=,95,100,2022-07-01,2022-08-01,thử,false,,\n"
    with (folder / "target.csv").open("a", encoding="utf-8") as file:
        file.write(line)
    assert "sets another for commune" in problems(folder)


def test_a_validity_that_ends_before_it_begins_is_refused(folder):
    edit(folder, "plan.csv", "2021-12-20,2023-01-01", "2021-12-20,2021-12-20")
    assert "plan.csv line 2: valid_to must be later than valid_from" in problems(folder)


ISSUE = (
    "late_files,one_stop,dossiers,,2022-03-07,{last},on_time_rate{more},{text},Late,báo lỗi,false\n"
)


def add_issue(folder, last="2022-03-09", more="", text="Xuất muộn", feed="dossiers"):
    line = ISSUE.format(last=last, more=more, text=text).replace(",dossiers,", f",{feed},")
    with (folder / "known_issue.csv").open("a", encoding="utf-8") as file:
        file.write(line)


def test_a_known_issue_may_last_and_affect_several_indicators(folder):
    add_issue(folder, last="", more=" result_digitisation_rate")
    [issue] = read_reference(folder)["known_issue"]
    assert issue["last_date"] is None
    assert issue["indicator_codes"] == "on_time_rate result_digitisation_rate"


@pytest.mark.parametrize(
    ("issue", "message"),
    [
        ({"last": "2022-03-06"}, "last_date must not be earlier than first_date"),
        ({"feed": "dossier"}, "column feed: 'dossier' is not one of dossiers, visits"),
        ({"more": " on_tme_rate"}, "'on_tme_rate' does not occur in indicator.csv"),
        ({"more": "  due"}, "'' does not occur in indicator.csv"),
    ],
)
def test_an_invalid_known_issue_is_refused(folder, issue, message):
    add_issue(folder, **issue)
    place = ": " if "last" in issue else ", column "
    assert f"known_issue.csv line 2{place}" in problems(folder)
    assert message in problems(folder)


def test_a_known_issue_s_code_is_one_word(folder):
    add_issue(folder)
    edit(folder, "known_issue.csv", "late_files", "late files")
    assert "column issue_code: has a blank; write it as one word" in problems(folder)


@pytest.mark.parametrize("number", ["0912 345 678", "a@b.vn", "001090123456"])
def test_a_person_s_number_in_a_reference_text_is_refused_and_not_repeated(folder, number):
    add_issue(folder, text=f"Xuất muộn; hỏi {number}")
    assert "known_issue.csv line 2, column text_vi: holds an e-mail address or" in problems(folder)
    assert number not in problems(folder)


def test_files_missing_or_not_described_are_named(folder):
    (folder / "plan.csv").rename(folder / "plans.csv")
    found = problems(folder)
    assert "plan.csv: is missing" in found
    assert "plans.csv: is not described" in found


def test_all_problems_are_listed_in_one_error(folder):
    edit(folder, "status.csv", "registered,1,", "registered,,")
    edit(folder, "channel.csv", "counter,1", ",1")
    found = problems(folder)
    assert "status.csv line 2" in found
    assert "channel.csv line 2" in found
