"""When the steps of a night began and ended, and what came of them."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from clean_processes import CONTEXT, clean_process, status_of

from onestop.intake.delivery import RefusedDeliveryError
from onestop.record import night_steps
from onestop.record.night_steps import noted, noting_steps, read_steps, record_steps, remove_noted
from onestop.warehouse import open_warehouse

NIGHT = dt.date(2022, 11, 24)
FILE = SimpleNamespace(file_name="dossiers_20221124.json")


@noted("validate")
def validate(_delivery, rows):
    return SimpleNamespace(rows_read=rows)


@noted("compute")
def compute(_night):
    return SimpleNamespace(rows={"mart.a": 3, "mart.b": 4})


@noted("check")
def fail(_night):
    raise ValueError("wrong")


@noted("read")
def refuse(delivery):
    raise RefusedDeliveryError(delivery.file_name, "FILE-F03", "a column is missing")


@noted("load")
def stop_halfway(_delivery, begun, may_end):
    begun.set()
    may_end.wait(60)


def load_in(folder, begun, may_end):
    with noting_steps(folder, NIGHT):
        stop_halfway(FILE, begun, may_end)


@pytest.fixture(params=["duckdb", "postgresql"])
def warehouse(request):
    url = "duckdb://"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as warehouse:
        yield warehouse


@pytest.fixture
def record():
    with open_warehouse("duckdb://") as warehouse:
        yield warehouse


def test_a_step_is_kept_with_its_file_its_rows_and_its_times(record, tmp_path):
    before = dt.datetime.now(dt.UTC)
    with noting_steps(tmp_path, NIGHT):
        validate(FILE, 120)
        compute(NIGHT)
    after = dt.datetime.now(dt.UTC)
    first, second = read_steps(record, tmp_path, NIGHT)
    assert (first.step, first.file_name, first.rows_done) == ("validate", FILE.file_name, 120)
    assert (second.step, second.file_name, second.rows_done) == ("compute", None, 7)
    assert before <= first.began_at <= first.ended_at <= second.began_at <= second.ended_at <= after
    assert {first.outcome, second.outcome} == {"done"}
    assert read_steps(record, tmp_path, NIGHT + dt.timedelta(days=1)) == []


def test_a_step_outside_of_a_night_is_not_kept(tmp_path):
    validate(FILE, 120)
    with noting_steps(tmp_path, NIGHT):
        pass
    validate(FILE, 120)
    assert list(tmp_path.iterdir()) == []


def test_failures_and_refusals_are_kept_and_raised_as_they_were(record, tmp_path):
    with noting_steps(tmp_path, NIGHT):
        with pytest.raises(ValueError, match="wrong"):
            fail(NIGHT)
        with pytest.raises(RefusedDeliveryError, match="a column is missing"):
            refuse(FILE)
    assert [run.outcome for run in read_steps(record, tmp_path, NIGHT)] == ["failed", "refused"]


def test_a_step_whose_process_died_has_begun_and_never_ended(record, tmp_path):
    begun, may_end = CONTEXT.Event(), CONTEXT.Event()
    process = clean_process(load_in, tmp_path, begun, may_end)
    process.start()
    assert begun.wait(60)
    [run] = read_steps(record, tmp_path, NIGHT)
    assert (run.outcome, run.ended_at) == ("running", None)
    assert not record_steps(record, tmp_path)
    process.kill()
    status_of(process)
    [run] = read_steps(record, tmp_path, NIGHT)
    assert (run.outcome, run.ended_at, run.seconds) == ("killed", None, None)


def test_the_record_takes_each_step_once_on_either_engine(warehouse, tmp_path):
    with noting_steps(tmp_path, NIGHT):
        validate(FILE, 120)
    kept = read_steps(warehouse, tmp_path, NIGHT)
    for _ in range(2):
        files = record_steps(warehouse, tmp_path)
    assert warehouse.value("select count(*) from audit.night_step") == 1
    assert read_steps(warehouse, tmp_path, NIGHT) == kept
    remove_noted(files)
    assert list(tmp_path.iterdir()) == []
    assert read_steps(warehouse, tmp_path, NIGHT) == kept


def test_a_step_is_done_where_its_times_cannot_be_kept(tmp_path, caplog):
    folder = tmp_path / "steps"
    folder.write_text("a file in its place", encoding="utf-8")
    with noting_steps(folder, NIGHT):
        assert validate(FILE, 120).rows_read == 120
    assert "is not kept" in caplog.text


def test_a_file_that_was_cut_off_is_no_step(record, tmp_path):
    (tmp_path / f"{NIGHT}.0a.jsonl").write_text('{"step_id": "0a", "as_of', encoding="utf-8")
    assert read_steps(record, tmp_path, NIGHT) == []


def test_what_is_in_the_record_is_shown_to_a_login_that_may_not_list_the_files(
    record, tmp_path, monkeypatch
):
    with noting_steps(tmp_path, NIGHT):
        validate(FILE, 120)
    record_steps(record, tmp_path)

    def refuse_list(*_):
        raise PermissionError

    monkeypatch.setattr(night_steps, "_noted_steps", refuse_list)
    assert [run.step for run in read_steps(record, tmp_path, NIGHT)] == ["validate"]
