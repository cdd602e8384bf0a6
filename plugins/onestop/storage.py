"""Files that several machines share: a folder of this machine, or one on S3-compatible storage.

A shared folder has the methods of :class:`pathlib.Path`: on this machine it is one, on object
storage it is a path of universal_pathlib (``UPath``). So reading, listing and deleting are written
once. What differs is here: an object appears whole by one request, never by a rename; a file
written once is put on the condition that its key is free; and a program that needs a file of this
machine gets a copy of the object.

S3 answers a request after its object is stored, and every later request sees it, from any machine.
"""

from __future__ import annotations

import datetime as dt
import shutil
import stat
import uuid
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from onestop.errors import OneStopError
from onestop.said import said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

#: Seconds after which a silent store counts as gone.
_TIMEOUT, _CONNECT_TIMEOUT = 60, 20
#: HTTP: another request for the same key is running; the condition does not hold.
_NOT_FREE = (409, 412)


class StoreError(OneStopError, OSError):
    """The object storage cannot be reached, read or written; without secrets."""


@dataclass(frozen=True)
class Entry:
    """A file as its folder lists it.

    Attributes:
        size_bytes: its length.
        changed_at: when it was last written.
    """

    size_bytes: int
    changed_at: dt.datetime


def store_at(url: str) -> Path:
    """The folder at an address of S3-compatible storage.

    The credentials are those of every S3 client: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``,
    ``AWS_ENDPOINT_URL``, or a role of the machine.

    Args:
        url: ``s3://bucket/folder``.

    Raises:
        StoreError: it is no such address.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.hostname or "@" in parts.netloc:
        raise StoreError(
            "is no address of object storage, or holds a login",
            subject="ONESTOP_STORE",
            remedy="write it as s3://bucket/folder, and put the login into AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY",
        )
    from upath import UPath  # noqa: PLC0415 - imported where a store is used

    config = {
        "connect_timeout": _CONNECT_TIMEOUT,
        "read_timeout": _TIMEOUT,
        # Not max_attempts: botocore rewrites it in place, and the next path makes a client anew.
        "retries": {"total_max_attempts": 6, "mode": "standard"},
    }
    # Other machines write there too, so nothing that was listed once is kept.
    return cast("Path", UPath(url.rstrip("/"), config_kwargs=config, use_listings_cache=False))


def is_shared(path: Path) -> bool:
    """Whether a path is on object storage."""
    return not isinstance(path, Path)


def put(path: Path, data: bytes) -> None:
    """Put an object whole, replacing an existing one.

    Raises:
        StoreError: it cannot be put; what was there still is.
    """
    with _explained(path):
        _files(path).pipe_file(_key(path), data)


def put_new(path: Path, data: bytes) -> None:
    """Put an object whole where there is none; of several processes one succeeds.

    Raises:
        FileExistsError: there is one; it is not changed.
        StoreError: it cannot be put.
    """
    with _explained(path), _as_existing(path):
        _files(path).pipe_file(_key(path), data, mode="create")


def put_file(source: Path, path: Path) -> None:
    """Put a file of this machine whole, replacing an existing object.

    Raises:
        StoreError: it cannot be put; what was there still is.
    """
    with _explained(path):
        _files(path).put_file(str(source), _key(path))


def mark(path: Path) -> None:
    """Make an empty file whose name alone counts."""
    if is_shared(path):
        put(path, b"")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def move(path: Path, target: Path) -> None:
    """Move an object; a process that is killed leaves it at both places."""
    with _explained(path):
        _files(path).copy(_key(path), _key(target))
        _files(path).rm_file(_key(path))


def fetch(path: Path, target: Path) -> None:
    """Copy an object to this machine; the copy appears whole.

    Raises:
        FileNotFoundError: there is no such object.
        StoreError: it cannot be read.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{uuid.uuid4().hex}.fetched")
    try:
        with _explained(path):
            _files(path).get_file(_key(path), str(draft))
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def at_hand(path: Path) -> Iterator[Path]:
    """A file of this machine with the content of a shared file, for programs that need one.

    A file of this machine is its own; of an object there is a copy under the same name, for this
    user only and until the block ends.

    Raises:
        FileNotFoundError: there is no such file.
        StoreError: it cannot be read.
    """
    if not is_shared(path):
        path.stat()
        yield path
        return
    with TemporaryDirectory(prefix="onestop-at-hand-") as folder:
        copy = Path(folder, path.name)
        fetch(path, copy)
        yield copy


