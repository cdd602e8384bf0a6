"""A lost warehouse: detected before a night runs on a new one, and rebuilt from the landing."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from onestop.files import scratch_folder
from onestop.intake.landing import MANIFESTS
from onestop.marts.compute import compute_marts
from onestop.marts.publish import publish_marts
from onestop.progress import counted_off, working
from onestop.record.decisions import restore_decisions
from onestop.record.publications import last_published
from onestop.said import said, said_text
from onestop.storage import names_in
from onestop.upkeep.verify import Verification, listed_deliveries, load_again
from onestop.warehouse import NoWarehouseError, WarehouseError, open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.settings import Settings

_MANIFEST = re.compile(r"\d{4}-\d\d-\d\d\.json")


class LostWarehouseError(WarehouseError):
    """The landing lists published nights that the warehouse does not hold."""


@dataclass
class Rebuilt:
    """The result of a rebuild.

    Attributes:
        nights: nights published again, oldest first.
        differences: differences from the published figures, one sentence each.
    """

    nights: list[dt.date] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def listed_nights(settings: Settings) -> dict[dt.date, str]:
    """The published nights that the landing lists, oldest first, with their figures' SHA-256."""
    return {
        dt.date.fromisoformat(path.stem): json.loads(path.read_text("utf-8"))["figures_sha256"]
        for path in _manifests(settings.landing)
    }


def _manifests(landing: Path) -> list[Path]:
    """The lists of the published nights' files, oldest first."""
    folder = landing / MANIFESTS
    return [folder / name for name in sorted(names_in(folder)) if _MANIFEST.fullmatch(name)]


def refuse_lost_warehouse(landing: Path, warehouse_url: str) -> None:
    """Refuse to run a night on a warehouse that lacks published nights.

    Args:
        landing: lists the published nights.
        warehouse_url: SQLAlchemy URL of the warehouse.

    Raises:
        LostWarehouseError: names the nights, and what to do.
    """
    names = [path.stem for path in _manifests(landing)]
    if not names:
        return
    last = _last_published(warehouse_url)
    missing = [name for name in names if last is None or name > last.isoformat()]
    if missing:
        holds = (
            said("ends with night {last}", last=last)
            if last
            else said_text("holds no published night")
        )
        raise LostWarehouseError(
            said(
                "the warehouse {holds}, but the landing lists {count} later ones ({first} to"
                " {last}): the warehouse was lost, or the setting ONESTOP_WAREHOUSE names"
                " another one",
                holds=holds,
                count=len(missing),
                first=missing[0],
                last=missing[-1],
            ),
            remedy="correct the setting; or restore the last backup (`onestop restore DIR`); or"
            " build it from the landing (`onestop rebuild`)",
        )


def _last_published(warehouse_url: str) -> dt.date | None:
    try:
        with open_warehouse(warehouse_url, read_only=True) as warehouse:
            return last_published(warehouse) if warehouse.tables("audit") else None
    except NoWarehouseError:
        return None


def _loaded(settings: Settings, delivery_id: str) -> int:
    """Number of a delivery's attempts that are in the record again."""
    with open_warehouse(settings.warehouse) as warehouse:
        return int(
            warehouse.value(
                "select count(*) from audit.delivery where state = 'loaded'"
                " and delivery_id = :delivery_id",
                {"delivery_id": delivery_id},
            )
        )


def rebuild(settings: Settings) -> Rebuilt:
    """Publish again the nights that the landing lists and the warehouse lacks.

    Each night is loaded from its own files, mappings and rules, and computed by this release. An
    interrupted rebuild resumes.

    Args:
        settings: of this installation.
    """
    done = Rebuilt()
    last = _last_published(settings.warehouse)
    nights = {
        night: sha256
        for night, sha256 in listed_nights(settings).items()
        if last is None or night > last
    }
    if nights:
        with open_warehouse(settings.warehouse) as warehouse:
            restore_decisions(warehouse, settings.landing)
    with scratch_folder("rebuild") as folder:
        scratch = replace(settings, work=folder, store="")
        with working("rebuilding", unit="nights", total=len(nights)):
            for night, sha256 in counted_off(nights.items()):
                result = Verification(night)
                for delivery, attempts in listed_deliveries(settings, night, result):
                    for attempt in attempts[_loaded(settings, delivery.delivery_id) :]:
                        load_again(scratch, delivery, attempt, night, result)
                with open_warehouse(settings.warehouse) as warehouse:
                    compute_marts(warehouse, night)
                    publish_marts(warehouse, night)
                    digest = warehouse.value(
                        "select figures_sha256 from audit.publication where as_of_date = :night",
                        {"night": night},
                    )
                done.nights.append(night)
                done.differences += [
                    said("night {night}: {sentence}", night=night, sentence=sentence)
                    for sentence in result.differences
                ]
                if digest != sha256:
                    done.differences.append(
                        said(
                            "night {night}: the figures are not those that were published, or this"
                            " release counts further ones, or reference rows were edited since",
                            night=night,
                        )
                    )
    return done
