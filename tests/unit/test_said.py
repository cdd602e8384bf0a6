"""Sentences are said in Vietnamese and English; each text of the code has its translation."""

from __future__ import annotations

import ast
import copy
import json
import pickle
import re
import string
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from published_marts import settings_in

import onestop
from onestop.errors import OneStopError, errors_in
from onestop.night import rows_counted
from onestop.record.load import LoadedDelivery
from onestop.said import (
    Said,
    in_language,
    said,
    said_both,
    said_count,
    said_either,
    said_list,
    said_number,
    said_text,
    translated,
)
from onestop.schema.mapping_files import SCHEMA
from onestop.upkeep import doctor
from onestop.upkeep.doctor import examine, print_examination
from onestop.vietnamese import CATALOGUES, SENTENCES
from onestop.vietnamese.nouns import NOUNS

PACKAGE = Path(onestop.__file__).parent
#: Functions whose texts people read, beside the classes of errors.
SAYING = {"said", "further", "said_text", "translated", "log", "_log", "fail", "did_you_mean"}
#: Errors that are no :class:`OneStopError` and become the text of one.
INNER = {"UnreadableError", "CommonRuleError", "DoubtError"}


@cache
def trees():
    """The code of the package by file, without its translations."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent.name != "vietnamese"
    }


def calls():
    """Every call of the package: the file, the name that is called, the node."""
    for file, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield file, ast.unparse(node.func).rpartition(".")[2], node


def errors_for_people():
    """Names of the classes of errors that people read."""
    bases = {
        node.name: [ast.unparse(base).rpartition(".")[2] for base in node.bases]
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }

    found = {"OneStopError", *INNER}
    while more := {name for name in bases.keys() - found if found.intersection(bases[name])}:
        found |= more
    return found


def alternatives(node):
    """The expressions that an argument may be."""
    if isinstance(node, ast.IfExp):
        return [*alternatives(node.body), *alternatives(node.orelse)]
    if isinstance(node, ast.BoolOp):
        return [one for value in node.values for one in alternatives(value)]
    return [node]


def texts_for_people():
    """The texts in the arguments of errors and sayings, and the f-strings among them."""
    errors = errors_for_people()
    for file, name, node in calls():
        in_class = name == "__init__" and ast.unparse(node.func) == "super().__init__"
        if name not in SAYING | errors and not in_class:
            continue
        values = [keyword.value for keyword in node.keywords] if name != "said" else []
        first = node.args[:1] if name in {"said", "further"} else node.args
        for one in (one for value in (*first, *values) for one in alternatives(value)):
            yield f"{file}:{node.lineno}", one


def has_words(text):
    return " " in text.strip() and re.search("[a-z]{2}", re.sub(r"\{[^}]*\}", "", text))


def slots_in(template):
    """The names in a template with what follows them, such as ``name!r``."""
    return Counter(
        f"{name}!{conversion}:{form}"
        for _, name, form, conversion in string.Formatter().parse(template)
        if name is not None
    )


def test_every_text_that_people_read_has_a_translation():
    texts = {
        one.value: where
        for where, one in texts_for_people()
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and has_words(one.value)
    }
    assert len(texts) > 400
    assert {texts[text]: text for text in texts.keys() - SENTENCES.keys()} == {}


def test_no_text_that_people_read_is_put_together_before_it_is_translated():
    joined = {
        where: ast.unparse(one)
        for where, one in texts_for_people()
        if isinstance(one, ast.JoinedStr)
        and has_words("".join(v.value for v in one.values if isinstance(v, ast.Constant)))
    }
    assert joined == {}


def descriptions():
    """What the schema of mappings says about each key, as errors quote it."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    found, pending = set(), [schema]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            found |= {one["description"]} if isinstance(one.get("description"), str) else set()
            pending += one.values()
    return {text.rstrip(".") for text in found}


def test_every_description_of_the_mapping_language_has_a_translation():
    assert len(descriptions()) > 30
    assert descriptions() - SENTENCES.keys() == set()


def test_every_counted_noun_has_a_translation():
    nouns = {
        node.args[1].value
        for _, name, node in calls()
        if name == "said_count" and isinstance(node.args[1], ast.Constant)
    }
    assert nouns - NOUNS.keys() == set()


def test_a_translation_has_the_same_values():
    templates = {
        node.args[0].value
        for _, name, node in calls()
        if name in {"said", "further"} and isinstance(node.args[0], ast.Constant)
    }
    for english in templates & SENTENCES.keys():
        own = SENTENCES[english]
        assert slots_in(english).keys() == slots_in(own).keys(), english


