"""Which refused files are read again: all but those that a corrected file replaced."""

from __future__ import annotations

import datetime as dt

import pytest
from published_marts import settings_in
from staged_files import a_delivery

from onestop.record.refusals import record_refusal
from onestop.record.settlements import NO_ROWS, insert_settlement
from onestop.replay import ReplayFilter, find_replayable
from onestop.warehouse import open_warehouse

AT_SIX = dt.datetime(2022, 6, 30, 18, tzinfo=dt.UTC)
AN_HOUR = dt.timedelta(hours=1)


def refused_at_six(warehouse):
    delivery = a_delivery(delivery_id="refused", file_modified_at=AT_SIX)
    record_refusal(
        warehouse, delivery, rule_code="DOS-F01", reason_vi="thiếu cột", reason_en="lacks columns"
    )
    return delivery


def loaded_at(warehouse, moment, **facts):
    delivery = a_delivery(delivery_id="loaded", file_modified_at=moment, **facts)
    insert_settlement(warehouse, delivery, delivery.night, "loaded", NO_ROWS)


@pytest.fixture(params=["duckdb", "postgres"])
def url(request, tmp_path):
    if request.param == "duckdb":
        return f"duckdb:///{tmp_path / 'w'}.duckdb"
    return request.getfixturevalue("postgres").make_database()


@pytest.fixture
def read_again(url, tmp_path):
    """The deliveries that a replay reads again, by their ids."""

    def found(**wanted):
        mappings = settings_in(tmp_path).mappings()
        return [one.delivery_id for one in find_replayable(ReplayFilter(**wanted), mappings, url)]

    return found


def test_a_refused_file_that_a_corrected_one_replaced_is_read_again_only_on_demand(url, read_again):
    with open_warehouse(url) as warehouse:
        refused_at_six(warehouse)
    assert read_again() == ["refused"]
    with open_warehouse(url) as warehouse:
        loaded_at(warehouse, AT_SIX + AN_HOUR)
    assert read_again() == []
    assert read_again(has_superseded=True) == ["refused"]


@pytest.mark.parametrize(
    ("moment", "facts"),
    [
        (AT_SIX - AN_HOUR, {}),
        (AT_SIX + AN_HOUR, {"file_name": "another_office/dossiers_20220630.json"}),
        (AT_SIX + AN_HOUR, {"night": "2022-07-01"}),
    ],
    ids=["earlier", "of another path", "of another night"],
)
def test_a_loaded_file_that_does_not_replace_a_refused_one_leaves_it_to_be_read_again(
    url, read_again, moment, facts
):
    with open_warehouse(url) as warehouse:
        refused_at_six(warehouse)
        loaded_at(warehouse, moment, **facts)
    assert read_again() == ["refused"]


def test_refused_bytes_that_stand_at_another_path_too_are_read_again(url, read_again):
    with open_warehouse(url) as warehouse:
        delivery = refused_at_six(warehouse)
        loaded_at(warehouse, AT_SIX + AN_HOUR)
        warehouse.execute(
            "insert into audit.delivery_place (delivery_id, file_name, size_bytes,"
            " file_modified_at) values (:delivery_id, 'another_office/d.json', 1, :moment)",
            {"delivery_id": delivery.delivery_id, "moment": AT_SIX},
        )
    assert read_again() == ["refused"]
