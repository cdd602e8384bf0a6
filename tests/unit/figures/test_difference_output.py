"""The items behind the difference of two nights, on the terminal."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from onestop.figures.difference import ChangedItem
from onestop.figures.difference.output import _print_items

LABELS = SimpleNamespace(causes={"new_visit": {"label_vi": "Lượt mới", "label_en": "New visit"}})


@pytest.mark.parametrize(("lang", "shown"), [("vi", "12.345/1"), ("en", "12,345/1")])
def test_the_counts_of_an_item_have_the_marks_of_the_language(lang, shown):
    item = ChangedItem("T-1", "new_visit", 0, 0, 12_345, 1)
    figure = SimpleNamespace(items=[item], item_name="ticket")
    page = io.StringIO()
    cause = SimpleNamespace(cause_code="new_visit")
    _print_items(Console(file=page, width=80), figure, cause, LABELS, lang)
    assert shown in page.getvalue()
    assert "0/0" in page.getvalue()
