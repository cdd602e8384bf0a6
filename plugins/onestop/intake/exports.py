"""The exports: the files of the source systems, in a folder, on SFTP or in object storage.

Files are only listed and read; nothing is written, renamed or deleted there. Reading can start at
an offset, so that it continues after a broken connection.
"""

from __future__ import annotations

import datetime as dt
import os
import stat
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit, urlunsplit

from onestop.errors import OneStopError
from onestop.said import said, said_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fsspec import AbstractFileSystem

#: Names that programs give to a file while they are still writing it.
UNFINISHED = (".part", ".partial", ".filepart", ".tmp")
#: Seconds after which a silent server counts as gone.
TIMEOUT = 60
_CONNECT_TIMEOUT = 20
_BLOCK = 8 << 20
_SCHEMES = ("sftp", "s3")
#: Unicode's categories of invisible characters: control, format, surrogate (a byte that is no
#: UTF-8 becomes one), unassigned, line separator, paragraph separator.
_UNREADABLE = {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}


class ExportsError(OneStopError):
    """The exports cannot be reached or read; says why and what to do, without secrets."""


class BrokenConnectionError(ExportsError):
    """The connection to the exports broke in the middle of a file."""


@dataclass(frozen=True)
class Facts:
    """The facts by which a changed file is noticed.

    Attributes:
        size_bytes: its length.
        modified: seconds since 1970 at which it was last changed, as its own machine says.
        tag: the object store's tag of its content; empty elsewhere.
    """

    size_bytes: int
    modified: float
    tag: str = ""


@dataclass(frozen=True)
class RemoteFolder:
    """Exports on another machine.

    Attributes:
        url: such as ``sftp://user@host:22/folder`` or ``s3://bucket/folder``, never with a
            password: it is printed.
        path: the folder as its filesystem names it; on object storage the bucket comes first.
        connect: opens a filesystem to it, with the credentials.
    """

    url: str
    path: str
    connect: Callable[[], AbstractFileSystem] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.url


Folder = Path | RemoteFolder


@dataclass(frozen=True)
class ExportedFile:
    """One file in the exports.

    Attributes:
        folder: the exports.
        path: the file's whole path there.
        facts: as they were when it was listed; None when it was not.
    """

    folder: Folder
    path: str
    facts: Facts | None = None

    @property
    def name(self) -> str:
        """Its name, without folders."""
        return PurePosixPath(self.path).name

    @property
    def path_below(self) -> str:
        """Its path below the exports: two offices' files may have the same name."""
        root = self.folder if isinstance(self.folder, Path) else self.folder.path
        return str(PurePosixPath(self.path).relative_to(root))

    @contextmanager
    def reading(self, offset: int = 0) -> Iterator[OpenedFile]:
        """Open it for reading from an offset.

        Raises:
            FileNotFoundError: it is not there (any more).
            PermissionError: it may not be read.
            BrokenConnectionError: the connection broke; reading can be tried again from where it
                ended.
            ExportsError: the exports cannot be reached.
        """
        if isinstance(self.folder, Path):
            with open(self.path, "rb", opener=_opened_file) as raw:
                raw.seek(offset)
                yield OpenedFile(raw, lambda: _local_facts(Path(self.path)))
            return
        folder = self.folder
        with _connected(folder) as files:
            with _as_broken(folder):
                raw = files.open(self.path, "rb", block_size=_BLOCK)
                raw.seek(offset)
            yield OpenedFile(raw, lambda: _remote_facts(files, self.path), folder)


def _opened_file(path: str, flags: int) -> int:
    """Open a regular file; a pipe or device may have taken its place since it was listed.

    Raises:
        FileNotFoundError: it is none; a pipe's other end is not waited for.
    """
    _local_facts(Path(path))
    handle = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(path)
    return handle


@dataclass(frozen=True)
class OpenedFile:
    """An exported file, open."""

    _raw: BinaryIO
    _facts: Callable[[], Facts]
    _folder: RemoteFolder | None = None

    def read(self, size: int) -> bytes:
        """The next bytes; empty at the end.

        Raises:
            BrokenConnectionError: the connection broke.
        """
        with _as_broken(self._folder):
            return self._raw.read(size)

    def facts(self) -> Facts:
        """Its facts as they are now.

        Raises:
            FileNotFoundError: it was removed.
            BrokenConnectionError: the connection broke.
        """
        with _as_broken(self._folder):
            return self._facts()


def list_exports(folder: Folder) -> list[ExportedFile]:
    """All finished files below the exports, sorted by path.

    Hidden files, files in hidden folders, notes that a workbook is open (``~$…``), and files whose
    ending marks them as unfinished are skipped.

    Raises:
        ExportsError: the exports do not exist, cannot be reached, or may not be read.
    """
    if isinstance(folder, RemoteFolder):
        found = _list_remote(folder)
    elif folder.is_dir():
        found = list(_list_local(folder))
    else:
        raise ExportsError(
            "is not there",
            subject=said("the exports folder {folder}", folder=folder),
            remedy="create it and put the exports into it, or set ONESTOP_EXPORTS",
        )
    return sorted(found, key=lambda file: file.path)


