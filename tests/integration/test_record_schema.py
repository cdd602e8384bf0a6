"""The record's tables have the feeds' columns, and applied schema files do not change."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
from worked_dossiers import NIGHT, record_unit

from onestop.schema.feeds import FEEDS, UNITS, Column
from onestop.upkeep.record_schema import made_columns, wanted_columns, write_schema_file
from onestop.warehouse import SchemaError, base, open_warehouse

ENGINES = ("duckdb", "postgresql")


@pytest.fixture(params=ENGINES)
def url(request, tmp_path):
    """An empty warehouse's address."""
    if request.param == "duckdb":
        return f"duckdb:///{tmp_path / 'w.duckdb'}"
    return request.getfixturevalue("postgres").make_database()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The schema files, in a folder that the test may change."""
    copied = tmp_path / "schema"
    shutil.copytree(base.SCHEMA_FOLDER, copied)
    monkeypatch.setattr(base, "SCHEMA_FOLDER", copied)
    return copied


@pytest.fixture
def units_with(monkeypatch):
    """Function: gives the feed of units other columns."""

    def change(*columns):
        monkeypatch.setitem(FEEDS, "units", dataclasses.replace(UNITS, columns=columns))

    return change


WEBSITE = Column("website", "text", "Trang thông tin", "Website")
FEE = Column("fee_share", "decimal", "Tỷ lệ phí", "Share of fees")


def test_the_record_has_exactly_the_columns_of_the_feeds(url):
    with open_warehouse(url) as warehouse:
        assert made_columns(warehouse) == wanted_columns()


def test_no_schema_file_is_written_while_the_record_has_every_column(folder):
    before = sorted(folder.iterdir())
    assert write_schema_file() is None
    assert sorted(folder.iterdir()) == before


def test_a_new_column_of_a_feed_is_added_to_a_record_with_rows(folder, url, units_with):
    with open_warehouse(url) as warehouse:
        record_unit(warehouse, NIGHT)
    # files of all engines share one series of numbers
    last = max(int(path.name.split("_")[0]) for path in folder.glob("[0-9]*.sql"))
    units_with(*UNITS.columns, WEBSITE, FEE)
    written = write_schema_file()
    assert written.name == f"{last + 1:04}_fee_share_and_website.sql"
    with open_warehouse(url) as warehouse:
        assert warehouse.schema_version() == last + 1
        assert made_columns(warehouse) == wanted_columns()
        found = warehouse.rows("select unit_code, website, fee_share from core.unit_version")
        assert found
        assert {(row["website"], row["fee_share"]) for row in found} == {(None, None)}
    assert write_schema_file() is None


@pytest.mark.usefixtures("folder")
def test_a_column_of_the_record_cannot_be_removed(units_with):
    units_with(*UNITS.columns[:-1])
    with pytest.raises(
        SchemaError, match=r"core.unit_version: valid_to_date: .* keeps every column"
    ):
        write_schema_file()


@pytest.mark.usefixtures("folder")
def test_a_column_of_the_record_cannot_change_its_type(units_with):
    units_with(*UNITS.columns[:-1], dataclasses.replace(UNITS.columns[-1], type="text"))
    with pytest.raises(SchemaError, match="valid_to_date"):
        write_schema_file()


def test_an_applied_file_that_was_changed_is_refused(url, folder):
    open_warehouse(url).close()
    changed = folder / "0002_replay.sql"
    changed.write_text(
        changed.read_text("utf-8").replace("attempt integer", "attempt bigint"), encoding="utf-8"
    )
    with pytest.raises(SchemaError) as refused:
        open_warehouse(url)
    assert "sql/schema/0002_replay.sql: is not what it was" in str(refused.value)
    assert "a new file with the next number" in str(refused.value)


def test_comments_of_an_applied_file_may_change(url, folder):
    open_warehouse(url).close()
    explained = folder / "0002_replay.sql"
    explained.write_text("-- Said anew.\n\n" + explained.read_text("utf-8"), encoding="utf-8")
    open_warehouse(url).close()


def test_files_applied_before_digests_existed_get_their_digests(url, folder):
    later = {
        path: path.read_text("utf-8")
        for path in folder.glob("*.sql")
        if path.name >= "0011_digests.sql"
    }
    for path in later:
        path.unlink()
    with open_warehouse(url) as warehouse:
        assert "sha256" not in warehouse.columns("meta", "schema_version")
    for path, text in later.items():
        path.write_text(text, encoding="utf-8")
    with open_warehouse(url) as warehouse:
        kept = warehouse.rows("select version, sha256 from meta.schema_version")
        files = base.schema_files(warehouse.engine)
    assert {row["version"]: row["sha256"] for row in kept} == {
        file.version: file.sha256 for file in files
    }
