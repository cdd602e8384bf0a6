"""Validation as a whole: complete, repeatable, without personal data, with clear reasons."""

from __future__ import annotations

import json

import duckdb
import pytest
from example_counts import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staged_files import a_delivery, table, write_staged
from test_dossiers_suite import CLEAN, NIGHT, UNREAD, judge, other, still_open

from onestop.gate import (
    BrokenRuleError,
    SuiteError,
    all_suites,
    load_suite,
    suite_names,
    validate_delivery,
)
from onestop.gate.results import write_result
from onestop.gate.suite import GX_SEVERITIES
from onestop.schema.feeds import FEEDS


def many(count: int, **changes):
    return [other(dossier_code=f"H24.14-220601-{n:05}", **changes) for n in range(count)]


def test_the_quarantine_holds_any_number_of_bad_rows(tmp_path):
    verdict, staged = judge(
        tmp_path, [*many(1000, status=None), *many(6000, channel="post")[1000:]]
    )
    assert verdict.rows_rejected == 1000
    rejected = table(staged, "select rule_code, count(*) as n from rejected_row group by 1")
    assert rejected == [{"rule_code": "DOS-R10", "n": 1000}]
    assert verdict.verdict == "passed"


def test_a_row_that_breaks_two_rules_is_in_quarantine_under_both_and_counted_once(tmp_path):
    verdict, staged = judge(tmp_path, [CLEAN, other(status=None, dossier_code=None)])
    assert verdict.rows_rejected == 1
    found = table(staged, "select row_number, rule_code from rejected_row order by rule_code")
    assert [(row["row_number"], row["rule_code"]) for row in found] == [
        (2, "DOS-R02"),
        (2, "DOS-R10"),
    ]


def test_a_repeat_of_a_rejected_row_counts_as_repeated(tmp_path):
    bad = other(status=None)
    verdict, staged = judge(tmp_path, [bad, bad, CLEAN], rows_blank=2)
    counts = (verdict.rows_read, verdict.rows_rejected, verdict.rows_repeated, verdict.rows_blank)
    assert counts == (5, 1, 1, 2)
    assert table(staged, "select row_number from rejected_row") == [{"row_number": 1}]


ROWS = st.lists(
    st.builds(
        lambda code, changes: {**CLEAN, "dossier_code": code, **changes},
        st.sampled_from(["H24.14-220601-0001", "H24.14-220601-0002", "H24.14-220601-0003", None]),
        st.sampled_from(
            [
                {},
                {"status": None},
                {"channel": "post"},
                {"resolved_at": "2022-05-01"},
                {"received_at": None, "received_at_text": UNREAD},
                {"modified_at": None},
            ]
        ),
    ),
    max_size=8,
)


