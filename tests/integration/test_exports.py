"""Exports in a folder, on a real SFTP server and a real S3 server, over broken connections too."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import os
import random
import shutil
from dataclasses import replace
from types import SimpleNamespace

import boto3
import pytest
from aiobotocore.session import AioSession
from export_servers import PASSWORD, USER, BreakingConnection, s3_server, sftp_server
from published_marts import settings_in
from steps_by_hand import discover, land

from onestop.intake import landing as landing_module
from onestop.intake.delivery import RefusedDeliveryError
from onestop.intake.exports import ExportsError, exports_at, list_exports
from onestop.intake.landing import land_file, landed_deliveries
from onestop.sample import write_sample
from onestop.settings import Settings

NIGHT = dt.date(2022, 11, 15)
BUCKET = "one-stop-exports"
LANDED_AS = {"source": "one_stop", "feed": "dossiers", "night": NIGHT, "kind": "delta"}
KEYS = {"key": "test", "secret": "test"}  # pragma: allowlist secret


@pytest.fixture(scope="module")
def sftp(tmp_path_factory):
    """An SFTP server with two folders: ``in`` with a night's exports, ``big`` with one file."""
    root = tmp_path_factory.mktemp("sftp")
    write_sample(root / "in", NIGHT, NIGHT, per_day=8, communes=1)
    (root / "in" / "unfinished").mkdir()
    (root / "in" / "unfinished" / "dossiers_20221115_9.json.filepart").write_bytes(b"[")
    (root / "in" / ".dossiers_20221115_8.json").write_bytes(b"[")
    (root / "big").mkdir()
    (root / "big" / "dossiers_20221115.json").write_bytes(random.Random(1).randbytes(3_000_000))
    with sftp_server(root) as server:
        yield SimpleNamespace(root=root, port=server.port, host_key=server.host_key)


@pytest.fixture(scope="module")
def s3(sftp):
    """An S3 server that holds the same files in one bucket."""
    with s3_server() as port:
        url = f"http://127.0.0.1:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=url,
            aws_access_key_id=KEYS["key"],
            aws_secret_access_key=KEYS["secret"],
            region_name="us-east-1",
        )
        client.create_bucket(Bucket=BUCKET)
        for path in sftp.root.rglob("*"):
            if path.is_file():
                client.upload_file(str(path), BUCKET, str(path.relative_to(sftp.root)))
        yield SimpleNamespace(port=port, url=url)


def sftp_folder(sftp, folder="in", *, port=None, **options):
    login = {"password": PASSWORD, "host_key": sftp.host_key, **options}
    return exports_at(f"sftp://{USER}@127.0.0.1:{port or sftp.port}/{folder}", login)


def s3_folder(s3, folder="in", *, port=None, **options):
    endpoint = f"http://127.0.0.1:{port}" if port else s3.url
    return exports_at(
        f"s3://{BUCKET}/{folder}",
        {
            "endpoint_url": endpoint,
            "client_kwargs": {"region_name": "us-east-1"},
            **KEYS,
            **options,
        },
    )


@pytest.fixture(params=["sftp", "s3"])
def remote(request, sftp, s3):
    """Function: a remote folder on one of the servers, over the given port."""
    if request.param == "sftp":
        return lambda folder="in", **options: sftp_folder(sftp, folder, **options)
    return lambda folder="in", **options: s3_folder(s3, folder, **options)


@pytest.fixture
def port_of(request, sftp, s3):
    return sftp.port if "sftp" in request.node.callspec.id else s3.port


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch):
    monkeypatch.setattr(landing_module, "_BREATHER_SECONDS", 0)
    monkeypatch.setattr(landing_module, "_HOLD_STILL_SECONDS", 0.5)


def test_the_finished_files_are_listed_with_their_facts(remote, sftp):
    found = {file.name: file.facts for file in list_exports(remote())}
    expected = {
        path.name: path.stat().st_size for path in (sftp.root / "in").iterdir() if path.is_file()
    }
    del expected[".dossiers_20221115_8.json"]
    assert {name: facts.size_bytes for name, facts in found.items()} == expected
    assert all(facts.modified > 1_600_000_000 for facts in found.values())


