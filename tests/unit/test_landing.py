"""Landing: whole or not at all, once, unchanged."""

from __future__ import annotations

import datetime as dt
import hashlib
import stat

import pytest

from onestop import landing as landing_module
from onestop.delivery import Delivery, RefusedDeliveryError
from onestop.landing import land_file, landed_deliveries, write_once

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


def test_the_same_bytes_of_another_night_are_another_delivery(exported, tmp_path):
    first = land(exported, tmp_path / "landing")
    second = land(exported, tmp_path / "landing", NIGHT + dt.timedelta(days=1))
    assert first.sha256 == second.sha256
    assert first.delivery_id != second.delivery_id


def test_a_delivery_survives_as_json(exported, tmp_path):
    delivery = land(exported, tmp_path / "landing")
    assert Delivery.from_json(delivery.to_json()) == delivery


def test_a_file_that_grows_while_it_is_read_is_refused_and_leaves_nothing(
    exported, tmp_path, monkeypatch
):
    copy = landing_module._copy_bytes

    def copy_while_growing(source, target, digest):
        copy(source, target, digest)
        with exported.open("ab") as more:
            more.write(b" ")

    monkeypatch.setattr(landing_module, "_copy_bytes", copy_while_growing)
    with pytest.raises(RefusedDeliveryError, match="FILE-F08"):
        land(exported, tmp_path / "landing")
    assert not [path for path in (tmp_path / "landing").rglob("*") if path.is_file()]


def test_a_full_disk_leaves_nothing_behind(exported, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(landing_module, "_copy_bytes", fail)
    with pytest.raises(OSError, match="No space left"):
        land(exported, tmp_path / "landing")
    assert not [path for path in (tmp_path / "landing").rglob("*") if path.is_file()]


def test_a_file_that_went_away_is_told_so(exported, tmp_path):
    exported.unlink()
    with pytest.raises(RefusedDeliveryError, match="went away"):
        land(exported, tmp_path / "landing")


def test_what_was_written_once_is_never_replaced(tmp_path):
    path = tmp_path / "publications" / "2022-06-30.json"
    write_once(path, "a")
    write_once(path, "a")
    with pytest.raises(FileExistsError):
        write_once(path, "b")
    assert path.read_text() == "a"
