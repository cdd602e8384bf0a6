"""Schema files on both engines: applied in place, all or none, by one process at a time."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import threading
from dataclasses import replace

import computed_marts
import pytest
import worked_dossiers
from engines import assert_same, content, lines
from worked_dossiers import IN_JULY, LATER, NIGHT, THIRTEEN, compute, record, record_unit

from onestop.marts.compute import compute_marts
from onestop.marts.files import mart_files
from onestop.marts.publish import publish_marts
from onestop.schema.feeds import DOSSIERS
from onestop.warehouse import SchemaError, base, open_warehouse
from onestop.warehouse.postgres_engine import PostgreSQLWarehouse

ENGINES = ("duckdb", "postgresql")


@pytest.fixture(params=ENGINES)
def url(request, tmp_path):
    """An empty warehouse's address."""
    if request.param == "duckdb":
        return f"duckdb:///{tmp_path / 'w.duckdb'}"
    return request.getfixturevalue("postgres").make_database()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The schema files, in a folder that the test may add to."""
    copied = tmp_path / "schema"
    shutil.copytree(base.SCHEMA_FOLDER, copied)
    monkeypatch.setattr(base, "SCHEMA_FOLDER", copied)
    return copied


def only_the_first(folder):
    """Leave only the first release's files; the returned function puts the others back."""
    later = [path for path in folder.iterdir() if not path.name.startswith("0001")]
    texts = {path: path.read_text(encoding="utf-8") for path in later}
    for path in later:
        path.unlink()
    return lambda: [path.write_text(text, encoding="utf-8") for path, text in texts.items()]


def without_later_columns(patched):
    """Give dossiers and their mart the columns of the first release."""
    known = tuple(column for column in DOSSIERS.columns if not column.is_optional)
    patched.setattr(worked_dossiers, "DOSSIERS", replace(DOSSIERS, columns=known))
    files = [
        replace(file, text=re.sub(r"\bd\.(source_timeliness|extra),", r"null as \1,", file.text))
        for file in mart_files()
    ]
    patched.setattr(computed_marts, "mart_files", lambda: files)
    patched.setattr(worked_dossiers, "keep_reference", lambda *_: None)
    patched.setattr(worked_dossiers, "history_select", history_of_one_night)


def history_of_one_night(feed):
    """The versions of one night as the first release stored them: it had no other tables."""
    return (
        "select night as valid_from, cast(null as date) as valid_to, delivery_id, row_number,"
        f" content_hash, {', '.join(feed.column_names)} from core.{feed.entity}_version"
    )


def test_a_warehouse_of_the_first_release_is_upgraded_with_all_its_rows(url, folder, monkeypatch):
    upgrade = only_the_first(folder)
    # that release used another lock
    monkeypatch.setattr(PostgreSQLWarehouse, "_take_lock", lambda _: None)
    with monkeypatch.context() as patched, open_warehouse(url) as warehouse:
        without_later_columns(patched)
        assert warehouse.schema_version() == 1
        record_unit(warehouse, NIGHT)
        first = [
            {
                name: value
                for name, value in row.items()
                if name not in {"source_timeliness", "extra"}
            }
            for row in THIRTEEN
        ]
        record(warehouse, NIGHT, first)
        warehouse.execute(
            "insert into audit.rejected_row (delivery_id, row_number, source, feed, night,"
            " key_text, rule_code, message_vi, message_en, offending, state, state_changed_at)"
            " values ('one_stop.dossiers.20220630.000000000000', 14,"
            " 'one_stop', 'dossiers', date '2022-06-30', 'D14', 'DOS-R01', 'sai', 'wrong', '{}',"
            " 'open', :now)",
            {"now": dt.datetime(2022, 6, 30, tzinfo=dt.UTC)},
        )
        compute(warehouse, NIGHT)
        warehouse.execute("drop schema if exists ref_staged cascade")  # that release had no digests
        before = content(warehouse, ("core", "audit", "mart"))
    upgrade()
    monkeypatch.undo()
    monkeypatch.setattr(base, "SCHEMA_FOLDER", folder)
    with open_warehouse(url) as warehouse:
        assert warehouse.schema_version() == base.schema_files(warehouse.engine)[-1].version
        after = content(warehouse, ("core", "audit", "mart"))
        assert before.keys() <= after.keys()
        for table, (columns, rows) in before.items():
            assert lines(warehouse, table, columns) == rows, table
        # the row of the quarantine is traced to the attempt that found it
        assert warehouse.value("select attempt from audit.rejected_row") == 1
        # and the next night is counted and published on top
        record(warehouse, LATER, IN_JULY)
        compute_marts(warehouse, LATER)
        assert publish_marts(warehouse, LATER) == 2
        assert warehouse.value("select max(as_of_date) from mart.form_06a") == LATER


