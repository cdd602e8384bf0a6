"""Sentences of commands are said in Vietnamese and English, and kept in one place."""

from __future__ import annotations

import ast
import copy
import pickle
import string
from pathlib import Path

import pytest
from published_marts import settings_in

import onestop
from onestop.night import rows_counted
from onestop.record.load import LoadedDelivery
from onestop.schema.said import NOUNS, VIETNAMESE, Said, in_language, said, said_count
from onestop.upkeep import doctor
from onestop.upkeep.doctor import examine, print_examination

PACKAGE = Path(onestop.__file__).parent


def names_in(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def trees():
    for path in PACKAGE.rglob("*.py"):
        if path.name != "said.py":
            yield ast.parse(path.read_text(encoding="utf-8"))


def test_every_sentence_of_the_code_has_its_translation_with_the_same_values():
    used = {
        node.args[0].value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"said", "further"}
        and isinstance(node.args[0], ast.Constant)
    }
    assert used - VIETNAMESE.keys() == set()
    assert len(used) > 50
    for english, vietnamese in VIETNAMESE.items():
        assert names_in(english) == names_in(vietnamese), english


def test_every_translation_is_used():
    texts = {
        node.value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert VIETNAMESE.keys() - texts == set()
    assert NOUNS.keys() - texts == set()


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
        "đọc 7 dòng, nhận 3, loại bỏ 1, lặp 1, trống hoặc tiêu đề 2; cảnh báo: 4"
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
    assert "chưa có: there is no warehouse at" in " ".join(vietnamese.split())
    assert "đêm đầu tiên sẽ tạo" in vietnamese
    assert "the first night makes it" in english
    assert "have the source systems export" in english
