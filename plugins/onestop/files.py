"""Files that appear whole or not at all, files that are written once, and their SHA-256.

Content goes into a draft beside its target, under a name that no other process uses. It is synced
to the disk and takes the target's name by one step of the file system; then the folder is synced.
A process that is killed leaves at most a hidden draft with the ending :data:`DRAFT_ENDING`.
On object storage (:mod:`onestop.storage`) a file is put by one request instead.
"""

from __future__ import annotations

import errno
import filecmp
import hashlib
import os
import shutil
import stat
import uuid
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from onestop import storage
from onestop.errors import OneStopError
from onestop.progress import working_on_bytes
from onestop.said import Said, said, said_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Ending of a draft's name, which begins with a full stop.
DRAFT_ENDING = ".draft"
#: Mode of evidence: its owner and the owner's group may read it, and nobody may write it.
READ_ONLY = stat.S_IRUSR | stat.S_IRGRP
#: Mode of files without personal data that never change: everybody may read them.
READABLE = 0o444
#: Mode of files that only the owner may read and write.
PRIVATE = stat.S_IRUSR | stat.S_IWUSR
_ANY_FILE = 0o666  # less the process's umask
#: Unfinished drafts and scratch folders of this process.
_UNFINISHED: set[Path] = set()


#: Errors of the operating system where a disk is full or a quota is used up.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_KIB = 1 << 10
#: Bytes that are read at a time.
_PART = 1 << 20
#: Units that sizes of ten and more are given in.
_SIZES = {"GiB": 1 << 30, "MiB": 1 << 20}


class DiskFullError(OneStopError, OSError):
    """A disk is full, or a quota is used up; nothing of what was being written is left.

    Args:
        folder: that cannot be written.
        needed: bytes that were to be written, where that is known.
    """

    def __init__(self, folder: Path, needed: int | None = None) -> None:
        room = room_left(folder)
        super().__init__(
            said(
                "the disk is full: {room} are free and {size} are needed",
                room=room,
                size=_size(needed),
            )
            if needed
            else said(
                "the disk is full: {room} are free, not counting the unfinished file", room=room
            ),
            subject=str(folder),
            remedy="make room there, or raise the quota, and run it again",
        )
        self.errno = errno.ENOSPC
        self.strerror = os.strerror(errno.ENOSPC)
        self.filename = str(folder)


@contextmanager
def named_when_full(folder: Path, needed: int | None = None) -> Iterator[None]:
    """Raise an error that names the folder when the disk is full.

    Args:
        folder: that is written; it exists.
        needed: bytes that are to be written, where that is known.

    Raises:
        DiskFullError: there is no room.
    """
    try:
        yield
    except DiskFullError:
        raise
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DiskFullError(folder, needed) from error


def room_left(folder: Path) -> Said:
    """How much room the disk of a folder has, for people; the folder need not exist yet."""
    if storage.is_shared(folder):
        return said("no limit of its own")
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    return _size(shutil.disk_usage(there).free)


def _size(count: int) -> Said:
    unit, size = next(((u, s) for u, s in _SIZES.items() if count >= 10 * s), ("KiB", _KIB))
    return said("{size} {unit}", size=said_number(count / size), unit=unit)


@contextmanager
def drafted(
    path: Path, *, mode: int | None = None, keep_same: bool = False, needed: int | None = None
) -> Iterator[Path]:
    """A draft to write to, which replaces ``path`` when the block ends without an error.

    Args:
        path: the target; its folder is made where it is missing.
        mode: of the target; defaults to the draft's mode.
        keep_same: do not replace a target that has the same bytes, so that it keeps its time of
            change.
        needed: its size, where that is known; only the error of a full disk tells it.

    Raises:
        DiskFullError: there is no room for it.
        OSError: it cannot be written; the target is as it was.
    """
    with _draft_beside(path, needed) as draft:
        yield draft
        if keep_same and path.exists() and filecmp.cmp(draft, path, shallow=False):
            return
        _finish(draft, mode)
        draft.replace(path)
        sync(path.parent)


def write_named(
    folder: Path,
    write: Callable[[Path], None],
    name: Callable[[Path], str],
    *,
    mode: int | None = None,
) -> Path:
    """Write a file whole under a name that depends on its content, such as one with its digest.

    Args:
        folder: of the file; it is made where it is missing.
        write: writes the draft.
        name: the file's name, from the draft.
        mode: of the file; defaults to the draft's mode.

    Returns:
        The file.

    Raises:
        DiskFullError: there is no room for it.
        OSError: it cannot be written.
    """
    with _draft_beside(folder / "file", None) as draft:
        write(draft)
        path = folder / name(draft)
        _finish(draft, mode)
        draft.replace(path)
        sync(folder)
    return path


