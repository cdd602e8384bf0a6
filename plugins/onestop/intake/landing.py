"""Landing: write-once copies of the exported files, identified by their SHA-256.

``landing/<source>/<feed>/<yyyymmdd>/<delivery_id>/`` holds the file under its own name, and
``delivery.json``. A delivery appears there whole or not at all: by one rename, or, on object
storage, by its ``delivery.json``, which is put last and once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import os
import shutil
import stat
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, BinaryIO

from onestop.files import READ_ONLY, has_sha256, room_left, sync, write_new, write_whole
from onestop.intake.delivery import Delivery, RefusedDeliveryError
from onestop.intake.exports import ExportedFile, ExportsError
from onestop.language import log
from onestop.progress import working_on_bytes
from onestop.said import said, said_number, said_text
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.storage import StoreError, is_shared, listed, move, put_file

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from onestop.intake.exports import Facts, OpenedFile
    from onestop.schema.feeds import Kind

logger = logging.getLogger(__name__)

SIDECAR = "delivery.json"
INCOMING = ".incoming"
MANIFESTS = "publications"
#: Folder for landed copies that somebody changed; they are kept as evidence.
DAMAGED = "damaged"
_CHUNK = 1 << 20
_HOURS_CLOCKS_MAY_DIFFER = 1
#: How many connections a file may take, and the growing pause between them in seconds.
_CONNECTIONS = 5
_BREATHER_SECONDS = 2.0
_HOLD_STILL_SECONDS = 2.0


def land_file(
    exported: Path | ExportedFile,
    landing: Path,
    *,
    source: str,
    feed: str,
    night: dt.date,
    kind: Kind,
) -> Delivery:
    """Copy one exported file into the landing, once.

    The same bytes for the same night are one delivery, under any name; landing them again returns
    the existing delivery and writes nothing. Bytes that come back to a path after others stood
    there are a new delivery: they replace those others.

    Args:
        exported: the exported file.
        landing: the landing folder.
        source: the system that exported it.
        feed: what it holds.
        night: the night it describes.
        kind: ``delta`` or ``snapshot``.

    Raises:
        RefusedDeliveryError: the file cannot be read (``FILE-F02``), or was still being written
            or could not be read to its end (``FILE-F08``), or there is no room for it
            (``FILE-F09``), or its time of change lies in the future (``FILE-F10``).
    """
    file = _exported(exported) if isinstance(exported, Path) else exported
    scratch = Path(gettempdir()) if is_shared(landing) else landing
    try:
        with _incoming(landing) as incoming:
            facts, sha256 = _copy(file, incoming / file.name)
            _refuse_the_future(file.path_below, facts)
            delivery_id = f"{source}.{feed}.{night:%Y%m%d}.{sha256[:12]}"
            folder = landing / source / feed / f"{night:%Y%m%d}" / delivery_id
            if (folder / SIDECAR).exists():
                delivery_id = _standing_id(folder, file, facts, sha256)
                folder = folder.with_name(delivery_id)
            if (folder / SIDECAR).exists():
                return _landed_before(landing, read_sidecar(folder), incoming / file.name)
            delivery = Delivery(
                delivery_id=delivery_id,
                source=source,
                feed=feed,
                night=night,
                kind=kind,
                file_name=file.path_below,
                sha256=sha256,
                size_bytes=facts.size_bytes,
                file_modified_at=dt.datetime.fromtimestamp(int(facts.modified), LOCAL_ZONE),
                landed_path=str((folder / file.name).relative_to(landing)),
            )
            return _put_in_place(delivery, incoming / file.name, folder)
    except StoreError:
        raise
    except OSError as error:
        raise RefusedDeliveryError(
            file.path_below,
            "FILE-F09",
            said(
                "it{size} cannot be copied into the landing, which has {room} free"
                " ({strerror}); make room there, or give the pipeline's user write"
                " permission; it is tried again",
                size=_size_of(file),
                room=room_left(scratch),
                strerror=error.strerror,
            ),
        ) from error


@contextmanager
def _incoming(landing: Path) -> Iterator[Path]:
    """A new folder for the copy, on the disk of the landing, else of this machine."""
    if is_shared(landing):
        with TemporaryDirectory(prefix="onestop-incoming-") as name:
            yield Path(name)
        return
    make_private(landing)
    incoming = landing / INCOMING / uuid.uuid4().hex
    incoming.mkdir(parents=True)
    try:
        yield incoming
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _put_in_place(delivery: Delivery, copied: Path, folder: Path) -> Delivery:
    """Let a delivery appear whole; returns the one that another process landed there first.

    Args:
        delivery: the new delivery.
        copied: its bytes, alone in their folder.
        folder: of the delivery in the landing.
    """
    text = json.dumps(delivery.to_json(), ensure_ascii=False, indent=1, sort_keys=True)
    if is_shared(folder):
        # The same bytes lead to the same folder, so that putting them twice changes nothing.
        put_file(copied, folder / copied.name)
        with suppress(FileExistsError):
            write_new(folder / SIDECAR, text)
        return read_sidecar(folder)
    write_whole(copied.with_name(SIDECAR), text, mode=READ_ONLY)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        copied.parent.rename(folder)
    except OSError:
        if not (folder / SIDECAR).exists():  # not merely landed by someone else meanwhile
            raise
    sync(folder.parent)
    return read_sidecar(folder)


def _standing_id(folder: Path, file: ExportedFile, facts: Facts, sha256: str) -> str:
    """The id of a file whose bytes were landed before: a new one where others stood since.

    Args:
        folder: of the delivery with these bytes.
        file: the file.
        facts: its facts.
        sha256: of its bytes.
    """
    first = read_sidecar(folder)
    changed = dt.datetime.fromtimestamp(int(facts.modified), LOCAL_ZONE)
    if first.file_name == file.path_below and first.file_modified_at >= changed:
        return first.delivery_id
    landed = map(read_sidecar, _landed_under(folder.parent, file.name))
    earlier = [
        one for one in landed if one.file_name == file.path_below and one.file_modified_at < changed
    ]
    last = max(earlier, key=lambda one: one.file_modified_at, default=first)
    if last.sha256 == sha256:
        return last.delivery_id
    return f"{first.delivery_id}-{int(facts.modified)}"


def _landed_under(night: Path, name: str) -> Iterator[Path]:
    """The folders of a night's deliveries with a file of that name."""
    names = listed(night)
    for below in sorted(names):
        folder, _, file = below.partition("/")
        if file == name and f"{folder}/{SIDECAR}" in names:
            yield night / folder