def text_of(path: Path) -> str | None:
    """The text of a file in UTF-8; None where there is no such file.

    Do not ask ``is_file`` instead: on object storage it also answers no when the store fails.

    Raises:
        StoreError: it cannot be read.
    """
    with suppress(FileNotFoundError):
        if not is_shared(path):
            return path.read_text(encoding="utf-8")
        with _explained(path):
            return cast("bytes", _files(path).cat_file(_key(path))).decode()
    return None


@contextmanager
def reading(path: Path) -> Iterator[BufferedReader]:
    """A file, open for reading its bytes in the block.

    Raises:
        FileNotFoundError: there is no such file.
        StoreError: it cannot be read from the storage.
    """
    with _explained(path) if is_shared(path) else nullcontext(), path.open("rb") as file:
        yield file


def listed(folder: Path) -> dict[str, Entry]:
    """All files below a folder, by their path below it; nothing where there is no such folder."""
    if not is_shared(folder):
        found = {}
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):  # deleted meanwhile
                facts = path.stat()
                if stat.S_ISREG(facts.st_mode):
                    changed = dt.datetime.fromtimestamp(facts.st_mtime, dt.UTC)
                    found[path.relative_to(folder).as_posix()] = Entry(facts.st_size, changed)
        return found
    root = f"{_key(folder)}/"
    with _explained(folder):
        try:
            objects = _files(folder).find(root, detail=True)
        except FileNotFoundError:
            return {}
    return {
        key.removeprefix(root): Entry(int(facts["size"]), facts["LastModified"])
        for key, facts in objects.items()
        if key != root
    }


def names_in(folder: Path, beginning: str = "") -> set[str]:
    """The names of the files and folders in a folder; none where there is no such folder.

    Args:
        folder: which one.
        beginning: only names that begin so.
    """
    if not is_shared(folder):
        with suppress(FileNotFoundError):
            return {path.name for path in folder.iterdir() if path.name.startswith(beginning)}
        return set()
    root = f"{_key(folder)}/"
    with _explained(folder):
        try:
            # A folder may hold thousands of names: only those asked for are listed.
            if beginning:
                found = _files(folder).find(root, prefix=beginning)
            else:
                found = _files(folder).ls(root, detail=False)
        except FileNotFoundError:
            return set()
    return {key.removeprefix(root).split("/")[0] for key in found if key != root}


def remove_folder(folder: Path, *, first: str = "") -> None:
    """Delete a folder with all files below it.

    Args:
        folder: which one.
        first: name of the file without which the others count for nothing; on object storage,
            where files go one by one, it goes first.
    """
    if not is_shared(folder):
        shutil.rmtree(folder)
        return
    names = sorted(listed(folder), key=lambda name: (name != first, name))
    with _explained(folder):
        for name in names:
            _files(folder).rm_file(f"{_key(folder)}/{name}")


def _files(path: Path) -> Any:  # noqa: ANN401 - fsspec ships no types
    return cast("Any", path).fs


def _key(path: Path) -> str:
    """The bucket and the key."""
    return cast("str", cast("Any", path).path)


@contextmanager
def _as_existing(path: Path) -> Iterator[None]:
    """Turn the answer that the key is not free into FileExistsError."""
    try:
        yield
    except OSError as error:
        answer = getattr(error.__cause__, "response", {}).get("ResponseMetadata", {})
        if answer.get("HTTPStatusCode") in _NOT_FREE:
            raise FileExistsError(f"{path.name} was written before") from None
        raise


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn errors of the client into ours; their own texts may quote credentials."""
    try:
        yield
    except (FileNotFoundError, FileExistsError, StoreError):
        raise
    except PermissionError:
        raise StoreError(
            "the login is refused, or may not do this",
            subject=str(path),
            remedy="check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that the login may list,"
            " read, write and delete below ONESTOP_STORE",
        ) from None
    except Exception as error:  # noqa: BLE001 - the client has many kinds of them
        raise StoreError(
            said(
                "the object storage does not answer as it should ({name})",
                name=type(error).__name__,
            ),
            subject=str(path),
            remedy="check ONESTOP_STORE, AWS_ENDPOINT_URL and the network; it is tried again",
        ) from None