def write_whole(path: Path, content: str | bytes, *, mode: int | None = None) -> None:
    """Write a file whole, replacing an existing one; text is encoded in UTF-8.

    Args:
        path: the target; its folder is made where it is missing.
        content: all of it.
        mode: of the target; defaults to that of any new file.

    Raises:
        OSError: it cannot be written; the target is as it was.
    """
    if storage.is_shared(path):
        storage.put(path, _bytes(content))
        return
    with drafted(path, mode=mode, needed=len(content)) as draft:
        _write(draft, content, mode)


def write_new(path: Path, content: str | bytes, *, mode: int = READ_ONLY) -> None:
    """Create a file whole; of several processes one succeeds.

    Args:
        path: the target; its folder is made where it is missing.
        content: all of it.
        mode: of the target.

    Raises:
        FileExistsError: the file exists; it is not changed.
        OSError: it cannot be written.
    """
    if storage.is_shared(path):
        storage.put_new(path, _bytes(content))
        return
    with _draft_beside(path, len(content)) as draft:
        _write(draft, content, mode)
        _finish(draft, mode)
        path.hardlink_to(draft)  # unlike a rename, never replaces a file
        sync(path.parent)


def write_once(path: Path, text: str) -> None:
    """Write a text file whole; writing the same text again does nothing.

    Raises:
        FileExistsError: the file exists with another text; it is not changed.
        OSError: it cannot be written.
    """
    if not path.exists():
        try:
            write_new(path, text)
        except FileExistsError:  # another process wrote it meanwhile
            pass
        else:
            return
    if path.read_text(encoding="utf-8") != text:
        raise FileExistsError(f"{path.name} was written before with another content")


def copy_whole(source: Path, target: Path, *, mode: int | None = None) -> str:
    """Copy a file whole with its time of change, replacing an existing one.

    Args:
        source: the file.
        target: the copy; its folder is made where it is missing.
        mode: of the copy; defaults to the mode of the source.

    Returns:
        SHA-256 of the bytes that were copied.

    Raises:
        OSError: it cannot be read or written; the target is as it was.
    """
    size = source.stat().st_size
    with drafted(target, mode=mode, needed=size) as draft:
        with (
            working_on_bytes("copying", target.name, size) as count,
            source.open("rb") as original,
            draft.open("xb") as copy,
        ):
            while part := original.read(_PART):
                copy.write(part)
                count(len(part))
        shutil.copystat(source, draft)
        return sha256_of(draft, target.name)


def sha256_of(path: Path, name: str = "") -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Args:
        path: the file.
        name: of the file where its progress is shown; defaults to its own.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with storage.reading(path) as file:
        size = 0 if storage.is_shared(path) else path.stat().st_size
        with working_on_bytes("checking", name or path.name, size) as count:
            while part := file.read(_PART):
                digest.update(part)
                count(len(part))
    return digest.hexdigest()


def has_sha256(path: Path, sha256: str) -> bool:
    """Whether a file can be read and its bytes have this SHA-256.

    Raises:
        StoreError: the object storage does not answer, so that it is unknown.
    """
    try:
        return sha256_of(path) == sha256
    except storage.StoreError:
        raise
    except OSError:
        return False


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A new temporary folder for this user only, removed when the block ends.

    Args:
        purpose: part of its name, such as ``verify``.
    """
    with TemporaryDirectory(prefix=f"onestop-{purpose}-") as name, _unfinished(Path(name)):
        yield Path(name)


def remove_unfinished() -> None:
    """Remove the drafts and scratch folders of this process, which is about to end."""
    for path in list(_UNFINISHED):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Sync a file, or the names in a folder, to the disk; object storage does so by itself."""
    if storage.is_shared(path):
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _draft_beside(path: Path, needed: int | None) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _unfinished(path.with_name(f".{uuid.uuid4().hex}{DRAFT_ENDING}")) as draft:
        try:
            with named_when_full(path.parent, needed):
                yield draft
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    _UNFINISHED.add(path)
    try:
        yield path
    finally:
        _UNFINISHED.discard(path)


def _write(draft: Path, content: str | bytes, mode: int | None) -> None:
    """Write a draft; where the target gets a mode, the draft is closed to others from the start."""
    first_mode = _ANY_FILE if mode is None else PRIVATE
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, first_mode)
    with os.fdopen(handle, "wb") as file:
        file.write(_bytes(content))


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _finish(draft: Path, mode: int | None) -> None:
    """Sync a draft and set the mode of its target."""
    sync(draft)
    if mode is not None:
        draft.chmod(mode)
