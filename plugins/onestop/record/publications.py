"""``audit.publication``: the published nights, their lists in the landing, the readers' copy."""

from __future__ import annotations

import datetime as dt
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from onestop.files import write_once
from onestop.intake.landing import MANIFESTS
from onestop.language import log
from onestop.record.decisions import keep_decisions
from onestop.record.evidence import keep_settlements
from onestop.said import said, said_text
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.storage import names_in
from onestop.warehouse.duckdb_files import open_duckdb

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: How a night's figures were computed: from all dossiers, or from those that changed.
ALL, CHANGES = "all", "changes"


def last_published(warehouse: Warehouse) -> dt.date | None:
    """The last published night, or None before the first."""
    night = warehouse.value("select max(as_of_date) from audit.publication")
    return night if isinstance(night, dt.date) else None


@dataclass(frozen=True)
class Publication:
    """A published night.

    Attributes:
        as_of_date: the night.
        dossier_count: dossiers in its marts.
        rules_sha256: of the SELECTs, the reference rows and the release; None where an earlier
            release published it.
        record_state: how many times deliveries had been taken into the record.
    """

    as_of_date: dt.date
    dossier_count: int
    rules_sha256: str | None
    record_state: int | None


def latest_publication(warehouse: Warehouse) -> Publication | None:
    """The publication of the last published night, or None before the first."""
    rows = warehouse.rows(
        "select as_of_date, dossier_count, rules_sha256, record_state from audit.publication"
        " order by as_of_date desc, publication_id desc limit 1"
    )
    return Publication(**rows[0]) if rows else None


@dataclass(frozen=True)
class Computation:
    """How the figures of a night were computed.

    Attributes:
        computed: :data:`ALL` or :data:`CHANGES`.
        why: why all; None for changes.
        why_vi: the same in Vietnamese.
        counted_by: the engine that counted them.
        rules_sha256: of the SELECTs, the reference rows and the release.
        record_state: how many times deliveries had been taken into the record.
    """

    computed: str
    why: str | None
    why_vi: str | None
    counted_by: str
    rules_sha256: str
    record_state: int


def record_publication(
    warehouse: Warehouse,
    night: dt.date,
    computation: Computation,
    *,
    dossier_count: int,
    figures_sha256: str,
) -> int:
    """Record that a night is published, in the transaction that replaces the published marts.

    Args:
        warehouse: in that transaction.
        night: the night.
        computation: how its figures were computed.
        dossier_count: dossiers in its marts.
        figures_sha256: SHA-256 of its figures.

    Returns:
        The publication's number.
    """
    number = int(
        warehouse.value("select coalesce(max(publication_id), 0) + 1 from audit.publication")
    )
    warehouse.execute(
        "insert into audit.publication (publication_id, as_of_date, published_at, delivery_count,"
        " dossier_count, figures_sha256, computed, computed_why, computed_why_vi, counted_by,"
        " rules_sha256, record_state) select :number, :night, :now,"
        " (select count(distinct delivery_id) from audit.delivery where state = 'loaded'"
        " and known_from <= :night), :dossier_count, :digest, :computed, :why, :why_vi,"
        " :counted_by, :rules_sha256, :record_state",
        {
            "number": number,
            "night": night,
            "now": dt.datetime.now(LOCAL_ZONE),
            "dossier_count": dossier_count,
            "digest": figures_sha256,
            **vars(computation),
        },
    )
    return number


def is_published(warehouse: Warehouse, night: dt.date) -> bool:
    """Whether the night is published."""
    return bool(
        warehouse.value(
            "select count(*) from audit.publication where as_of_date = :night", {"night": night}
        )
    )


def is_frozen(warehouse: Warehouse, night: dt.date) -> bool:
    """Whether the night or a later one is published, so that its figures no longer change."""
    last = last_published(warehouse)
    return last is not None and night <= last


def frozen_reason(warehouse: Warehouse, night: dt.date) -> str:
    """Why a night is not computed again, and the night from which later deliveries count."""
    last = last_published(warehouse)
    if is_published(warehouse, night):
        how = said_text("published before, and stays as it was")
    else:
        how = said("not published in its time, and cannot be after night {last}", last=last)
    return said(
        "{how}; what was loaded since shows from the night after {last} on", how=how, last=last
    )


def write_manifests(landing: Path, warehouse: Warehouse) -> None:
    """Write into the landing the list of deliveries of each published night.

    Every published night without a list gets one, since a killed run may have missed it.
    """
    keep_settlements(landing, warehouse)
    keep_decisions(landing, warehouse)
    folder = landing / MANIFESTS
    kept = names_in(folder)
    for published in warehouse.rows(
        "select as_of_date, publication_id, figures_sha256 from audit.publication order by 1"
    ):
        night = published["as_of_date"]
        path = folder / f"{night.isoformat()}.json"
        if path.name in kept:
            continue
        deliveries = warehouse.rows(
            "select delivery_id, sha256, attempt from audit.delivery where state = 'loaded'"
            " and known_from <= :night order by delivery_id, attempt",
            {"night": night},
        )
        manifest = {**published, "as_of_date": night.isoformat(), "deliveries": deliveries}
        write_once(path, json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def is_copy_current(published: Path, warehouse: Warehouse) -> bool:
    """Whether the readers' copy holds the last publication."""
    if not published.is_file():
        return False
    last = (
        "select publication_id, as_of_date, figures_sha256 from audit.publication"
        " order by publication_id desc limit 1"
    )
    try:
        with open_duckdb(published, read_only=True) as copy:
            held = copy.execute(last).fetchall()
    except duckdb.Error as error:
        log(
            logger,
            logging.WARNING,
            said(
                "the readers' copy {copy} cannot be read ({name}); it is made again",
                copy=published,
                name=type(error).__name__,
            ),
        )
        return False
    return bool(held == [tuple(row.values()) for row in warehouse.rows(last)])
