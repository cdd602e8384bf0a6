"""Sources of rules and codes in English."""

from __future__ import annotations

import re

import pytest

from onestop.gate.suite import all_suites
from onestop.schema.reference import read_reference
from onestop.schema.source_texts import _WORDS, SOURCES, source_text

#: Laws, decrees, decisions, circulars; and files and tables of the product.
_KEPT = re.compile(r"(QĐ|NĐ|TT|BLLĐ|Bộ luật) |(sql|plugins)/|ref\.")
WRITTEN = {
    *(rule.clause for suite in all_suites() for rule in suite.rules),
    *(str(row.get("source_clause") or "") for rows in read_reference().values() for row in rows),
} - {""}


#: What is Vietnamese in English texts: signs of decrees and clauses, and names of places.
_NAMES = re.compile(
    r"(QĐ|NĐ|TT) [\w/-]+|\bQĐ\b|I\.2\.đ|Khánh Hòa|Vĩnh Phúc|Thanh Hóa|Gia Lai|Tết|[–“”]"
)


@pytest.mark.parametrize("source", sorted(WRITTEN))
def test_every_source_is_a_law_or_has_its_english_text(source):
    assert source_text(source, "vi") == source
    english = source_text(source, "en")
    assert _NAMES.sub("", english).isascii(), english
    assert source in SOURCES or _KEPT.match(source)


@pytest.mark.parametrize(
    ("source", "english"),
    [
        ("NĐ 61/2018/NĐ-CP Điều 19.9", "NĐ 61/2018/NĐ-CP Article 19.9"),
        ("QĐ 3818 Phụ lục 17; QĐ 468/QĐ-TTg", "QĐ 3818 Annex 17; QĐ 468/QĐ-TTg"),
        ("BLLĐ 2019 Điều 111 khoản 3", "Labour Code 2019 Article 111 paragraph 3"),
        ("TT 01/2020/TT-VPCP, Biểu II.06a", "TT 01/2020/TT-VPCP, Form II.06a"),
    ],
)
def test_words_beside_the_sign_of_a_decree_are_english(source, english):
    assert source_text(source, "en") == english


@pytest.mark.parametrize("word", sorted(_WORDS))
def test_every_word_is_of_a_source_in_use(word):
    assert any(word in source for source in WRITTEN)


def test_every_english_text_is_of_a_source_in_use():
    assert SOURCES.keys() <= WRITTEN
