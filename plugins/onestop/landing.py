"""Landing: copies of the exported files, unchanged, write-once, known by their sha-256.

``landing/<source>/<feed>/<yyyymmdd>/<delivery_id>/`` holds the file under its own name and
``delivery.json`` beside it. A delivery appears there whole, by one rename, or not at all.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import stat
import uuid
from typing import TYPE_CHECKING, BinaryIO

from onestop.delivery import Delivery, Kind, RefusedDeliveryError
from onestop.settings import LOCAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIDECAR = "delivery.json"
INCOMING = ".incoming"
MANIFESTS = "publications"
_CHUNK = 1 << 20
_READ_ONLY = stat.S_IRUSR | stat.S_IRGRP


def land_file(
    path: Path, landing: Path, *, source: str, feed: str, night: dt.date, kind: Kind
) -> Delivery:
    """Copy one exported file into the landing, once.

    The same bytes for the same night are one delivery however often and under whatever names
    they come; landing them again returns what is there and writes nothing.

    Args:
        path: the exported file.
        landing: the landing folder.
        source: the system that exported it.
        feed: what it holds.
        night: the night it describes.
        kind: ``delta`` or ``snapshot``.

    Raises:
        RefusedDeliveryError: the file cannot be read (``FILE-F02``) or was still being written
            (``FILE-F08``).
    """
    incoming = landing / INCOMING / uuid.uuid4().hex
    incoming.mkdir(parents=True)
    try:
        before, sha256 = _copy(path, incoming / path.name)
        delivery_id = f"{source}.{feed}.{night:%Y%m%d}.{sha256[:12]}"
        folder = landing / source / feed / f"{night:%Y%m%d}" / delivery_id
        if (folder / SIDECAR).exists():
            return read_sidecar(folder)
        delivery = Delivery(
            delivery_id=delivery_id,
            source=source,
            feed=feed,
            night=night,
            kind=kind,
            file_name=path.name,
            sha256=sha256,
            size_bytes=before.st_size,
            file_modified_at=dt.datetime.fromtimestamp(int(before.st_mtime), LOCAL_ZONE),
            landed_path=str((folder / path.name).relative_to(landing)),
        )
        sidecar = incoming / SIDECAR
        with sidecar.open("w", encoding="utf-8") as text:
            json.dump(delivery.to_json(), text, ensure_ascii=False, indent=1, sort_keys=True)
            text.flush()
            os.fsync(text.fileno())
        sidecar.chmod(_READ_ONLY)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            incoming.rename(folder)
        except OSError:
            if not (folder / SIDECAR).exists():  # not merely landed by someone else meanwhile
                raise
        _sync_folder(folder.parent)
        return read_sidecar(folder)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _copy(path: Path, target: Path) -> tuple[os.stat_result, str]:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as exported, target.open("xb") as landed:
            before = os.fstat(exported.fileno())
            _copy_bytes(exported, landed, digest)
            landed.flush()
            os.fsync(landed.fileno())
        after = path.stat()
    except PermissionError as error:
        raise RefusedDeliveryError(
            path.name,
            "FILE-F02",
            "the file may not be read; give the pipeline's user read permission on it",
        ) from error
    except FileNotFoundError as error:
        raise RefusedDeliveryError(
            path.name, "FILE-F08", "the file went away while it was being read; it is tried again"
        ) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise RefusedDeliveryError(
            path.name, "FILE-F08", "the file was still being written; it is tried again"
        )
    target.chmod(_READ_ONLY)
    return before, digest.hexdigest()


def _copy_bytes(exported: BinaryIO, landed: BinaryIO, digest: hashlib._Hash) -> None:
    while chunk := exported.read(_CHUNK):
        digest.update(chunk)
        landed.write(chunk)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_sidecar(folder: Path) -> Delivery:
    """The delivery that a landed folder holds."""
    return Delivery.from_json(json.loads((folder / SIDECAR).read_text(encoding="utf-8")))


def landed_deliveries(landing: Path) -> Iterator[Delivery]:
    """Every delivery in the landing, in the order of their folders."""
    for sidecar in sorted(landing.glob(f"*/*/*/*/{SIDECAR}")):
        yield read_sidecar(sidecar.parent)


def write_once(path: Path, text: str) -> None:
    """Put a text file in place whole, unless it is there already.

    Raises:
        FileExistsError: another text is there; what was written once is never replaced.
    """
    if path.exists():
        if path.read_text(encoding="utf-8") != text:
            raise FileExistsError(f"{path.name} was written before with another content")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(_READ_ONLY)
    draft.rename(path)
    _sync_folder(path.parent)
