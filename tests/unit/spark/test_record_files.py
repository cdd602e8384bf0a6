"""The record as Parquet files: written once, and again where one is missing or wrong."""

from __future__ import annotations

import datetime as dt

import pyarrow.dataset as ds
import pytest
from worked_dossiers import IN_JULY, LATE_FILE, LATER, NIGHT, THIRTEEN, record

from onestop.schema.feeds import FEEDS
from onestop.spark.record_files import record_files
from onestop.warehouse import open_warehouse

DOSSIERS = FEEDS["dossiers"]


@pytest.fixture(params=["duckdb", "postgresql"])
def warehouse(request, tmp_path):
    if request.param == "duckdb":
        url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    else:
        url = request.getfixturevalue("postgres").make_database()
    with open_warehouse(url) as opened:
        record(opened, NIGHT, THIRTEEN)
        record(opened, LATER, IN_JULY)
        yield opened


@pytest.fixture
def embedded(tmp_path):
    with open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}") as opened:
        record(opened, NIGHT, THIRTEEN)
        yield opened


def test_the_files_have_exactly_the_rows_of_the_record(warehouse, tmp_path):
    files = record_files(warehouse, DOSSIERS, tmp_path / "record")
    kept = ds.dataset(files, format="parquet", partitioning=None).to_table().to_pylist()
    rows = warehouse.rows("select * from core.dossier_version")
    assert len(rows) == len(THIRTEEN) + len(IN_JULY)
    assert sorted(map(key, kept), key=str) == sorted(map(key, rows), key=str)


def key(row):
    return [
        value.timestamp() if isinstance(value, dt.datetime) else str(value)
        for _, value in sorted(row.items())
    ]


def test_there_is_a_file_for_each_delivery_below_its_source_and_night(embedded, tmp_path):
    record(embedded, LATER, IN_JULY)
    files = record_files(embedded, DOSSIERS, tmp_path / "record")
    folders = sorted(str(path.parent.relative_to(tmp_path / "record")) for path in files)
    assert folders == [f"dossier_version/source=one_stop/night={night}" for night in (NIGHT, LATER)]


def test_a_file_is_written_once(embedded, tmp_path):
    (first,) = record_files(embedded, DOSSIERS, tmp_path / "record")
    made = first.stat().st_ino
    record(embedded, LATER, IN_JULY)
    assert first in record_files(embedded, DOSSIERS, tmp_path / "record")
    assert first.stat().st_ino == made


@pytest.mark.parametrize("harm", ["removed", "damaged"])
def test_a_missing_or_damaged_file_is_written_again(embedded, tmp_path, harm):
    (first,) = record_files(embedded, DOSSIERS, tmp_path / "record")
    good = first.read_bytes()
    first.unlink()
    if harm == "damaged":
        first.write_bytes(good[:-9] + b"012345678")
    (again,) = record_files(embedded, DOSSIERS, tmp_path / "record")
    assert ds.dataset([again], format="parquet", partitioning=None).count_rows() == len(THIRTEEN)
    assert not [path for path in again.parent.iterdir() if path != again]


def test_rows_that_become_known_later_have_a_file_of_their_own(embedded, tmp_path):
    before = record_files(embedded, DOSSIERS, tmp_path / "record")
    record(embedded, NIGHT, LATE_FILE, known_from=LATER)
    after = record_files(embedded, DOSSIERS, tmp_path / "record")
    assert set(before) < set(after)
    assert len(after) == 2


def test_another_record_of_the_same_delivery_is_not_taken_for_this_one(embedded, tmp_path):
    """A restored warehouse may load a file by another mapping."""
    before = record_files(embedded, DOSSIERS, tmp_path / "record")
    embedded.execute("update core.dossier_version set content_hash = 'other' where row_number = 3")
    after = record_files(embedded, DOSSIERS, tmp_path / "record")
    assert set(before).isdisjoint(after)
    assert not before[0].exists()


def test_both_engines_give_a_delivery_the_same_digest(postgres, tmp_path):
    names = []
    for number, url in enumerate((f"duckdb:///{tmp_path / 'w.duckdb'}", postgres.make_database())):
        with open_warehouse(url) as opened:
            record(opened, NIGHT, THIRTEEN)
            (file,) = record_files(opened, DOSSIERS, tmp_path / str(number))
            names.append(file.name.split(".")[:-2])
    assert names[0] == names[1]
