"""Replay loads refused rows and files after a correction and leaves published nights unchanged."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import replace

import pytest
from commands import run_command
from engines import content
from exported_files import RECORD
from published_marts import settings_in

from onestop.gate import load_suite
from onestop.marts.published import QuestionError
from onestop.night import run_night
from onestop.replay import ReplayFilter, find_replayable, replay
from onestop.sample import write_sample
from onestop.schema.mapping_files import BUILT_IN
from onestop.upkeep.verify import verify
from onestop.warehouse import open_warehouse

FIRST, SECOND = dt.date(2022, 11, 15), dt.date(2022, 11, 16)
#: The ward system's word for a resolved dossier; its mapping lacks it at first.
DONE = "Xong rồi"


def ward_mapping(*, is_corrected):
    """A second source: the built-in mapping with another name and other codes."""
    text = (BUILT_IN / "one_stop.yaml").read_text(encoding="utf-8")
    text = text.split("\n  visits:")[0]
    text = text.replace("source: one_stop", "source: ward").replace(
        "name: dossiers_", "name: ward_"
    )
    text = text.replace("expected: true", "expected: false")
    if is_corrected:
        for old, new in (
            ("from: [NgayHenTra,", "from: [NgayHenTra, HanTraMoi,"),
            ('resolved: ["9",', f'resolved: ["9", {DONE},'),
        ):
            assert text.count(old) == 1
            text = text.replace(old, new)
    return text


def a_record(number, status, *, due_header="NgayHenTra"):
    record = {
        **RECORD,
        "MaHoSo": f"H24.14-221101-{number:04d}",
        "NgayTiepNhan": "20221101083000",
        "NgayNopHoSo": "20221101083000",
        due_header: "20221108170000",
        "NgayHenTraBanDau": "20221108170000",
        "NgayKetThucXuLy": "20221107101500" if status == DONE else "",
        "NgayCapNhat": "20221115101500",
        "TrangThaiHoSo": status,
    }
    if due_header != "NgayHenTra":
        del record["NgayHenTra"]
    return record


def write_records(path, records):
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")


def rows(settings, query):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        return [tuple(row.values()) for row in warehouse.rows(query)]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """A night published with refusals; then a corrected mapping, a replay, and the next night."""
    folder = tmp_path_factory.mktemp("replay_nights")
    settings = replace(settings_in(folder), sources=folder / "sources")
    settings.sources.mkdir()
    mapping = settings.sources / "ward.yaml"
    mapping.write_text(ward_mapping(is_corrected=False), encoding="utf-8")
    write_sample(settings.exports, FIRST, SECOND, per_day=5, communes=1, dirt_percent=0)
    write_records(
        settings.exports / "ward_20221115.json",
        [a_record(1, "4"), a_record(2, DONE), a_record(3, DONE), a_record(4, "99")],
    )
    write_records(
        settings.exports / "ward_20221115_b.json", [a_record(5, "4", due_header="HanTraMoi")]
    )
    assert run_night(settings, FIRST).state == "published"
    before = rows(
        settings,
        "select distinct file_name, row_number, r.state from audit.rejected_row as r"
        " inner join audit.delivery as d on r.delivery_id = d.delivery_id"
        " where r.source = 'ward' order by 1, 2",
    )
    refused = rows(
        settings, "select file_name, landed_path is not null from audit.delivery"
        " where state = 'refused'"
    )  # fmt: skip
    mapping.write_text(ward_mapping(is_corrected=True), encoding="utf-8")
    (settings.exports / "ward_20221115.json").unlink()  # a replay needs only landing/
    there, recorded = files_in(settings), tables_in(settings)
    trial = replay(settings, ReplayFilter(source="ward"), is_trial=True)
    untouched = (files_in(settings) == there, tables_in(settings) == recorded)
    results = replay(settings, ReplayFilter(source="ward"))
    assert run_night(settings, SECOND).state == "published"
    return {
        "settings": settings,
        "before": before,
        "refused": refused,
        "trial": trial,
        "untouched": untouched,
        "results": {result.file_name: result for result in results},
    }


def files_in(settings):
    """Every file of the installation except the database, with its modification time."""
    return {
        str(path): path.stat().st_mtime_ns
        for path in settings.exports.parent.rglob("*")
        if path.is_file() and not path.name.startswith("warehouse.duckdb")
    }


def tables_in(settings):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        return content(warehouse)


def test_the_rows_and_the_file_are_refused_before_the_correction(replayed):
    assert replayed["before"] == [("ward_20221115.json", row, "open") for row in (2, 3, 4)]
    assert replayed["refused"] == [("ward_20221115_b.json", True)]


def test_a_dry_run_reports_the_same_results_and_writes_nothing(replayed):
    assert replayed["untouched"] == (True, True)
    states = {result.file_name: result.state for result in replayed["trial"]}
    assert states == {name: result.state for name, result in replayed["results"].items()}


def test_the_corrected_rows_and_the_corrected_file_are_in_the_record(replayed):
    ward = replayed["results"]["ward_20221115.json"]
    assert (ward.state, ward.rows_replayed, ward.rows_open) == ("replayed", 2, 1)
    assert replayed["results"]["ward_20221115_b.json"].state == "loaded"
    found = rows(
        replayed["settings"],
        "select dossier_code, status from mart.dossier where dossier_code like 'H24.14-221101-%'"
        " order by 1",
    )
    assert found == [
        ("H24.14-221101-0001", "processing"),
        ("H24.14-221101-0002", "resolved"),
        ("H24.14-221101-0003", "resolved"),
        ("H24.14-221101-0005", "processing"),
    ]


def test_rows_that_are_still_bad_stay_open(replayed):
    found = rows(
        replayed["settings"],
        "select row_number, state, count(*) from audit.rejected_row where source = 'ward'"
        " group by 1, 2 order by 1",
    )
    assert [(number, state) for number, state, _ in found] == [
        (2, "replayed"),
        (3, "replayed"),
        (4, "open"),
    ]


def test_the_published_night_is_verified_with_the_rules_of_its_publication(replayed):
    result = verify(replayed["settings"], FIRST)
    assert result.is_identical, result.differences
    assert result.figures > 0


def test_replaying_again_changes_nothing(replayed):
    settings = replayed["settings"]
    before = rows(settings, "select * from audit.delivery order by delivery_id, attempt")
    again = replay(settings, ReplayFilter(source="ward"))
    assert [result.state for result in again] == ["unchanged"]
    assert rows(settings, "select * from audit.delivery order by delivery_id, attempt") == before


def test_the_next_night_is_verified_with_its_own_rules_even_if_rules_are_stricter_now(
    replayed, monkeypatch
):
    strict = load_suite("dossiers")
    # every open dossier is an error from now on
    warning = next(rule for rule in strict.rules if rule.severity == "warning" and rule.query)
    meta = {**warning.expectation["meta"], "severity": "error"}
    query = "select row_number, status from {batch} where status = 'processing'"
    stricter = replace(
        warning,
        severity="error",
        scope="row",
        sources=(),
        expectation={
            **warning.expectation,
            "kwargs": {**warning.expectation["kwargs"], "unexpected_rows_query": query},
            "meta": meta,
        },
    )
    suite = replace(
        strict, rules=tuple(stricter if rule is warning else rule for rule in strict.rules)
    )
    monkeypatch.setattr(
        "onestop.gate.validation.load_suite",
        lambda name, *rest: suite if name == "dossiers" else load_suite(name, *rest),
    )
    result = verify(replayed["settings"], SECOND)
    assert result.is_identical, result.differences
    assert any("today's rules would reject" in note for note in result.notes)


def replayable(settings, wanted=None):
    return find_replayable(wanted or ReplayFilter(), settings.mappings(), settings.warehouse)


def test_the_filters_exclude_other_deliveries(replayed):
    settings = replayed["settings"]
    assert [d.file_name for d in replayable(settings)] == ["ward_20221115.json"]
    assert replayable(settings, ReplayFilter(feed="visits")) == []
    assert replayable(settings, ReplayFilter(first=SECOND)) == []
    with pytest.raises(QuestionError, match="there is no rule code DOS-R99"):
        replayable(settings, ReplayFilter(rule="DOS-R99"))


def test_the_command_prints_what_was_replayed(replayed):
    settings = replayed["settings"]
    done = run_command(
        *("replay", "--source", "ward", "--dry-run"),
        env={
            **os.environ,
            "ONESTOP_EXPORTS": str(settings.exports),
            "ONESTOP_LANDING": str(settings.landing),
            "ONESTOP_WAREHOUSE": settings.warehouse,
            "ONESTOP_PUBLISHED": str(settings.published),
            "ONESTOP_SOURCES": str(settings.sources),
            "ONESTOP_WORK": str(settings.work),
        },
    )
    assert done.returncode == 0, done.stderr
    assert "ward_20221115.json: 0 rows accepted now, 1 still rejected" in done.stdout
    assert "Traceback" not in done.stderr
