"""Backup and restore: the landing, copied as it grows, and a consistent copy of the warehouse.

::

    <folder>/landing/…                    every file of the landing, once
    <folder>/<yyyymmdd-hhmmss>/           one backup: the warehouse as it was, and manifest.json

The landing is the evidence and is never changed, so each file is copied once and shared by all
backups; a manifest names each file with its sha-256. Both folders hold personal data and are closed
to everyone but the user who makes them.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import shutil
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from onestop.errors import OneStopError
from onestop.federation.national_warehouse import last_national
from onestop.figures.due_soon import write_due_soon
from onestop.files import DRAFT_ENDING, copy_whole, sha256_of, sync, write_whole
from onestop.intake.landing import INCOMING, make_private
from onestop.progress import counted_off, working
from onestop.record.publications import last_published
from onestop.said import said, said_number
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.storage import at_hand, is_shared, listed, put_file
from onestop.warehouse import (
    NoWarehouseError,
    WarehouseError,
    engine_of,
    engine_of_copy,
    open_warehouse,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from onestop.settings import Settings

MANIFEST = "manifest.json"
_LANDING = "landing"
_NATIONAL = "national_night"
#: Names of what a killed backup leaves, in this release and in earlier ones.
_DRAFTS = (f".*{DRAFT_ENDING}", ".*.half-copied")
_LOCK = ".backup.lock"
#: File in a landing that is being restored: names the backup and the warehouse.
_BEGUN = ".restoring"


class BackupError(OneStopError):
    """A backup cannot be made or restored; says why and what to do."""


@dataclass(frozen=True)
class Backup:
    """One backup.

    Attributes:
        folder: of its warehouse and manifest.
        night: the last night published in it; None before the first.
        national_night: the nation's, in a national office.
        files: how many files of the landing belong to it.
        new_files: how many of them were copied for it.
    """

    folder: Path
    night: dt.date | None
    files: int
    new_files: int = 0
    national_night: dt.date | None = None


def make_backup(
    settings: Settings,
    target: Path,
    *,
    keep: int = 3,
) -> Backup:
    """Back up the warehouse, and the files landed since the last backup.

    A killed backup is continued by the next one; a backup is complete once it has its manifest.

    Args:
        settings: of this installation.
        target: folder of the backups, best on another machine.
        keep: how many warehouses to keep; landed files are never deleted.

    Raises:
        BackupError: there is nothing to back up, or a landed file was changed.
        WarehouseError: the warehouse cannot be copied.
    """
    make_private(target)
    with _alone(target / _LOCK, said("another backup into {target} is running", target=target)):
        _sweep(target, _DRAFTS)
        _sweep(target / _LANDING, _DRAFTS, below=True)
        before = _backups(target)
        stamp = dt.datetime.now(LOCAL_ZONE).strftime("%Y%m%d-%H%M%S")
        is_taken = (target / stamp).exists()
        folder = target / (f"{stamp}-{uuid.uuid4().hex[:4]}" if is_taken else stamp)
        draft = target / f".{folder.name}{DRAFT_ENDING}"
        draft.mkdir()
        try:
            manifest, new = _write_backup(settings, target, draft, before)
            draft.rename(folder)
            sync(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        # The new one stays, whatever the clock says, and of the others those that reach furthest.
        for old in before[: max(0, len(before) + 1 - keep)]:
            shutil.rmtree(old.folder)
    nights = _night_of(manifest), _night_of(manifest, _NATIONAL)
    return Backup(folder, nights[0], len(manifest["landing"]), new, nights[1])


def _write_backup(
    settings: Settings,
    target: Path,
    draft: Path,
    before: list[_Kept],
) -> tuple[dict[str, Any], int]:
    """Copy warehouse and landing and write the manifest; also how many files are new."""
    # The warehouse first: all files that it includes are in the landing then.
    try:
        with open_warehouse(settings.warehouse, read_only=True) as warehouse:
            version, night = warehouse.schema_version(), last_published(warehouse)
            national = last_national(warehouse)
    except NoWarehouseError as error:
        raise BackupError(
            said("{error}, so there is nothing to back up", error=error), remedy="run a night first"
        ) from None
    copy = engine_of(settings.warehouse).copy_out(settings.warehouse, draft)
    known = {name: facts for one in before for name, facts in one.manifest["landing"].items()}
    with working("comparing", unit="files"):
        files, new = _copy_landing(settings.landing, target / _LANDING, known)
    manifest = {
        "made_at": dt.datetime.now(LOCAL_ZONE).isoformat(timespec="seconds"),
        "sequence": 1 + max((one.sequence for one in before), default=0),
        "night": night.isoformat() if night else None,
        _NATIONAL: national["as_of_date"].isoformat() if national else None,
        "schema_version": version,
        "warehouse": {"file": copy.name, **_facts(copy)},
        "landing": files,
    }
    write_whole(draft / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return manifest, new


def restore_backup(
    settings: Settings,
    target: Path,
    *,
    at: str | None = None,
) -> Backup:
    """Restore a backup into an empty installation: landing, warehouse, and the readers' copy.

    Every file is compared with its SHA-256. A killed restore is continued by the next one.

    Args:
        settings: of the empty installation.
        target: folder of the backups.
        at: name of the backup's folder; defaults to the last one.

    Raises:
        BackupError: there is no such backup, it is damaged, or the landing is not empty.
        WarehouseError: there is a warehouse already, or it cannot be restored.
    """
    chosen = _chosen(target, at)
    manifest = chosen.manifest
    engine = engine_of(settings.warehouse)
    copy = chosen.folder / manifest["warehouse"]["file"]
    if copy.suffix != engine.copy_suffix:
        raise BackupError(
            said(
                "the backup holds a {product} warehouse, and ONESTOP_WAREHOUSE is {warehouse_name}",
                product=engine_of_copy(copy).product,
                warehouse_name=settings.warehouse_name,
            ),
            subject=copy.name,
            remedy="set ONESTOP_WAREHOUSE to one of the same kind",
        )
    make_private(settings.landing)
    begun = (settings.work if is_shared(settings.landing) else settings.landing) / _BEGUN
    begun.parent.mkdir(parents=True, exist_ok=True)
    with _alone(
        begun, said("another restore into {folder} is running", folder=settings.landing)
    ) as file:
        # A killed restore left its note: the files in the landing are its own.
        purpose = f"{chosen.folder.name} {settings.warehouse_name}\n"
        file.seek(0)
        if file.read() != purpose:
            try:
                engine.require_empty(settings.warehouse)
            except WarehouseError:
                begun.unlink()
                raise
            file.truncate(0)
            file.write(purpose)
            file.flush()
        if _facts(copy) != {name: manifest["warehouse"][name] for name in ("sha256", "size_bytes")}:
            raise BackupError(
                "the copy of the warehouse is damaged",
                subject=str(copy),
                remedy="restore an earlier backup with --at",
            )
        if not is_shared(settings.landing):
            _sweep(settings.landing, _DRAFTS, below=True)
        with working("copying", unit="files", total=len(manifest["landing"])):
            _restore_landing(target / _LANDING, settings.landing, manifest["landing"])
        if engine.is_empty(settings.warehouse):
            if path := engine.file_of(settings.warehouse):
                _sweep(path.parent, _DRAFTS)
            engine.copy_in(copy, settings.warehouse)
        night = _night_of(manifest)
        with open_warehouse(settings.warehouse, read_only=True) as warehouse:
            last = last_national(warehouse)
        national = last["as_of_date"] if last else None
        if night or national:
            with open_warehouse(settings.warehouse) as warehouse:
                warehouse.publish_copy(settings.published)
                if night:
                    write_due_soon(warehouse, settings.published)
        begun.unlink()
    return Backup(chosen.folder, night, len(manifest["landing"]), national_night=national)


@dataclass(frozen=True)
class _Kept:
    """A complete backup in its folder."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def sequence(self) -> int:
        """Its number; 0 in backups of earlier releases."""
        return int(self.manifest.get("sequence", 0))

    @property
    def holds(self) -> tuple[dt.date, int, int, str]:
        """Sort key: how far it reaches, by its content rather than the clock."""
        night = _night_of(self.manifest) or _night_of(self.manifest, _NATIONAL) or dt.date.min
        return night, len(self.manifest["landing"]), self.sequence, self.folder.name


