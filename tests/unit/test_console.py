"""CSV for people: a byte order mark in files, none in streams, no formulas."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re

import pytest

from onestop.console import CSV_ENCODING, csv_bytes, write_csv
from onestop.schema.project import PROJECT_ROOT

COLUMNS = ("unit_code", "unit_name", "is_small")
ROWS = [("H24.31", "Quận Hồng Bàng", True), ("=H24", None, False)]
TEXT = "unit_code,unit_name,is_small\nH24.31,Quận Hồng Bàng,true\n'=H24,,false\n"


def test_a_file_begins_with_a_byte_order_mark():
    content = csv_bytes(COLUMNS, ROWS)
    assert content.startswith(codecs.BOM_UTF8)
    assert content.decode(CSV_ENCODING) == TEXT


def test_output_redirected_into_a_file_begins_with_the_mark_once(tmp_path):
    path = tmp_path / "figures.csv"
    for mode in ("w", "a"):
        with path.open(mode, encoding="utf-8") as file:
            write_csv(file, COLUMNS, ROWS)
    assert path.read_text("utf-8") == "\ufeff" + 2 * TEXT
    with path.open(encoding=CSV_ENCODING, newline="") as file:
        assert next(csv.DictReader(file))["unit_code"] == "H24.31"


def test_a_pipe_and_a_text_in_memory_have_no_mark():
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as file:
        write_csv(file, COLUMNS, ROWS)
    with os.fdopen(reading, encoding="utf-8") as file:
        assert file.read() == TEXT
    text = io.StringIO()
    write_csv(text, COLUMNS, ROWS)
    assert text.getvalue() == TEXT


@pytest.mark.parametrize("encoding", ["latin-1", "cp1258"])
def test_a_file_that_is_not_in_utf_8_has_no_mark(tmp_path, encoding):
    path = tmp_path / "figures.csv"
    with path.open("w", encoding=encoding) as file:
        write_csv(file, ["unit_code"], [["H24"]])
    assert path.read_bytes() == b"unit_code\nH24\n"


def test_one_function_writes_every_csv_that_people_open():
    """So that each begins with a byte order mark and holds no formula."""
    writers = {
        path.name
        for path in (PROJECT_ROOT / "plugins" / "onestop").rglob("*.py")
        if path.parent.name != "sample"
        and re.search(r"\bcsv\.(writer|DictWriter)\(", path.read_text(encoding="utf-8"))
    }
    assert writers == {"console.py"}
