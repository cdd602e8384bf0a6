"""Exports in one folder for each office: files of one name, each with its own place in the record.

The steps up to the record are run as a night runs them; no marts are computed.
"""

from __future__ import annotations

import datetime as dt
import json
import os

import pytest
import steps_by_hand
from exported_files import RECORD
from published_marts import settings_in

from onestop.warehouse import open_warehouse

NIGHT = dt.date(2022, 6, 30)
NEXT = NIGHT + dt.timedelta(days=1)
MOMENT = 1_656_600_000


def dossiers(office, *numbers):
    return [
        {
            **RECORD,
            "MaHoSo": f"{office}-220601-{number:04d}",
            "DonViTiepNhan": office,
            "DonViXuLy": office,
        }
        for number in numbers
    ]


def export(settings, path, records, *, moment=MOMENT):
    file = settings.exports / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(records), encoding="utf-8")
    os.utime(file, (moment, moment))
    return file


def take_in_all(settings, night=NIGHT):
    """Run a night up to its marts; returns the paths of the files that were found."""
    return [candidate.file_name for candidate in steps_by_hand.take_in_all(settings, night)]


def held(settings, night=NIGHT):
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        rows = warehouse.rows(
            "select dossier_code from core.dossier_history where valid_from <= :night"
            " and (valid_to is null or valid_to > :night) order by 1",
            {"night": night},
        )
    return [row["dossier_code"].replace("-220601-000", ".") for row in rows]


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


def test_files_of_two_offices_with_equal_name_length_and_time_are_both_loaded(settings):
    first, second = "H24.31/dossiers_20220630.json", "H24.32/dossiers_20220630.json"
    export(settings, first, dossiers("H24.31", 1, 2))
    export(settings, second, dossiers("H24.32", 1, 2))
    assert take_in_all(settings) == [first, second]
    assert held(settings) == ["H24.31.1", "H24.31.2", "H24.32.1", "H24.32.2"]
    # a corrected file replaces the one in its own folder
    export(settings, first, dossiers("H24.31", 2), moment=MOMENT + 60)
    assert take_in_all(settings, NIGHT) == [first, second]
    assert held(settings) == ["H24.31.2", "H24.32.1", "H24.32.2"]
    # the next night finds only files whose path is not known yet
    export(settings, "dossiers_20220701.json", dossiers("H24.31", 3))
    export(settings, "H24.33/dossiers_20220630.json", dossiers("H24.33", 1))
    assert take_in_all(settings, NEXT) == [
        "H24.33/dossiers_20220630.json",
        "dossiers_20220701.json",
    ]
    assert "H24.33.1" in held(settings)


def test_a_moved_file_stays_one_delivery_and_is_read_only_once_more(settings):
    export(settings, "dossiers_20220630.json", dossiers("H24.31", 1))
    take_in_all(settings)
    (settings.exports / "sent").mkdir()
    (settings.exports / "dossiers_20220630.json").rename(
        settings.exports / "sent" / "dossiers_20220630.json"
    )
    export(settings, "dossiers_20220701.json", dossiers("H24.31", 2))
    assert "sent/dossiers_20220630.json" in take_in_all(settings, NEXT)
    assert take_in_all(settings, NEXT) == ["dossiers_20220701.json"]
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        assert warehouse.value("select count(*) from audit.delivery") == 2


def test_files_of_one_name_that_cannot_be_copied_are_refused_separately(settings):
    export(settings, "dossiers_20220630.json", dossiers("H24.31", 1))
    for office in ("H24.31", "H24.32"):
        export(settings, f"{office}/visits_20220630.json", [], moment=4_000_000_000)
    take_in_all(settings)
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        rows = warehouse.rows("select file_name from audit.delivery where state = 'refused'")
    assert sorted(row["file_name"] for row in rows) == [
        "H24.31/visits_20220630.json",
        "H24.32/visits_20220630.json",
    ]


def test_snapshots_of_offices_are_parts_and_no_key_vanishes_while_one_is_missing(settings):
    for day in ("20220630", "20220701"):
        export(settings, f"H24.31/dossiers_{day}_snapshot.json", dossiers("H24.31", 1, 2))
    export(settings, "H24.32/dossiers_20220630_snapshot.json", dossiers("H24.32", 1, 2))
    take_in_all(settings)
    assert held(settings) == ["H24.31.1", "H24.31.2", "H24.32.1", "H24.32.2"]
    take_in_all(settings, NEXT)
    assert held(settings, NEXT) == ["H24.31.1", "H24.31.2", "H24.32.1", "H24.32.2"]
    # the missing part arrives, with one dossier less
    export(settings, "H24.32/dossiers_20220701_snapshot.json", dossiers("H24.32", 2))
    take_in_all(settings, NEXT)
    assert held(settings, NEXT) == ["H24.31.1", "H24.31.2", "H24.32.2"]
