"""Lost or damaged files are noticed and rebuilt from the files that remain."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from published_marts import FIRST, SECOND
from steps_by_hand import check, compute, publish, take_in_all

from onestop import night as night_module
from onestop.intake.landing import DAMAGED, landed_deliveries
from onestop.night import MovedRecordError, discover_deliveries, run_night, take_in
from onestop.staging.staged_delivery import staged_path
from onestop.upkeep.rebuild import LostWarehouseError, rebuild
from onestop.upkeep.verify import verify
from onestop.warehouse import open_warehouse

FIGURES = (
    "select * exclude (valid_from, valid_to) from mart.indicator_history where valid_to is null"
    " order by all"
)


def warehouse_path(settings):
    return Path(settings.warehouse.removeprefix("duckdb:///"))


def manifest(settings, night):
    path = settings.landing / "publications" / f"{night}.json"
    return [one["delivery_id"] for one in json.loads(path.read_text())["deliveries"]]


def test_a_file_loaded_between_compute_and_publish_stops_the_publication(
    with_second_loaded,
):
    settings = with_second_loaded
    compute(settings, SECOND)
    check(settings, SECOND)
    late = settings.exports / "later" / "dossiers_20221116.json"
    late.parent.mkdir()
    records = json.loads((settings.exports / "dossiers_20221116.json").read_text())
    rows = records if isinstance(records, list) else records["data"]
    late.write_text(json.dumps([{**rows[0], "MaHoSo": "H24.31-221116-9999"}]))
    take_in_all(settings, SECOND)
    with pytest.raises(MovedRecordError, match="compute it again"):
        publish(settings, SECOND)
    assert run_night(settings, SECOND).state == "published"
    added = [
        delivery.delivery_id
        for delivery in landed_deliveries(settings.landing)
        if delivery.file_name == "later/dossiers_20221116.json"
    ]
    assert set(added) <= set(manifest(settings, SECOND))
    result = verify(settings, SECOND)
    assert result.is_identical, result.differences


def test_a_lost_warehouse_is_an_error_and_can_be_rebuilt_from_the_landing(after_one_night):
    settings = after_one_night
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        before = warehouse.rows(FIGURES)
        publication = warehouse.rows(
            "select publication_id, as_of_date, figures_sha256, delivery_count"
            " from audit.publication"
        )
    warehouse_path(settings).unlink()
    with pytest.raises(LostWarehouseError, match="onestop rebuild"):
        run_night(settings, SECOND)
    assert not warehouse_path(settings).exists()
    done = rebuild(settings)
    assert (done.nights, done.differences) == ([FIRST], [])
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        assert warehouse.rows(FIGURES) == before
        assert publication == warehouse.rows(
            "select publication_id, as_of_date, figures_sha256, delivery_count"
            " from audit.publication"
        )
    assert rebuild(settings).nights == []
    assert run_night(settings, FIRST).state == "unchanged"


@pytest.mark.parametrize("content", [b"", b"no database at all" * 1000])
def test_an_unreadable_readers_copy_is_replaced(after_one_night, content):
    settings = after_one_night
    settings.published.chmod(0o644)
    settings.published.write_bytes(content)
    publish(settings, FIRST)
    with duckdb.connect(settings.published, read_only=True) as copy:
        assert copy.execute("select max(as_of_date) from mart.scorecard").fetchone() == (FIRST,)


def test_a_readers_copy_with_other_figures_is_replaced(after_one_night):
    settings = after_one_night
    settings.published.chmod(0o644)
    with duckdb.connect(settings.published) as copy:
        copy.execute("update audit.publication set figures_sha256 = 'other'")
    publish(settings, FIRST)
    with duckdb.connect(settings.published, read_only=True) as copy:
        assert copy.execute("select figures_sha256 from audit.publication").fetchone() != ("other",)


@pytest.mark.parametrize("step", ["validate_delivery_file", "load_delivery"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "deleted"])
def test_a_staged_file_that_is_damaged_in_the_middle_of_a_night_is_read_again(
    after_one_night, monkeypatch, caplog, step, damage
):
    settings = after_one_night
    [candidate] = [
        one
        for one in discover_deliveries(
            SECOND, settings.source_systems(), settings.warehouse, settings.folders
        )
        if one.feed == "dossiers"
    ]
    original = getattr(night_module, step)
    times = []

    def damaging(delivery, *arguments):
        times.append(1)
        path = staged_path(settings.folders.staging, delivery.delivery_id)
        if len(times) == 1:
            data = path.read_bytes()
            middle = bytes(255 - byte for byte in data[12_288:-12_288])
            changed = {"cut": data[:9_000], "flipped": data[:12_288] + middle + data[-12_288:]}
            path.unlink() if damage == "deleted" else path.write_bytes(changed[damage])
        return original(delivery, *arguments)

    monkeypatch.setattr(night_module, step, damaging)
    report = take_in(
        candidate, SECOND, settings.source_systems(), settings.warehouse, settings.folders
    )
    assert (report.state, len(times)) == ("loaded", 2)
    assert "its staged copy was damaged or deleted after it was read; it is read again" in (
        caplog.text
    )


def test_damaged_staged_files_and_landed_copies_are_written_again(after_one_night, caplog):
    settings = after_one_night
    for staged in settings.folders.staging.glob("*.duckdb"):
        staged.write_bytes(b"damaged")
    changed, lost, *_ = landed_deliveries(settings.landing)
    path = settings.landing / changed.landed_path
    path.chmod(0o644)
    path.write_bytes(b"changed")
    (settings.landing / lost.landed_path).unlink()
    take_in_all(settings, FIRST)
    assert [one.read_bytes() for one in (settings.landing / DAMAGED).iterdir()] == [b"changed"]
    for delivery in (changed, lost):
        assert (settings.landing / delivery.landed_path).stat().st_size == delivery.size_bytes
    assert f"{changed.file_name}: its copy in the landing was changed" in caplog.text
    assert f"{lost.file_name}: its copy in the landing was lost" in caplog.text