def _list_local(folder: Path) -> Iterator[ExportedFile]:
    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # a folder that went away holds nothing
            raise ExportsError(
                said("cannot be listed ({strerror})", strerror=error.strerror),
                subject=said(
                    "the exports folder {folder}", folder=readable_name(str(error.filename))
                ),
                remedy="give the pipeline's user permission to read and enter it",
            ) from error

    for at, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if _is_finished((name,))]
        for path in (Path(at, name) for name in names if _is_finished((name,))):
            try:
                yield ExportedFile(folder, str(path), _local_facts(path))
            except FileNotFoundError:  # it went away, leads nowhere, or is no file
                continue
            except OSError as error:
                refuse(error)


def readable_name(name: str) -> str:
    """A file name that can be shown and stored.

    Control characters, direction marks and bytes that are no UTF-8 become U+FFFD; a name without
    any is returned unchanged.
    """
    return "".join(
        "\ufffd" if unicodedata.category(character) in _UNREADABLE else character
        for character in name
    )


def exports_from_environment(default: Path) -> Folder:
    """The exports that ``ONESTOP_EXPORTS`` names: a folder, or a URL with its credentials.

    For ``sftp://`` the login is in the URL, and the secret is in ``ONESTOP_EXPORTS_PASSWORD`` or
    in the file ``ONESTOP_EXPORTS_KEY_FILE``; the server's key must be in
    ``ONESTOP_EXPORTS_KNOWN_HOSTS`` (default ``~/.ssh/known_hosts``). For ``s3://`` the
    variables are those of every S3 client: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``,
    ``AWS_ENDPOINT_URL``.

    Raises:
        ExportsError: the URL holds a password, or nothing here can read such a URL.
    """
    address = os.environ.get("ONESTOP_EXPORTS") or str(default)
    if "://" not in address:
        return Path(address).absolute()
    named = {
        "password": os.environ.get("ONESTOP_EXPORTS_PASSWORD"),
        "key_filename": os.environ.get("ONESTOP_EXPORTS_KEY_FILE"),
        "known_hosts": os.environ.get("ONESTOP_EXPORTS_KNOWN_HOSTS"),
    }
    is_sftp = address.startswith("sftp:")
    return exports_at(address, {k: v for k, v in named.items() if v} if is_sftp else {})


def exports_at(url: str, options: Mapping[str, Any]) -> Folder:
    """The exports at a URL.

    Args:
        url: ``file:///…``, ``sftp://user@host:port/…`` or ``s3://bucket/…``.
        options: the filesystem's own: for SFTP those of :class:`onestop.intake.sftp.SFTPFiles`, for
            object storage those of s3fs.

    Raises:
        ExportsError: the URL holds a password, or nothing here can read such a URL.
    """
    parts = urlsplit(url)
    if parts.password is not None:
        raise ExportsError(
            "the address of the exports holds a password, which would be printed",
            subject="ONESTOP_EXPORTS",
            remedy="take it out and set ONESTOP_EXPORTS_PASSWORD, or use the Connection"
            " onestop_exports",
        )
    if parts.scheme == "file":
        return Path(unquote(parts.path)).absolute()
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ExportsError(
            said("{scheme}:// addresses cannot be read here", scheme=parts.scheme),
            subject="ONESTOP_EXPORTS",
            remedy="use a folder, sftp://user@host/folder or s3://bucket/folder",
        )
    shown = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    if parts.scheme == "s3":
        bucket_and_prefix = f"{parts.netloc}{unquote(parts.path)}".rstrip("/")
        # making a client takes longer than reading a file, and it keeps no connection to close
        return RemoteFolder(shown, bucket_and_prefix, cache(lambda: _connect_s3(options)))
    login = {
        "host": parts.hostname,
        "port": parts.port or 22,
        **({"username": unquote(parts.username)} if parts.username else {}),
    }
    path = unquote(parts.path).rstrip("/") or "/"
    return RemoteFolder(shown, path, lambda: _connect_sftp({**login, **options}))


def _connect_s3(options: Mapping[str, Any]) -> AbstractFileSystem:
    from s3fs import S3FileSystem  # noqa: PLC0415 - slow to import, seldom needed

    config = {
        "connect_timeout": _CONNECT_TIMEOUT,
        "read_timeout": TIMEOUT,
        "retries": {"max_attempts": 2},
    }
    return S3FileSystem(
        config_kwargs=config, use_listings_cache=False, skip_instance_cache=True, **options
    )


