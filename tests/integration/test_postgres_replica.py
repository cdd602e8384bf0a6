"""Readers on a streaming replica: they see what is published, and the doctor says how late."""

from __future__ import annotations

import time
from dataclasses import replace

import psycopg
import pytest
from postgres_replica import streaming_replica
from published_marts import settings_in
from worked_dossiers import NIGHT, record_unit

from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.upkeep.doctor import examine
from onestop.warehouse import open_warehouse


@pytest.fixture(scope="module")
def server_and_replica(postgres):
    url = postgres.make_database()
    open_warehouse(url).close()
    with streaming_replica(url) as replica:
        yield url, replica


def sentences(settings):
    return [one.message for one in examine(settings) if "replica" in one.message]


def wait(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)
    return holds()


def test_a_reader_of_the_replica_sees_what_is_published(server_and_replica):
    server, replica = server_and_replica
    with open_warehouse(server) as warehouse:
        record_unit(warehouse, NIGHT)
        compute_marts(warehouse, NIGHT)
        publish_marts(warehouse, NIGHT)

    def nights():
        with open_warehouse(replica, read_only=True) as warehouse:
            return warehouse.value("select count(*) from mart.period") > 0

    assert wait(nights)


def test_the_doctor_tells_how_late_a_replica_is(server_and_replica, tmp_path):
    server, replica = server_and_replica
    here = settings_in(tmp_path)
    assert sentences(replace(here, warehouse=server)) == []
    there = replace(here, warehouse=replica)
    assert wait(lambda: sentences(there) == ["it is a replica, 0 seconds behind"])
    with psycopg.connect(replica, autocommit=True) as connection:
        connection.execute("alter system set primary_conninfo = ''")
        connection.execute("select pg_reload_conf()")
    assert wait(lambda: sentences(there) == ["it is a replica that receives nothing"])
