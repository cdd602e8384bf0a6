"""The description of an awaited file, and of files with similar names."""

from __future__ import annotations

import datetime as dt
import os

import pytest

from onestop.intake.awaited import awaited_name, awaited_where, misnamed, near_misses
from onestop.intake.exports import list_exports
from onestop.schema.mapping_files import load_mappings

NIGHT = dt.date(2022, 11, 24)
MAPPINGS = load_mappings(None)
DOSSIERS = MAPPINGS["one_stop"].feeds["dossiers"]


@pytest.fixture
def exports(tmp_path):
    def put(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        return tmp_path

    return put


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        (r"dossiers_(?P<night>\d{8})(?!\d)[^/]*\.(json|csv)", "dossiers_20221124*"),
        (r"permits_(?P<night>\d{8})\.csv", "permits_20221124.csv"),
        (r"^Danh sách (?:hồ sơ|HS) (?P<night>\d{8})\.xlsx?$", "Danh sách * 20221124.xls*"),
        (r"a?b+c{2}(?P<night>[0-9]{8})\w\.x", "*20221124*.x"),
    ],
)
def test_a_pattern_is_shown_as_people_write_it(pattern, shown):
    assert awaited_name(pattern, NIGHT) == shown


@pytest.mark.parametrize(
    "name",
    [
        "dosiers_20221124.json",
        "Dossiers-20221124.json",
        "dossiers_2022-11-24.csv",
        "dossiers_24112022.xlsx",
        "dossiers_20221124.pdf",
        "dossiers.json",
        "huyện/dossier_20221124.csv",
    ],
)
def test_a_name_that_comes_close_is_named(exports, name):
    found = near_misses(exports(name, "visits_20221124.csv"), DOSSIERS, NIGHT, MAPPINGS)
    assert found == [name]


def test_a_hidden_unfinished_or_irregular_file_is_named_with_the_reason(exports):
    folder = exports("dossiers_20221124.json.part", ".dossiers_20221124.csv")
    os.mkfifo(folder / "dossiers_20221124_pipe.json")
    found = near_misses(folder, DOSSIERS, NIGHT, MAPPINGS)
    assert len(found) == 3
    assert all("hidden, still being written, or no regular file" in one for one in found)


def test_the_note_that_a_workbook_is_open_in_excel_is_no_delivery(exports):
    folder = exports("~$dossiers_20221124.xlsx")
    assert list_exports(folder) == []
    (found,) = near_misses(folder, DOSSIERS, NIGHT, MAPPINGS)
    assert "still being written" in found


def test_a_file_of_a_later_night_is_named_with_its_night(exports):
    found = near_misses(exports("dossiers_20221125.json"), DOSSIERS, NIGHT, MAPPINGS)
    assert found == ["dossiers_20221125.json (of night 2022-11-25)"]


@pytest.mark.parametrize(
    "name",
    ["dossiers_20221123.json", "visits_20221124.csv", "dosiers_20221101.json", "readme.txt"],
)
def test_a_file_of_another_night_or_feed_is_not_named(exports, name):
    assert near_misses(exports(name), DOSSIERS, NIGHT, MAPPINGS) == []


def test_the_sentence_names_pattern_and_folder(exports):
    folder = exports("dosiers_20221124.json")
    assert awaited_where(folder, DOSSIERS, NIGHT, MAPPINGS) == (
        "no file dossiers_20221124_snapshot* or dossiers_20221124* below"
        f" {folder}; similar names there: dosiers_20221124.json"
    )


def test_a_missing_exports_folder_has_no_similar_names(tmp_path):
    assert near_misses(tmp_path / "gone", DOSSIERS, NIGHT, MAPPINGS) == []


@pytest.mark.parametrize(
    ("name", "feed"),
    [
        ("dossiers_2022-11-24_H24.32.csv", "dossiers"),
        ("huyện/Dossier_20221124.xlsx", "dossiers"),
        ("dossiers-24112022-phường-Hạ-Lý.CSV", "dossiers"),
        ("dossiers_20221124.xlsm", "dossiers"),
        ("visits 2022.11.24.json", "visits"),
        ("dossiers_20221124.csv.sha256", None),
        ("dossiers_20221124.pdf", None),
        ("dossiers_2022-11-23.csv", None),
        ("dossiers.csv", None),
        ("báo cáo 20221124.xlsx", None),
        ("20221124.csv", None),
    ],
)
def test_a_list_of_the_night_with_a_similar_name_is_found(name, feed):
    found = misnamed(name, NIGHT, MAPPINGS)
    assert (found and found.feed) == feed
