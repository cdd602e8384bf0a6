"""Sources of rules and codes in English."""

from __future__ import annotations

import re

import pytest

from onestop.gate.suite import all_suites
from onestop.schema.reference import read_reference
from onestop.schema.source_texts import SOURCES, source_text

#: Laws, decrees, decisions, circulars; and files and tables of the product.
_KEPT = re.compile(r"(QĐ|NĐ|TT|BLLĐ|Bộ luật) |sql/|ref\.")
WRITTEN = {
    *(rule.clause for suite in all_suites() for rule in suite.rules),
    *(str(row.get("source_clause") or "") for rows in read_reference().values() for row in rows),
} - {""}


@pytest.mark.parametrize("source", sorted(WRITTEN))
def test_every_source_is_a_law_or_has_its_english_text(source):
    assert source_text(source, "vi") == source
    assert (source_text(source, "en") == source) == bool(_KEPT.match(source))


def test_every_english_text_is_of_a_source_in_use():
    assert SOURCES.keys() <= WRITTEN
