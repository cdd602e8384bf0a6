"""The items behind the difference of two nights, on the terminal."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from onestop.figures.code_texts import CodeTexts
from onestop.figures.difference import Cause, ChangedItem
from onestop.figures.difference.output import _print_causes, _print_items
from onestop.schema.reference import read_reference

LABELS = SimpleNamespace(
    causes={"new_visit": {"label_vi": "Lượt mới", "label_en": "New visit"}},
    indicators={"rate": {"unit_of_measure": "percent"}, "wait": {"unit_of_measure": "seconds"}},
)


@pytest.mark.parametrize(
    ("indicator", "lang", "nothing", "shown"),
    [
        ("rate", "vi", "0/0", "12.345/1"),
        ("rate", "en", "0/0", "12,345/1"),
        ("wait", "vi", "0 giây/0 lượt", "12.345 giây/1 lượt"),
        ("wait", "en", "0 s/0 visits", "12,345 s/1 visit"),
    ],
)
def test_the_counts_of_an_item_have_the_marks_and_units_of_the_language(
    indicator, lang, nothing, shown
):
    item = ChangedItem("T-1", "new_visit", 0, 0, 12_345, 1)
    figure = SimpleNamespace(indicator_code=indicator, items=[item], item_name="ticket")
    page = io.StringIO()
    cause = SimpleNamespace(cause_code="new_visit")
    _print_items(Console(file=page, width=80), figure, cause, LABELS, lang)
    assert shown in page.getvalue()
    assert nothing in page.getvalue()


@pytest.mark.parametrize("cause_code", ["received_earlier", "of_tomorrow"])
def test_a_cause_that_the_published_rows_lack_is_listed_with_a_name(cause_code):
    release = {row["cause_code"]: row for row in read_reference()["change_cause"]}
    labels = SimpleNamespace(
        causes=CodeTexts("change_cause", "cause_code", []),
        indicators=CodeTexts("indicator", "indicator_code", []),
    )
    cause = Cause(cause_code=cause_code, item_count=None, numerator_change=1, denominator_change=2)
    figure = SimpleNamespace(indicator_code="on_time_rate", causes=[cause], items=[], change=(1, 2))
    page = io.StringIO()
    _print_causes(Console(file=page, width=120), figure, labels, "vi")
    assert release.get(cause_code, {"label_vi": cause_code})["label_vi"] in page.getvalue()
