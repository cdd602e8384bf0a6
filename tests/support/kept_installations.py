"""Installations that several tests start from: built once for each state of the code, then copied.

The first test that needs an installation builds it; other tests, other pytest-xdist workers and
later runs copy it. They lie in pytest's cache, in a folder named by the digest of the code that
builds them, so that a changed line of code builds them again. An installation is built under a
temporary name and renamed when it is complete: an interrupted build leaves none.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
from collections.abc import Callable
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from published_marts import settings_in
from short_nights import whole_nights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onestop.settings import Settings

ROOT = Path(__file__).parents[2]
#: Code that an installation depends on, besides the module of the function that builds it.
_MADE_BY = ("plugins", "sql", "expectations", "tests/support", "requirements")
#: The pages only show what an installation holds.
_IGNORED = {"__pycache__", "web"}


@cache
def code_digest() -> str:
    """Digest of every file that an installation depends on, and of the Python version."""
    digest = hashlib.sha256(sys.version.encode())
    for name in _MADE_BY:
        for path in sorted((ROOT / name).rglob("*")):
            is_ours = not _IGNORED.intersection(path.parts) and ".egg-info" not in str(path)
            if is_ours and path.is_file():
                digest.update(f"{path.relative_to(ROOT)}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


#: A function that builds an installation in a folder, possibly on top of another one.
Build = Callable[[Path, "KeptInstallations"], object]


class KeptInstallations:
    """The installations built by one state of the code, in one folder."""

    def __init__(self, folder: Path, digest: str) -> None:
        self._folder = folder / digest

    def copy(self, build: Build, folder: Path) -> Settings:
        """Copy an installation; it is built first if it does not exist yet.

        Args:
            build: a function of a module that builds the installation in a new folder, with the
                same result in every call, possibly on top of another installation. It is
                identified by its name and its module's text.
            folder: the copy; it must not exist yet.
        """
        return copied(settings_in(self._built(build)), folder)

    def _built(self, build: Build) -> Path:
        module = Path(build.__code__.co_filename)
        name = f"{build.__name__}-{hashlib.sha256(module.read_bytes()).hexdigest()[:16]}"
        place = self._folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        with _held(self._folder / f".{name}.lock"):
            if not place.exists():
                draft = self._folder / f".{name}.draft"
                shutil.rmtree(draft, ignore_errors=True)
                with whole_nights():
                    build(draft, self)
                draft.rename(place)
        return place


@contextmanager
def kept_installations(folder: Path, digest: str) -> Iterator[KeptInstallations]:
    """The installations of this state of the code; unused ones of other states are deleted."""
    folder.mkdir(parents=True, exist_ok=True)
    with _held(folder / f"{digest}.lock", fcntl.LOCK_SH):
        for lock in folder.glob("*.lock"):
            if lock.stem != digest:
                _remove_unused(lock)
        yield KeptInstallations(folder, digest)


def copied(settings: Settings, folder: Path) -> Settings:
    """Copy a whole installation into a new folder."""
    shutil.copytree(settings.exports.parent, folder, symlinks=True)
    return settings_in(folder)


@contextmanager
def _held(path: Path, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, kind)
        yield


def _remove_unused(lock: Path) -> None:
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        lock.unlink(missing_ok=True)