def _landed_before(landing: Path, delivery: Delivery, copied: Path) -> Delivery:
    """The existing delivery; its copy is repaired when it was changed or lost.

    A changed copy is moved to ``landing/damaged/`` as evidence.
    """
    landed = landing / delivery.landed_path
    if has_sha256(landed, delivery.sha256):
        return delivery
    if landed.exists():
        aside = landing / DAMAGED / f"{delivery.delivery_id}.{uuid.uuid4().hex}"
        _move(landed, aside)
        found = said(
            "was changed; the changed bytes are kept as {damaged}/{kept}",
            damaged=DAMAGED,
            kept=aside.name,
        )
    else:
        found = said_text("was lost")
    _move(copied, landed)
    log(
        logger,
        logging.WARNING,
        said(
            "{file}: its copy in the landing {found}. It was put in place again",
            file=delivery.file_name,
            found=found,
        ),
    )
    return delivery


def _move(source: Path, target: Path) -> None:
    if is_shared(source):
        move(source, target)
    elif is_shared(target):
        put_file(source, target)
    else:
        target.parent.mkdir(exist_ok=True)
        source.rename(target)
        sync(target.parent)


def _refuse_the_future(file_name: str, facts: Facts) -> None:
    """Refuse a time of change in the future.

    Of two files of the same path and night the one changed later counts, so a file from a
    machine with a wrong clock would always win.
    """
    hours = (facts.modified - time.time()) / 3600
    if hours > _HOURS_CLOCKS_MAY_DIFFER:
        raise RefusedDeliveryError(
            file_name,
            "FILE-F10",
            said(
                "its time of change lies {hours} hours in the future; set the exporting"
                " machine's clock right and export it again",
                hours=said_number(round(hours)),
            ),
        )


