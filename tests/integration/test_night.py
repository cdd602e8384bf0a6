"""Nights without a scheduler: they can be run again, and report what is missing."""

from __future__ import annotations

import json
import os
from functools import partial

import duckdb
import pytest
from commands import run_command
from published_marts import FIRST, SECOND, THIRD, settings_in
from steps_by_hand import take_in_all
from three_nights import publish_second_night

from onestop import night as night_module
from onestop.intake import landing
from onestop.intake.delivery import RefusedDeliveryError
from onestop.night import run_night
from onestop.sample import write_sample
from onestop.upkeep.verify import verify
from onestop.warehouse import open_warehouse


def rows(settings, query):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        return [tuple(row.values()) for row in warehouse.rows(query)]


def content(settings):
    """Every row of every table, including the times of processing."""
    path = settings.warehouse.removeprefix("duckdb:///")
    with duckdb.connect(path, read_only=True) as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_type = 'BASE TABLE' order by all"
        ).fetchall()
        return {
            f"{schema}.{table}": connection.execute(
                f'select * from "{schema}"."{table}" order by all'
            ).fetchall()
            for schema, table in tables
        }


def test_running_nights_again_changes_nothing(after_two_nights):
    settings = after_two_nights
    before = content(settings)
    copy = settings.published.stat().st_mtime_ns
    for night in (FIRST, SECOND):
        assert run_night(settings, night).state == "unchanged"
    assert content(settings) == before
    assert settings.published.stat().st_mtime_ns == copy


def test_a_night_without_its_expected_file_leaves_the_last_publication(after_one_night, tmp_path):
    settings = after_one_night
    (settings.exports / "dossiers_20221116.json").rename(tmp_path / "late.json")
    report = run_night(settings, SECOND)
    assert report.state == "missing_delivery"
    assert "one_stop" in report.message
    assert "20221116" in report.message.replace("-", "")
    assert rows(settings, "select max(as_of_date) from audit.publication") == [(FIRST,)]
    with open_warehouse(f"duckdb:///{settings.published}", read_only=True) as published:
        assert published.value("select max(as_of_date) from mart.indicator_value") == FIRST
    # the file arrives, and the night runs again
    (tmp_path / "late.json").rename(settings.exports / "dossiers_20221116.json")
    assert run_night(settings, SECOND).state == "published"
    assert rows(settings, "select state from audit.night_run order by as_of_date") == [
        ("published",),
        ("published",),
    ]


def test_a_night_uses_its_files_even_if_a_later_run_loaded_them(tmp_path):
    settings = settings_in(tmp_path)
    write_sample(settings.exports, FIRST, THIRD, per_day=10, communes=1)
    (settings.exports / "dossiers_20221117.json").unlink()
    assert run_night(settings, THIRD).state == "missing_delivery"
    assert run_night(settings, FIRST).state == "published"
    result = verify(settings, FIRST)
    assert result.is_identical, result.differences
    assert result.deliveries > 0


def test_a_file_that_cannot_be_copied_is_recorded_and_loaded_once_it_can_be(
    after_one_night, monkeypatch
):
    settings = after_one_night
    copy = landing._copy

    def refuse_visits(file, target):
        if target.name == "visits_20221116.csv":
            raise RefusedDeliveryError(target.name, "FILE-F02", "the file may not be read")
        return copy(file, target)

    monkeypatch.setattr(landing, "_copy", refuse_visits)
    for _ in range(2):
        assert run_night(settings, SECOND).state in {"published", "unchanged"}
    of_visits = (
        "select state, refused_rule, sha256 is null, landed_path is null from audit.delivery"
        " where file_name = 'visits_20221116.csv' order by state"
    )
    assert rows(settings, of_visits) == [("refused", "FILE-F02", True, True)]
    monkeypatch.undo()
    # a later night finds the late file by itself
    take_in_all(settings, THIRD)
    assert [row[0] for row in rows(settings, of_visits)] == ["loaded", "refused"]


def test_a_run_killed_right_after_publication_is_recorded_by_the_next(after_one_night):
    settings = after_one_night
    noted = "select state, delivery_count from audit.night_run"
    before = rows(settings, noted)
    with open_warehouse(settings.warehouse) as warehouse:
        warehouse.execute("delete from audit.night_run")
    assert run_night(settings, FIRST).state == "unchanged"
    assert rows(settings, noted) == before


@pytest.mark.whole_night
def test_a_refused_file_is_recorded_with_its_reason_and_the_others_are_loaded(after_one_night):
    settings = after_one_night
    (settings.exports / "visits_20221116_2.csv").write_bytes(b"\x00\x01\x02 not a table")
    report = run_night(settings, SECOND)
    assert report.state == "published"
    refused = rows(
        settings,
        "select file_name, refused_rule, reason_vi <> '' from audit.delivery"
        " where state = 'refused'",
    )
    assert [(name, has_reason) for name, _, has_reason in refused] == [
        ("visits_20221116_2.csv", True)
    ]
    assert refused[0][1].startswith("FILE-")
    page = settings.folders.reports / str(SECOND) / "index.html"
    assert f"Từ chối: {refused[0][1]}" in page.read_text(encoding="utf-8")
    assert run_night(settings, SECOND).state == "unchanged"
    assert len(rows(settings, "select * from audit.delivery where state = 'refused'")) == 1