def test_remote_exports_give_the_same_deliveries_as_a_folder(remote, sftp, tmp_path):
    here = settings_in(tmp_path / "here")
    shutil.copytree(sftp.root / "in", here.exports)
    there = Settings(**{**vars(settings_in(tmp_path / "there")), "exports": remote()})
    landed = {}
    for settings in (here, there, there):
        candidates = discover(settings, NIGHT)
        landed[str(settings.landing)] = [
            replace(land(settings, candidate), file_modified_at=None) for candidate in candidates
        ]
        assert {one.feed for one in candidates} >= {"dossiers", "visits"}
    one, other = landed.values()
    assert one == other
    assert len(list(landed_deliveries(there.landing))) == len(one)


def test_all_files_of_an_object_store_are_listed_and_landed_by_one_client(
    s3, tmp_path, monkeypatch
):
    made = []
    make = AioSession.create_client

    def counted(self, *arguments, **named):
        made.append(arguments)
        return make(self, *arguments, **named)

    monkeypatch.setattr(AioSession, "create_client", counted)
    files = [file for file in list_exports(s3_folder(s3)) if "2022" in file.name]
    assert len(files) > 2
    for file in files:
        land_file(file, tmp_path / file.name, **LANDED_AS)
    assert made == [("s3",)]


def test_an_interrupted_transfer_is_resumed_where_it_stopped(remote, port_of, sftp, tmp_path):
    whole = (sftp.root / "big" / "dossiers_20221115.json").read_bytes()
    with BreakingConnection(port_of, after_bytes=1_200_000, times=2) as line:
        (file,) = list_exports(remote("big", port=line.port))
        delivery = land_file(file, tmp_path / "landing", **LANDED_AS)
        assert line.left == 0
        assert line.connections >= 3
    landed = (tmp_path / "landing" / delivery.landed_path).read_bytes()
    assert landed == whole
    assert delivery.sha256 == hashlib.sha256(whole).hexdigest()


def test_a_transfer_that_keeps_breaking_leaves_no_partial_file(
    remote, port_of, tmp_path, monkeypatch
):
    monkeypatch.setattr(landing_module, "_CONNECTIONS", 2)
    (file,) = list_exports(remote("big"))
    with BreakingConnection(port_of, after_bytes=300_000, times=10**6) as line:
        file = replace(file, folder=remote("big", port=line.port))
        with pytest.raises(RefusedDeliveryError, match=r"FILE-F08: .*it is tried again"):
            land_file(file, tmp_path / "landing", **LANDED_AS)
    assert [path for path in (tmp_path / "landing").rglob("*") if path.is_file()] == []


def test_a_file_that_is_replaced_during_the_transfer_is_refused_for_now(
    sftp, tmp_path, monkeypatch
):
    (sftp.root / "growing").mkdir()
    path = sftp.root / "growing" / "dossiers_20221115.json"
    path.write_bytes(b"[" + b" " * 100_000)
    copy = landing_module._copy_bytes

    def copy_while_it_grows(*arguments):
        copy(*arguments)
        with path.open("ab") as more:
            more.write(b"]")

    (file,) = list_exports(sftp_folder(sftp, "growing"))
    monkeypatch.setattr(landing_module, "_copy_bytes", copy_while_it_grows)
    with pytest.raises(RefusedDeliveryError, match="FILE-F08"):
        land_file(file, tmp_path / "landing", **LANDED_AS)
    assert [path for path in (tmp_path / "landing").rglob("*") if path.is_file()] == []
    # the file is complete now, and is accepted although its size differs from the listed one
    monkeypatch.setattr(landing_module, "_copy_bytes", copy)
    delivery = land_file(file, tmp_path / "landing", **LANDED_AS)
    assert delivery.size_bytes == path.stat().st_size


def test_a_file_that_grew_since_it_was_listed_must_stop_growing_before_it_is_landed(
    tmp_path, monkeypatch
):
    settings = settings_in(tmp_path)
    settings.exports.mkdir()
    path = settings.exports / "dossiers_20221115.json"
    path.write_bytes(b"[")
    (candidate,) = discover(settings, NIGHT)
    path.write_bytes(b"[{}")

    def grow_meanwhile(_):
        with path.open("ab") as more:
            more.write(b"]")

    monkeypatch.setattr(landing_module.time, "sleep", grow_meanwhile)
    with pytest.raises(RefusedDeliveryError, match="FILE-F08"):
        land(settings, candidate)
    monkeypatch.undo()
    assert land(settings, candidate).size_bytes == 4


