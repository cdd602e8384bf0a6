"""Mappings of several columns to one value, and of one to several, in every format."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from exported_files import as_csv, as_html, as_json, as_xlsx, stage

from onestop.schema.mapping import MappingError
from onestop.schema.mapping_files import load_mapping

MAPPING = r"""
source: one_stop
title_vi: Nguồn khác
title_en: Another source
time_zone: Asia/Ho_Chi_Minh
formats: ["%d/%m/%Y %H:%M", "%d/%m/%Y"]
feeds:
  dossiers:
    files: [{name: 'd_(?P<night>\d{8})\.csv', kind: delta}]
    required: [received_at]
    columns:
      dossier_code: {join: [[Năm, Nam], [Số]], separator: "-"}
      receiving_unit_code: {from: [Đơn vị]}
      received_at: {from: [Ngày nhận], time_from: [Giờ nhận]}
      status: {from: [Tình trạng], codes: {processing: [đang]}}
      source_timeliness: {from: [Đánh giá], codes: {in_time: [đúng hạn], late: [quá hạn]}}
    helpers: {deleted: [Xóa]}
    extra: {ward: [Phường], queue: [Quầy]}
    skip:
      - {when: {deleted: ["1", x]}, reason: deleted at the source}
      - {when: {queue: [thử*]}, reason: test queue}
      - {when: {dossier_code: absent, status: absent}, reason: a line of remarks}
    personal: [Người nộp]
