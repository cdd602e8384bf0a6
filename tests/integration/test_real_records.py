"""Real case records read with their own mapping, against totals counted by somebody else."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from published_marts import settings_in

from onestop.night import run_night
from onestop.warehouse import open_warehouse

ROOT = Path(__file__).parents[2]
RECORDS = ROOT.parent / "shared" / "data" / "wabo_permits"
NIGHT = dt.date(2012, 1, 23)

pytestmark = [
    pytest.mark.whole_night,
    pytest.mark.skipif(
        not RECORDS.is_dir(), reason="the real records lie beside the checkout, in ../shared/data"
    ),
]


@pytest.fixture(scope="module")
def totals():
    return json.loads((RECORDS / "totals.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    settings = replace(
        settings_in(tmp_path_factory.mktemp("real")), sources=ROOT / "tests" / "data" / "mappings"
    )
    settings.exports.mkdir()
    shutil.copy(RECORDS / "permits.csv", settings.exports / "permits_20120123.csv")
    # The built-in source's nightly file without dossiers: only the permits are compared.
    (settings.exports / "dossiers_20120123.json").write_text("[]", encoding="utf-8")
    report = run_night(settings, NIGHT)
    assert report.is_good, (report.message, report.deliveries)
    with open_warehouse(f"duckdb:///{settings.published}", read_only=True) as warehouse:
        yield warehouse


def by_timeliness(published, where="true"):
    counts = {
        row["timeliness"]: row["dossiers"]
        for row in published.rows(
            "select timeliness, count(*) as dossiers from mart.dossier"
            f" where {where} group by timeliness"
        )
    }
    found = {name: count for name, count in counts.items() if count}
    resolved = sum(found.get(name, 0) for name in ("early", "on_time", "late"))
    in_time = found.get("early", 0) + found.get("on_time", 0)
    still_open = found.get("open_in_time", 0) + found.get("open_overdue", 0)
    judged = resolved + found.get("open_overdue", 0)
    summary = {
        **found,
        "open": still_open,
        "received": resolved + still_open,
        "resolved": resolved,
        "cohort": f"{in_time}/{judged}",
        "form_06": f"{in_time}/{resolved}",
    }
    return {name: value for name, value in summary.items() if value}


def test_all_totals_agree(published, totals):
    assert by_timeliness(published) == totals["all"]


def test_the_totals_of_each_department_agree(published, totals):
    for department, expected in totals["by_department"].items():
        assert by_timeliness(published, f"unit_code = '{department}'") == expected, department


def test_the_totals_of_each_year_agree(published, totals):
    for year, expected in totals["by_year_received"].items():
        found = by_timeliness(published, f"extract(year from received_date) = {year}")
        assert found == expected, year


def test_every_channel_is_counted(published, totals):
    found = {
        row["channel"]: row["dossiers"]
        for row in published.rows(
            "select channel, count(*) as dossiers from mart.dossier group by channel"
        )
    }
    expected = totals["by_channel"]
    assert found == {
        "online": expected["Internet"],
        "counter": expected["Desk"],
        "post": expected["Post"],
        "other": expected["e-mail"] + expected["Intern"],
    }


def test_form_06a_agrees_for_each_period(published, totals):
    for span, expected in totals["form_06a"].items():
        first, last = span.split("..")
        found = published.rows(
            f"select {', '.join(expected)} from mart.form_06a where unit_code = 'CITY'"
            " and field_code = 'ALL' and period_basis = 'calendar'"
            f" and period_start = date '{first}' and period_end = date '{last}'"
        )
        assert found == [expected], span


def test_ends_just_before_the_start_cause_a_warning_and_are_counted(published, totals):
    codes = ", ".join(f"'{code}'" for code in totals["rows_whose_end_precedes_start"])
    assert (
        published.value(f"select count(*) from mart.dossier where dossier_code in ({codes})") == 2
    )
    warned = published.rows(
        "select rows_failed from audit.validation_result"
        " where rule_code = 'DOS-W10' and rows_checked > 1000"
    )
    assert [row["rows_failed"] for row in warned] == [2]
