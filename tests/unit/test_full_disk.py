"""A full disk: the error names folder and space, no partial file is left, a new run works."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess

import pytest
from exported_files import ONE_STOP, as_json, land, record
from staged_files import a_delivery, write_staged

from onestop.files import DiskFullError, copy_whole, write_new, write_once, write_whole
from onestop.gate import validate_delivery
from onestop.intake.delivery import RefusedDeliveryError
from onestop.intake.landing import land_file
from onestop.staging.staged_delivery import read_delivery
from onestop.warehouse import open_warehouse

NIGHT = dt.date(2022, 6, 30)
MIB = 1 << 20


class Disk:
    """A disk of its own."""

    def __init__(self, folder):
        self.folder = folder

    def fill(self, leave):
        """Fill the disk up to ``leave`` free bytes."""
        facts = os.statvfs(self.folder)
        size = facts.f_bavail * facts.f_frsize - leave
        (self.folder / "filling").write_bytes(b"\0" * size)


@pytest.fixture
def disk(tmp_path):
    """A disk of 32 MiB; skipped where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={32 * MIB},mode=0700", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk")
    yield Disk(folder)
    subprocess.run(["umount", folder], check=True)


def without_filling(disk):
    return sorted(path.name for path in disk.folder.rglob("*") if path.name != "filling")


@pytest.mark.parametrize("write", [write_whole, write_new, write_once])
def test_a_file_is_not_half_written_and_the_error_names_folder_and_room(disk, write):
    disk.fill(leave=8192)
    with pytest.raises(DiskFullError) as caught:
        write(disk.folder / "results" / "file", "x" * 100_000)
    message = str(caught.value)
    assert message.startswith(f"{disk.folder / 'results'}: the disk is full: ")
    assert "KiB are free and 98 KiB are needed; make room there" in message
    assert without_filling(disk) == ["results"]


@pytest.mark.parametrize(
    ("free", "shown"), [(9 << 20, "9,216 KiB"), (10 << 20, "10 MiB"), (31 << 30, "31 GiB")]
)
def test_free_room_has_a_unit_of_its_size(tmp_path, monkeypatch, free, shown):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(free, 0, free))
    assert f"the disk is full: {shown} are free, not counting" in str(DiskFullError(tmp_path))


def test_a_failed_copy_leaves_the_earlier_copy(disk, tmp_path):
    (tmp_path / "new").write_bytes(b"n" * MIB)
    (disk.folder / "copy").write_bytes(b"old")
    disk.fill(leave=8192)
    with pytest.raises(DiskFullError, match="1,024 KiB are needed"):
        copy_whole(tmp_path / "new", disk.folder / "copy")
    assert (disk.folder / "copy").read_bytes() == b"old"
    assert without_filling(disk) == ["copy"]


def test_a_file_is_refused_for_now_where_the_landing_is_full(disk, tmp_path):
    exported = tmp_path / "dossiers_20220630.json"
    exported.write_bytes(as_json(*map(record, range(500))))
    disk.fill(leave=8192)
    where = {"source": "one_stop", "feed": "dossiers", "night": NIGHT, "kind": "delta"}
    with pytest.raises(RefusedDeliveryError, match=r"FILE-F09: .*landing, which has \d+ KiB free"):
        land_file(exported, disk.folder / "landing", **where)
    assert [name for name in without_filling(disk) if "json" in name] == []
    (disk.folder / "filling").unlink()
    assert land_file(exported, disk.folder / "landing", **where).size_bytes > 8192


def test_a_file_is_refused_for_now_where_the_staging_folder_is_full(disk, tmp_path):
    delivery = land(tmp_path / "landing", "dossiers_20220630.json", as_json(record(1)))
    disk.fill(leave=8192)
    stage = (delivery, tmp_path / "landing", disk.folder, ONE_STOP.feeds["dossiers"])
    with pytest.raises(RefusedDeliveryError, match=r"FILE-F09: .*folder, which has \d+ KiB free"):
        read_delivery(*stage)
    assert without_filling(disk) == []
    (disk.folder / "filling").unlink()
    assert read_delivery(*stage).is_file()


def test_validation_on_a_full_disk_names_the_folder_and_succeeds_once_there_is_room(disk, tmp_path):
    delivery = a_delivery("dossiers", "2022-06-30")
    staged = disk.folder / "staged.duckdb"
    rows = [{"dossier_code": f"H24 {n}" * 20, "status_text": "?"} for n in range(3000)]
    write_staged(staged, delivery, rows)
    disk.fill(leave=8192)
    gate = (delivery, staged, tmp_path / "results", delivery.night)
    with pytest.raises(DiskFullError, match=rf"^{disk.folder}: the disk is full: \d+ KiB"):
        validate_delivery(*gate)
    (disk.folder / "filling").unlink()
    assert validate_delivery(*gate).rows_rejected == 3000


def test_a_warehouse_on_a_full_disk_names_its_folder_and_stays_unchanged(disk):
    url = f"duckdb:///{disk.folder / 'warehouse.duckdb'}"
    with open_warehouse(url) as warehouse:
        warehouse.execute("create table core.t as select 1 as n")
    disk.fill(leave=MIB)
    with (
        pytest.raises(DiskFullError, match=f"^{disk.folder}: the disk is full"),
        open_warehouse(url) as warehouse,
        warehouse.transaction(),
    ):
        warehouse.execute(
            "insert into core.t (n) select hash(n) % 2147483647 from range(5000000) as r (n)"
        )
    (disk.folder / "filling").unlink()
    with open_warehouse(url) as warehouse:
        assert warehouse.value("select count(*) from core.t") == 1
        warehouse.execute("insert into core.t (n) values (2)")
