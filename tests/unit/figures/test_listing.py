"""Lists of deliveries and rejected rows: what they count, and which filters they refuse."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re

import pytest
from published_marts import settings_in
from web_site import BEFORE
from web_site import NIGHT as LAST

from onestop.figures.listing import (
    print_deliveries,
    print_nights,
    print_rejected,
    print_steps,
)
from onestop.intake.delivery import Delivery
from onestop.marts.published import QuestionError
from onestop.record.refusals import record_refusal
from onestop.replay import ReplayFilter, find_replayable
from onestop.schema.number_text import day
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.warehouse import open_warehouse

NIGHT = dt.date(2022, 11, 24)
#: Longer than its column.
FILE_NAME = "so_tai_nguyen_moi_truong/bo_phan_mot_cua/dossiers_20221124_quan_le_chan.xlsx"
#: Row 5 broke two rules, row 7 one.
REJECTED = [(5, "DOS-R01"), (5, "DOS-R07"), (7, "DOS-R07")]
OFFENDING = {
    "DOS-R01": '{"read_problem":"too_few_cells (7/8)"}',
    "DOS-R07": '{"due_at_text":"31/02/2022"}',
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    settings = settings_in(tmp_path_factory.mktemp("listed"))
    delivery = Delivery(
        delivery_id="one_stop.dossiers.20221124.0123456789ab",
        source="one_stop",
        feed="dossiers",
        night=NIGHT,
        kind="delta",
        file_name=FILE_NAME,
        sha256="0" * 64,
        size_bytes=1,
        file_modified_at=dt.datetime(2022, 11, 24, 20, tzinfo=LOCAL_ZONE),
        landed_path="x",
    )
    with open_warehouse(settings.warehouse) as warehouse:
        record_refusal(
            warehouse, delivery, rule_code="FILE-F01", reason_vi="trống", reason_en="empty"
        )
        for row_number, rule_code in REJECTED:
            warehouse.execute(
                "insert into audit.rejected_row (delivery_id, row_number, source, feed, night,"
                " key_text, rule_code, message_vi, message_en, offending, state, state_changed_at)"
                " values (:delivery_id, :row_number, 'one_stop', 'dossiers', :night, 'H24-1',"
                " :rule_code, 'sai', :message, :offending, 'open', :night)",
                {
                    "delivery_id": delivery.delivery_id,
                    "row_number": row_number,
                    "night": NIGHT,
                    "rule_code": rule_code,
                    "message": f"broke {rule_code}",
                    "offending": OFFENDING.get(rule_code, "{}"),
                },
            )
    return settings


def printed(capsys, settings, lang="en", **filters):
    print_rejected(settings, lang=lang, **filters)
    return " ".join(capsys.readouterr().out.split())


def test_a_row_that_broke_two_rules_is_listed_once_with_both(settings, capsys):
    text = printed(capsys, settings)
    assert "Shown: 2 of 2;" in text
    assert all(f"broke {rule}" in text for _, rule in REJECTED)
    assert text.count("H24-1") == 2


@pytest.mark.parametrize(
    ("lang", "problem"),
    [("vi", "Dòng thiếu ô so với tiêu đề"), ("en", "The row has fewer cells than the header")],
)
def test_the_problem_of_an_unreadable_row_is_described_in_the_language(
    settings, capsys, monkeypatch, lang, problem
):
    monkeypatch.setenv("COLUMNS", "200")
    text = printed(capsys, settings, lang)
    assert problem in text
    assert "too_few_cells" not in text


def test_the_limit_counts_rows(settings, capsys):
    text = printed(capsys, settings, limit=1)
    assert "Shown: 1 of 2;" in text
    assert "DOS-R01" in text
    assert "DOS-R07" in text


def test_a_row_found_by_one_rule_is_shown_with_all_its_reasons(settings, capsys):
    text = printed(capsys, settings, rule="DOS-R01")
    assert "Shown: 1 of 1;" in text
    assert "DOS-R07" in text


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"rule": "DOS-R99"}, "there is no rule code DOS-R99"),
        ({"night": dt.date(2021, 1, 1)}, "nothing was delivered for night 2021-01-01; there are"),
        ({"feed": "dossier"}, "there is no feed dossier; did you mean dossiers. There are decl"),
        ({"state": "shut"}, "there is no state shut; there are left_out, open, replayed"),
    ],
)
def test_listing_rejected_rows_of_an_unknown_value_is_an_error_that_names_the_known_ones(
    settings, asked, message
):
    with pytest.raises(QuestionError, match=message):
        print_rejected(settings, lang="en", **asked)


@pytest.mark.parametrize(
    "asked", [{"night": dt.date(2021, 1, 1)}, {"feed": "x"}, {"state": "open"}]
)
def test_listing_deliveries_of_an_unknown_value_is_an_error(settings, asked):
    with pytest.raises(QuestionError):
        print_deliveries(settings, **asked)


@pytest.mark.parametrize(
    "asked",
    [{"rule": "DOS-R99"}, {"source": "two_stop"}, {"feed": "x"}, {"delivery_id": "one_stop.x"}],
)
def test_replaying_rows_of_an_unknown_value_is_an_error(settings, asked):
    with pytest.raises(QuestionError, match="there is no"):
        find_replayable(ReplayFilter(**asked), settings.mappings(), settings.warehouse)


def test_a_known_rule_that_no_row_broke_gives_an_empty_table(settings, capsys):
    assert "Shown: 0 of 0;" in printed(capsys, settings, rule="VIS-R09")


@pytest.mark.parametrize("table", [print_rejected, print_deliveries])
def test_a_file_s_name_is_shown_whole_however_long_it_is(settings, capsys, monkeypatch, table):
    monkeypatch.setenv("COLUMNS", "140")
    table(settings, lang="en")
    lines = capsys.readouterr().out.splitlines()
    place, end = lines[0].index("File"), lines[0].index("Row" if "Row" in lines[0] else "Feed")
    assert FILE_NAME in "".join(line[place:end].strip() for line in lines[1:])
    assert "…" not in "".join(lines)


def test_a_file_that_was_read_again_is_one_file_in_the_list_of_its_attempts(settings, capsys):
    with open_warehouse(settings.warehouse) as warehouse:
        row = warehouse.arrow("select * from audit.delivery")
        again = row.set_column(row.schema.get_field_index("attempt"), "attempt", [[2]])
        with warehouse.transaction():
            warehouse.append("audit.delivery", again.cast(row.schema))
    print_deliveries(settings, lang="en")
    said = capsys.readouterr().out
    with open_warehouse(settings.warehouse) as warehouse:
        warehouse.execute("delete from audit.delivery where attempt = 2")
    assert "Shown: 2 of 2;" in said
    assert "Files: 1; a file has one row for each time that it was read" in said


@pytest.mark.parametrize(("table", "count"), [(print_rejected, 3), (print_deliveries, 1)])
def test_programs_get_each_row_with_codes_and_both_languages(settings, capsys, table, count):
    table(settings, form="json")
    rows = json.loads(capsys.readouterr().out)
    table(settings, form="csv")
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(lines) == count
    for row, line in zip(rows, lines, strict=True):
        assert {name: "" if value is None else str(value) for name, value in row.items()} == line
        assert row["file_name"] == FILE_NAME
        assert row["state"] in {"open", "refused"}
        assert {"message_vi", "message_en"} <= row.keys() or {
            "reason_vi",
            "reason_en",
        } <= row.keys()


@pytest.mark.parametrize("table", [print_rejected, print_deliveries])
def test_on_a_narrow_terminal_each_row_is_a_paragraph(settings, capsys, monkeypatch, table):
    monkeypatch.setenv("COLUMNS", "80")
    table(settings, lang="en")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert FILE_NAME in "".join(line.strip() for line in lines)
    assert "State: " in " ".join(lines)


def test_a_rejected_row_shows_the_values_that_broke_the_rule_by_column(settings, capsys):
    assert "Current appointment date, as written in the file: 31/02/2022" in printed(
        capsys, settings
    )
    assert "due_at_text" not in printed(capsys, settings)
    print_rejected(settings, lang="vi")
    shown = " ".join(capsys.readouterr().out.split())
    assert "nguyên văn trong tệp: 31/02/2022" in shown


@pytest.mark.parametrize(
    ("lang", "text"), [("vi", "Dòng chưa xử lý: sửa ở"), ("en", "Open rows: ")]
)
def test_open_rows_are_listed_with_what_to_do(settings, capsys, lang, text):
    print_rejected(settings, lang=lang)
    shown = capsys.readouterr().out
    assert text in shown
    assert "onestop replay" in shown


def test_a_list_without_open_rows_has_no_advice(settings, capsys):
    assert "Open rows" not in printed(capsys, settings, rule="VIS-R09")


def test_nights_are_listed_with_their_outcome_and_the_time_of_their_steps(site, capsys):
    print_nights(site, form="json")
    nights = {row["night"]: row for row in json.loads(capsys.readouterr().out)}
    assert nights[str(LAST)]["state"] == "published"
    assert nights[str(LAST)]["seconds"] == 4
    failed = nights[str(BEFORE + dt.timedelta(days=7))]
    assert (failed["state"], failed["seconds"]) == ("checks_failed", None)
    print_nights(site, lang="en", limit=1)
    text = capsys.readouterr().out
    assert "Published" in text
    assert "All steps together: 4.00 s" in text
    assert "1 of 3" in text


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_lists_write_days_and_moments_as_the_pages_do(site, capsys, lang):
    for print_list in (print_nights, print_deliveries):
        print_list(site, lang=lang)
        text = capsys.readouterr().out
        assert day(LAST, lang) in text
        assert not re.search(r"(?<![\w-])20\d\d-\d\d-\d\d", text)


@pytest.mark.parametrize(
    ("lang", "reason"), [("vi", "SUM-F01 không đạt"), ("en", "SUM-F01 failed")]
)
def test_the_reason_of_a_failed_night_is_in_the_reader_s_language(
    site, capsys, monkeypatch, lang, reason
):
    monkeypatch.setenv("COLUMNS", "200")
    print_nights(site, lang=lang)
    assert reason in capsys.readouterr().out


def test_the_steps_of_a_night_are_listed_with_time_and_share(site, capsys):
    print_steps(site, LAST, lang="vi")
    text = capsys.readouterr().out
    for part in ("tính số liệu", "3,00 giây", "75,0 %", "xong; trước đó"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 100
    print_steps(site, LAST, form="json")
    runs = json.loads(capsys.readouterr().out)
    assert [(run["step"], run["outcome"], run["seconds"]) for run in runs] == [
        ("load", "killed", None),
        ("load", "done", 1.0),
        ("compute", "done", 3.0),
    ]
    with pytest.raises(QuestionError, match="`onestop nights` lists the nights"):
        print_steps(site, dt.date(2021, 1, 1))
