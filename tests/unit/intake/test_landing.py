"""Landing: a file is copied completely or not at all, once, unchanged."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import hashlib
import os
import socket
import stat
import time

import pytest

from onestop.intake import landing as landing_module
from onestop.intake.delivery import Delivery, RefusedDeliveryError
from onestop.intake.exports import ExportedFile, list_exports
from onestop.intake.landing import land_file, landed_deliveries

NIGHT = dt.date(2022, 6, 30)


def land(path, landing, night=NIGHT):
    return land_file(path, landing, source="one_stop", feed="dossiers", night=night, kind="delta")


@pytest.fixture
def exported(tmp_path):
    path = tmp_path / "exports" / "dossiers_20220630.json"
    path.parent.mkdir()
    path.write_bytes(b'[{"MaHoSo": "A"}]')
    return path


def test_the_bytes_are_kept_unchanged_and_read_only(exported, tmp_path):
    delivery = land(exported, tmp_path / "landing")
    landed = tmp_path / "landing" / delivery.landed_path
    assert landed.read_bytes() == exported.read_bytes()
    assert delivery.sha256 == hashlib.sha256(exported.read_bytes()).hexdigest()
    assert not stat.S_IMODE(landed.stat().st_mode) & 0o222
    assert delivery.delivery_id == f"one_stop.dossiers.20220630.{delivery.sha256[:12]}"


def test_the_same_bytes_are_one_delivery_under_any_name(exported, tmp_path):
    first = land(exported, tmp_path / "landing")
    again = exported.rename(exported.with_name("dossiers_20220630_again.json"))
    assert land(again, tmp_path / "landing") == first
    assert list(landed_deliveries(tmp_path / "landing")) == [first]


def test_earlier_bytes_restored_at_a_path_are_a_new_delivery(exported, tmp_path):
    whole, now = exported.read_bytes(), int(time.time()) - 1000

    def stand(data, seconds, path=exported):
        path.write_bytes(data)
        os.utime(path, (now + seconds, now + seconds))
        return land(path, tmp_path / "landing")

    first, other = stand(whole, 0), stand(b"[]", 10)
    back = stand(whole, 20)
    assert back.sha256 == first.sha256
    assert len({first.delivery_id, other.delivery_id, back.delivery_id}) == 3
    assert back.file_modified_at > other.file_modified_at
    assert stand(whole, 20) == stand(whole, 30) == back
    assert stand(whole, 0) == first
    other_path = exported.with_name("dossiers_20220630_b.json")
    assert stand(whole, 40, other_path) == first
    stand(b"[1]", 50, other_path)
    assert stand(whole, 60, other_path).file_name == other_path.name
    assert len(list(landed_deliveries(tmp_path / "landing"))) == 5


def test_the_same_bytes_of_another_night_are_another_delivery(exported, tmp_path):
    first = land(exported, tmp_path / "landing")
    second = land(exported, tmp_path / "landing", NIGHT + dt.timedelta(days=1))
    assert first.sha256 == second.sha256
    assert first.delivery_id != second.delivery_id


def test_a_delivery_read_back_from_json_is_the_same(exported, tmp_path):
    delivery = land(exported, tmp_path / "landing")
    assert Delivery.from_json(delivery.to_json()) == delivery


def test_a_file_that_grows_while_it_is_read_is_refused_and_leaves_nothing(
    exported, tmp_path, monkeypatch
):
    copy = landing_module._copy_bytes

    def copy_while_growing(*arguments):
        copy(*arguments)
        with exported.open("ab") as more:
            more.write(b" ")

    monkeypatch.setattr(landing_module, "_copy_bytes", copy_while_growing)
    with pytest.raises(RefusedDeliveryError, match="FILE-F08"):
        land(exported, tmp_path / "landing")
    assert not [path for path in (tmp_path / "landing").rglob("*") if path.is_file()]


def test_a_file_deleted_before_it_is_landed_is_refused(exported, tmp_path):
    exported.unlink()
    with pytest.raises(RefusedDeliveryError, match="went away"):
        land(exported, tmp_path / "landing")


def test_only_the_pipelines_user_can_read_the_landing(exported, tmp_path):
    landing = tmp_path / "landing"
    old = os.umask(0o022)
    try:
        delivery = land(exported, landing)
    finally:
        os.umask(old)
    assert stat.filemode(landing.stat().st_mode) == "drwx------"
    assert stat.filemode((landing / delivery.landed_path).stat().st_mode) == "-r--r-----"


def test_a_landing_open_to_everybody_is_restricted_to_owner_and_group(exported, tmp_path):
    landing = tmp_path / "landing"
    landing.mkdir()
    landing.chmod(0o2755)
    land(exported, landing)
    assert stat.filemode(landing.stat().st_mode) == "drwxr-s---"


def test_a_file_with_a_modification_time_in_the_future_is_refused(tmp_path):
    path = tmp_path / "dossiers_20221115.json"
    path.write_bytes(b"[]")
    ahead = time.time() + 2 * 3600
    os.utime(path, (ahead, ahead))
    with pytest.raises(RefusedDeliveryError, match=r"FILE-F10: .*clock right"):
        land(path, tmp_path / "landing")
    assert list((tmp_path / "landing").rglob("*.json")) == []


@pytest.mark.parametrize("where", ["_copy_bytes", "sync"])
def test_a_full_disk_refuses_the_file_for_now_and_leaves_no_partial_copy(
    tmp_path, monkeypatch, where
):
    path = tmp_path / "dossiers_20221115.json"
    path.write_bytes(b"[]")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(landing_module, where, full)
    with pytest.raises(RefusedDeliveryError, match=r"FILE-F09: .*iB free .*; make room there"):
        land(path, tmp_path / "landing")
    incoming = tmp_path / "landing" / landing_module.INCOMING
    assert [one for one in incoming.rglob("*") if one.is_file()] == []
    monkeypatch.undo()
    assert land(path, tmp_path / "landing").size_bytes == 2


def test_a_file_that_the_pipelines_user_cannot_read_is_refused(tmp_path):
    path = tmp_path / "dossiers_20221115.json"
    path.write_bytes(b"[]")
    path.chmod(0)
    for folder in (tmp_path, tmp_path / "landing"):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
    for parent in list(tmp_path.parents)[:3]:
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o011)
    child = os.fork()
    if not child:  # as another user: root may read every file
        code = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            land(path, tmp_path / "landing")
        except RefusedDeliveryError as refused:
            code = 0 if "FILE-F02: the file may not be read" in str(refused) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_delivery_is_named_by_its_path_below_the_exports(tmp_path):
    exports = tmp_path / "exports"
    path = exports / "H24.31" / "dossiers_20220630.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"[]")
    delivery = land(ExportedFile(exports, str(path)), tmp_path / "landing")
    assert delivery.file_name == "H24.31/dossiers_20220630.json"
    assert (tmp_path / "landing" / delivery.landed_path).name == path.name


def irregular_files(folder):
    """A pipe, a socket and, if this user may create them, devices."""
    os.mkfifo(folder / "dossiers_20220630_pipe.json")
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(folder):
        server.bind("dossiers_20220630_socket.json")
    with contextlib.suppress(PermissionError):
        zero, disk = os.makedev(1, 5), os.makedev(7, 200)
        os.mknod(folder / "dossiers_20220630_zero.json", 0o666 | stat.S_IFCHR, zero)
        os.mknod(folder / "dossiers_20220630_disk.json", 0o666 | stat.S_IFBLK, disk)
    (folder / "dossiers_20220630_link.json").symlink_to("/dev/zero")
    return sorted(folder.glob("*_*_*.json"))


def test_pipes_sockets_and_devices_are_neither_listed_nor_read(exported, tmp_path):
    odd = irregular_files(exported.parent)
    assert len(odd) >= 3
    assert [file.path for file in list_exports(exported.parent)] == [str(exported)]
    for path in odd:
        with pytest.raises(RefusedDeliveryError, match="FILE-F08: the file went away"):
            land(path, tmp_path / "landing")
