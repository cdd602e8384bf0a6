"""Every rule of the suite for dossiers: a row or file that breaks it, and clean ones that pass."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from staged_files import a_delivery, table, write_staged

from onestop.gate import UsualVolume, load_suite, validate_delivery
from onestop.schema.wording import UNIT_CODE
from onestop.schema.workdays import FIRST_DAY

NIGHT = dt.date(2022, 6, 30)
CLEAN: dict[str, Any] = {
    "dossier_code": "H24.14-220601-0001",
    "procedure_code": "1.002835.000.00.00.H24",
    "receiving_unit_code": "H24.14",
    "resolving_unit_code": "H24.14",
    "channel": "counter",
    "service_level": 2,
    "submitted_at": "2022-06-01 08:00:00",
    "received_at": "2022-06-01 08:30:00",
    "due_at": "2022-06-10 16:00:00",
    "original_due_at": "2022-06-10 16:00:00",
    "resolved_at": "2022-06-09 10:00:00",
    "returned_at": "2022-06-09 15:00:00",
    "status": "resolved",
    "closing_class": "resolved",
    "result_digitised": True,
    "documents_digitised": False,
    "modified_at": "2022-06-09 10:00:01",
}
OPEN = {
    **CLEAN,
    "resolved_at": None,
    "returned_at": None,
    "status": "processing",
    "closing_class": None,
}
UNREAD = "31/02/2022"


def other(**changes: Any) -> dict[str, Any]:
    return {**CLEAN, "dossier_code": "H24.14-220601-0002", **changes}


def still_open(**changes: Any) -> dict[str, Any]:
    return {**OPEN, "dossier_code": "H24.14-220601-0002", **changes}


def without_status(count: int) -> list[dict[str, Any]]:
    return [other(dossier_code=f"H24.14-220602-{n:04}", status=None) for n in range(count)]


#: Rule → rows that break it; they are judged beside the clean row, which must pass.
BAD_ROWS: dict[str, list[dict[str, Any]]] = {
    "DOS-R01": [other(read_problem="too many fields")],
    "DOS-R02": [other(dossier_code=None)],
    "DOS-R03": [other(procedure_code=None, procedure_name=None)],
    "DOS-R04": [other(receiving_unit_code=None, resolving_unit_code=None)],
    "DOS-R05": [other(received_at=None)],
    "DOS-R06": [
        other(received_at=None, received_at_text=UNREAD),
        other(dossier_code="H24.14-220601-0003", received_at=None, received_at_text="06/13/2022"),
    ],
    "DOS-R07": [other(due_at=None, due_at_text=UNREAD)],
    "DOS-R08": [other(resolved_at=None, resolved_at_text=UNREAD)],
    "DOS-R09": [other(modified_at=None, modified_at_text=UNREAD)],
    "DOS-R10": [other(status=None, closing_class=None)],
    "DOS-R11": [other(status=None, closing_class=None, status_text="77")],
    "DOS-R12": [other(channel=None, channel_text="9")],
    "DOS-R13": [
        other(service_level=0),
        other(dossier_code="H24.14-220601-0003", service_level=5),
        other(dossier_code="H24.14-220601-0004", service_level=None, service_level_text="cao"),
    ],
    "DOS-R14": [other(received_at="2022-06-02", resolved_at="2022-06-01")],
    "DOS-R15": [still_open(received_at="2022-06-02", due_at="2022-06-01")],
    "DOS-R16": [still_open(received_at="2022-07-01", due_at="2022-07-08")],
    "DOS-R17": [other(resolved_at="2022-07-01")],
    "DOS-R18": [
        other(resolved_at=None, status="resolved"),
        other(dossier_code="H24.14-220601-0003", resolved_at=None, status="returned"),
        other(
            dossier_code="H24.14-220601-0004",
            resolved_at=None,
            status="withdrawn",
            closing_class="withdrawn",
        ),
    ],
    "DOS-R19": [other(channel="online", service_level=4), other(channel="post")],
    "DOS-R20": [
        still_open(received_at="1900-01-01", due_at="1900-01-08"),
        still_open(
            dossier_code="H24.14-220601-0005",
            received_at=f"{FIRST_DAY - dt.timedelta(days=1)}",
            due_at=f"{FIRST_DAY}",
        ),
    ],
    "DOS-R21": [
        other(dossier_code="H24.14-220601-\x010002"),
        other(dossier_code="9" * 101),
        other(dossier_code="3.52112E+11"),
        other(dossier_code="=cmd|'/c calc'!A0"),
        other(dossier_code="\N{CYRILLIC CAPITAL LETTER EN}24.14-220601-0002"),
        other(dossier_code="H24.14-220601-000\N{FULLWIDTH DIGIT TWO}"),
        other(dossier_code="\N{FULLWIDTH LATIN CAPITAL LETTER H}24.14-220601-0002"),
    ],
    "DOS-R22": [
        other(resolving_unit_code="<script>alert(1)</script>"),
        other(dossier_code="H24.14-220601-0003", receiving_unit_code="1e14"),
        other(
            dossier_code="H24.14-220601-0004",
            receiving_unit_code="\N{CYRILLIC CAPITAL LETTER EN}24.14",
        ),
    ],
    "DOS-R23": [
        other(resolving_unit_code="CITY"),
        other(dossier_code="H24.14-220601-0003", receiving_unit_code="District"),
    ],
    "DOS-R25": [
        other(procedure_code="1.01081"),
        other(dossier_code="H24.14-220601-0003", procedure_code="2."),
    ],
    "DOS-R24": [
        other(field_code="Nguyễn Văn An"),
        other(dossier_code="H24.14-220601-0003", receiving_unit_code="031090001234"),
        other(dossier_code="H24.14-220601-0004", procedure_name="Gọi 0912 345 678"),
    ],
    "DOS-R26": [other(received_at="2022-01-06", received_at_text="06/01/2022")],
    "DOS-W03": [still_open(due_at=None)],
    "DOS-W04": [other(channel=None)],
    "DOS-W05": [other(service_level=None)],
    "DOS-W06": [other(channel="online", service_level=2)],
    "DOS-W07": [
        other(received_at="2022-06-04"),
        other(received_at="2022-06-05", modified_at="2022-06-10"),
    ],
    "DOS-W08": [
        other(received_at="2022-05-03"),
        other(received_at="2022-02-01", modified_at="2022-06-10"),
    ],
    "DOS-W09": [other(resolved_at="2022-06-10 16:00:00")],
    "DOS-W10": [other(resolved_at="2022-06-01 08:00:00")],
    "DOS-W11": [other(dossier_code="hồ sơ số 7")],
    "DOS-W12": [other(procedure_code="TTHC-15")],
    "DOS-W13": [other(alias_code="H24.14-220601-99999")],
    "DOS-W14": [
        still_open(closing_class="resolved"),
        other(dossier_code="H24.14-220601-0003", closing_class=None),
    ],
    "DOS-W15": [
        other(submitted_at=None, submitted_at_text=UNREAD),
        other(dossier_code="H24.14-220601-0003", original_due_at=None, original_due_at_text=UNREAD),
        other(dossier_code="H24.14-220601-0004", returned_at=None, returned_at_text=UNREAD),
    ],
    "DOS-W16": [
        other(result_digitised=None, result_digitised_text="?"),
        other(
            dossier_code="H24.14-220601-0003",
            documents_digitised=None,
            documents_digitised_text="?",
        ),
    ],
    "DOS-W17": [still_open(due_at="2026-06-10")],
    "DOS-W20": [other(source_timeliness=None, source_timeliness_text="?")],
}
USUAL = UsualVolume(900, "trung vị của 4 thứ Hai", "median of 4 Mondays")
#: File rule → (delivery, rows, summary, usual volume, as-of night) of a file that breaks it.
BAD_FILES: dict[str, dict[str, Any]] = {
    "DOS-F01": {"summary": {"columns_missing": ["received_at", "status"]}},
    "DOS-F02": {"delivery": {"kind": "snapshot"}, "rows": []},
    "DOS-F03": {"rows": [CLEAN, *without_status(51)]},
    "DOS-F04": {"rows": without_status(10)},
    "DOS-F05": {"usual": USUAL},
    "DOS-F06": {"as_of": dt.date(2022, 6, 29)},
    "DOS-W01": {"rows": []},
    "DOS-W02": {"summary": {"columns_unknown": ["Cột lạ"]}},
    "DOS-W18": {"rows": [{**CLEAN, "service_level": None}]},
    "DOS-W21": {"summary": {"tables_left": ["Tháng 10: 31"]}},
    "DOS-W19": {"rows": [OPEN | {"result_digitised": None}, other(result_digitised=None)]},
}  # fmt: skip


def judge(tmp_path, rows, *, delivery=None, summary=None, usual=None, as_of=NIGHT, **more):
    landed = a_delivery(**(delivery or {}))
    staged = write_staged(tmp_path / "d.duckdb", landed, rows, **(summary or {}), **more)
    return validate_delivery(landed, staged, tmp_path / "results", as_of, usual=usual), staged


def failed(verdict) -> dict[str, int]:
    return {rule.rule_code: rule.rows_failed for rule in verdict.rules if not rule.success}


def test_a_clean_closed_row_and_a_clean_open_row_break_no_rule(tmp_path):
    verdict, staged = judge(tmp_path, [CLEAN, still_open()])
    assert failed(verdict) == {}
    assert (verdict.verdict, verdict.rows_accepted, verdict.warnings) == ("passed", 2, 0)
    assert len(table(staged, "select row_number from accepted_row")) == 2


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """All bad rows in one file, with separate codes for each rule; row number → rule."""
    rows, owners = [CLEAN], {}
    for number, (code, bad) in enumerate(BAD_ROWS.items()):
        for row in bad:
            dossier = row["dossier_code"]
            if dossier in OWN_CODES:
                dossier = f"{OWN_CODES[dossier]}{number:02}"
            rows.append({**row, "dossier_code": dossier})
            owners[len(rows)] = code
    verdict, staged = judge(tmp_path_factory.mktemp("judged"), rows)
    return owners, verdict, staged


#: Dossier codes that several rules' rows share; the rule's number is added to make them different.
OWN_CODES = {f"H24.14-220601-000{n}": f"H24.14-220601-000{n}" for n in range(2, 5)}
#: Other rules that such a row breaks too.
ALSO = {"DOS-R21": "DOS-W11", "DOS-R25": "DOS-W12"}


@pytest.mark.parametrize("code", sorted(BAD_ROWS))
def test_each_row_rule_finds_its_bad_rows_and_no_others(judged, code):
    owners, verdict, staged = judged
    rule = next(rule for rule in verdict.rules if rule.rule_code == code)
    expected = [n for n, owner in owners.items() if code in (owner, ALSO.get(owner))]
    assert rule.rows_failed == len(expected)
    assert list(rule.examples) == expected[: len(rule.examples)]
    found = table(
        staged, f"select row_number from rejected_row where rule_code = '{code}' order by 1"
    )
    assert [row["row_number"] for row in found] == (expected if "-R" in code else [])


def test_rows_that_break_no_error_rule_are_accepted(judged):
    owners, verdict, staged = judged
    accepted = table(staged, "select row_number from accepted_row order by row_number")
    kept = [1, *(n for n, owner in owners.items() if "-W" in owner)]
    assert [row["row_number"] for row in accepted] == kept
    assert verdict.rows_accepted == len(kept)


@pytest.mark.parametrize("code", sorted(BAD_FILES))
def test_each_file_rule_finds_its_bad_file(tmp_path, code):
    case = {"rows": [CLEAN], **BAD_FILES[code]}
    verdict, _ = judge(tmp_path, **case)
    assert code in failed(verdict)
    if "-F" in code:
        assert (verdict.verdict, verdict.refused_rule) == ("refused", code)
    else:
        assert verdict.verdict == "passed"


def test_every_rule_of_the_suite_has_a_row_or_file_that_breaks_it():
    assert {
        rule.code for rule in load_suite("dossiers").rules
    } == BAD_ROWS.keys() | BAD_FILES.keys()


def test_a_dossier_never_received_needs_no_date_of_receipt(tmp_path):
    rows = [
        still_open(status="registered", received_at=None, due_at=None),
        still_open(
            dossier_code="H24.14-220601-0003",
            status="refused_at_intake",
            closing_class="refused_at_intake",
            received_at=None,
            due_at=None,
        ),
    ]
    assert failed(judge(tmp_path, rows)[0]) == {}


def dated(number: int, text: str, moment: str | None) -> dict[str, Any]:
    """An open dossier received on that day, as its file writes it."""
    code = f"H24.14-220601-{number:04}"
    return still_open(dossier_code=code, received_at=moment, received_at_text=text, due_at=None)


#: Dates that no typing error explains: those after the twelfth are texts, the others are cells of
#: dates, which an American Excel has read month first.
EXCHANGED = [
    dated(11, "13/06/2022", "2022-06-13"),
    dated(12, "14/06/2022 08:00", "2022-06-14 08:00:00"),
    dated(13, "2022-01-06 00:00:00", "2022-01-06"),
    dated(14, "2022-02-06", "2022-02-06"),
    dated(15, "2022-06-06", "2022-06-06"),
]


@pytest.mark.parametrize(
    ("rows", "rejected"),
    [
        (EXCHANGED, {13, 14}),
        ([*EXCHANGED, dated(16, "2022-06-14", "2022-06-14")], set()),
        ([*EXCHANGED, dated(16, "07/06/2022", "2022-06-07")], set()),
        (EXCHANGED[2:], set()),
        (
            [
                dated(11, "06/13/2022", None),
                dated(12, "6/1/2022", "2022-01-06"),
                dated(13, "06/06/2022", "2022-06-06"),
            ],
            {12},
        ),
        (
            [
                dated(11, "06/13/2022", None),
                dated(12, "06/01/2022", "2022-01-06"),
                dated(13, "14/06/2022", "2022-06-14"),
            ],
            set(),
        ),
        ([dated(11, "30/02/2022", None), dated(12, "06/01/2022", "2022-01-06")], set()),
        (
            [
                dated(11, "15/05/22", None),
                dated(12, "28/05/2022 25:10", None),
                dated(13, "06/28/2022", None),
                *(dated(n, "05/06/2022", "2022-06-05") for n in range(20, 30)),
            ],
            set(),
        ),
        (
            [
                dated(11, "27/05/2022", "2022-05-27"),
                dated(12, "28/05/2022 13:05 PM", None),
                *(dated(n, "2022-06-05", "2022-06-05") for n in range(20, 30)),
            ],
            set(),
        ),
    ],
    ids=[
        *("exchanged", "right cells", "right texts", "cells", "month first", "one typo", "no day"),
        *("few among many texts", "few among many cells"),
    ],
)
def test_a_date_that_can_be_read_both_ways_is_rejected_where_its_column_is_month_first(
    tmp_path, rows, rejected
):
    _, staged = judge(tmp_path, rows)
    found = table(staged, "select key_text from rejected_row where rule_code = 'DOS-R26'")
    assert {int(row["key_text"][-2:]) for row in found} == rejected


def test_two_versions_of_a_dossier_with_different_modification_times_are_accepted(tmp_path):
    rows = [
        other(modified_at="2022-06-09 11:00:00"),
        other(channel="post", modified_at="2022-06-09 12:00:00"),
    ]
    verdict, _ = judge(tmp_path, rows)
    assert (failed(verdict), verdict.rows_accepted) == ({}, 2)


def test_different_rows_of_a_dossier_without_modification_time_are_all_rejected(tmp_path):
    rows = [other(modified_at=None), other(channel="post", modified_at=None), CLEAN]
    assert failed(judge(tmp_path, rows)[0]) == {"DOS-R19": 2}


def test_rows_that_disagree_at_the_latest_time_are_rejected_and_the_earlier_row_is_kept(tmp_path):
    rows = [
        other(modified_at="2022-06-09 11:00:00"),
        other(channel="post", modified_at="2022-06-09 12:00:00"),
        other(channel="online", service_level=4, modified_at="2022-06-09 12:00:00"),
    ]
    verdict, staged = judge(tmp_path, rows)
    assert failed(verdict) == {"DOS-R19": 2}
    assert [row["row_number"] for row in table(staged, "select row_number from accepted_row")] == [
        1
    ]


def test_the_format_of_codes_is_checked_only_for_sources_with_a_known_format(tmp_path):
    verdict, _ = judge(
        tmp_path,
        [other(dossier_code="case-9289", procedure_code="Bouw")],
        delivery={"source": "wabo_permits"},
    )
    assert failed(verdict) == {}


def test_a_swapped_working_saturday_causes_no_warning(tmp_path):
    verdict, _ = judge(
        tmp_path,
        [
            still_open(
                received_at="2024-05-04", due_at="2024-05-08", dossier_code="H24.14-240504-0001"
            )
        ],
        delivery={"night": "2024-05-06"},
        as_of=dt.date(2024, 5, 6),
    )
    assert failed(verdict) == {}


def test_a_volume_within_seventy_percent_of_the_usual_is_accepted(tmp_path):
    rows = [other(dossier_code=f"H24.14-220601-{n:04}") for n in range(3)]
    assert failed(judge(tmp_path, rows, usual=UsualVolume(10, "", ""))[0]) == {}


def test_rows_of_a_sheet_that_is_not_read_do_not_count_as_volume(tmp_path):
    rows = [other(dossier_code=f"H24.14-220601-{n:04}") for n in range(3)]
    verdict, _ = judge(tmp_path, rows, rows_blank=900, usual=UsualVolume(3, "", ""))
    assert failed(verdict) == {}
    (tmp_path / "few").mkdir()
    verdict, _ = judge(tmp_path / "few", [CLEAN], rows_blank=900, usual=USUAL)
    assert verdict.refused_rule == "DOS-F05"


def test_the_reason_for_a_wrong_volume_states_the_usual_one(tmp_path):
    verdict, _ = judge(tmp_path, [CLEAN], usual=USUAL)
    assert verdict.reason_en is not None
    assert verdict.reason_en.startswith(
        "Daily count of dossiers: 1, usual 900 (median of 4 Mondays)."
    )
    assert verdict.reason_vi is not None
    assert verdict.reason_vi.startswith(
        "Số hồ sơ trong ngày: 1, thường là 900 (trung vị của 4 thứ Hai)."
    )


def test_columns_that_a_source_does_not_map_break_no_rule(tmp_path):
    unmapped = ("service_level_text", "submitted_at_text", "result_digitised_text", "read_problem")
    verdict, _ = judge(tmp_path, [CLEAN], without=unmapped)
    assert failed(verdict) == {}


def test_an_unreadable_row_breaks_only_the_rule_about_unreadable_rows(tmp_path):
    empty = dict.fromkeys((*CLEAN, "dossier_code"))
    verdict, _ = judge(tmp_path, [CLEAN, {**empty, "read_problem": "broken_quotes"}])
    assert failed(verdict) == {"DOS-R01": 1}


def test_a_dossier_received_due_and_resolved_on_the_night_itself_is_clean(tmp_path):
    row = other(
        received_at="2022-06-30 08:00:00",
        resolved_at="2022-06-30 16:00:00",
        due_at="2022-06-30 17:00:00",
    )
    assert failed(judge(tmp_path, [row])[0]) == {}


def test_a_code_of_another_form_is_one_that_the_national_spelling_leaves_as_it_is():
    [rule] = [rule for rule in load_suite("dossiers").rules if rule.code == "DOS-W11"]
    national = rf"'^{UNIT_CODE}-\d{{6}}-\d{{4,}}$'"
    assert f"where not regexp_matches(dossier_code, {national})" in rule.query.format(batch="t")
