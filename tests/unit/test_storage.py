"""Errors of object storage, as people see them."""

from __future__ import annotations

import traceback
from types import SimpleNamespace

import pytest

from onestop import storage
from onestop.storage import StoreError, put, store_at

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