def refused_folders(sftp, s3):
    wrong = {"password": "wrong-password"}  # pragma: allowlist secret
    other_key = (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3"
    )
    free = BreakingConnection(0, 0, 0)
    free._listener.close()
    return {
        "sftp, no such folder": (sftp_folder(sftp, "nowhere"), "no such folder"),
        "sftp, wrong password": (sftp_folder(sftp, **wrong), "login is refused"),
        "sftp, other host key": (sftp_folder(sftp, host_key=other_key), "key is not the one known"),
        "sftp, unknown host key": (
            sftp_folder(sftp, host_key=None, known_hosts=os.devnull),
            "key is not the one known",
        ),
        "sftp, nobody there": (sftp_folder(sftp, port=free.port), "nothing answers"),
        "sftp, no such host": (
            exports_at("sftp://a@no-such-host.invalid/in", {"password": PASSWORD}),
            "no answer under its name",
        ),
        "s3, no such bucket": (
            exports_at("s3://no-such-bucket/in", {"endpoint_url": s3.url, **KEYS}),
            "no such folder",
        ),
        "s3, nobody there": (s3_folder(s3, port=free.port), "no answer|nothing answers"),
    }  # fmt: skip


def test_each_connection_error_names_the_remedy_and_no_secret(sftp, s3, caplog):
    caplog.set_level(logging.DEBUG)
    for what, (folder, expected) in refused_folders(sftp, s3).items():
        with pytest.raises(ExportsError, match=expected) as caught:
            list_exports(folder)
        text = f"{caught.value} {folder!r}"
        assert "check" in text or "ask" in text, what
        for secret in (PASSWORD, "wrong-password"):
            assert secret not in text, what
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("onestop"))
    assert PASSWORD not in ours


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(ExportsError, match="ONESTOP_EXPORTS_PASSWORD") as caught:
        exports_at("sftp://a:hidden-word@host/in", {})  # pragma: allowlist secret
    assert "hidden-word" not in str(caught.value)


def test_the_environment_names_a_server_and_its_credentials(sftp, monkeypatch, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sftp.port} {sftp.host_key}\n")
    monkeypatch.setenv("ONESTOP_EXPORTS", f"sftp://{USER}@127.0.0.1:{sftp.port}/in")
    monkeypatch.setenv("ONESTOP_EXPORTS_PASSWORD", PASSWORD)
    monkeypatch.setenv("ONESTOP_EXPORTS_KNOWN_HOSTS", str(known))
    settings = Settings.from_environment()
    assert len(list_exports(settings.exports)) > 1
    assert PASSWORD not in repr(settings)


def test_the_environment_names_a_bucket_and_its_credentials(s3, monkeypatch):
    monkeypatch.setenv("ONESTOP_EXPORTS", f"s3://{BUCKET}/in")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["secret"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    assert len(list_exports(Settings.from_environment().exports)) > 1


def test_airflows_connections_lead_to_both_servers(sftp, s3):
    from airflow.sdk import Connection  # noqa: PLC0415 - slow to import

    from onestop.airflow_adapter import exports_of  # noqa: PLC0415 - imports Airflow

    to_sftp = Connection(
        conn_id="onestop_exports", conn_type="sftp", host="127.0.0.1", port=sftp.port, login=USER,
        password=PASSWORD, extra=json.dumps({"path": "/in", "host_key": sftp.host_key}),
    )  # fmt: skip
    to_s3 = Connection(
        conn_id="onestop_exports", conn_type="aws", login=KEYS["key"], password=KEYS["secret"],
        extra=json.dumps(
            {"path": f"s3://{BUCKET}/in", "endpoint_url": s3.url, "region_name": "us-east-1"}
        ),
    )  # fmt: skip
    there = [
        {(file.name, file.facts.size_bytes) for file in list_exports(exports_of(connection))}
        for connection in (to_sftp, to_s3)
    ]
    assert there[0] == there[1]
    assert len(there[0]) > 3