"""
HEADERS = [
    "Năm", "Số", "Đơn vị", "Ngày nhận", "Giờ nhận", "Tình trạng", "Đánh giá", "Xóa", "Phường",
    "Quầy", "Người nộp",
]  # fmt: skip
GOOD = {
    "Năm": "2022",
    "Số": "17",
    "Đơn vị": "H24.31",
    "Ngày nhận": "03/06/2022",
    "Giờ nhận": "14:30",
    "Tình trạng": "đang",
    "Đánh giá": "quá hạn",
    "Xóa": "",
    "Phường": 'Phường "Lê Lợi"',
    "Quầy": "3",
    "Người nộp": "Người nộp 000123",
}


@pytest.fixture
def mapping(tmp_path):
    return mapped(tmp_path, MAPPING)


def mapped(folder, text):
    path = folder / "other.yaml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path).feeds["dossiers"]


def one(tmp_path, mapping, **values):
    return stage(tmp_path, as_json({**GOOD, **values}), mapping=mapping).rows[0]


def in_every_format(rows):
    """The same rows as JSON records, JSON lines, CSV, a workbook and an HTML table."""
    cells = [HEADERS, *([row[name] for name in HEADERS] for row in rows)]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    odd = json.dumps(
        [*rows, {"Số": 1.5, "Tình trạng": "đang"}], ensure_ascii=False
    )  # read record by record
    return {
        "json": as_json(*rows),
        "jsonl": lines.encode(),
        "slow": odd.encode(),
        "csv": as_csv(cells),
        "xlsx": as_xlsx(cells),
        "html": as_html(cells),
    }


@pytest.mark.parametrize(
    "given",
    [
        "receiving_unit_code: {constant: h24.31}",
        "receiving_unit_code: {from: [Đơn vị], default: h24.31}",
        "receiving_unit_code: {from: [Đơn vị], codes: {h24.31: [Quận]}}",
    ],
)
def test_a_units_code_that_the_mapping_gives_gets_the_national_spelling(tmp_path, given):
    text = f"spelling: national\n{MAPPING}".replace("receiving_unit_code: {from: [Đơn vị]}", given)
    assert given in text
    row = one(tmp_path, mapped(tmp_path, text), **{"Đơn vị": "quận" if "codes" in given else ""})
    assert row["receiving_unit_code"] == "H24.31"


def test_a_units_code_that_a_rule_gives_gets_the_national_spelling(tmp_path):
    rule = "derive: {receiving_unit_code: [{when: {deleted: absent}, value: h24.31}]}\n    skip:"
    text = f"spelling: national\n{MAPPING}".replace("skip:", rule)
    row = one(tmp_path, mapped(tmp_path, text), **{"Đơn vị": ""})
    assert row["receiving_unit_code"] == "H24.31"


def test_joined_keys_clocks_extra_columns_and_rows_left_out_are_the_same_in_every_format(
    tmp_path, mapping
):
    rows = [
        GOOD,
        {**GOOD, "Số": "18", "Giờ nhận": "", "Quầy": "", "Phường": ""},
        {**GOOD, "Số": "19", "Xóa": "X"},
        {**GOOD, "Số": "20", "Quầy": "Thử 1"},
        {**GOOD, "Số": "21", "Đánh giá": "?", "Quầy": "7"},
    ]
    for name, data in in_every_format(rows).items():
        staged = stage(tmp_path / name, data, mapping=mapping)
        kept = staged.rows[:3]
        assert [
            (
                row["dossier_code"],
                row["received_at"],
                str(row["received_date"]),
                row["source_timeliness"],
                row["source_timeliness_text"],
                row["extra"] and json.loads(row["extra"]),
            )
            for row in kept
        ] == [
            (
                "2022-17",
                "2022-06-03 14:30:00",
                "2022-06-03",
                "late",
                "quá hạn",
                {"ward": 'Phường "Lê Lợi"', "queue": "3"},
            ),
            ("2022-18", "2022-06-03 00:00:00", "2022-06-03", "late", "quá hạn", None),
            (
                "2022-21",
                "2022-06-03 14:30:00",
                "2022-06-03",
                None,
                "?",
                {"ward": 'Phường "Lê Lợi"', "queue": "7"},
            ),
        ], name
        summary = staged.summary
        assert json.loads(summary["skip_reasons"]) == {
            "deleted at the source": 1,
            "test queue": 1,
        }, name
        assert summary["rows_skipped"] == 2, name
        assert (
            summary["rows_read"]
            == len(staged.rows) + summary["rows_blank"] + summary["rows_skipped"]
        ), name
        assert summary["columns_missing"] == [], name
        assert summary["columns_unknown"] == [], name
        assert "000123" not in str(staged.rows), name


@pytest.mark.parametrize(
    ("clock", "at"),
    [
        ("8:05", "08:05:00"),
        ("23:59:59", "23:59:59"),
        ("2:30 CH", "14:30:00"),
        ("02:30pm", "14:30:00"),
        ("12:15 SA", "00:15:00"),
        ("14h30", "14:30:00"),
        ("7h", "07:00:00"),
        ("14 giờ 30", "14:30:00"),
        ("14h5", None),
        ("0830", "08:30:00"),
        ("083015", "08:30:15"),
        ("0,5", "12:00:00"),
        ("0.75", "18:00:00"),
        ("1899-12-30 17:00:00", "17:00:00"),
        ("24:00", None),
        ("24:00:00", None),
        ("25:10", None),
        ("12:60", None),
        ("sáng", None),
        ("830", None),
    ],
)
def test_a_point_in_time_is_unreadable_when_its_time_column_is(tmp_path, mapping, clock, at):
    row = one(tmp_path, mapping, **{"Giờ nhận": clock})
    assert row["received_at"] == (at and f"2022-06-03 {at}")
    assert row["received_at_text"] == f"03/06/2022 {clock}"


def test_a_time_cell_of_a_workbook_is_combined_with_its_date_cell(tmp_path, mapping):
    cells = {**GOOD, "Ngày nhận": dt.datetime(2022, 6, 3), "Giờ nhận": dt.time(14, 30)}  # noqa: DTZ001 - a cell has no zone
    row = stage(tmp_path, as_xlsx([HEADERS, list(cells.values())]), mapping=mapping).rows[0]
    assert row["received_at"] == "2022-06-03 14:30:00"


def test_a_time_without_a_date_is_unreadable_and_not_absent(tmp_path, mapping):
    row = one(tmp_path, mapping, **{"Ngày nhận": ""})
    assert (row["received_at"], row["received_at_text"]) == (None, "14:30")


def test_a_separate_time_column_overrides_the_time_in_the_date_column(tmp_path, mapping):
    row = one(tmp_path, mapping, **{"Ngày nhận": "03/06/2022 08:00"})
    assert row["received_at"] == "2022-06-03 14:30:00"


def test_a_joined_key_with_a_blank_part_is_null(tmp_path, mapping):
    assert one(tmp_path, mapping, Năm=" ")["dossier_code"] is None


def test_a_file_without_a_column_of_the_joined_key_lacks_the_key(tmp_path, mapping):
    summary = stage(tmp_path, as_json({"Số": "1", "Ngày nhận": "x"}), mapping=mapping).summary
    (missing,) = summary["columns_missing"]
    assert missing.startswith("dossier_code (")


def test_a_row_that_cannot_be_read_is_never_left_out(tmp_path, mapping):
    staged = stage(tmp_path, as_json(GOOD, ["no record"]), mapping=mapping)
    assert [row["read_problem"] for row in staged.rows] == [None, "not_a_record"]
    assert staged.summary["rows_skipped"] == 0


def test_a_mapping_without_the_new_columns_hashes_rows_as_before(tmp_path, mapping):
    """Histories of earlier releases continue: the same row has the same hash."""
    plain = MAPPING.replace("    extra: {ward: [Phường], queue: [Quầy]}\n", "")
    plain = plain.replace("      - {when: {queue: [thử*]}, reason: test queue}\n", "")
    lines = [line for line in plain.splitlines() if "source_timeliness" not in line]
    before = one(tmp_path / "a", mapped(tmp_path, "\n".join(lines)))
    assert before["content_hash"] == "3b7ba59e3a9c7d02754e7d91deba055d"  # pragma: allowlist secret
    assert one(tmp_path / "b", mapping)["content_hash"] != before["content_hash"]


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        (
            "{join: [[Năm, Nam], [Số]],",
            "{join: [[Năm]],",
            "dossier_code.join",
            "example [[Năm], [Số",
        ),
        ("{join:", "{from: [Mã], join:", "dossier_code.join", "together with from"),
        ("{from: [Đơn vị]}", '{from: [Đơn vị], separator: "-"}', "separator", "Add join"),
        ("{from: [Tình trạng],", "{join: [[A], [B]],", "status.join", "free text"),
        ("{from: [Đơn vị]}", "{from: [Đơn vị], time_from: [Giờ]}", "time_from", "date and time"),
        ("{from: [Ngày nhận], time", "{default: x, time", "time_from", "in from"),
        ("extra: {ward:", "extra: {Ward:", "dossiers.extra", "small letters"),
        ("extra: {ward:", "extra: {status:", "extra.status", "canonical column"),
        ("extra: {ward:", "extra: {deleted:", "extra.deleted", "helper"),
        ("extra: {ward: [Phường]", "extra: {ward: [Người nộp]", "extra.ward", "personal"),
        ("join: [[Năm, Nam]", "join: [[Người nộp]", "columns.dossier_code", "personal"),
        ("time_from: [Giờ nhận]", "time_from: [Người nộp]", "received_at", "personal"),
        ("{when: {deleted:", "{when: {gone:", "skip.0.when.gone", "helpers"),
        (", reason: test queue", "", "skip.1", "deleted at the source"),
        (
            "      status:",
            "      extra: {from: [x]}\n      status:",
            "columns.extra",
            "under extra",
        ),
        ("helpers: {deleted", "helpers: {status: [Y], deleted", "helpers.status", "canonical"),
    ],
)
def test_a_misused_mapping_key_is_refused_with_the_correct_form(tmp_path, old, new, key, message):
    assert old in MAPPING
    with pytest.raises(MappingError) as caught:
        mapped(tmp_path, MAPPING.replace(old, new))
    assert key in caught.value.key
    assert message in str(caught.value)


def test_further_columns_are_kept_for_dossiers_only(tmp_path):
    text = MAPPING.replace("  dossiers:", "  visits:").replace("dossier_code:", "ticket_code:")
    lines = [
        line
        for line in text.splitlines()
        if not any(f" {name}:" in line for name in ("received_at", "status", "source_timeliness"))
        and "required" not in line
    ]
    unit = "\n".join(lines).replace("receiving_unit_code", "unit_code")
    with pytest.raises(MappingError, match="visits have no column for it"):
        mapped(tmp_path, unit)
