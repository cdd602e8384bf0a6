"""``audit.delivery_place``: further paths and times of change of files with the same bytes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING

from onestop.files import write_whole
from onestop.intake.delivery import RETRYABLE_RULES
from onestop.record.notes import read_notes
from onestop.schema.time_zone import LOCAL_ZONE

if TYPE_CHECKING:
    from pathlib import Path

    from onestop.intake.candidate import Candidate
    from onestop.intake.delivery import Delivery
    from onestop.warehouse import Warehouse


def settled_files(warehouse: Warehouse) -> set[tuple[str, int, int]]:
    """Path, length and time of change of each file that need not be landed again.

    Files with a retryable refusal are not among them.
    """
    retryable = ", ".join(f"'{code}'" for code in RETRYABLE_RULES)
    settled = f"sha256 is not null and coalesce(refused_rule, '') not in ({retryable})"
    rows = warehouse.rows(
        "select file_name, size_bytes,"
        " cast(extract(epoch from file_modified_at) as bigint) as modified from ("
        f"select file_name, size_bytes, file_modified_at from audit.delivery where {settled}"
        " union select file_name, size_bytes, file_modified_at from audit.delivery_place"
        f" where delivery_id in (select delivery_id from audit.delivery where {settled})) as place"
    )
    return {(row["file_name"], row["size_bytes"], row["modified"]) for row in rows}


def note_place(folder: Path, delivery: Delivery, candidate: Candidate) -> None:
    """Note a file whose bytes were delivered before under another path or time of change.

    Args:
        folder: of the notes.
        delivery: the delivery with these bytes.
        candidate: the file.
    """
    place = {
        "delivery_id": delivery.delivery_id,
        "file_name": candidate.file_name,
        "size_bytes": candidate.size_bytes,
        "file_modified_at": dt.datetime.fromtimestamp(
            int(candidate.modified), LOCAL_ZONE
        ).isoformat(),
    }
    first = delivery.to_json()
    if any(place[name] != first[name] for name in place):
        text = json.dumps(place, ensure_ascii=False, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()
        write_whole(folder / f"{name}.json", text)


def record_places(warehouse: Warehouse, folder: Path) -> None:
    """Enter the noted places into the record, and remove the notes."""
    for note, text in read_notes(folder):
        place = json.loads(text)
        place["file_modified_at"] = dt.datetime.fromisoformat(place["file_modified_at"])
        same = " and ".join(f"{name} = :{name}" for name in place)
        if not warehouse.value(f"select count(*) from audit.delivery_place where {same}", place):
            warehouse.execute(
                f"insert into audit.delivery_place ({', '.join(place)})"
                f" values ({', '.join(f':{name}' for name in place)})",
                place,
            )
        note.unlink(missing_ok=True)
