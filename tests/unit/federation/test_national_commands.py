"""The commands of the federation: what they print in both languages, and how they end."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil

import pytest
from commands import run_command
from generated_provinces import national_settings

from onestop.federation.federating import Wanted, federate
from onestop.federation.package import open_package
from onestop.federation.registry import read_registry
from onestop.federation.scorecard import print_nation
from onestop.federation.sentences import federated_sentences
from onestop.federation.signing import public_key, read_key
from onestop.vietnamese import SENTENCES


@pytest.fixture(scope="module")
def office(nation, empty_office, tmp_path_factory):
    """A national office with two of three provinces, and a file that is no package."""
    folder = tmp_path_factory.mktemp("commands")
    shutil.copytree(empty_office.landing.parent, folder / "office")
    settings = national_settings(empty_office, folder / "office")
    lines = nation.registry.read_text("utf-8").splitlines()
    (folder / "provinces.csv").write_text("\n".join(lines[:4]), encoding="utf-8")
    (folder / "inbox").mkdir()
    for number, code in enumerate(nation.codes[:2], start=1):
        (folder / "inbox" / f"{code}.onestop.zip").write_bytes(nation.package(code, number))
    (folder / "inbox" / "=bad.onestop.zip").write_bytes(b"none")
    return settings, folder


@pytest.fixture(scope="module")
def environment(office, nation):
    settings, folder = office
    return {
        **os.environ,
        **settings.to_environment(),
        "ONESTOP_PROVINCES": str(folder / "provinces.csv"),
        "ONESTOP_PACKAGES": str(folder / "inbox"),
        "ONESTOP_PACKAGE_KEY": str(nation.folder / "P01.pem"),
        "ONESTOP_PROVINCE": "P01",
        "COLUMNS": "140",
    }


@pytest.fixture(scope="module")
def first_run(environment):
    return run_command("federate", "--scorecard", env={**environment, "LANG_UI": "vi"})


def test_federate_says_what_became_of_each_file_and_who_is_missing(first_run):
    assert first_run.returncode == 1, first_run.stderr
    said = first_run.stdout
    assert "=bad.onestop.zip: bị từ chối, PKG-F01: tệp không phải gói số liệu" in said
    assert "P01.onestop.zip: P01, đêm 2022-11-15" in said
    assert "đã đọc 3 tệp: nhận 2, đã có từ trước 0, từ chối 1" in said
    assert "đã công bố số liệu cả nước của đêm 2022-11-15 với 2 trên 3 tỉnh" in said
    assert "P03 thiếu: chưa có gói số liệu nào" in said
    assert "Cả nước, số liệu đến hết ngày 15/11/2022, lần công bố 1" in said
    assert "Hồ sơ tiếp nhận" in said
    assert "(1) Thứ hạng không cộng được" in said


def test_a_second_run_changes_nothing_and_ends_well(first_run, environment):
    del first_run
    again = run_command("federate", env={**environment, "LANG_UI": "en"})
    assert again.returncode == 0, again.stdout + again.stderr
    assert "3 files read: 0 taken in, 2 held before, 1 refused" in again.stdout
    assert "nothing new is published for the nation's night 2022-11-15" in again.stdout


def printed(office, *arguments):
    page = io.StringIO()
    print_nation(office[0], *arguments, file=page)
    return page.getvalue()


def test_the_scorecard_is_in_english_by_the_switch(first_run, office):
    del first_run
    page = printed(office, "en")
    assert "2 of 3 provinces are in" in page
    assert "P03 Province P03: no package so far" in page
    assert "resolved on time" in " ".join(page.split())
    assert "(1) Ranks cannot be added up" in page


def test_json_and_csv_hold_integers_rates_and_both_languages(first_run, office, nation):
    del first_run
    page = json.loads(printed(office, "vi", None, "json"))
    assert (page["provinces_total"], page["provinces_missing"]) == (3, 1)
    line = next(
        one
        for one in page["lines"]
        if (one["indicator_code"], one["unit_code"]) == ("on_time_rate", "NATION")
    )
    [city] = [
        row
        for row in nation.model["indicator_value"].to_pylist()
        if (row["indicator_code"], row["method_code"], row["unit_scope"], row["period_type"])
        == ("on_time_rate", "cohort", "city", "year_to_date")
    ]
    assert (line["numerator"], line["denominator"]) == (
        3 * city["numerator"],
        3 * city["denominator"],
    )
    # the third province is missing: its verdict may be either
    assert line["met_at_most"] == line["met_at_least"] + line["provinces_depending"] + 1
    rows = list(csv.DictReader(io.StringIO(printed(office, "vi", None, "csv"))))
    assert len(rows) == len(page["lines"])
    assert {row["indicator_code"] for row in rows} > {"on_time_rate", "pci_rank"}


def test_lists_name_provinces_packages_and_refusals_without_formulas(first_run, office):
    del first_run
    provinces = printed(office, "en", None, "table", "provinces")
    assert [line.split()[0] for line in provinces.splitlines() if " P0" in line] == [
        "P01",
        "P02",
        "P03",
    ]
    packages = printed(office, "vi", None, "csv", "packages")
    assert "'=bad.onestop.zip" in packages
    assert "PKG-F01" in packages
    assert printed(office, "en", None, "json", "restated").strip() == "[]"
    assert "refused" in printed(office, "en", None, "table", "packages")
    heading = printed(office, "vi", None, "table", "restated").split()
    assert heading[:6] == ["Tỉnh", "Đêm", "trước", "Đêm", "sau", "Chỉ"]


def test_what_was_refused_is_checked_again_without_a_place(first_run, environment):
    assert first_run.returncode == 1
    without = {key: text for key, text in environment.items() if key != "ONESTOP_PACKAGES"}
    done = run_command("federate", "--retry", env={**without, "LANG_UI": "en"})
    assert done.returncode == 0, done.stderr
    assert "PKG-F01" in done.stdout
    none = run_command("federate", env={**without, "LANG_UI": "en"})
    assert (none.returncode, "no place of packages is named" in none.stderr) == (1, True)


def test_every_sentence_of_a_run_has_its_vietnamese(office, nation, tmp_path):
    settings, folder = office
    registry = read_registry(folder / "provinces.csv")
    (tmp_path / "P01.onestop.zip").write_bytes(nation.package("P01", 5, hour=7))
    done = federate(settings, registry, [str(tmp_path)], Wanted(at_least=3))
    sentences = list(federated_sentences(done))
    assert any("restates" in sentence for sentence in sentences)
    assert any("waits for 1 more" in sentence for sentence in sentences)
    assert [s for s in sentences if s.template not in SENTENCES] == []


def test_package_writes_the_night_and_prints_a_new_key(one_night, environment, nation, tmp_path):
    own = {**environment, **one_night.to_environment(), "LANG_UI": "en"}
    done = run_command("package", "2022-11-15", "--out", tmp_path, env=own)
    assert done.returncode == 0, done.stderr
    [path] = tmp_path.glob("P01_2022-11-15_*.onestop.zip")
    assert done.stdout.strip() == f"{path}: night 2022-11-15, {path.stat().st_size >> 10} KB"
    assert path.read_bytes() == nation.written.read_bytes()
    assert open_package(path.read_bytes()).manifest.province_code == "P01"
    key = run_command("package", "--new-key", tmp_path / "new.pem", env=own)
    assert key.returncode == 0
    assert public_key(key.stdout.strip()) == read_key(tmp_path / "new.pem").public_key()
