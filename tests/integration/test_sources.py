"""Source systems besides the built-in one: added, replaced, switched off, and broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from published_marts import FIRST, SECOND, settings_in
from short_nights import whole_nights
from steps_by_hand import awaited, discover

from onestop.night import run_night
from onestop.sample import write_sample
from onestop.schema.mapping_files import BUILT_IN
from onestop.upkeep.doctor import examine
from onestop.upkeep.verify import verify
from onestop.warehouse import open_warehouse

BUILT_IN_MAPPING = (BUILT_IN / "one_stop.yaml").read_text(encoding="utf-8")
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
      dossier_code: {join: [[Sổ], [Số]], separator: "/"}
      procedure_name: {from: [Thủ tục]}
      receiving_unit_code: {constant: H24.31}
      channel: {constant: counter}
      received_at: {from: [Nhận], time_from: [Giờ]}
      due_at: {from: [Hẹn]}
      resolved_at: {from: [Xong]}
      status: {from: [Tình trạng], codes: {resolved: [xong], processing: [đang]}}
      source_timeliness: {from: [Đánh giá], codes: {in_time: [đạt], late: [trễ]}}
    helpers: {deleted: [Xóa]}
    extra: {ward: [Phường]}
    skip: [{when: {deleted: ["1"]}, reason: deleted at the source}]
    derive:
      closing_class: [{when: {status: [resolved]}, value: resolved}]
    personal: []
"""
LAND_FILE = (
    "Sổ,Số,Thủ tục,Nhận,Giờ,Hẹn,Xong,Tình trạng,Đánh giá,Phường,Xóa\n"
    "D,1,Đăng ký đất đai,01/11/2022,08:00,10/11/2022,12/11/2022,xong,đạt,Lê Lợi,\n"
    "D,2,Đăng ký đất đai,02/11/2022,09:30,30/11/2022,,đang,trễ,,\n"
    "D,3,Cấp đổi giấy chứng nhận,02/11/2022,,10/11/2022,,đang,trễ,Lê Lợi,\n"
    "D,4,Đăng ký đất đai,02/11/2022,,10/11/2022,,đang,,,1\n"
)
#: The export of the next day, in which one of the dossiers is deleted.
LAND_CHANGE = (
    "Sổ,Số,Thủ tục,Nhận,Giờ,Hẹn,Xong,Tình trạng,Đánh giá,Phường,Xóa\n"
    "D,2,Đăng ký đất đai,02/11/2022,09:30,30/11/2022,,đang,trễ,,1\n"
)
#: The catalogue has one of the two procedures, under its name.
CATALOGUE = (
    "Mã thủ tục,Tên thủ tục,Mã lĩnh vực,Tên lĩnh vực,Cấp giải quyết,Mức độ\n"
    "1.000777.000,ĐĂNG KÝ ĐẤT ĐAI,DD,Đất đai,Cấp huyện,3\n"
)
REGISTER = "Mã đơn vị,Tên đơn vị,Cấp,Mã đơn vị cấp trên\nH24.31,Quận,Quận huyện,H24\n"


def installation(folder, **mappings):
    """An installation with two nights of sample exports, land registry files and these mappings."""
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
    """A night with one valid and one broken added source; the next night with both corrected."""
    broken = LAND.replace("land", "other").replace("kind: delta", "kind: daily")
    settings = installation(tmp_path_factory.mktemp("broken"), land=LAND, other=broken)
    write_sample(settings.exports, FIRST, SECOND, per_day=10, communes=1)
    other = settings.exports / f"other_{FIRST:%Y%m%d}.csv"
    other.write_text(LAND_FILE.replace("D", "E"), encoding="utf-8")
    report = run_night(settings, FIRST)
    findings = examine(settings)
    (settings.sources / "other.yaml").write_text(broken.replace("daily", "delta"), "utf-8")
    return settings, report, findings, run_night(settings, SECOND)


def test_a_broken_mapping_does_not_stop_the_night_of_other_sources(one_is_broken):
    settings, report, _, _ = one_is_broken
    assert report.state == "published"
    loaded = rows(
        settings,
        "select distinct source from audit.delivery where state = 'loaded'"
        f" and night = date '{FIRST}' and known_from = date '{FIRST}' order by 1",
    )
    assert loaded == [("land_registry",), ("one_stop",)]


def test_the_night_names_the_broken_mapping_the_place_and_the_correction(one_is_broken):
    settings, report, findings, _ = one_is_broken
    ((noted,),) = rows(
        settings, f"select message from audit.night_run where as_of_date = date '{FIRST}'"
    )
    (finding,) = [one for one in findings if one.check == "mappings" and one.state == "FAIL"]
    for text in (report.message, noted, f"{finding.message} {finding.remedy}"):
        assert "other.yaml: feeds.dossiers.files.0.kind: daily is not an allowed value" in text
        assert "Use one of: delta, snapshot" in text


