"""Evidence in the landing: the rules and the rows of every load.

Rules and mappings change, but published figures must stay reproducible. So the landing also keeps
write-once files:

- ``rules/<sha256>.json``: every mapping and every suite that a delivery was read or validated by;
- ``settlements/<delivery_id>.<attempt>.json``: for every load, the rejected rows (for a replay, the
  replayed rows) and the digests of its mapping and suite.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onestop.files import write_once
from onestop.schema.mapping import FeedMapping
from onestop.storage import names_in, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from onestop.warehouse import Warehouse

RULES = "rules"
SETTLEMENTS = "settlements"


@dataclass(frozen=True)
class Settlement:
    """One load or replay of a delivery.

    Attributes:
        delivery_id: the delivery.
        attempt: number of the attempt; refusals are numbered too.
        mapping_sha256: digest of the mapping.
        suite_sha256: digest of the suite; None in records of the first release.
        rejected_rows: row numbers of the rejected rows; empty for a replay.
        replayed_rows: row numbers of the replayed rows; None for a load of the whole file.
    """

    delivery_id: str
    attempt: int
    mapping_sha256: str | None
    suite_sha256: str | None
    rejected_rows: tuple[int, ...]
    replayed_rows: tuple[int, ...] | None

    @property
    def text(self) -> str:
        """As JSON, the content of its file."""
        return json.dumps(vars(self), sort_keys=True) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Settlement:
        """The inverse of :attr:`text`."""
        values = json.loads(text)
        replayed = values["replayed_rows"]
        values["rejected_rows"] = tuple(values["rejected_rows"])
        values["replayed_rows"] = None if replayed is None else tuple(replayed)
        return cls(**values)


def keep_rules(landing: Path, sha256: str, text: str) -> None:
    """Keep the text of a mapping or a suite under its SHA-256."""
    write_once(landing / RULES / f"{sha256}.json", text)


def kept_mapping(landing: Path, sha256: str | None) -> FeedMapping | None:
    """The kept mapping with that SHA-256, or None."""
    text = text_of(landing / RULES / f"{sha256}.json")
    return None if text is None else FeedMapping.from_text(text)


def settlement_path(landing: Path, delivery_id: str, attempt: int) -> Path:
    """The path of a settlement's file."""
    return landing / SETTLEMENTS / f"{delivery_id}.{attempt}.json"


def kept_settlement(landing: Path, delivery_id: str, attempt: int) -> Settlement | None:
    """The kept settlement of an attempt, or None."""
    text = text_of(settlement_path(landing, delivery_id, attempt))
    return None if text is None else Settlement.from_text(text)


def keep_settlements(landing: Path, warehouse: Warehouse) -> None:
    """Write the settlements of the record that have no file yet.

    They are derived from the record, so the next run writes those that a killed run missed.
    """
    kept = names_in(landing / SETTLEMENTS)
    for row in warehouse.rows(
        "select delivery_id, attempt, mapping_sha256, suite_sha256, (select min(f.attempt)"
        " from audit.delivery as f where f.delivery_id = d.delivery_id and f.state = 'loaded')"
        " as first_attempt from audit.delivery as d where state = 'loaded' order by 1, 2"
    ):
        path = settlement_path(landing, row["delivery_id"], row["attempt"])
        if path.name not in kept:
            write_once(path, _settlement(warehouse, row).text)


def _settlement(warehouse: Warehouse, row: dict[str, Any]) -> Settlement:
    is_first = row["attempt"] == row["first_attempt"]
    which = "attempt = :attempt" if is_first else "replayed_attempt = :attempt"
    rows = tuple(_row_numbers(warehouse, row, which))
    return Settlement(
        delivery_id=row["delivery_id"],
        attempt=row["attempt"],
        mapping_sha256=row["mapping_sha256"],
        suite_sha256=row["suite_sha256"],
        rejected_rows=rows if is_first else (),
        replayed_rows=None if is_first else rows,
    )


def _row_numbers(warehouse: Warehouse, row: dict[str, Any], which: str) -> Iterator[int]:
    found = warehouse.rows(
        "select distinct row_number from audit.rejected_row"
        f" where delivery_id = :delivery_id and {which} order by row_number",
        {"delivery_id": row["delivery_id"], "attempt": row["attempt"]},
    )
    return (int(one["row_number"]) for one in found)
