"""The cookbooks of CONTRIBUTING.md, followed to the letter in a copy of the tree."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys

import duckdb
import pytest

from onestop.sample import write_sample
from onestop.schema.project import PROJECT_ROOT

NIGHT, LAST = dt.date(2022, 11, 15), dt.date(2022, 11, 16)
GUIDE = PROJECT_ROOT / "CONTRIBUTING.md"
PARTS = ("CONTRIBUTING.md", "Makefile", "docs", "expectations", "plugins", "pyproject.toml",
         "requirements", "sql", "tests/conftest.py", "tests/expectations",
         "tests/support")  # fmt: skip
#: A ticket that breaks the cookbook's rule.
SUNDAY = (
    "H24.37-221113-0001,1001,H24.37,Quầy 01,DV9,1.008975.000.00.00.H24,normal,no_show,,"
    "2022-11-13 08:20:34,,,,,\n"
)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(
    r"(?:#|--) (?P<file>\S+), "
    r"(?P<how>new|at the end of the list|at the end|after|before|instead of)(?:: (?P<line>.*))?"
)


def blocks():
    """The parts of the cookbooks, in order: language and text."""
    _, _, cookbooks = GUIDE.read_text(encoding="utf-8").partition("## Five cookbooks")
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
                (folder / part).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, folder / part)

    def run(self, *command):
        done = subprocess.run(
            command, cwd=self.folder, check=False, capture_output=True, text=True, timeout=600,
            env={**os.environ, "PYTHONPATH": str(self.folder / "plugins"),
                 "ONESTOP_VAR": str(self.folder / "var")},
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def onestop(self, *arguments):
        command = "from onestop.cli import main; main()"
        return self.run(sys.executable, "-c", command, *arguments)

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
        if place["how"] == "at the end":
            path.write_text(path.read_text(encoding="utf-8") + part, encoding="utf-8")
            return
        if place["how"] == "at the end of the list":
            whole = json.loads(path.read_text(encoding="utf-8"))
            whole[place["line"]].append(json.loads(part))
            path.write_text(json.dumps(whole, ensure_ascii=False, indent=2), encoding="utf-8")
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
    write_sample(exports, NIGHT, LAST, per_day=5, dirt_percent=0)
    units = next(exports.glob(f"units_{NIGHT:%Y%m%d}*.csv"))
    sheet = as_sylk(units, ("Trang thông tin điện tử", "https://one-stop.example"))
    units.with_suffix(".txt").write_text(sheet, encoding="utf-8")
    units.unlink()
    visits = next(exports.glob(f"visits_{LAST:%Y%m%d}*.csv"))
    visits.write_bytes(visits.read_bytes() + SUNDAY.encode())
    copy.onestop("night", str(NIGHT), "--to", str(LAST))
    return copy


def rows(tree, query):
    with duckdb.connect(tree.folder / "var" / "warehouse.duckdb", read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def test_why_the_new_indicator_moved_is_recorded_and_compared_without_further_work(tree):
    found = rows(
        tree,
        "select cause_code, sum(numerator_change), sum(denominator_change) from mart.night_change"
        " where indicator_code = 'documents_digitised_rate' and unit_code = 'CITY'"
        " and period_type = 'year_to_date' and period_basis = 'calendar'"
        " group by cause_code order by cause_code",
    )
    assert found
    assert {code for code, _, _ in found} <= {
        "newly_received",
        "received_earlier",
        "counted_otherwise",
    }
    nights = rows(
        tree, "select distinct previous_night, as_of_date from mart.night_change order by 1"
    )
    compared = tree.onestop(
        "diff",
        str(nights[0][0]),
        str(nights[-1][1]),
        "--indicator",
        "documents_digitised_rate",
        "--format",
        "json",
    )
    [figure] = json.loads(compared)["figures"]
    changes = (figure["numerator_change"], figure["denominator_change"])
    assert changes == (sum(row[1] for row in found), sum(row[2] for row in found))


def test_the_guide_has_all_five_cookbooks():
    files = {found["file"] for _, text in blocks() if (found := _PLACE.match(text))}
    assert {
        "plugins/onestop/schema/feeds.py",
        "plugins/onestop/readers/opening.py",
        "sql/mart/indicator/documents_digitised_rate.sql",
        "sql/reference/target.csv",
        "expectations/feeds/visits.json",
        "tests/expectations/test_register_suites.py",
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


def test_a_new_rule_rejects_the_row_that_breaks_it(tree):
    assert rows(tree, "select rule_code, count(*) from audit.rejected_row group by rule_code") == [
        ("VIS-R18", 1)
    ]
    assert "Issued on a Sunday" in (tree.folder / "docs" / "feeds.md").read_text("utf-8")


def test_the_row_beside_a_new_rule_shows_that_the_rule_finds_it(tree):
    shown = tree.run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
        "tests/expectations/test_register_suites.py", "-k", "VIS-R18 or every_rule",
    )  # fmt: skip
    assert "5 passed" in shown


NEW = "documents_digitised_rate"


def test_a_new_indicator_has_its_figures_and_its_outlook(tree):
    figures = rows(
        tree,
        "select numerator, denominator, status, (select growth from ref.indicator"
        f" where indicator_code = '{NEW}') from mart.scorecard"
        f" where indicator_code = '{NEW}' and unit_code = 'CITY'",
    )
    ((numerator, denominator, status, growth),) = figures
    assert 0 <= numerator <= denominator
    assert denominator > 0
    assert (status in ("met", "not_met"), growth) == (True, "flow")
    # those still to come are expected: the denominator grows
    assert rows(
        tree,
        "select expected_new > 0, projected_denominator > denominator from mart.outlook"
        f" where indicator_code = '{NEW}' and unit_code = 'CITY'",
    ) == [(True, True)]


def test_a_new_indicator_is_explained_by_its_items(tree):
    told = tree.onestop(
        "explain", NEW, "--unit", "CITY", "--from", f"{NIGHT.year}-01-01", "--to", str(LAST),
        "--format", "json",
    )  # fmt: skip
    found = json.loads(told)
    assert (found["agrees"], len(found["dossiers"])) == (True, found["denominator"])
    reasons = {item["reason_code"]: item["reason_vi"] for item in found["dossiers"]}
    assert reasons["digitised"].endswith("/2022, có giấy tờ số hóa")


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
