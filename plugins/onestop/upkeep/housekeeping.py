"""Housekeeping: deletes files past their retention (``retention.yaml``), never evidence."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from onestop.errors import OneStopError
from onestop.files import DRAFT_ENDING
from onestop.intake.landing import INCOMING, MANIFESTS, SIDECAR, landed_deliveries
from onestop.progress import counted_off, working
from onestop.record.evidence import SETTLEMENTS
from onestop.said import said
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.storage import is_shared, listed, names_in, remove_folder
from onestop.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onestop.settings import Settings

RETENTION = Path(__file__).parent / "retention.yaml"
_KEEP = re.compile(r"(?P<number>[1-9]\d{0,3}) (?P<unit>day|year)s?")
_DAYS = {"day": 1, "year": 366}


class RetentionError(OneStopError):
    """The retention rules cannot be used; names the rule and the remedy."""


@dataclass(frozen=True)
class Removal:
    """A file or folder past its retention.

    Attributes:
        rule: of ``retention.yaml``.
        path: file or folder.
        size_bytes: of all in it.
    """

    rule: str
    path: Path
    size_bytes: int


@dataclass(frozen=True)
class Housekeeping:
    """The result of housekeeping.

    Attributes:
        removals: files and folders past their retention.
        is_done: whether they were deleted.
    """

    removals: tuple[Removal, ...]
    is_done: bool

    def summary(self) -> dict[str, dict[str, int]]:
        """Number and size of the removals, by rule."""
        found: dict[str, dict[str, int]] = {}
        for one in self.removals:
            counted = found.setdefault(one.rule, {"count": 0, "size_bytes": 0})
            counted["count"] += 1
            counted["size_bytes"] += one.size_bytes
        return found


def read_retention(path: Path | None = None) -> dict[str, dt.timedelta | None]:
    """The retention of each rule; None for ever.

    Args:
        path: the rules; defaults to ``ONESTOP_RETENTION``, then to the product's own.

    Raises:
        RetentionError: the file lacks a rule, or has an unknown or unreadable one.
    """
    path = path or Path(os.environ.get("ONESTOP_RETENTION") or RETENTION)
    rules = _read_rules(path)
    known = _read_rules(RETENTION).keys()
    if strange := sorted(rules.keys() ^ known):
        raise RetentionError(
            said("rules that are missing or unknown: {names}", names=", ".join(strange)),
            subject=path.name,
            remedy="keep every rule of the product's own retention.yaml, and no other",
        )
    return {name: _read_keep(path.name, name, rule) for name, rule in rules.items()}


def housekeep(
    settings: Settings, *, is_trial: bool = False, now: dt.datetime | None = None
) -> Housekeeping:
    """Delete files past their retention; a killed run is continued by the next one.

    Args:
        settings: of this installation.
        is_trial: only list what would be deleted.
        now: the moment from which ages count; defaults to the current time.

    Raises:
        RetentionError: the rules cannot be used; nothing was removed.
    """
    kept = read_retention()
    now = now or dt.datetime.now(LOCAL_ZONE)
    removals = []
    for rule, find in _FINDERS.items():
        keep = kept[rule]
        if keep is not None:
            removals += [
                Removal(rule, path, _size(path)) for path in sorted(find(settings, now - keep))
            ]
    if not is_trial:
        with working("deleting", unit="files", total=len(removals)):
            for removal in counted_off(removals):
                _remove(settings, removal)
        _remove_empty_folders(_airflow_logs())
    return Housekeeping(tuple(removals), is_done=not is_trial)


def clean_airflow_database(*, is_trial: bool = False, now: dt.datetime | None = None) -> list[str]:
    """Delete old runs from Airflow's database, by Airflow's own command.

    It needs an environment with access to that database; in Airflow 3, tasks have none.

    Args:
        is_trial: only list what would be deleted.
        now: the moment from which ages count; defaults to the current time.

    Returns:
        The arguments of Airflow's command; empty when its runs are kept for ever.

    Raises:
        RetentionError: Airflow is not set up here, or its command failed.
    """
    keep = read_retention()["airflow_database"]
    if keep is None:
        return []
    if not any(name.startswith("AIRFLOW_") for name in os.environ):
        raise RetentionError(
            "Airflow is not set up in this environment",
            remedy="run this where its scheduler runs, for instance"
            " `docker compose exec scheduler onestop housekeeping --airflow-database`",
        )
    before = (now or dt.datetime.now(LOCAL_ZONE)) - keep
    arguments = ["db", "clean", "--clean-before-timestamp", before.isoformat(timespec="seconds")]
    arguments += ["--skip-archive", "--error-on-cleanup-failure"]
    arguments += ["--dry-run"] if is_trial else ["--yes"]
    done = subprocess.run(  # noqa: S603 - Airflow's own command, our own arguments
        [sys.executable, "-m", "airflow", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise RetentionError(
            said("failed: {reason}", reason=reason[0]), subject=f"airflow {' '.join(arguments)}"
        )
    return arguments


# --- the rules -------------------------------------------------------------------------------


def _read_rules(path: Path) -> dict[str, Any]:
    try:
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RetentionError(
            said("cannot be read ({name})", name=type(error).__name__),
            subject=str(path),
            remedy="correct ONESTOP_RETENTION or the file",
        ) from error
    if not isinstance(rules, dict):
        raise RetentionError(
            "holds no rules", subject=path.name, remedy="copy the product's own retention.yaml"
        )
    return rules


def _read_keep(file_name: str, name: str, rule: Any) -> dt.timedelta | None:  # noqa: ANN401 - from YAML
    if not isinstance(rule, dict) or not isinstance(rule.get("decided"), dt.date):
        raise RetentionError(
            "does not say since when it holds",
            subject=f"{file_name}: {name}",
            remedy="add a line such as decided: 2022-03-01",
        )
    text = str(rule.get("keep"))
    if text == "forever":
        return None
    found = _KEEP.fullmatch(text)
    if found is None:
        raise RetentionError(
            said("keep: {text} is no span of time", text=text),
            subject=f"{file_name}: {name}",
            remedy="write forever, 90 days or 10 years",
        )
    return dt.timedelta(days=int(found["number"]) * _DAYS[found["unit"]])


# --- files past their retention --------------------------------------------------------------


def _refused_deliveries(settings: Settings, before: dt.datetime) -> Iterator[Path]:
    """Landed files that were refused and never part of a publication."""
    if not settings.landing.is_dir():
        return
    needed = _needed_deliveries(settings.landing)
    with open_warehouse(settings.warehouse, read_only=True) as warehouse:
        refused = {
            row["delivery_id"]
            for row in warehouse.rows(
                "select delivery_id from audit.delivery group by delivery_id"
                " having sum(case when state = 'refused' then 0 else 1 end) = 0"
            )
        }
    for delivery in landed_deliveries(settings.landing, refused - needed):
        folder = (settings.landing / delivery.landed_path).parent
        if delivery.night < before.date() and _changed(folder) < before:
            yield folder


def _needed_deliveries(landing: Path) -> set[str]:
    """Deliveries that `onestop verify` may read: listed for a publication, or ever loaded."""
    needed = {
        one["delivery_id"]
        for manifest in (landing / MANIFESTS).glob("*.json")
        for one in json.loads(manifest.read_text(encoding="utf-8"))["deliveries"]
    }
    settled = {name.rsplit(".", 2)[0] for name in names_in(landing / SETTLEMENTS)}
    return needed | settled


def _interrupted_copies(settings: Settings, before: dt.datetime) -> Iterator[Path]:
    published = settings.published
    yield from _older(settings.landing.glob(f"{INCOMING}/*"), before)
    # The second name is that of drafts of earlier releases.
    for name in (f".*{DRAFT_ENDING}", f".{published.name}.*"):
        yield from _older(published.parent.glob(name), before)


def _staged_files(settings: Settings, before: dt.datetime) -> Iterator[Path]:
    yield from _older(settings.folders.staging.glob("*"), before)
    if shared := settings.folders.shared_staging:
        yield from _older(shared.glob("*/*"), before)
    yield from _older(settings.folders.volumes.glob("*"), before)
    yield from _older(settings.folders.under_work.glob("*/*"), before)
    yield from _older(settings.work.glob(f"*/*{DRAFT_ENDING}"), before)


def _validation_results(settings: Settings, before: dt.datetime) -> Iterator[Path]:
    yield from _older(settings.folders.validation_results.glob("*"), before)


def _lineage_events(settings: Settings, before: dt.datetime) -> Iterator[Path]:
    yield from _older(settings.folders.lineage.glob("event-*"), before)


def _airflow_log_files(settings: Settings, before: dt.datetime) -> Iterator[Path]:  # noqa: ARG001 - called as the others
    folder = _airflow_logs()
    if folder is not None:
        yield from _older((path for path in folder.rglob("*.log") if path.is_file()), before)


_FINDERS: dict[str, Callable[[Settings, dt.datetime], Iterator[Path]]] = {
    "refused_deliveries": _refused_deliveries,
    "interrupted_copies": _interrupted_copies,
    "staged_files": _staged_files,
    "validation_results": _validation_results,
    "lineage_events": _lineage_events,
    "airflow_logs": _airflow_log_files,
}


def _airflow_logs() -> Path | None:
    """The folder of Airflow's task logs, if this environment names it."""
    if folder := os.environ.get("AIRFLOW__LOGGING__BASE_LOG_FOLDER"):
        return Path(folder)
    home = os.environ.get("AIRFLOW_HOME")
    return Path(home) / "logs" if home else None


