"""Source systems beside the built-in one: added, replaced, switched off, and broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onestop.doctor import examine
from onestop.night import discover_deliveries, run_night
from onestop.sample import write_sample
from onestop.warehouse import open_warehouse
from published_marts import FIRST, SECOND, settings_in

LAND = r"""
source: land_registry
title_vi: Hệ thống đăng ký đất đai
title_en: Land registry
time_zone: Asia/Ho_Chi_Minh
formats: ["%d/%m/%Y"]
feeds:
  dossiers:
    files: [{name: 'land_(?P<night>\d{8})\.csv', kind: delta}]
    columns:
      dossier_code: {from: [Số]}
      procedure_code: {from: [Thủ tục]}
      receiving_unit_code: {constant: H24.31}
      channel: {constant: counter}
      received_at: {from: [Nhận]}
      due_at: {from: [Hẹn]}
      resolved_at: {from: [Xong]}
      status: {from: [Tình trạng], codes: {resolved: [xong], processing: [đang]}}
    derive:
      closing_class: [{when: {status: [resolved]}, value: resolved}]
    personal: []
"""
LAND_FILE = (
    "Số,Thủ tục,Nhận,Hẹn,Xong,Tình trạng\n"
    "D1,1.000001,01/11/2022,10/11/2022,09/11/2022,xong\n"
    "D2,1.000001,02/11/2022,30/11/2022,,đang\n"
)


def installation(folder, **mappings):
    """Two nights of sample exports and land registry files, and these mapping files."""
    settings = replace(settings_in(folder), sources=folder / "sources")
    settings.sources.mkdir(parents=True)
    for name, text in mappings.items():
        (settings.sources / f"{name}.yaml").write_text(text, encoding="utf-8")
    settings.exports.mkdir(parents=True)
    (settings.exports / f"land_{FIRST:%Y%m%d}.csv").write_text(LAND_FILE, encoding="utf-8")
    return settings


def rows(settings, query):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        return [tuple(row.values()) for row in warehouse.rows(query)]


@pytest.fixture(scope="module")
def one_is_broken(tmp_path_factory):
    """A night with a good added source and a broken one, the broken one corrected, a night more."""
    broken = LAND.replace("land", "other").replace("kind: delta", "kind: daily")
    settings = installation(tmp_path_factory.mktemp("broken"), land=LAND, other=broken)
    write_sample(settings.exports, FIRST, SECOND, per_day=10)
    other = settings.exports / f"other_{FIRST:%Y%m%d}.csv"
    other.write_text(LAND_FILE.replace("D", "E"), encoding="utf-8")
    report = run_night(settings, FIRST)
    findings = examine(settings)
    (settings.sources / "other.yaml").write_text(broken.replace("daily", "delta"), "utf-8")
    return settings, report, findings, run_night(settings, SECOND)


def test_a_broken_mapping_does_not_stop_the_other_sources_night(one_is_broken):
    settings, report, _, _ = one_is_broken
    assert report.state == "published"
    loaded = rows(
        settings,
        "select distinct source from audit.delivery where state = 'loaded'"
        f" and night = date '{FIRST}' and known_from = date '{FIRST}' order by 1",
    )
    assert loaded == [("land_registry",), ("one_stop",)]


def test_the_night_says_which_mapping_is_broken_where_and_what_to_write(one_is_broken):
    settings, report, findings, _ = one_is_broken
    ((noted,),) = rows(
        settings, f"select message from audit.night_run where as_of_date = date '{FIRST}'"
    )
    (finding,) = [one for one in findings if one.check == "mappings" and one.state == "FAIL"]
    for text in (report.message, noted, f"{finding.message} {finding.remedy}"):
        assert "other.yaml: feeds.dossiers.files.0.kind: daily is not one of its values" in text
        assert "Use one of: delta, snapshot" in text


def test_a_source_whose_mapping_was_corrected_is_read_by_the_next_night(one_is_broken):
    settings, _, _, second = one_is_broken
    assert second.state == "published"
    assert second.message == f"night {SECOND} is published"
    assert rows(
        settings, "select rows_accepted from audit.delivery where source = 'other_registry'"
    ) == [(2,)]


def test_a_night_of_other_sources_alone_is_published_without_the_built_in_one(tmp_path):
    settings = replace(installation(tmp_path, land=LAND), enabled_sources=("land_registry",))
    report = run_night(settings, FIRST)
    assert (report.state, report.message) == ("published", f"night {FIRST} is published")


def test_a_file_that_two_mappings_claim_is_refused_alone(tmp_path):
    settings = installation(tmp_path, land=LAND, twin=LAND.replace("land_registry", "twin"))
    write_sample(settings.exports, FIRST, FIRST, per_day=10)
    candidates = discover_deliveries(settings, FIRST)
    assert {found["source"] for found in candidates} == {"one_stop"}
    (note,) = (settings.work / "refusals").glob("*.json")
    text = note.read_text(encoding="utf-8")
    assert "FILE-F12" in text
    assert "land_registry.dossiers and twin.dossiers" in text
    findings = [one for one in examine(settings) if one.check == "exports"]
    assert [one.state for one in findings if "refused" in one.message] == ["FAIL"]