def _backups(target: Path) -> list[_Kept]:
    """The complete backups, sorted by how far they reach.

    Raises:
        BackupError: a manifest is damaged, or names a file outside of the backup.
    """
    found = [_Kept(path.parent, _read_manifest(path)) for path in target.glob(f"[0-9]*/{MANIFEST}")]
    return sorted(found, key=lambda one: one.holds)


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        names = [*manifest["landing"], manifest["warehouse"]["file"]]
        _night_of(manifest)
        _night_of(manifest, _NATIONAL)
        facts = [*manifest["landing"].values(), manifest["warehouse"]]
        is_whole = all({"sha256", "size_bytes"} <= one.keys() for one in facts)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupError(
            said("is damaged ({name})", name=type(error).__name__),
            subject=str(path),
            remedy=said(
                "move the folder {name} away, or put its good copy back", name=path.parent.name
            ),
        ) from None
    strange = [name for name in names if not _is_inside(name)]
    if strange or not is_whole or "/" in names[-1]:
        raise BackupError(
            said(
                "onestop did not write this manifest: it names {name!r}",
                name=str([*strange, names[-1]][0])[:80],
            ),
            subject=str(path),
            remedy=said(
                "move the folder {name} away and find out who wrote it", name=path.parent.name
            ),
        )
    return manifest