def _connect_sftp(options: Mapping[str, Any]) -> AbstractFileSystem:
    from onestop.intake.sftp import SFTPFiles  # noqa: PLC0415 - slow to import, seldom needed

    return SFTPFiles(
        timeout=_CONNECT_TIMEOUT, silence_timeout=TIMEOUT, skip_instance_cache=True, **options
    )


@contextmanager
def _connected(folder: RemoteFolder) -> Iterator[AbstractFileSystem]:
    try:
        files = folder.connect()
    except Exception as error:  # noqa: BLE001 - each client library has its own
        raise _why(folder, error) from None
    try:
        yield files
    finally:
        if hasattr(files, "close"):
            files.close()


@contextmanager
def _as_broken(folder: RemoteFolder | None) -> Iterator[None]:
    """Turn errors of client libraries into ours, except a missing or unreadable file."""
    try:
        yield
    except (FileNotFoundError, PermissionError, ExportsError):
        raise
    except Exception as error:
        if folder is None:
            raise
        why = _why(folder, error)
        raise BrokenConnectionError(why.what, subject=why.subject, remedy=why.remedy) from None


def _list_remote(folder: RemoteFolder) -> list[ExportedFile]:
    root = folder.path
    with _connected(folder) as files:
        try:
            entries = _walk(files, root)
        except Exception as error:  # noqa: BLE001 - each client library has its own
            raise _why(folder, error) from None
    return [ExportedFile(folder, path, facts) for path, facts in entries]


def _walk(files: AbstractFileSystem, root: str) -> list[tuple[str, Facts]]:
    found = []
    folders = [root]
    while folders:
        for entry in files.ls(folders.pop(), detail=True):
            path = entry["name"]
            if not _is_finished(PurePosixPath(path).relative_to(root).parts):
                continue
            if entry["type"] == "directory":
                folders.append(path)
                continue
            # Links to folders are not followed: they could form a loop.
            target = files.info(path) if entry["type"] == "link" else entry
            if target["type"] == "file":
                found.append((path, _facts_of(target)))
    return found


def _is_finished(parts: tuple[str, ...]) -> bool:
    # ~$name: not a list, but the note that a workbook of that name is open in Excel
    is_hidden = any(part.startswith((".", "~$")) for part in parts)
    return bool(parts) and not is_hidden and not parts[-1].lower().endswith(UNFINISHED)


def _local_facts(path: Path) -> Facts:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(path)
    return Facts(found.st_size, found.st_mtime_ns / 1e9)


def _remote_facts(files: AbstractFileSystem, path: str) -> Facts:
    files.invalidate_cache()
    return _facts_of(files.info(path))


def _facts_of(entry: Mapping[str, Any]) -> Facts:
    moment = entry.get("mtime") or entry.get("LastModified") or entry.get("last_modified") or 0
    seconds = moment.timestamp() if isinstance(moment, dt.datetime) else float(moment)
    return Facts(int(entry["size"]), seconds, str(entry.get("ETag") or entry.get("etag") or ""))


#: Messages for errors of client libraries, by the name of the error's class; the first match
#: counts. The errors' own texts are not shown, because some quote credentials.
_REASONS: tuple[tuple[str, str], ...] = (
    (
        said_text(
            "there is no answer under its name and port; check the address, the network"
            " and that the server runs"
        ),
        "gaierror EndpointConnectionError",
    ),
    (
        said_text(
            "nothing answers there; check host and port, the firewall, and that the server runs"
        ),
        "NoValidConnectionsError ConnectionRefusedError ConnectTimeoutError TimeoutError",
    ),
    (
        said_text(
            "the server's key is not the one known; ask its administrator for the"
            " fingerprint and put the key into the known hosts, or into the Connection's"
            " extra field host_key"
        ),
        "BadHostKeyException UnknownHostKeyError",
    ),
    (
        said_text(
            "the login is refused or missing; check user and password or key in its"
            " Connection or in the environment"
        ),
        "AuthenticationException NoCredentialsError PasswordRequiredException",
    ),
    (
        said_text(
            "the login is refused, or may not list the folder; check the credentials and"
            " their rights in its Connection or in the environment"
        ),
        "PermissionError",
    ),
    (
        said_text(
            "there is no such folder; check the path, and that the source system has made it"
        ),
        "FileNotFoundError NotADirectoryError",
    ),
)


def _why(folder: RemoteFolder, error: BaseException) -> ExportsError:
    if isinstance(error, ExportsError):
        return error
    names = {cls.__name__ for one in _chain(error) for cls in type(one).__mro__}
    for reason, classes in _REASONS:
        if names & set(classes.split()):
            return ExportsError(
                said("cannot be read: {reason}", reason=reason),
                subject=said("the exports at {url}", url=folder.url),
                remedy="check the address, the login and its rights (Connection onestop_exports)",
            )
    return ExportsError(
        said("cannot be read: the connection failed ({name})", name=type(error).__name__),
        subject=said("the exports at {url}", url=folder.url),
        remedy="try again; if it still fails, ask the server's administrator",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
