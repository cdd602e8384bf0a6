"""The content of a file: unpacked within limits, and its container detected."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import re
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Literal, cast

from onestop.readers.refusals import DamagedError, UnreadableError
from onestop.said import said, said_number

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onestop.readers.limits import Limits

Container = Literal["", ".gz", ".zip"]

_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument.spreadsheet"
_HEAD = 1 << 16
_SYSTEM_FILES = {".ds_store", "thumbs.db", "desktop.ini"}
_ENCRYPTED = 0x1
#: Endings of further files that people and programs put into an archive.
_COMPANIONS = {
    *(".md", ".pdf", ".doc", ".docx", ".rtf", ".png", ".jpg", ".jpeg", ".gif", ".xsd", ".xsl"),
    *(".md5", ".sha1", ".sha256", ".sig", ".asc", ".log", ".url", ".lnk", ".css", ".js"),
}
#: Endings of notes, which a list may have too.
_NOTES = {"", ".txt", ".htm", ".html"}


@dataclass(frozen=True)
class Content:
    """The innermost bytes of a file.

    Attributes:
        container: how they were packed.
        head: their first 64 KiB.
        open: opens a new stream over them; reading damaged bytes raises UnreadableError.
        packed_bytes: size of the file itself.
    """

    container: Container
    head: bytes
    open: Callable[[], IO[bytes]]
    packed_bytes: int


class BoundedStream(io.RawIOBase):
    """An unpacking stream that enforces the limits and reports a damaged archive."""

    def __init__(self, packed: IO[bytes], inner: IO[bytes], limits: Limits) -> None:
        super().__init__()
        self._raw = packed
        self._inner = inner
        self._limits = limits
        self._count = 0

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Unpack into the buffer."""
        try:
            data = self._inner.read(len(buffer))
        except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise self._damaged() from error
        except OSError as error:
            if error.errno:  # the disk's, not the archive's
                raise
            raise self._damaged() from error
        except (NotImplementedError, RuntimeError) as error:
            raise UnreadableError(
                "FILE-F02", "the archive cannot be unpacked; pack it again without a password"
            ) from error
        self._count += len(data)
        if self._count > self._limits.unpacked_bytes:
            raise _too_large(self._limits)
        beyond = self._count > self._limits.ratio_from_bytes
        # Of what was unpacked so far, so that a large archive is not read for long.
        if beyond and self._count > self._raw.tell() * self._limits.ratio:
            raise UnreadableError(
                "FILE-F05",
                said(
                    "it unpacks to more than {ratio} times its size; send it unpacked",
                    ratio=self._limits.ratio,
                ),
            )
        buffer[: len(data)] = data
        return len(data)

    def _damaged(self) -> UnreadableError:
        return DamagedError(
            said(
                "the archive is damaged or cut short at or before its byte {byte}; export and"
                " send it again",
                byte=said_number(self._raw.tell()),
            )
        )

    def close(self) -> None:
        """Close the packed file too."""
        self._inner.close()
        self._raw.close()
        super().close()


def read_content(path: Path, limits: Limits) -> Content:
    """Open a file, unpacking gzip and zip; a workbook, itself a zip, is not unpacked.

    Names inside archives are never used as paths; nothing is unpacked to the disk.

    Raises:
        UnreadableError: empty, damaged, or an archive that is not one plain file.
    """
    size = os.stat(path).st_size  # noqa: PTH116 - one call, follows nothing unusual
    if size == 0:
        raise UnreadableError("FILE-F01", "the file has no content")
    plain = Content("", _head(path.open("rb")), lambda: path.open("rb"), size)
    if plain.head.startswith(_GZIP):
        content = _gunzip(path, size, limits)
    elif is_zip(plain.head) and not is_workbook(plain):
        content = _unzip(path, size, limits)
    else:
        return plain
    if content.head.startswith(_GZIP) or (
        is_zip(content.head)
        and content.container == ".zip"
        and not is_workbook_bytes(content, limits)
    ):
        raise UnreadableError(
            "FILE-F05", "it is an archive inside an archive; pack the export once"
        )
    if not content.head:
        raise UnreadableError("FILE-F01", "the archive's file has no content")
    return content


def is_zip(head: bytes) -> bool:
    """Whether bytes begin like a zip archive."""
    return head.startswith(_ZIP)


def is_workbook(content: Content) -> bool:
    """Whether a zip archive is a workbook of Excel or LibreOffice."""
    with content.open() as stream:
        return _holds_workbook(stream)


