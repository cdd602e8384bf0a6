"""Where packages come from: folders, SFTP, object storage, and single files by HTTPS."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from onestop.federation.package import ENDING, MOST_FILE_BYTES, too_large
from onestop.federation.refusal import UNREADABLE, FederationError, PackageRefusedError
from onestop.intake.exports import (
    ExportsError,
    exports_at,
    list_exports,
    readable_name,
)
from onestop.said import said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from onestop.intake.exports import ExportedFile, Folder

#: Seconds for one file, however slowly its bytes come, and of silence.
MOST_SECONDS = 600.0
_SILENCE_SECONDS = 60.0
_BLOCK = 1 << 20


@dataclass(frozen=True)
class FoundPackage:
    """A file that may be a package.

    Attributes:
        name: for lists: its name or address.
        read: reads at most a number of bytes at a time; raises PackageRefusedError.
    """

    name: str
    read: Callable[[], bytes]


def packages_at(
    places: Sequence[str | Folder], unreachable: list[FederationError]
) -> Iterator[FoundPackage]:
    """All files at some places whose names end as those of packages do.

    Args:
        places: files, folders, ``file://``, ``sftp://`` and ``s3://`` folders, ``https://`` files.
        unreachable: gets an error for each folder that is not there or cannot be listed; the other
            places are read.

    Raises:
        FederationError: an address cannot be used.
    """
    for place in places:
        if isinstance(place, str) and place.split("://")[0].lower() in ("http", "https"):
            yield _at_web(place)
            continue
        folder = _folder(place)
        if isinstance(folder, Path) and folder.is_file():
            yield FoundPackage(readable_name(folder.name), _local_reader(folder))
            continue
        try:
            files = list_exports(folder)
        except ExportsError as error:
            unreachable.append(
                FederationError(
                    error.what,
                    subject=str(folder),
                    remedy="check the place, the way to it and the rights to read it (Connection"
                    " onestop_packages); the packages at all other places are taken in",
                )
            )
            continue
        for file in files:
            if file.name.endswith(ENDING):
                yield FoundPackage(readable_name(file.path_below), _reader(file))


def _folder(place: str | Folder) -> Folder:
    if not isinstance(place, str):
        return place
    return exports_at(place, {}) if "://" in place else Path(place).absolute()


def _local_reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with path.open("rb") as file:
                return _bounded(file.read)
        except OSError as error:
            raise _unreadable(type(error).__name__) from None

    return read


def _reader(file: ExportedFile) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with file.reading() as opened:
                return _bounded(opened.read)
        except (OSError, ExportsError) as error:
            raise _unreadable(type(error).__name__) from None

    return read


def _at_web(address: str) -> FoundPackage:
    parts = urlsplit(address)
    if parts.scheme.lower() != "https" or not parts.hostname:
        raise FederationError(
            "packages are fetched by https only", subject=address, remedy="use an https:// address"
        )
    if parts.username or parts.password:
        raise FederationError(
            "the address holds a login, which would be printed",
            subject=parts.hostname,
            remedy="serve packages without a login (they are signed and hold published figures),"
            " or fetch them by SFTP or S3",
        )

    def read() -> bytes:
        opener = urllib.request.build_opener(_NoRedirects)
        try:
            with closing(opener.open(address, timeout=_SILENCE_SECONDS)) as answer:
                return _bounded(answer.read)
        except (OSError, http.client.HTTPException, urllib.error.URLError) as error:
            why = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else ""
            raise _unreadable(why or type(error).__name__) from None

    return FoundPackage(readable_name(PurePosixPath(parts.path).name or parts.hostname), read)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: one could lead to a host inside the national office's network."""

    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002 - as above
        fp: Any,  # noqa: ANN401, ARG002 - as above
        code: int,  # noqa: ARG002 - as above
        msg: str,  # noqa: ARG002 - as above
        headers: Any,  # noqa: ANN401, ARG002 - as above
        newurl: str,
    ) -> NoReturn:
        """Refuse it, naming where it leads."""
        host = urlsplit(newurl).hostname or "?"
        raise PackageRefusedError(
            UNREADABLE,
            said("the address redirects to {host}; redirects are not followed", host=host),
        )


def _bounded(read: Callable[[int], bytes]) -> bytes:
    """All bytes of a stream, up to the largest file and the longest time."""
    deadline = time.monotonic() + MOST_SECONDS
    blocks, size = [], 0
    while block := read(_BLOCK):
        size += len(block)
        if size > MOST_FILE_BYTES:
            raise too_large(size)
        if time.monotonic() > deadline:
            raise _unreadable(f"{MOST_SECONDS:.0f} s")
        blocks.append(block)
    return b"".join(blocks)


def _unreadable(part: str) -> PackageRefusedError:
    return PackageRefusedError(UNREADABLE, said("the file could not be read ({part})", part=part))