def _older(paths: Iterator[Path], before: dt.datetime) -> Iterator[Path]:
    return (path for path in paths if _changed(path) < before)


def _changed(path: Path) -> dt.datetime:
    """Time of the last change of a file, or of anything in a folder."""
    if is_shared(path):
        changed = [one.changed_at for one in listed(path).values()]
        if changed:
            return max(changed)
        return dt.datetime.fromtimestamp(path.stat().st_mtime, LOCAL_ZONE)
    inside = [path, *path.rglob("*")] if path.is_dir() else [path]
    return dt.datetime.fromtimestamp(max(one.lstat().st_mtime for one in inside), LOCAL_ZONE)


def _size(path: Path) -> int:
    if is_shared(path):
        inside = listed(path).values()
        return sum(one.size_bytes for one in inside) if inside else path.stat().st_size
    paths = path.rglob("*") if path.is_dir() else iter([path])
    return sum(one.lstat().st_size for one in paths if one.is_file())


def _remove(settings: Settings, removal: Removal) -> None:
    path = removal.path
    if removal.rule == "refused_deliveries" and not is_shared(path):
        # By one rename, so that the landing never holds half a delivery.
        gone = settings.landing / INCOMING / uuid.uuid4().hex
        gone.parent.mkdir(exist_ok=True)
        path = path.rename(gone)
    if path.is_dir():
        remove_folder(path, first=SIDECAR)
    else:
        path.unlink(missing_ok=True)


def _remove_empty_folders(root: Path | None) -> None:
    if root is None:
        return
    for folder in sorted(root.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
