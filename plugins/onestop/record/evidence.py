"""By which rules a delivery was settled, kept beside the landing.

Rules and mappings change, and what was published does not. So that any published night can be
counted again as it was, the landing also keeps, write-once,

- ``rules/<sha256>.json``: each mapping and each suite that a delivery was ever read or judged by;
- ``settlements/<delivery_id>.<attempt>.json``: for each time a delivery was taken into the record
  which rows were left out (or, on a replay, which ones were taken in), and by which rules.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onestop.files import write_once
from onestop.schema.mapping import FeedMapping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from onestop.warehouse import Warehouse

RULES = "rules"
SETTLEMENTS = "settlements"


@dataclass(frozen=True)
class Settlement:
    """One time a delivery was taken into the record.

    Attributes:
        delivery_id: which delivery.
        attempt: which time; refusals count too.
        mapping_sha256: of the mapping it was read by.
        suite_sha256: of the suite it was judged by; None in records of the first release.
        rejected_rows: row numbers left out; on a replay empty.
        replayed_rows: row numbers taken in by a replay; None where the whole file was.
    """

    delivery_id: str
    attempt: int
    mapping_sha256: str | None
    suite_sha256: str | None
    rejected_rows: tuple[int, ...]
    replayed_rows: tuple[int, ...] | None

    @property
    def text(self) -> str:
        """As it is kept."""
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
    """The mapping of that SHA-256 as it was, or None when it was not kept."""
    path = landing / RULES / f"{sha256}.json"
    return FeedMapping.from_text(path.read_text(encoding="utf-8")) if path.is_file() else None


def settlement_path(landing: Path, delivery_id: str, attempt: int) -> Path:
    """Where a settlement is kept."""
    return landing / SETTLEMENTS / f"{delivery_id}.{attempt}.json"


def kept_settlement(landing: Path, delivery_id: str, attempt: int) -> Settlement | None:
    """How that attempt on a delivery was settled, or None when it was not kept."""
    path = settlement_path(landing, delivery_id, attempt)
    return Settlement.from_text(path.read_text(encoding="utf-8")) if path.is_file() else None


def keep_settlements(landing: Path, warehouse: Warehouse) -> None:
    """Write the settlements of the record that are not kept yet.

    They follow from the record, so that a run that was killed before this is made up for by the
    next one.
    """
    for row in warehouse.rows(
        "select delivery_id, attempt, mapping_sha256, suite_sha256, (select min(f.attempt)"
        " from audit.delivery as f where f.delivery_id = d.delivery_id and f.state = 'loaded')"
        " as first_attempt from audit.delivery as d where state = 'loaded' order by 1, 2"
    ):
        path = settlement_path(landing, row["delivery_id"], row["attempt"])
        if not path.exists():
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