def _holds_workbook(stream: IO[bytes]) -> bool:
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            if any(name.startswith("xl/workbook.") for name in names):
                return True
            return {"mimetype", "content.xml"} <= set(names) and archive.read(
                "mimetype"
            ).startswith(_OPEN_DOCUMENT)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError) as error:
        raise _without_contents() from error


def is_workbook_bytes(content: Content, limits: Limits) -> bool:
    """Whether packed content is a workbook; reads it into memory, within limits."""
    return _holds_workbook(io.BytesIO(read_all(content, limits)))


def read_all(content: Content, limits: Limits) -> bytes:
    """All bytes of content that cannot be streamed, up to the workbook limit.

    Raises:
        UnreadableError: there are more.
    """
    with content.open() as stream:
        data = stream.read(limits.workbook_bytes + 1)
    if len(data) > limits.workbook_bytes:
        raise UnreadableError(
            "FILE-F05",
            said(
                "a workbook of more than {size} MiB; export it as CSV",
                size=limits.workbook_bytes >> 20,
            ),
        )
    return data


def _head(stream: IO[bytes]) -> bytes:
    with stream:
        return stream.read(_HEAD)


def _gunzip(path: Path, size: int, limits: Limits) -> Content:
    def open_stream() -> IO[bytes]:
        packed = path.open("rb")
        inner = cast("IO[bytes]", gzip.GzipFile(fileobj=packed))
        return io.BufferedReader(BoundedStream(packed, inner, limits), 1 << 20)

    if size * limits.ratio > limits.unpacked_bytes:
        # Refused before its rows are read and stored: that takes many times longer.
        with open_stream() as stream:
            while stream.read(1 << 20):
                pass
    return Content(".gz", _head(open_stream()), open_stream, size)


def _unzip(path: Path, size: int, limits: Limits) -> Content:
    member = _only_member(path, limits)
    if member.file_size > limits.unpacked_bytes:  # no more is unpacked than the archive states
        raise _too_large(limits)

    def open_stream() -> IO[bytes]:
        packed = path.open("rb")
        try:
            archive = zipfile.ZipFile(packed)
            inner = archive.open(member)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            packed.close()
            raise DamagedError(
                "the archive is damaged where its file begins; export and send it again"
            ) from error
        return io.BufferedReader(BoundedStream(packed, inner, limits), 1 << 20)

    return Content(".zip", _head(open_stream()), open_stream, size)


def _only_member(path: Path, limits: Limits) -> zipfile.ZipInfo:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise _without_contents() from error
    names = {member.filename for member in members}
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise UnreadableError(
            "FILE-F07", "it is an office document but no Excel workbook; save the list as .xlsx"
        )
    if len(members) > limits.members:
        raise UnreadableError(
            "FILE-F05",
            said("the archive holds {count} files; pack the export alone", count=len(members)),
        )
    files = [member for member in members if _is_export(member)]
    if not files:
        raise UnreadableError("FILE-F01", "the archive holds no file")
    if len(files) > 1:
        files = [member for member in files if not _is_companion(member)] or files
    if len(files) > 1:
        raise UnreadableError(
            "FILE-F05",
            said("the archive holds {count} files; send one archive for each", count=len(files)),
        )
    if files[0].flag_bits & _ENCRYPTED:
        raise UnreadableError("FILE-F02", "the archive has a password; pack it without one")
    return files[0]


def _too_large(limits: Limits) -> UnreadableError:
    return UnreadableError(
        "FILE-F05",
        said(
            "it unpacks to more than {size} MiB; export it in parts, or send it unpacked",
            size=said_number(limits.unpacked_bytes >> 20),
        ),
    )


def _without_contents() -> UnreadableError:
    return DamagedError(
        "the archive is damaged or cut short: the list of contents, which stands at its end, cannot"
        " be read; export and send it again"
    )


def _is_export(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(member.filename.replace("\\", "/")).parts
    if not parts or member.is_dir() or "__MACOSX" in parts:
        return False
    return parts[-1].lower() not in _SYSTEM_FILES


def _is_companion(member: zipfile.ZipInfo) -> bool:
    """Whether a file in an archive is certainly no export, but a note or a signature."""
    name = PurePosixPath(member.filename.replace("\\", "/"))
    words = re.sub(r"[^a-z]", "", unicodedata.normalize("NFD", name.stem.lower()))
    suffix = name.suffix.lower()
    is_note = suffix in _NOTES and words.startswith(("readme", "huongdan", "license"))
    return is_note or suffix in _COMPANIONS
