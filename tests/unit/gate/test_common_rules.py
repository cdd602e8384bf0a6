"""Common rules of several suites: placeholders are replaced, and each rule is used."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from onestop.gate.common_rules import CommonRuleError, completed
from onestop.gate.evaluation import load_engine
from onestop.gate.suite import (
    COMMON_RULES,
    FEED_SUITES,
    MART_SUITES,
    SuiteError,
    all_suites,
    load_suite,
)

COMMON: dict[str, Any] = {
    "missing": {
        "any_column": "${column} is null",
        "expectation": {
            "type": "unexpected_rows_expectation",
            "kwargs": {"unexpected_rows_query": "select ${shown} from {batch} where ${any_column}"},
            "meta": {"rule_code": "${rule_code}", "columns": "${columns}"},
        },
    },
    "unread": {
        "expectation": {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "${column}"},
            "meta": {"rule_code": "${rule_code}", "message_en": "{column} costs $1 {{x}}"},
        }
    },
}


def test_an_expectation_without_a_common_rule_stays_as_it_is():
    item = {"type": "x", "kwargs": {"query": "${column}"}}
    assert completed(item, COMMON) == item


def test_columns_are_listed_after_the_key_and_each_gets_the_condition():
    entry = {"common": "missing", "rule_code": "A", "key": ["k", "b"], "columns": ["a", "b"]}
    assert completed(entry, COMMON) == {
        "type": "unexpected_rows_expectation",
        "kwargs": {
            "unexpected_rows_query": "select k, b, a from {batch} where a is null or b is null"
        },
        "meta": {"rule_code": "A", "columns": ["a", "b"]},
    }


def test_only_placeholders_are_replaced():
    made = completed({"common": "unread", "rule_code": "B", "column": "c"}, COMMON)
    assert made["meta"] == {"rule_code": "B", "message_en": "{column} costs $1 {{x}}"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"common": "mising"}, 'no common rule "mising"'),
        ({"common": "unread", "rule_code": "B"}, 'the value "column" is missing'),
        (
            {"common": "unread", "rule_code": "B", "column": "c", "clause": "I.2"},
            '"unread" does not use clause',
        ),
        (
            {"common": "unread", "rule_code": "B", "column": "c", "key": ["k"]},
            '"unread" does not use key',
        ),
    ],
)
def test_an_entry_that_does_not_fit_its_common_rule_is_refused(entry, message):
    with pytest.raises(CommonRuleError) as refused:
        completed(entry, COMMON)
    assert str(refused.value) == message


def test_a_suite_names_its_file_and_the_rule_that_does_not_fit(tmp_path):
    data = json.loads((FEED_SUITES / "units.json").read_text(encoding="utf-8"))
    data["expectations"][0]["common"] = "mising"
    (tmp_path / "units.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(SuiteError) as refused:
        load_suite("units", tmp_path)
    assert str(refused.value) == (
        'units.json: rule UNI-F01: no common rule "mising"; correct the entry'
    )


def test_every_common_rule_is_used_by_two_suites_or_more():
    used: dict[str, set[str]] = {name: set() for name in json.loads(COMMON_RULES.read_text())}
    for path in (*FEED_SUITES.glob("*.json"), *MART_SUITES.glob("*.json")):
        for item in json.loads(path.read_text(encoding="utf-8"))["expectations"]:
            if "common" in item:
                used[item["common"]].add(path.stem)
    assert {name: suites for name, suites in used.items() if len(suites) < 2} == {}


def test_a_query_that_two_suites_need_is_a_common_rule():
    suites: dict[str, set[str]] = {}
    for path in (*FEED_SUITES.glob("*.json"), *MART_SUITES.glob("*.json")):
        for item in json.loads(path.read_text(encoding="utf-8"))["expectations"]:
            if query := item.get("kwargs", {}).get("unexpected_rows_query"):
                suites.setdefault(query, set()).add(path.stem)
    assert {query: names for query, names in suites.items() if len(names) > 1} == {}


@pytest.mark.parametrize("suite", all_suites(), ids=lambda suite: suite.name)
def test_the_kept_text_of_a_suite_needs_no_other_file(suite, tmp_path):
    """The text is kept beside the landing and is read there without ``common.json``."""
    kept = json.loads(suite.text)
    assert "${" not in suite.text
    for item in kept["expectations"]:
        assert load_engine().as_expectation(item).expectation_type == item["type"]
    (tmp_path / f"{suite.name}.json").write_text(suite.text, encoding="utf-8")
    again = load_suite(suite.name, tmp_path)
    assert (again.rules, again.sha256) == (suite.rules, suite.sha256)
    assert hashlib.sha256(suite.text.encode()).hexdigest() == suite.sha256


@pytest.mark.parametrize("folder", [FEED_SUITES, MART_SUITES], ids=lambda folder: folder.name)
def test_a_suite_has_the_name_of_its_file(folder):
    for path in folder.glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["name"] == path.stem
