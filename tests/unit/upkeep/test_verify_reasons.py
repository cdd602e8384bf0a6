"""Which edited reference rows a verification names as reasons of a difference."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from onestop.marts.files import mart_files
from onestop.said import in_language
from onestop.schema.reference import reference_tables
from onestop.upkeep.compared_figures import Figure
from onestop.upkeep.verify import BESIDE_FIGURES, _changed_rules

NIGHT = dt.date(2022, 11, 24)


class Scratch:
    """The reference rows of today, as a warehouse gives them."""

    def __init__(self, tables):
        self._tables = tables

    def tables(self, _schema):
        return sorted(self._tables)

    def arrow(self, query):
        return self._tables[query.rpartition(".")[2]]


def reasons(before, today):
    return [str(one) for one in _changed_rules(NIGHT, before, Scratch(today))]


def test_a_known_issue_added_since_is_no_reason_and_a_target_is():
    today = reference_tables()
    before = {name: table.slice(1) for name, table in today.items() if table.num_rows}
    found = "\n".join(reasons({"known_issue": before.get("known_issue", today["known_issue"]),
                               "target": before["target"]}, today))  # fmt: skip
    assert "target.csv" in found
    assert "known_issue" not in found


def test_edits_beside_the_figures_alone_are_no_reason():
    today = reference_tables()
    before = {
        name: pa.concat_tables([today[name]]).slice(1)
        for name in BESIDE_FIGURES
        if today[name].num_rows
    }
    [reason] = reasons(before, today)
    assert "sql/mart or the release" in reason


def test_no_count_is_computed_from_a_file_beside_the_figures():
    """Only indicator_figure reads one: for the codes in its column known_issues."""
    readers = {
        (file.name, name)
        for file in mart_files()
        for name in BESIDE_FIGURES
        if f"ref.{name}" in file.text
    }
    assert readers <= {
        ("indicator_figure", "known_issue"),
        ("known_issue", "known_issue"),
        ("label", "change_cause"),
        ("label", "code_label"),
        ("label", "report_calendar"),
    }


NAMES = {
    ("indicator_code", "on_time_rate"): {"label_vi": "Đúng hạn", "label_en": "In time"},
    ("method_code", "cohort"): {"label_vi": "Theo ngày nhận", "label_en": "By receipt"},
    ("unit_code", "H24.31"): {"label_vi": "Quận Hồng Bàng", "label_en": "Quận Hồng Bàng"},
    ("field_code", "LV01"): {"label_vi": "Đất đai", "label_en": "Đất đai"},
}


OF_MONTH = ("month", "calendar", "2022-06-01")
RATE = ("on_time_rate", "cohort", "H24.31", "")


@pytest.mark.parametrize(
    ("figure", "in_english", "in_vietnamese", "names"),
    [
        (
            Figure("indicator", *RATE, *OF_MONTH),
            "on_time_rate by cohort of H24.31, month (calendar) from 2022-06-01",
            "on_time_rate theo cohort của H24.31, month (calendar) từ 2022-06-01",
            "Đúng hạn; Theo ngày nhận; Quận Hồng Bàng",
        ),
        (
            Figure("readings", *RATE, *OF_MONTH),
            (
                "readings and issues of on_time_rate by cohort of H24.31,"
                " month (calendar) from 2022-06-01"
            ),
            (
                "cách đọc và vấn đề của on_time_rate theo cohort của H24.31,"
                " month (calendar) từ 2022-06-01"
            ),
            "Đúng hạn; Theo ngày nhận; Quận Hồng Bàng",
        ),
        (
            Figure("form_06a", "", "", "H24.31", "LV01", *OF_MONTH),
            "form II.06a of H24.31, field LV01, month (calendar) from 2022-06-01",
            "biểu II.06a của H24.31, lĩnh vực LV01, month (calendar) từ 2022-06-01",
            "Quận Hồng Bàng; Đất đai",
        ),
        (
            Figure("returned", "", "", "H24.31", "LV02", *OF_MONTH),
            (
                "returned dossiers on form II.06a of H24.31, field LV02,"
                " month (calendar) from 2022-06-01"
            ),
            (
                "hồ sơ bị trả lại trong biểu II.06a của H24.31, lĩnh vực LV02,"
                " month (calendar) từ 2022-06-01"
            ),
            "Quận Hồng Bàng",
        ),
        (
            Figure("indicator", "other", "other", "H24.99", "", *OF_MONTH),
            "other by other of H24.99, month (calendar) from 2022-06-01",
            "other theo other của H24.99, month (calendar) từ 2022-06-01",
            "",
        ),
    ],
)
def test_a_figure_that_differs_has_the_names_of_its_codes(figure, in_english, in_vietnamese, names):
    assert figure.text == in_english
    shown = in_language(figure.named(NAMES), "vi")
    assert shown == (f"{in_vietnamese} ({names})" if names else in_vietnamese)