def test_files_that_arrive_after_publication_count_from_the_next_night_on(after_one_night):
    settings = after_one_night
    as_published = rows(settings, "select * from mart.indicator_history order by all")
    records = json.loads((settings.exports / "dossiers_20221115.json").read_text(encoding="utf-8"))
    late = [{**one, "MaHoSo": f"{one['MaHoSo'][:-4]}99{one['MaHoSo'][-2:]}"} for one in records[:3]]
    (settings.exports / "dossiers_20221115_2.json").write_text(json.dumps(late), encoding="utf-8")
    assert run_night(settings, FIRST).state == "unchanged"
    assert rows(settings, "select * from mart.indicator_history order by all") == as_published
    assert rows(
        settings, "select known_from from audit.delivery where file_name like '%20221115_2%'"
    ) == [(SECOND,)]
    assert run_night(settings, SECOND).state == "published"
    result = verify(settings, FIRST)
    assert result.is_identical, result.differences
    still = rows(
        settings,
        "select * exclude (valid_to) from mart.indicator_history"
        " where valid_from = date '2022-11-15' order by all",
    )
    assert still == [row[:1] + row[2:] for row in as_published]


@pytest.mark.whole_night
def test_marts_that_break_an_identity_are_kept_and_not_published(with_second_loaded, monkeypatch):
    settings = with_second_loaded
    compute = night_module.compute_marts

    def compute_badly(warehouse, as_of):
        counts = compute(warehouse, as_of)
        changed = {"unit_tally", "unit_tally_new"} & set(warehouse.tables("mart_staged"))
        warehouse.execute(
            f"update mart_staged.{max(changed)} set open_in_time = open_in_time + 1"
            " where unit_code = 'CITY'"
        )
        return counts

    monkeypatch.setattr(night_module, "compute_marts", compute_badly)
    report = run_night(settings, SECOND)
    assert report.state == "checks_failed"
    assert "F6A-F02" in report.message
    assert rows(settings, "select max(as_of_date) from audit.publication") == [(FIRST,)]
    assert rows(settings, "select as_of_date from mart_staged.night") == [(SECOND,)]
    assert rows(settings, "select state from audit.night_run where as_of_date = '2022-11-16'") == [
        ("checks_failed",)
    ]
    monkeypatch.undo()
    assert run_night(settings, SECOND).state == "published"


@pytest.fixture(scope="module")
def command(kept, tmp_path_factory):
    """Function: runs a command on two published nights."""
    folder = tmp_path_factory.mktemp("command") / "var"
    kept.copy(publish_second_night, folder)
    env = {**os.environ, "ONESTOP_VAR": str(folder), "COLUMNS": "120"}
    done = run_command("night", "2022-11-15", "--to", "2022-11-16", env=env)
    assert done.returncode == 0, done.stderr
    return partial(run_command, env=env)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("scorecard",), "Hồ sơ tiếp nhận trong năm giải quyết"),
        (("scorecard", "--lang", "en"), "Decision"),
        (("scorecard", "--format", "csv"), "indicator_code"),
        (("scorecard", "--as-of", "2022-11-15"), "15/11/2022"),
        (
            ("explain", "on_time_rate", "--unit", "CITY", "--from", "2022-11-01", "--to",
             "2022-11-16"),
            "H24",
        ),
        (("deliveries",), "dossiers_20221116.json"),
        (("rejected", "--lang", "en"), "Shown: "),
    ],
)  # fmt: skip
def test_each_command_prints_its_answer(command, arguments, text):
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    assert text in done.stdout


def test_the_form_is_written_as_a_spreadsheet(command, tmp_path):
    out = tmp_path / "form.xlsx"
    done = command(
        "report", "form-06a", "--unit", "CITY", "--from", "2022-11-01", "--to", "2022-11-30",
        "-o", str(out),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert out.read_bytes()[:2] == b"PK"


@pytest.mark.parametrize(
    "arguments",
    [
        ("scorecard", "--as-of", "2021-01-01"),
        ("explain", "no_such", "--unit", "CITY", "--from", "2022-11-01", "--to", "2022-11-16"),
        ("verify", "--as-of", "2021-01-01"),
        ("sample", "--from", "2022-11-16", "--to", "2022-11-15", "--out", "nowhere"),
    ],
)
def test_a_question_without_an_answer_ends_with_one_sentence_and_status_1(command, arguments):
    done = command(*arguments)
    assert done.returncode == 1
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_help_names_every_command(command):
    text = command("--help").stdout
    for name in ("sample", "night", "scorecard", "explain", "report", "verify", "deliveries",
                 "rejected"):  # fmt: skip
        assert name in text