@given(rows=ROWS, rows_blank=st.integers(0, 3))
@settings(
    max_examples=examples(5),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_row_read_is_accepted_or_rejected_or_a_repeat_or_blank(
    tmp_path_factory, rows, rows_blank
):
    verdict, staged = judge(tmp_path_factory.mktemp("gate"), rows, rows_blank=rows_blank)
    assert (
        verdict.rows_read
        == len(rows) + rows_blank
        == (
            verdict.rows_accepted
            + verdict.rows_rejected
            + verdict.rows_repeated
            + verdict.rows_blank
        )
    )
    accepted = {row["row_number"] for row in table(staged, "select row_number from accepted_row")}
    rejected = {row["row_number"] for row in table(staged, "select row_number from rejected_row")}
    repeated = {
        row["row_number"]
        for row in table(staged, "select row_number from staged_row where is_repeat")
    }
    assert len(accepted) == verdict.rows_accepted
    assert len(rejected) == verdict.rows_rejected
    assert accepted | rejected | repeated == set(range(1, len(rows) + 1))
    assert not accepted & rejected
    assert not repeated & (accepted | rejected)
    assert table(staged, "select * from gate_summary")[0]["rows_accepted"] == len(accepted)


def test_validating_a_delivery_again_changes_nothing(tmp_path):
    landed = a_delivery()
    staged = write_staged(tmp_path / "d.duckdb", landed, [CLEAN, other(status=None)])

    def state():
        names = ("rejected_row", "rule_result", "gate_summary")
        return [table(staged, f"select * from {name}") for name in names]

    first = validate_delivery(landed, staged, tmp_path / "results", NIGHT)
    before = state()
    assert validate_delivery(landed, staged, tmp_path / "results", NIGHT) == first
    assert state() == before
    assert [path.name for path in (tmp_path / "results").rglob("*.json")] == [
        f"{landed.delivery_id}.1.json"
    ]


def test_a_changed_verdict_is_written_as_a_new_file(tmp_path):
    landed = a_delivery()
    results = tmp_path / "results"
    for number, rows in enumerate(([CLEAN], [CLEAN, other(status=None)]), start=1):
        staged = write_staged(tmp_path / f"{number}.duckdb", landed, rows)
        verdict = validate_delivery(landed, staged, results, NIGHT)
        assert verdict.result_file == f"2022-06-30/{landed.delivery_id}.{number}.json"
    first, second = (
        json.loads((results / "2022-06-30" / f"{landed.delivery_id}.{n}.json").read_text())
        for n in (1, 2)
    )
    assert (first["verdict"]["rows_rejected"], second["verdict"]["rows_rejected"]) == (0, 1)


def test_a_result_file_is_read_only(tmp_path):
    verdict, _ = judge(tmp_path, [CLEAN])
    assert (tmp_path / "results" / verdict.result_file).stat().st_mode & 0o222 == 0


def test_an_interrupted_validation_leaves_the_staged_file_unchanged(tmp_path, monkeypatch):
    landed = a_delivery()
    staged = write_staged(tmp_path / "d.duckdb", landed, [CLEAN, other(status=None)])

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("onestop.gate.validation._Gate._put_summary", stop)
    with pytest.raises(KeyboardInterrupt):
        validate_delivery(landed, staged, tmp_path / "results", NIGHT)
    names = {row["table_name"] for row in table(staged, "select table_name from duckdb_tables()")}
    assert names == {"staged_row", "skipped_row", "read_summary"}
    assert not (tmp_path / "results").exists()


def test_the_accepted_rows_can_be_read_from_another_database(tmp_path):
    _, staged = judge(tmp_path, [CLEAN, other(status=None)])
    with duckdb.connect() as warehouse:
        warehouse.execute(f"attach '{staged}' as staged (read_only)")
        assert warehouse.execute("select count(*) from staged.accepted_row").fetchall() == [(1,)]


def test_a_refusal_names_the_rules_their_first_rows_and_the_remedy(tmp_path):
    verdict, _ = judge(tmp_path, [CLEAN, *many(60, status=None)])
    assert verdict.refused_rule == "DOS-F03"
    assert verdict.reason_en == (
        "Too many rows rejected: 60 of 61 (98.4 %); the limit is 50 rows and 20 %."
        " DOS-R10 (The status is missing): 60 rows, the first ones: 2, 3, 4, 5, 6."
        " Correct the data or the mapping as these rules say and deliver the file again."
    )
    assert verdict.reason_vi.endswith(
        "Sửa dữ liệu hoặc ánh xạ theo các quy tắc trên rồi gửi lại tệp."
    )
    error = verdict.as_error()
    assert str(error).startswith("dossiers_20220630.json: DOS-F03: Too many rows rejected")


@pytest.mark.parametrize(
    ("rows", "text_en", "text_vi"),
    [(1, "row 1.", "dòng 1."), (3, "rows 1, 2, 3.", "dòng 1, 2, 3.")],
)
def test_a_refusal_for_few_rows_names_them_all(tmp_path, rows, text_en, text_vi):
    verdict, _ = judge(tmp_path, many(rows, status=None), columns_missing=["due_at"])
    assert f"DOS-R10 (The status is missing): {text_en}" in verdict.reason_en
    assert f"DOS-R10 (Thiếu trạng thái hồ sơ): {text_vi}" in verdict.reason_vi


def test_values_that_may_identify_a_person_are_masked(tmp_path):
    unreadable = [
        {"received_at": None, "received_at_text": "Người Nộp Mẫu"},
        {"received_at": None, "received_at_text": "0912345678"},
        {"status": None, "status_text": "000000000123"},
        {"status": None, "status_text": "mau@example.com"},
        {"status": None, "status_text": "+84 912 345 678"},
        {"channel": None, "channel_text": "0912.345.678"},
        {"channel": None, "channel_text": "kênh 9"},
    ]
    rows = [
        other(dossier_code=f"H24.14-220601-{n:04}", **changes)
        for n, changes in enumerate(unreadable, start=11)
    ]
    verdict, staged = judge(tmp_path, [CLEAN, *rows])
    shown = [
        list(json.loads(row["offending"]).values())
        for row in table(staged, "select offending from rejected_row order by row_number")
    ]
    assert shown == [
        ["xxxxx xxx xxx"], ["•••78"], ["•••23"], ["•@•"], ["•••"], ["•••"], ["kênh 9"],
    ]  # fmt: skip
    kept = (tmp_path / "results" / verdict.result_file).read_text()
    assert not any(secret in kept for secret in ("Mẫu", "0912", "0000000001", "345 678", "mau@"))


def test_a_key_among_the_values_of_a_rejected_row_is_masked_as_the_key_beside_it(tmp_path):
    codes = ["H24.32.06-221116-0001", "0912 345 678", "Người Nộp Mẫu"]
    rows = [
        other(dossier_code=code, modified_at=None, modified_at_text=None, channel=channel)
        for code in codes
        for channel in ("counter", "online")
    ]
    _, staged = judge(tmp_path, [CLEAN, *rows])
    shown = [
        (row["key_text"], json.loads(row["offending"]).get("dossier_code", row["key_text"]))
        for row in table(staged, "select key_text, offending from rejected_row")
    ]
    assert {key for key, _ in shown} == {codes[0], "•••• ••• •••", "xxxxx xxx xxx"}
    assert all(key == value for key, value in shown)
    assert any("dossier_code" in row["offending"] for row in table(staged, _KEYS_AMONG_VALUES))


_KEYS_AMONG_VALUES = "select offending from rejected_row where key_text like 'H24.32.06-%'"


def test_missing_columns_are_listed_with_the_accepted_and_the_found_headers(tmp_path):
    missing = ["due_at (NgayHenTra, Ngày hẹn trả)"]
    verdict, _ = judge(
        tmp_path,
        [CLEAN],
        summary={"columns_missing": missing, "columns_unknown": ["Hạn", "Ghi chú"]},
    )
    assert verdict.refused_rule == "DOS-F01"
    assert verdict.reason_lines[0] == (
        "The file lacks required columns (in brackets: the headers accepted):"
        " due_at (NgayHenTra, Ngày hẹn trả). Headers found in it that no column accepts:"
        " Hạn, Ghi chú."
    )


@pytest.mark.parametrize("feed", sorted(FEEDS))
def test_the_message_about_missing_columns_is_the_same_for_every_feed(feed):
    rules = {rule.code[-3:]: rule for rule in load_suite(feed).rules}
    for message in (rules["F01"].message_vi, rules["F01"].message_en):
        assert message.count("{columns_missing}") == message.count("{columns_unknown}") == 1


def test_am_and_pm_of_an_unreadable_time_are_not_masked(tmp_path):
    texts = ["24/11/2022 13:05 PM", "8:30am Sang", "14:00 CH ngày mai", "Ông SA 0912"]
    rows = [
        other(dossier_code=f"H24.14-220601-{n:04}", received_at=None, received_at_text=text)
        for n, text in enumerate(texts, start=11)
    ]
    _, staged = judge(tmp_path, [CLEAN, *rows])
    shown = [
        next(iter(json.loads(row["offending"]).values()))
        for row in table(staged, "select offending from rejected_row order by row_number")
    ]
    assert shown == ["24/11/2022 13:05 PM", "8:30AM xxxx", "14:00 CH xxxx xxx", "xxx xx 0912"]


def test_hostile_values_are_kept_as_text(tmp_path):
    code = "'); drop table staged_row; --<script>alert(1)</script>"
    verdict, staged = judge(tmp_path, [CLEAN, other(dossier_code=code, status=None)])
    assert verdict.rows_rejected == 1
    [rejected] = table(staged, "select distinct key_text from rejected_row")
    assert rejected["key_text"] == code
    assert len(table(staged, "select 1 from staged_row")) == 2


def test_a_staged_file_that_does_not_add_up_is_a_fault(tmp_path):
    with pytest.raises(ValueError, match="does not add up"):
        judge(tmp_path, [CLEAN], summary={"rows_read": 7})


def test_a_predicate_that_disagrees_with_the_count_is_a_fault(tmp_path):
    landed = a_delivery()
    staged = write_staged(tmp_path / "d.duckdb", landed, [CLEAN, other(status=None)])
    data = json.loads(load_suite("dossiers").text)
    data["expectations"] = [
        {
            **item,
            "kwargs": {
                "unexpected_rows_query": "select 1 as row_number from {batch}"  # always 1
            },
        }
        for item in data["expectations"]
        if item["meta"]["rule_code"] == "DOS-R10"
    ]
    (tmp_path / "dossiers.json").write_text(json.dumps(data))
    with pytest.raises(BrokenRuleError, match="DOS-R10"):
        validate_delivery(landed, staged, tmp_path / "results", NIGHT, expectations=tmp_path)


@pytest.mark.parametrize("suite", all_suites(), ids=lambda suite: suite.name)
def test_every_rule_has_both_languages_its_severity_and_a_remedy_if_critical(suite):
    for rule in suite.rules:
        assert rule.message_vi != rule.message_en, rule.code
        assert "§" not in rule.clause, rule.code
        assert rule.expectation["severity"] == GX_SEVERITIES[rule.severity], rule.code
        assert ("W" in rule.code[3:]) == (rule.severity == "warning"), rule.code
        if rule.scope == "file" and rule.severity == "critical":
            assert rule.remedy_vi, rule.code
            assert rule.remedy_en, rule.code


def test_rule_codes_are_used_once_in_all_suites():
    codes = [rule.code for suite in all_suites() for rule in suite.rules]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["expectations"].append(data["expectations"][0]), "used twice: DOS-F01"),
        (
            lambda data: data["expectations"][0]["meta"].pop("message_vi"),
            "DOS-F01: meta lacks message_vi",
        ),
        (
            lambda data: data["expectations"][0]["meta"].update(rule_code="F1"),
            "F1: this is no rule code; write a code like",
        ),
        (
            lambda data: data["expectations"][0].update(severity="info"),
            'write "critical" in the expectation',
        ),
        (
            lambda data: data["expectations"][0]["kwargs"].update(unexpected_rows_query="select 1"),
            "does not read from {batch}; select from",
        ),
        (lambda data: data.pop("expectations"), 'list "expectations"'),
        (lambda data: data["expectations"].insert(0, "DOS-F01"), "write a rule as an object"),
        (lambda data: data["expectations"][0].update(meta="DOS-F01"), '"meta" or "kwargs"'),
        (lambda data: data["expectations"][0].update(kwargs=["batch"]), '"meta" or "kwargs"'),
        (lambda data: data.update(meta="limits"), '"meta" or its'),
        (lambda data: data["meta"].update(limits="none"), '"meta" or its "limits"'),
        (lambda data: data["meta"].update(limits={"rejected_row": 1}), "limit rejected_row: 1"),
        (lambda data: data["meta"].update(limits={"rejected_rows": "1"}), "a whole number"),
    ],
)
def test_an_invalid_suite_is_refused_with_file_and_rule(tmp_path, change, message):
    data = json.loads(load_suite("dossiers").text)
    change(data)
    (tmp_path / "dossiers.json").write_text(json.dumps(data))
    with pytest.raises(SuiteError, match=r"dossiers\.json: ") as refused:
        load_suite("dossiers", tmp_path)
    assert message in str(refused.value)


def test_every_suite_of_a_feed_belongs_to_a_known_feed():
    assert set(suite_names()) <= FEEDS.keys()


def test_a_verdict_read_back_from_json_is_the_same(tmp_path):
    verdict, _ = judge(
        tmp_path, [CLEAN, other(status=None), still_open(dossier_code="x", due_at=None)]
    )
    sent = json.loads(json.dumps(verdict.to_json()))
    assert (sent["verdict"], sent["rows_rejected"], sent["warnings"]) == ("passed", 1, 2)
    assert [rule["rule_code"] for rule in sent["rules"]] == ["DOS-R10", "DOS-W03", "DOS-W11"]


def test_the_same_result_is_written_once(tmp_path):
    document = {"verdict": {"verdict": "passed"}}
    paths = {write_result(tmp_path, "d", document) for _ in range(3)}
    assert [path.name for path in paths] == ["d.1.json"]
    assert len(list(tmp_path.iterdir())) == 1