def unread_delivery(
    file_name: str, *, source: str, feed: str, night: dt.date, kind: Kind
) -> Delivery:
    """The delivery recorded for a file that could not be copied."""
    name = hashlib.sha256(file_name.encode()).hexdigest()[:12]
    return Delivery(
        delivery_id=f"{source}.{feed}.{night:%Y%m%d}.unread-{name}",
        source=source,
        feed=feed,
        night=night,
        kind=kind,
        file_name=file_name,
        sha256="",
        size_bytes=0,
        file_modified_at=dt.datetime.fromtimestamp(0, LOCAL_ZONE),
        landed_path="",
    )


def make_private(folder: Path) -> None:
    """Create the folder for the pipeline's user only, or remove everybody's rights to it.

    Its group keeps its rights. On object storage the rights are those of the bucket.
    """
    if is_shared(folder):
        return
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    found = folder.stat()
    if found.st_mode & stat.S_IRWXO and found.st_uid == os.geteuid():
        folder.chmod(stat.S_IMODE(found.st_mode) & ~stat.S_IRWXO)


def _size_of(file: ExportedFile) -> str:
    return (
        said(" ({size_bytes} bytes)", size_bytes=said_number(file.facts.size_bytes))
        if file.facts
        else ""
    )


def _exported(path: Path) -> ExportedFile:
    return ExportedFile(path.parent, str(path))


def _copy(file: ExportedFile, target: Path) -> tuple[Facts, str]:
    """Copy a file whole, opening new connections when one breaks."""
    digest = hashlib.sha256()
    try:
        with target.open("xb") as landed:
            facts = _copy_over_connections(file, landed, digest)
            landed.flush()
            os.fsync(landed.fileno())
    except PermissionError as error:
        raise RefusedDeliveryError(
            file.path_below,
            "FILE-F02",
            "the file may not be read; give the pipeline's user read permission on it",
        ) from error
    except FileNotFoundError as error:
        raise RefusedDeliveryError(
            file.path_below,
            "FILE-F08",
            "the file went away while it was being read; it is tried again",
        ) from error
    except ExportsError as error:
        raise RefusedDeliveryError(
            file.path_below, "FILE-F08", said("{error}; it is tried again", error=error)
        ) from error
    target.chmod(READ_ONLY)
    return facts, digest.hexdigest()


def _copy_over_connections(file: ExportedFile, landed: BinaryIO, digest: hashlib._Hash) -> Facts:
    """Copy the bytes; after a broken connection the next one continues at the same place."""
    before: Facts | None = None
    for attempt in range(1, _CONNECTIONS + 1):
        try:
            with file.reading(landed.tell()) as opened:
                now = opened.facts()
                before = before or now
                if now == before:
                    rest = now.size_bytes - landed.tell()
                    with working_on_bytes("copying", file.name, rest) as count:
                        _copy_bytes(opened, landed, digest, count)
                    if file.facts not in {None, before}:
                        # It grew since it was listed: wait whether it still grows.
                        time.sleep(_HOLD_STILL_SECONDS)
                    now = opened.facts()
            break
        except ExportsError:
            if attempt == _CONNECTIONS:
                raise
            time.sleep(_BREATHER_SECONDS * attempt)
    if now != before or landed.tell() != before.size_bytes:
        raise RefusedDeliveryError(
            file.path_below, "FILE-F08", "the file was still being written; it is tried again"
        )
    return before


def _copy_bytes(
    exported: OpenedFile, landed: BinaryIO, digest: hashlib._Hash, count: Callable[[int], None]
) -> None:
    while chunk := exported.read(_CHUNK):
        digest.update(chunk)
        landed.write(chunk)
        count(len(chunk))


def read_sidecar(folder: Path) -> Delivery:
    """The delivery that a landed folder holds."""
    return Delivery.from_json(json.loads((folder / SIDECAR).read_text(encoding="utf-8")))


def landed_deliveries(landing: Path, only: Container[str] | None = None) -> Iterator[Delivery]:
    """The deliveries in the landing, in the order of their folders.

    Args:
        landing: the landing folder.
        only: the ids of those wanted; defaults to all.
    """
    for sidecar in sorted(landing.glob(f"*/*/*/*/{SIDECAR}")):
        if only is None or sidecar.parent.name in only:
            yield read_sidecar(sidecar.parent)