def test_every_translation_is_used_and_in_one_place():
    texts = {
        node.value
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert SENTENCES.keys() - texts - descriptions() == set()
    assert NOUNS.keys() - texts == set()
    assert sum(len(one.SENTENCES) for one in CATALOGUES) == len(SENTENCES)


def test_a_sentence_is_english_text_and_translated_with_its_parts():
    text = said("{file}: {counts}", file="a.json", counts=said("1 row read"))
    assert text == "a.json: 1 row read"
    assert text.in_language("en") == "a.json: 1 row read"
    assert text.in_language("vi") == "a.json: đọc 1 dòng"
    assert said("{x} without a translation", x=1).in_language("vi") == "1 without a translation"
    assert in_language("a text", "vi") == "a text"


def test_a_count_has_its_noun_in_either_language():
    text = said("{file}: {counts}", file="a.json", counts=said_count(1234, "row"))
    assert text == "a.json: 1,234 rows"
    assert text.in_language("vi") == "a.json: 1.234 dòng"
    assert said_count(1, "landed file") == "1 landed file"
    assert said_count(2, "delivery", "deliveries") == "2 deliveries"
    assert said_number(12345).in_language("vi") == "12.345"


def test_lists_and_texts_are_translated():
    assert said_either(["a"]) == "a"
    assert said_either(["a", "b", "c"]) == "a, b or c"
    assert said_either(["a", "b", "c"]).in_language("vi") == "a, b hoặc c"
    several = said_list([said("1 row read"), "x"])
    assert (several, several.in_language("vi")) == ("1 row read; x", "đọc 1 dòng; x")
    assert said_text("is {no} template").in_language("vi") == "is {no} template"
    assert translated("1 row read", "vi") == "đọc 1 dòng"
    assert said_both(vi="một", en="one").in_language("vi") == "một"


def test_an_error_is_translated_as_a_whole_and_english_where_it_is_kept():
    error = OneStopError("there is no backup", subject="/srv", remedy="run it again")
    assert str(error) == "/srv: there is no backup; run it again"
    assert error.in_language("vi") == "/srv: chưa có bản sao lưu nào; chạy lại"
    inner = said("{error}, so there is nothing to back up", error=error)
    assert inner.in_language("vi").startswith("/srv: chưa có bản sao lưu nào")


def test_an_error_that_leaves_a_block_speaks_its_language():
    with pytest.raises(OneStopError) as raised, errors_in("vi"):
        raise OneStopError("there is no backup")
    assert str(raised.value) == "chưa có bản sao lưu nào"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda text: pickle.loads(pickle.dumps(text))])
def test_a_copy_is_the_english_text(copied):
    found = copied(said("night {night}", night=object()))
    assert type(found) is str
    assert found.startswith("night <object")


def test_the_rows_of_a_file_are_counted_in_either_language():
    loaded = LoadedDelivery(
        "x", rows_read=7, rows_accepted=3, rows_rejected=1, rows_repeated=1, rows_blank=2,
        rows_skipped=0, warnings=4,
    )  # fmt: skip
    counts = rows_counted(loaded)
    assert (
        counts == "7 rows read, 3 accepted, 1 rejected, 1 repeated, 2 blank or title; warnings: 4"
    )
    assert counts.in_language("vi") == (
        "đọc 7 dòng, nhận 3, loại bỏ 1, lặp 1, trống hoặc tiêu đề 2; lưu ý: 4"
    )


def test_the_doctor_speaks_both_languages(tmp_path, monkeypatch, capsys):
    monkeypatch.delitem(doctor._CHECKS, "suites")  # imports Great Expectations
    settings = settings_in(tmp_path)
    settings.exports.mkdir()
    for one in examine(settings):
        texts = [text for text in (one.message, one.remedy) if isinstance(text, Said)]
        assert texts or one.check in {"mappings", "retention"}, one
        assert all(text.in_language("vi") != text for text in texts), one
    print_examination(settings, "table", lang="vi")
    vietnamese = capsys.readouterr().out
    print_examination(settings, "table", lang="en")
    english = capsys.readouterr().out
    assert "không có kho dữ liệu" in " ".join(vietnamese.split())
    assert "đêm đầu tiên sẽ tạo" in vietnamese
    assert "the first night makes it" in english
    assert "have the source systems export" in english


#: Coordinates of charts, and the invented registers of the sample.
NO_TEXT = {"figures/web/charts.py", "sample/registers.py"}


def test_numbers_get_their_marks_in_one_place():
    """Elsewhere, a format with marks or decimals is right for one language only."""
    found = []
    for file, tree in trees().items():
        exact = {
            id(node)
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "Decimal"
            for node in ast.walk(call)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FormattedValue) and node.format_spec and id(node) not in exact:
                text = ast.unparse(node.format_spec)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = " ".join(re.findall(r"\{\w*:[^{} ]*\}", node.value))
            else:
                continue
            if re.search(r",|\.[1-9]f", text):
                found.append((file, node.lineno, text))
    marks = [each for each in found if each[0] not in NO_TEXT]
    assert {file for file, _, _ in marks} == {"said.py"}, marks


@pytest.mark.parametrize(
    ("number", "places", "vi", "en"),
    [
        (1_234_567, 0, "1.234.567", "1,234,567"),
        (1234.56, 1, "1.234,6", "1,234.6"),
        (0.04, 1, "0,0", "0.0"),
    ],
)
def test_a_number_has_the_marks_of_the_language(number, places, vi, en):
    text = said_number(number, places)
    assert (text.in_language("vi"), str(text)) == (vi, en)


def test_the_counts_of_a_large_file_have_marks_in_both_languages():
    counts = rows_counted(
        LoadedDelivery("a", rows_read=1_500_000, rows_accepted=1_499_000, rows_rejected=1000)
    )
    assert counts == "1,500,000 rows read, 1,499,000 accepted, 1,000 rejected"
    assert "1.499.000" in counts.in_language("vi")
