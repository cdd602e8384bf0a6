"""Errors of object storage, as people see them."""

from __future__ import annotations

import traceback
from types import SimpleNamespace

import pytest
from staged_files import a_delivery

from onestop import storage
from onestop.files import has_sha256
from onestop.gate.past_volumes import noted_usual_volume
from onestop.record.evidence import kept_mapping, kept_settlement
from onestop.storage import StoreError, put, store_at, text_of

QUOTED = "login-of-the-writer"


def test_an_error_of_the_client_is_named_and_its_own_text_is_not_shown(monkeypatch):
    def fail(*_):
        raise ConnectionError(QUOTED)

    monkeypatch.setattr(storage, "_files", lambda _: SimpleNamespace(pipe_file=fail))
    with pytest.raises(StoreError, match="ConnectionError") as raised:
        put(store_at("s3://bucket/folder") / "note.json", b"")
    assert QUOTED not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    "url", ["s3://login@bucket/folder", "https://bucket/folder", "s3:///folder"]
)
def test_an_address_that_is_none_of_object_storage_is_refused(url):
    with pytest.raises(StoreError, match="write it as s3://bucket/folder"):
        store_at(url)


def test_all_paths_of_a_store_share_one_client(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    folder = store_at("s3://bucket/one-client")
    first = folder / "first"
    first.fs.connect()
    assert (folder / "second").fs is first.fs


@pytest.fixture
def unreachable(monkeypatch):
    """A folder of a store that does not answer."""

    def fail(*_):
        raise ConnectionError

    monkeypatch.setattr(storage, "_files", lambda _: SimpleNamespace(cat_file=fail))
    return store_at("s3://bucket/folder")


def test_a_file_that_is_not_there_has_no_text(tmp_path, monkeypatch):
    def lack(*_):
        raise FileNotFoundError

    monkeypatch.setattr(storage, "_files", lambda _: SimpleNamespace(cat_file=lack))
    assert text_of(store_at("s3://bucket/folder") / "note.json") is None
    assert text_of(tmp_path / "note.json") is None


def test_the_usual_volume_is_not_taken_for_unknown_while_the_store_does_not_answer(unreachable):
    delivery = a_delivery("dossiers", "2022-11-15")
    with pytest.raises(StoreError):
        noted_usual_volume(unreachable / "2022-11-15.json", delivery, delivery.night)


def test_kept_rules_are_not_taken_for_missing_while_the_store_does_not_answer(unreachable):
    with pytest.raises(StoreError):
        kept_mapping(unreachable, "0a")
    with pytest.raises(StoreError):
        kept_settlement(unreachable, "a", 1)


def test_a_landed_copy_is_not_taken_for_changed_while_the_store_does_not_answer(monkeypatch):
    landed = store_at("s3://bucket/folder") / "dossiers.json"

    def fail(*_, **__):
        raise OSError("503")

    monkeypatch.setattr(type(landed), "open", fail)
    with pytest.raises(StoreError):
        has_sha256(landed, "0a")


def test_a_landed_copy_that_is_gone_has_not_its_bytes(monkeypatch):
    landed = store_at("s3://bucket/folder") / "dossiers.json"

    def lack(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(type(landed), "open", lack)
    assert not has_sha256(landed, "0a")
