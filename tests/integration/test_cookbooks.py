"""The cookbooks of CONTRIBUTING.md, followed to the letter in a copy of the tree."""

from __future__ import annotations

import csv
import datetime as dt
import os
import re
import shutil
import subprocess
import sys

import duckdb
import pytest

from onestop.sample import write_sample
from onestop.schema.project import PROJECT_ROOT

NIGHT = dt.date(2022, 11, 15)
GUIDE = PROJECT_ROOT / "CONTRIBUTING.md"
PARTS = ("CONTRIBUTING.md", "Makefile", "docs", "expectations", "plugins", "pyproject.toml",
         "requirements", "sql")  # fmt: skip
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"# (?P<file>\S+), (?P<how>new|after|before|instead of)(?:: (?P<line>.*))?")


def blocks():
    """The parts of the cookbooks, in order: language and text."""
    _, _, cookbooks = GUIDE.read_text(encoding="utf-8").partition("## Three cookbooks")
    return _BLOCK.findall(cookbooks)


class Tree:
    """A copy of the tree."""

    def __init__(self, folder):
        self.folder = folder
        for part in PARTS:
            source = PROJECT_ROOT / part
            if source.is_dir():
                shutil.copytree(
                    source,
                    folder / part,
                    ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
                )
            else:
                shutil.copyfile(source, folder / part)

    def run(self, *command):
        done = subprocess.run(
            command, cwd=self.folder, check=False, capture_output=True, text=True, timeout=600,
            env={**os.environ, "PYTHONPATH": str(self.folder / "plugins"),
                 "ONESTOP_VAR": str(self.folder / "var")},
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def follow(self, language, text):
        """Carry out one part of a cookbook."""
        if language == "sh":
            bin_folder = os.path.dirname(sys.executable)  # noqa: PTH120 - a link stays a link
            for line in text.splitlines():
                self.run(*line.split(), "-o", "setup", f"BIN={bin_folder}")
            return
        first, _, part = text.partition("\n")
        place = _PLACE.fullmatch(first)
        assert place, first
        path = self.folder / place["file"]
        if place["how"] == "new":
            path.write_text(part, encoding="utf-8")
            return
        line, content = f"{place['line']}\n", path.read_text(encoding="utf-8")
        assert content.count(line) == 1, f"{place['file']}: {place['line']}"
        new = {"after": line + part, "before": part + line, "instead of": part}[place["how"]]
        path.write_text(content.replace(line, new), encoding="utf-8")


def as_sylk(path, more):
    """A sample register as a SYLK sheet, with an additional column."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    lines = ["ID;PWXL;N;E"]
    for number, row in enumerate(rows, start=1):
        cells = [*row, more[0] if number == 1 else more[1]]
        for place, cell in enumerate(cells, start=1):
            at = f"Y{number};X{place}" if place == 1 else f"X{place}"
            escaped = cell.replace(";", ";;")
            lines.append(f'C;{at};K"{escaped}"')
    return "\r\n".join([*lines, "E", ""])


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The copy after all cookbooks, and after a night with a register in the new format."""
    copy = Tree(tmp_path_factory.mktemp("copy"))
    for language, text in blocks():
        copy.follow(language, text)
    exports = copy.folder / "var" / "exports"
    write_sample(exports, NIGHT, NIGHT, per_day=5, dirt_percent=0)
    (units,) = exports.glob("units_*.csv")
    sheet = as_sylk(units, ("Trang thông tin điện tử", "https://one-stop.example"))
    units.with_suffix(".txt").write_text(sheet, encoding="utf-8")
    units.unlink()
    copy.run(sys.executable, "-c", "from onestop.cli import main; main()", "night", str(NIGHT))
    return copy


def rows(tree, query):
    with duckdb.connect(tree.folder / "var" / "warehouse.duckdb", read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def test_the_guide_has_all_three_cookbooks():
    files = {found["file"] for _, text in blocks() if (found := _PLACE.match(text))}
    assert {
        "plugins/onestop/schema/feeds.py",
        "plugins/onestop/readers/opening.py",
        "sql/reference/target.csv",
    } <= files


def test_a_new_column_is_loaded_from_the_exports_into_the_record(tree):
    assert rows(tree, "select distinct website from core.unit_version") == [
        ("https://one-stop.example",)
    ]


def test_a_new_column_has_its_schema_file_and_its_documentation(tree):
    (written,) = (tree.folder / "sql" / "schema").glob("*_website.sql")
    assert "alter table core.unit_history add column website varchar;" in written.read_text("utf-8")
    assert "Trang thông tin điện tử" in (tree.folder / "docs" / "feeds.md").read_text("utf-8")


def test_a_new_reader_reads_every_row(tree):
    found = rows(
        tree,
        "select format, rows_read, rows_accepted, rows_rejected from audit.delivery"
        " where feed = 'units'",
    )
    ((form, read, accepted, rejected),) = found
    assert (form, rejected) == ("slk", 0)
    assert read == accepted > 0


def test_a_new_target_holds_from_its_day_on(tree):
    found = dict(
        rows(
            tree,
            "select distinct month(period_start), target from mart.indicator_value"
            " where indicator_code = 'on_time_rate' and unit_scope = 'city'"
            " and period_type = 'month' and period_basis = 'calendar'"
            f" and year(period_start) = {NIGHT.year}",
        )
    )
    assert {month: int(target) for month, target in found.items() if month in (9, 10, 11)} == {
        9: 98, 10: 99, 11: 99,
    }  # fmt: skip
