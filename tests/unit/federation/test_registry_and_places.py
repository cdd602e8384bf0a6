"""The registry of provinces, and the places that packages come from."""

from __future__ import annotations

import base64
import hashlib
import io
from email.message import Message
from urllib.response import addinfourl

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from onestop.federation import places
from onestop.federation.places import packages_at
from onestop.federation.refusal import (
    NO_PACKAGE,
    UNREADABLE,
    FederationError,
    PackageRefusedError,
)
from onestop.federation.registry import COLUMNS, read_registry
from onestop.federation.signing import public_text


def key_of(text):
    """A public key's text: any 32 bytes are one."""
    return base64.b64encode(hashlib.sha256(text).digest()).decode()


KEY = key_of(b"one")
ROW = f"H24,Hải Phòng,Hai Phong,{KEY},2022-01-01,,0"


def registry(tmp_path, *rows):
    path = tmp_path / "provinces.csv"
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8-sig")
    return path


def test_a_province_has_its_names_its_keys_and_its_days(tmp_path):
    second = ROW.replace(KEY, key_of(b"other")).replace("2022-01-01,", "2023-01-01,2024-01-01")
    [province] = read_registry(registry(tmp_path, ROW, second)).values()
    assert (province.province_code, province.name_vi) == ("H24", "Hải Phòng")
    assert [str(key.first_day) for key in province.keys] == ["2022-01-01", "2023-01-01"]
    assert len({key.key_id for key in province.keys}) == 2


def test_a_key_never_begins_as_a_formula_does_and_its_earlier_form_is_read(tmp_path):
    begins_with_plus = Ed25519PublicKey.from_public_bytes(b"\xf8" + bytes(31))
    text = public_text(begins_with_plus)
    earlier = text.removeprefix("ed25519:")
    assert (text[0], earlier[0]) == ("e", "+")
    for written in (text, earlier):
        [province] = read_registry(registry(tmp_path, ROW.replace(KEY, written))).values()
        assert province.keys[0].public == begins_with_plus
    with pytest.raises(FederationError, match="line 3: H24 has this key in a line before"):
        read_registry(registry(tmp_path, *(ROW.replace(KEY, one) for one in (text, earlier))))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (ROW.replace("H24", "H/24"), "province_code"),
        (ROW.replace("Hải Phòng", ""), "name_vi"),
        (ROW.replace(KEY, KEY[4:]), "public_key"),
        (ROW.replace(KEY, "x"), "public_key"),
        (ROW.replace("2022-01-01", ""), "key_from is empty"),
        (ROW.replace("2022-01-01", "01/01/2022"), "key_from is no date"),
        (ROW[:-1] + "soon", "late_after_days"),
        (ROW + ",more", "7 cells"),
        ("H24,Hải Phòng", "7 cells"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_line(tmp_path, row, problem):
    with pytest.raises(FederationError, match=rf"line 2: .*{problem}"):
        read_registry(registry(tmp_path, row))


def test_a_key_that_is_there_twice_or_under_other_names_is_refused(tmp_path):
    with pytest.raises(FederationError, match="line 3: H24 has this key in a line before"):
        read_registry(registry(tmp_path, ROW, ROW))
    with pytest.raises(FederationError, match="line 3: H24 has other names"):
        read_registry(registry(tmp_path, ROW, ROW.replace("Hai Phong", "Haiphong")))


@pytest.mark.parametrize("text", ["", "province_code\n", ",".join(COLUMNS) + "\n"])
def test_a_registry_without_provinces_is_refused(tmp_path, text):
    (tmp_path / "provinces.csv").write_text(text, encoding="utf-8")
    with pytest.raises(FederationError):
        read_registry(tmp_path / "provinces.csv")
    with pytest.raises(FederationError, match="cannot be read"):
        read_registry(tmp_path / "none.csv")


def test_only_files_that_are_named_as_packages_are_read_from_a_folder(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.onestop.zip", "sub/b.onestop.zip", "c.zip", ".d.onestop.zip", "e.part"):
        (tmp_path / name).write_bytes(b"x")
    found = list(packages_at([str(tmp_path), f"file://{tmp_path}/sub"], []))
    assert [one.name for one in found] == ["a.onestop.zip", "sub/b.onestop.zip", "b.onestop.zip"]
    assert {one.read() for one in found} == {b"x"}


def test_a_place_that_is_not_there_is_an_error_and_a_file_that_went_away_a_refusal(tmp_path):
    unreachable = []
    assert list(packages_at([str(tmp_path / "none")], unreachable)) == []
    assert [error.subject for error in unreachable] == [str(tmp_path / "none")]
    (tmp_path / "a.onestop.zip").write_bytes(b"x")
    [found] = packages_at([str(tmp_path)], [])
    (tmp_path / "a.onestop.zip").unlink()
    with pytest.raises(PackageRefusedError) as refused:
        found.read()
    assert refused.value.code == UNREADABLE


def test_a_file_is_read_up_to_the_largest_size_and_the_longest_time(tmp_path, monkeypatch):
    (tmp_path / "a.onestop.zip").write_bytes(b"x" * 100)
    [found] = packages_at([str(tmp_path)], [])
    monkeypatch.setattr(places, "MOST_FILE_BYTES", 99)
    with pytest.raises(PackageRefusedError) as refused:
        found.read()
    assert refused.value.code == NO_PACKAGE
    monkeypatch.setattr(places, "MOST_FILE_BYTES", 100)
    monkeypatch.setattr(places, "MOST_SECONDS", -1.0)
    with pytest.raises(PackageRefusedError) as refused:
        found.read()
    assert refused.value.code == UNREADABLE


@pytest.mark.parametrize(
    "address", ["http://host/a.onestop.zip", "https://a:b@host/x", "https:///x"]
)
def test_web_addresses_are_https_and_hold_no_login(address):
    with pytest.raises(FederationError) as refused:
        list(packages_at([address], []))
    assert "b@" not in str(refused.value)


def test_a_redirect_is_not_followed(monkeypatch):
    class Answering(places.urllib.request.HTTPSHandler):
        def https_open(self, req):
            headers = Message()
            headers["Location"] = "http://169.254.169.254/latest"
            answer = addinfourl(io.BytesIO(b""), headers, req.full_url, 302)
            answer.msg = "Found"
            return answer

    build = places.urllib.request.build_opener
    monkeypatch.setattr(
        places.urllib.request, "build_opener", lambda *handlers: build(*handlers, Answering)
    )
    [found] = packages_at(["https://packages.example/H24.onestop.zip"], [])
    assert found.name == "H24.onestop.zip"
    with pytest.raises(PackageRefusedError, match=r"redirects to 169\.254\.169\.254"):
        found.read()
