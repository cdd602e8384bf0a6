"""Every rule of the suites for visits, procedures, units and declarations."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from staged_files import a_delivery, table, write_staged

from onestop.gate import load_suite, validate_delivery

NIGHT = dt.date(2022, 6, 30)
UNREAD = "31/02/2022"
#: Feed → a row that breaks no rule.
CLEAN: dict[str, dict[str, Any]] = {
    "visits": {
        "ticket_code": "H24.14-20220630-0001",
        "ticket_number": "1",
        "unit_code": "H24.14",
        "ticket_status": "completed",
        "issued_at": "2022-06-30 08:00:00",
        "called_at": "2022-06-30 08:12:00",
        "served_at": "2022-06-30 08:12:30",
        "finished_at": "2022-06-30 08:20:00",
    },
    "procedures": {
        "procedure_code": "1.002835.000.00.00.H24",
        "procedure_name": "Thủ tục 1",
        "authority_level": "district",
        "service_level": 4,
        "is_level4_eligible": True,
        "is_internal": False,
        "is_published": True,
        "decision_date": "2022-01-04",
        "published_date": "2022-01-05",
        "duration_workdays": 5,
        "has_result": True,
    },
    "units": {
        "unit_code": "H24.14",
        "unit_name": "Sở 14",
        "unit_level": "department",
        "has_one_stop": True,
        "has_queue_system": True,
        "digitisation_date": "2022-03-01",
        "valid_from_date": "2020-01-01",
    },
    "declarations": {
        "indicator_code": "plan_tasks_completed_rate",
        "unit_code": "CITY",
        "period_start": "2022-01-01",
        "period_end": "2022-06-30",
        "numerator": 30,
        "denominator": 40,
        "declared_value": 75,
        "document_number": "15/BC-SNV",
        "document_date": "2022-06-09",
    },
}
KEYS = {
    "visits": "ticket_code",
    "procedures": "procedure_code",
    "units": "unit_code",
    "declarations": "unit_code",
}


def unread(*columns: str) -> list[dict[str, Any]]:
    """For each column, a change that makes its text unreadable."""
    return [{column: None, f"{column}_text": UNREAD} for column in columns]


def month_first(column: str) -> list[dict[str, Any]]:
    """A date that can only be month first, so that the other dates of its column may be, too."""
    return [{column: None, f"{column}_text": "06/28/2022"}]


#: Feed → rule → changes to a clean row, one for each row that breaks the rule.
CHANGES: dict[str, dict[str, list[dict[str, Any]]]] = {
    "visits": {
        "VIS-R01": [{"read_problem": "too few fields"}],
        "VIS-R02": [{"ticket_code": None}],
        "VIS-R03": [{"unit_code": None}],
        "VIS-R04": [{"issued_at": None}],
        "VIS-R05": unread("issued_at"),
        "VIS-R06": [*unread("called_at"), *month_first("called_at")],
        "VIS-R07": [{"ticket_status": None, "ticket_status_text": "lạ"}],
        "VIS-R08": [{"called_at": "2022-06-30 07:59:59"}],
        "VIS-R09": [
            {"called_at": "2022-06-30 16:00:01", "served_at": None, "finished_at": None},
        ],
        "VIS-R10": [
            {
                "issued_at": "2022-07-01 08:00:00",
                "called_at": None,
                "served_at": None,
                "finished_at": None,
                "ticket_status": "no_show",
            }
        ],
        "VIS-R11": [
            {
                "issued_at": "1900-01-01 08:00:00",
                "called_at": None,
                "served_at": None,
                "finished_at": None,
                "ticket_status": "no_show",
            }
        ],
        "VIS-R12": [{"ticket_code": "same"}, {"ticket_code": "same", "ticket_number": "2"}],
        "VIS-R13": [
            {"ticket_code": "a\x07b"},
            {"ticket_code": "7" * 101},
            {"ticket_code": "2.2E+17"},
        ],
        "VIS-R14": [{"unit_code": "CITY"}, {"unit_code": "commune"}],
        "VIS-R15": [{"counter_code": "Trần Thị Hoa"}, {"service_code": "031090001234"}],
        "VIS-R16": [{"procedure_code": "1.01081"}],
        "VIS-R17": [{"called_at_text": "06/07/2022 08:12"}],
        "VIS-W03": [{"called_at": "2022-06-30 15:10:00", "served_at": None, "finished_at": None}],
        "VIS-W04": [
            {"issued_at": "2022-06-30 01:00:00", "called_at": "2022-06-30 01:05:00"}
            | {"served_at": None, "finished_at": None},
            {"issued_at": "2022-06-30 19:00:00", "called_at": "2022-06-30 19:05:00"}
            | {"served_at": None, "finished_at": None},
        ],
        "VIS-W05": [{"called_at": None}],
        "VIS-W06": [{"ticket_status": None}],
        "VIS-W07": [
            {"served_at": "2022-06-30 08:11:00"},
            {"finished_at": "2022-06-30 08:12:10"},
            {"served_at": None, "finished_at": "2022-06-30 08:11:00"},
        ],
        "VIS-W08": unread("served_at", "finished_at"),
        "VIS-W09": [{"finished_at": "2022-06-30 17:00:00"}],
        "VIS-W10": [{"ticket_code": "itself", "transferred_from": "itself"}],
    },
    "procedures": {
        "PRO-R01": [{"read_problem": "too few fields"}],
        "PRO-R02": [{"procedure_code": None}],
        "PRO-R03": unread("authority_level"),
        "PRO-R04": [{"service_level": 0}, {"service_level": 5}, *unread("service_level")],
        "PRO-R05": [{"service_level": 3, **change} for change in unread("is_level4_eligible")],
        "PRO-R06": unread("is_internal"),
        "PRO-R07": unread("is_published"),
        "PRO-R08": [*unread("decision_date"), *month_first("decision_date")],
        "PRO-R09": unread("published_date"),
        "PRO-R10": [{"published_date": "2022-07-01"}],
        "PRO-R11": [{"duration_workdays": -1}],
        "PRO-R12": [
            {"procedure_code": "1.000099.H24"},
            {"procedure_code": "1.000099.H24", "field_code": "LV-02"},
        ],
        "PRO-R13": [{"procedure_code": "1" * 101}, {"procedure_code": "1.0E+15"}],
        "PRO-R14": [{"field_code": "Phạm Văn An"}, {"procedure_name": "Hỏi an@example.invalid"}],
        "PRO-R15": [{"procedure_code": "1.01081"}],
        "PRO-R16": [{"decision_date_text": "01/02/2022"}],
        "PRO-W03": [{"procedure_name": None}],
        "PRO-W04": [{"authority_level": None}],
        "PRO-W05": [{"service_level": None}],
        "PRO-W06": [{"published_date": "2022-01-03"}],
        "PRO-W07": [{"decision_date": "2022-07-01", "published_date": None, "is_published": False}],
        "PRO-W08": [{"procedure_code": "TTHC-15"}],
        "PRO-W09": unread("duration_workdays", "has_result"),
        "PRO-W10": [{"is_level4_eligible": False}, {"is_level4_eligible": None}],
        "PRO-W11": [{"published_date": None}],
    },
    "units": {
        "UNI-R01": [{"read_problem": "too few fields"}],
        "UNI-R02": [{"unit_code": None}],
        "UNI-R03": [{"unit_name": None}],
        "UNI-R04": [{"unit_level": None}],
        "UNI-R05": unread("unit_level"),
        "UNI-R06": [{"has_queue_system": False, **change} for change in unread("has_one_stop")],
        "UNI-R07": unread("has_queue_system"),
        "UNI-R08": unread("digitisation_date"),
        "UNI-R09": [*unread("valid_from_date", "valid_to_date"), *month_first("valid_from_date")],
        "UNI-R10": [{"valid_to_date": "2019-12-31"}],
        "UNI-R11": [{"unit_code": "H24.99"}, {"unit_code": "H24.99", "unit_name": "Sở 99"}],
        "UNI-R12": [{"unit_code": "H24." + "1" * 100}, {"unit_code": "2.2E+17"}],
        "UNI-R13": [{"unit_code": "CITY"}, {"unit_code": "district"}],
        "UNI-R14": [{"unit_name": "NGUYỄN THỊ HOA"}, {"unit_name": "Sở 14, 0912345678"}],
        "UNI-R15": [{"valid_from_date_text": "01/02/2020"}],
        "UNI-W03": [{"parent_unit_code": "H24.77"}],
        "UNI-W04": [{"unit_code": "H24.88", "parent_unit_code": "H24.88"}],
        "UNI-W05": [{"unit_level": "commune"}],
        "UNI-W06": [{"has_one_stop": False}],
        "UNI-W07": [{"digitisation_date": "2022-07-01"}],
        "UNI-W08": [{"has_one_stop": None, "has_queue_system": False}],
        "UNI-W09": [{"unit_code": "SNV"}],
    },
    "declarations": {
        "DEC-R01": [{"read_problem": "too few fields"}],
        "DEC-R02": [{"indicator_code": None}],
        "DEC-R03": [{"indicator_code": "happiness"}],
        "DEC-R04": [{"unit_code": None}],
        "DEC-R05": [{"period_start": None}, {"period_end": None}],
        "DEC-R06": [*unread("period_start", "period_end"), *month_first("period_start")],
        "DEC-R07": [{"period_end": "2021-12-31"}],
        "DEC-R08": unread("numerator", "denominator", "declared_value"),
        "DEC-R09": [{"numerator": None, "denominator": None, "declared_value": None}],
        "DEC-R10": [
            {"numerator": -1, "declared_value": None},
            {"denominator": -1, "declared_value": None},
        ],
        "DEC-R11": [{"numerator": None}, {"denominator": None}],
        "DEC-R12": [{"document_number": None}],
        "DEC-R13": [{"unit_code": "H24.99"}, {"unit_code": "H24.99", "numerator": 31}],
        "DEC-R14": [{"note": "Chị Hoa, +84 912 345 678"}, {"document_number": "031090001234"}],
        "DEC-R15": [{"period_start_text": "01/02/2022"}],
        "DEC-W03": [{"declared_value": 76}],
        "DEC-W04": [{"period_end": "2022-12-31"}],
        "DEC-W05": [*unread("document_date"), {"document_date": "2022-07-01"}],
        "DEC-W06": [{"document_date": None}],
        "DEC-W07": [{"numerator": 0, "denominator": 0, "declared_value": None}],
    },
}
#: Row → other rules that it breaks too, where one error implies the other.
ALSO: dict[str, set[str]] = {
    "PRO-R13": {"PRO-W08"},
    "PRO-R15": {"PRO-W08"},
    "UNI-R12": {"UNI-W09"},
    "UNI-R13": {"UNI-W09"},
    "DEC-R13": {"DEC-W03"},
}
#: Rule about a whole file → the column that every row of such a file leaves empty.
SILENT_FILES = {
    "procedures": {"PRO-W12": "is_published", "PRO-W13": "service_level"},
    "units": {"UNI-W10": "digitisation_date"},
}
PREFIX = {"visits": "VIS", "procedures": "PRO", "units": "UNI", "declarations": "DEC"}
CASES = sorted((feed, code) for feed, rules in CHANGES.items() for code in rules)


def changed(feed: str, number: int, changes: dict[str, Any]) -> dict[str, Any]:
    """A clean row with a key of its own and with these changes."""
    own = {
        "visits": f"H24.14-20220630-{number:04}",
        "procedures": f"1.{number:06}.H24",
        "units": f"H24.{100 + number // 900}.{100 + number % 900}",
        "declarations": f"H24.{number}",
    }
    return {**CLEAN[feed], KEYS[feed]: own[feed], **changes}


def judge(folder, feed, rows):
    landed = a_delivery(feed)
    staged = write_staged(folder / "d.duckdb", landed, rows)
    return validate_delivery(landed, staged, folder / "results", NIGHT), staged


def failed(verdict) -> dict[str, int]:
    return {rule.rule_code: rule.rows_failed for rule in verdict.rules if not rule.success}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """All bad rows of each feed in one file; row number → the rule it is for."""
    found = {}
    for feed, rules in CHANGES.items():
        rows, owners = [CLEAN[feed]], {}
        for code, changes in rules.items():
            for change in changes:
                rows.append(changed(feed, len(rows) + 10, change))
                owners[len(rows)] = code
        found[feed] = (owners, *judge(tmp_path_factory.mktemp(feed), feed, rows))
    return found


@pytest.mark.parametrize("feed", sorted(CLEAN))
def test_a_clean_row_breaks_no_rule(tmp_path, feed):
    verdict, _ = judge(tmp_path, feed, [CLEAN[feed]])
    assert failed(verdict) == {}
    assert verdict.rows_accepted == 1


@pytest.mark.parametrize(("feed", "code"), CASES)
def test_each_row_rule_finds_its_bad_rows_and_no_others(judged, feed, code):
    owners, verdict, staged = judged[feed]
    rule = next(rule for rule in verdict.rules if rule.rule_code == code)
    expected = [n for n, own in owners.items() if own == code or code in ALSO.get(own, ())]
    if code == "DEC-W03":  # of the two rows that disagree only the second has a wrong quotient
        expected = [n for n in expected if owners[n] == code or owners.get(n - 1) == owners[n]]
    assert rule.rows_failed == len(expected)
    assert list(rule.examples) == expected[: len(rule.examples)]
    found = table(
        staged, f"select row_number from rejected_row where rule_code = '{code}' order by 1"
    )
    assert [row["row_number"] for row in found] == (expected if "-R" in code else [])


def file_rules(feed: str) -> dict[str, str | None]:
    return {rule.code[4:]: rule.query for rule in load_suite(feed).of("file")}


@pytest.mark.parametrize("feed", sorted(PREFIX))
def test_the_rules_about_files_are_those_of_dossiers(feed):
    assert file_rules(feed) == file_rules("dossiers")


@pytest.mark.parametrize("feed", sorted(PREFIX))
def test_a_file_that_breaks_a_rule_is_refused_under_its_own_code(tmp_path, feed):
    rows = [changed(feed, n, {"read_problem": "?"}) for n in range(1, 11)]
    verdict, _ = judge(tmp_path, feed, rows)
    assert verdict.refused_rule == f"{PREFIX[feed]}-F04"


@pytest.mark.parametrize("feed", sorted(PREFIX))
def test_every_rule_has_a_row_or_file_that_breaks_it(feed):
    tried = CHANGES[feed].keys() | {f"{PREFIX[feed]}-{rule}" for rule in file_rules("dossiers")}
    tried |= SILENT_FILES.get(feed, {}).keys()
    assert {rule.code for rule in load_suite(feed).rules} == tried


@pytest.mark.parametrize(
    ("feed", "code", "column"),
    [
        (feed, code, column)
        for feed, rules in SILENT_FILES.items()
        for code, column in rules.items()
    ],
)
def test_a_file_with_an_empty_column_is_accepted_with_one_warning(tmp_path, feed, code, column):
    rows = [changed(feed, number, {column: None}) for number in (11, 12)]
    verdict, _ = judge(tmp_path, feed, rows)
    assert (verdict.verdict, failed(verdict)[code]) == ("passed", 1)


def test_tickets_called_at_once_and_after_exactly_eight_hours_are_accepted(tmp_path):
    rest = {"served_at": None, "finished_at": None}
    rows = [
        changed("visits", 11, {"called_at": "2022-06-30 08:00:00", **rest}),
        changed("visits", 12, {"called_at": "2022-06-30 16:00:00", **rest}),
    ]
    verdict, _ = judge(tmp_path, "visits", rows)
    assert (verdict.rows_accepted, failed(verdict)) == (2, {"VIS-W03": 1})


def test_a_procedure_published_and_a_unit_ended_on_their_first_day_are_clean(tmp_path):
    same_day = {"decision_date": "2022-06-30", "published_date": "2022-06-30"}
    (tmp_path / "procedures").mkdir()
    procedure = changed("procedures", 11, same_day)
    assert failed(judge(tmp_path / "procedures", "procedures", [procedure])[0]) == {}
    (tmp_path / "units").mkdir()
    unit = changed("units", 11, {"valid_to_date": "2020-01-01"})
    assert failed(judge(tmp_path / "units", "units", [unit])[0]) == {}