def _is_inside(name: str) -> bool:
    """Whether a name in a manifest stays below its folder.

    Names that begin with a full stop are refused: no landed file has one.
    """
    is_odd = (part == "" or part.startswith(".") for part in name.split("/"))
    return not any(is_odd) and "\\" not in name and "\0" not in name


def _night_of(manifest: dict[str, Any], name: str = "night") -> dt.date | None:
    """The last night of a backup; earlier releases did not note the nation's."""
    text = manifest["night"] if name == "night" else manifest.get(name)
    return dt.date.fromisoformat(text) if text else None


def _chosen(target: Path, at: str | None) -> _Kept:
    found = {one.folder.name: one for one in _backups(target)}
    if not found:
        raise BackupError(
            "there is no backup", subject=str(target), remedy="name the folder of the backups"
        )
    if at is None:
        return list(found.values())[-1]
    if at not in found:
        raise BackupError(
            said("there is no backup {at}", at=at),
            subject=str(target),
            remedy=said("there are {names}", names=", ".join(found)),
        )
    return found[at]


@contextmanager
def _alone(lock: Path, otherwise: str) -> Iterator[TextIO]:
    """Hold a lock file; files left by a killed process then belong to no running one."""
    with lock.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(otherwise, remedy="wait for it to end") from None
        yield file


def _sweep(folder: Path, drafts: Iterable[str], *, below: bool = False) -> None:
    """Remove the drafts that a killed process left in a folder, or also below it."""
    find = folder.rglob if below else folder.glob
    for path in [path for name in drafts for path in find(name)]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


# --- the landing -----------------------------------------------------------------------------


def _landed_files(landing: Path) -> Iterator[str]:
    if is_shared(landing):
        yield from sorted(listed(landing))
        return
    for path in sorted(landing.rglob("*")):
        name = path.relative_to(landing)
        if INCOMING in name.parts or path.name.startswith("."):
            continue
        if path.is_symlink():
            raise BackupError(
                "is a link, and the landing holds files only",
                subject=str(path),
                remedy="find out who made it, and remove it",
            )
        if path.is_file():
            yield name.as_posix()


def _copy_landing(
    landing: Path, target: Path, known: dict[str, dict[str, Any]]
) -> tuple[dict[str, dict[str, Any]], int]:
    make_private(target)
    files, new = {}, 0
    for name in counted_off(_landed_files(landing)):
        copy = target / name
        # A copy that no manifest names is of a killed backup, or older than all kept ones. It is
        # whole, and must be equal too.
        facts = known.get(name) or (_facts(copy) if copy.is_file() else None)
        if facts is not None and _facts(landing / name) != facts:
            raise BackupError(
                "the landed file was changed since it was backed up, which nobody may do",
                subject=name,
                remedy="find out who changed it, and put its copy back from the backup",
            )
        if facts is None or not copy.is_file() or copy.stat().st_size != facts["size_bytes"]:
            facts = _copy_file(landing / name, copy)
            new += 1
        files[name] = facts
    return files, new


def _restore_landing(source: Path, landing: Path, files: dict[str, dict[str, Any]]) -> None:
    unknown = sorted(set(_landed_files(landing)) - files.keys())
    if unknown:
        raise BackupError(
            said(
                "the landing is not empty: the backup does not hold {name} ({count} such files)",
                name=unknown[0],
                count=said_number(len(unknown)),
            ),
            subject=str(landing),
            remedy="restore into an empty folder",
        )
    for name, facts in counted_off(files.items()):
        target = landing / name
        if target.is_file() and _facts(target) == facts:
            continue  # put there before a restore was killed
        if target.exists():
            raise BackupError(
                said("the landing is not empty: it holds another {name}", name=name),
                subject=str(landing),
                remedy="restore into an empty folder",
            )
        if not (source / name).is_file() or _facts(source / name) != facts:
            raise BackupError(
                "the backup's copy of this file is damaged or gone",
                subject=name,
                remedy="restore it from another copy of the backup",
            )
        _copy_file(source / name, target)


def _copy_file(source: Path, target: Path) -> dict[str, Any]:
    """Copy a file so that it appears whole; returns its facts."""
    with at_hand(source) as file:
        if not is_shared(target):
            sha256 = copy_whole(file, target)
            return {"sha256": sha256, "size_bytes": target.stat().st_size}
        put_file(file, target)
        return _facts(file)


def _facts(path: Path) -> dict[str, Any]:
    return {"sha256": sha256_of(path), "size_bytes": path.stat().st_size}