def test_a_source_with_a_corrected_mapping_is_read_by_the_next_night(one_is_broken):
    settings, _, _, second = one_is_broken
    assert second.state == "published"
    assert second.message == f"night {SECOND} is published"
    assert rows(
        settings, "select rows_accepted from audit.delivery where source = 'other_registry'"
    ) == [(3,)]


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def land_alone(request, tmp_path_factory):
    """Two nights of the land registry; of the built-in source only the registers are read."""
    folder = tmp_path_factory.mktemp("land")
    registers = BUILT_IN_MAPPING.replace("expected: true", "expected: false")
    settings = installation(folder, land=LAND, one_stop=registers)
    (settings.exports / f"procedures_{FIRST:%Y%m%d}.csv").write_text(CATALOGUE, encoding="utf-8")
    (settings.exports / f"units_{FIRST:%Y%m%d}.csv").write_text(REGISTER, encoding="utf-8")
    (settings.exports / f"land_{SECOND:%Y%m%d}.csv").write_text(LAND_CHANGE, encoding="utf-8")
    if request.param == "postgres":
        settings = replace(settings, warehouse=request.getfixturevalue("postgres").make_database())
    with whole_nights():
        reports = [run_night(settings, FIRST)]
    found = {
        name: rows(settings, query)
        for name, query in {
            "dossier": (
                "select dossier_code, procedure_key, timeliness, source_timeliness, extra"
                " from mart.dossier order by 1"
            ),
            "ward": "select cast(extra as json) ->> 'ward' from mart.dossier order by dossier_code",
            "disagreement": (
                "select dossier_code, timeliness, source_timeliness, disagreement"
                " from mart.timeliness_disagreement order by 1"
            ),
            "unit": "select unit_code, parent_unit_code from mart.unit where unit_scope = 'unit'",
            "field": "select field_code, field_name from mart.catalogue",
            "by_procedure": (
                "select distinct procedure_key from mart.on_time_detail"
                " where procedure_key <> 'ALL' order by 1"
            ),
        }.items()
    }
    reports.append(run_night(settings, SECOND))
    return settings, reports, found


def test_a_night_without_the_built_in_source_is_published(land_alone):
    _, reports, _ = land_alone
    assert [(report.state, report.message) for report in reports] == [
        ("published", f"night {night} is published") for night in (FIRST, SECOND)
    ]


def test_extra_columns_and_the_timeliness_stated_by_the_source_reach_the_dossiers(land_alone):
    _, _, found = land_alone
    assert found["dossier"] == [
        ("D/1", "1.000777", "late", "in_time", '{"ward": "Lê Lợi"}'),
        ("D/2", "1.000777", "open_in_time", "late", None),
        ("D/3", "Cấp đổi giấy chứng nhận", "open_overdue", "late", '{"ward": "Lê Lợi"}'),
    ]
    assert found["ward"] == [("Lê Lợi",), (None,), ("Lê Lợi",)]


def test_a_dossier_whose_stated_timeliness_differs_is_listed_with_both_values(land_alone):
    _, _, found = land_alone
    assert found["disagreement"] == [
        ("D/1", "late", "in_time", "late_here"),
        ("D/2", "open_in_time", "late", "late_at_source"),
    ]


def test_a_procedure_without_a_code_counts_under_the_catalogues_code_or_its_name(land_alone):
    _, _, found = land_alone
    assert found["by_procedure"] == [("1.000777",), ("Cấp đổi giấy chứng nhận",)]


def test_readers_see_the_parent_unit_and_the_name_of_a_field(land_alone):
    _, _, found = land_alone
    assert ("H24.31", "H24") in found["unit"]
    assert found["field"] == [("DD", "Đất đai")]


def test_a_row_that_the_mapping_leaves_out_is_counted_and_ends_its_dossier(land_alone):
    settings, _, _ = land_alone
    counts = rows(
        settings,
        "select night, rows_read, rows_accepted, rows_skipped, skip_reasons from audit.delivery"
        " where source = 'land_registry' order by 1",
    )
    reasons = '{"deleted at the source": 1}'
    assert counts == [(FIRST, 4, 3, 1, reasons), (SECOND, 1, 0, 1, reasons)]
    assert rows(settings, "select dossier_code from mart.dossier order by 1") == [
        ("D/1",),
        ("D/3",),
    ]


def test_nights_with_rows_left_out_are_verified_from_the_landing(land_alone):
    settings, _, _ = land_alone
    for night in (FIRST, SECOND):
        result = verify(settings, night)
        assert result.is_identical, result.differences


def test_the_built_in_source_can_be_switched_off(tmp_path):
    settings = replace(installation(tmp_path, land=LAND), enabled_sources=("land_registry",))
    assert awaited(settings, FIRST, []) == []
    assert awaited(replace(settings, enabled_sources=()), FIRST, []) != []


def test_a_file_that_two_mappings_match_is_refused_without_other_files(tmp_path):
    settings = installation(tmp_path, land=LAND, twin=LAND.replace("land_registry", "twin"))
    write_sample(settings.exports, FIRST, FIRST, per_day=10, communes=1)
    candidates = discover(settings, FIRST)
    assert {found.source for found in candidates} == {"one_stop"}
    (note,) = settings.folders.refusals.glob("*.json")
    text = note.read_text(encoding="utf-8")
    assert "FILE-F12" in text
    assert "land_registry.dossiers and twin.dossiers" in text
    findings = [one for one in examine(settings) if one.check == "exports"]
    assert [one.state for one in findings if "refused" in one.message] == ["FAIL"]
