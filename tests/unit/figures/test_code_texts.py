"""Names of codes between an upgrade and the next published night."""

from __future__ import annotations

from onestop.figures.code_texts import CodeTexts
from onestop.schema.reference import read_reference


def test_a_code_that_only_the_release_knows_has_the_name_of_its_reference_file():
    *published, newest = read_reference()["change_cause"]
    texts = CodeTexts("change_cause", "cause_code", published)
    code = newest["cause_code"]
    for column in ("label_vi", "label_en", "definition_vi"):
        assert texts[code][column] == newest[column]
        assert texts.text(code, column) == newest[column]


def test_a_published_name_comes_before_that_of_the_release():
    row = {**read_reference()["change_cause"][0], "label_vi": "Như đã công bố"}
    texts = CodeTexts("change_cause", "cause_code", [row])
    assert texts.text(row["cause_code"], "label_vi") == "Như đã công bố"


def test_a_code_that_nobody_knows_stands_for_its_name():
    texts = CodeTexts("change_cause", "cause_code", [])
    assert texts["of_tomorrow"]["label_en"] == "of_tomorrow"
    assert texts["of_tomorrow"]["definition_en"] is None
    assert texts.text("of_tomorrow", "definition_en") == ""