def test_a_failing_schema_file_leaves_the_earlier_schema_usable(url, folder):
    with open_warehouse(url) as warehouse:
        version = warehouse.schema_version()
        record_unit(warehouse, NIGHT)
        before = content(warehouse)
    broken = folder / "0900_broken.sql"
    broken.write_text(
        "alter table audit.delivery add column remark varchar;\n"
        "create table audit.remark (text varchar);\n"
        "insert into audit.remark (text) select no_such_column from audit.delivery;\n",
        encoding="utf-8",
    )
    with pytest.raises(SchemaError) as caught:
        open_warehouse(url)
    assert "sql/schema/0900_broken.sql" in str(caught.value)
    assert "no_such_column" in str(caught.value)
    assert f"keeps schema {version}" in str(caught.value)
    assert "onestop migrate" in str(caught.value)
    broken.unlink()
    with open_warehouse(url) as warehouse:
        assert warehouse.schema_version() == version
        assert_same(before, content(warehouse))
        record(warehouse, NIGHT, THIRTEEN)
        compute_marts(warehouse, NIGHT)
        publish_marts(warehouse, NIGHT)


def test_a_warehouse_of_a_newer_release_is_not_changed(url, folder):
    with open_warehouse(url) as warehouse:
        version = warehouse.schema_version()
    newer = folder / "0900_newer.sql"
    newer.write_text("create table audit.newer (text varchar);\n", encoding="utf-8")
    open_warehouse(url).close()
    newer.unlink()
    with pytest.raises(SchemaError, match=f"schema 900.*up to {version}"):
        open_warehouse(url)


def test_a_schema_file_for_one_engine_is_applied_on_that_engine_only(url, folder):
    for engine in ENGINES:
        (folder / f"0900_own.{engine}.sql").write_text(
            f"create table audit.only_{engine} (text varchar);\n", encoding="utf-8"
        )
    with open_warehouse(url) as warehouse:
        own = [name for name in warehouse.tables("audit") if name.startswith("only_")]
        assert own == [f"only_{warehouse.engine}"]
        names = warehouse.rows("select file_name from meta.schema_version where version = 900")
        assert names == [{"file_name": f"0900_own.{warehouse.engine}.sql"}]


def test_simultaneous_upgrades_apply_each_schema_file_once(postgres, folder):
    url = postgres.make_database()
    (folder / "0900_slow.postgresql.sql").write_text(
        "select pg_sleep(0.5);\ncreate table audit.slow (text varchar);\n", encoding="utf-8"
    )
    found = []

    def upgrade():
        with open_warehouse(url) as warehouse:
            found.append(warehouse.schema_version())

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [900] * 4
    with open_warehouse(url, read_only=True) as warehouse:
        versions = [row["version"] for row in warehouse.rows(
            "select version from meta.schema_version order by 1")]  # fmt: skip
    assert versions == sorted(set(versions))


def test_every_schema_file_has_its_own_number():
    for engine in ENGINES:
        files = base.schema_files(engine)
        versions = [file.version for file in files]
        assert versions == sorted(set(versions)), [file.path.name for file in files]
