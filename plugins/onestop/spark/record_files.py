"""The append-only record as Parquet files, for Spark.

``<folder>/<entity>_version/source=<source>/night=<night>/`` holds, for each delivery, the rows of
``core.<entity>_version`` that became known on one night. A file is written whole and never
changed; its name has the digest of the rows' columns and contents and that of its bytes. The files
are derived: what is missing, damaged or out of date is written again from the warehouse.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from onestop.files import READABLE, sha256_of, write_named
from onestop.language import log
from onestop.progress import counted_off, working
from onestop.said import said, said_count, said_number

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from onestop.schema.feeds import Feed
    from onestop.warehouse import Warehouse

logger = logging.getLogger(__name__)

_ENDING = ".parquet"
_DIGITS = 16
#: Hexadecimal digits of a row's digest that fit a bigint.
_ROW_DIGITS = 15


@dataclass(frozen=True)
class _Part:
    """The rows of one delivery that became known on one night.

    Attributes:
        delivery_id: the delivery.
        night: its night.
        known_from: the first night whose figures may rest on the rows.
        content: digest of their columns and contents.
    """

    delivery_id: str
    night: dt.date
    known_from: dt.date
    content: str

    @property
    def beginning(self) -> str:
        """Of the names of its files, without the digests."""
        return f"{self.delivery_id}.{self.known_from:%Y%m%d}."

    def folder(self, root: Path) -> Path:
        """The folder of its file."""
        source = self.delivery_id.partition(".")[0]
        return root / f"source={source}" / f"night={self.night.isoformat()}"

    def name(self, draft: Path) -> str:
        """The name of its file."""
        return f"{self.beginning}{self.content}.{sha256_of(draft)[:_DIGITS]}{_ENDING}"


def record_files(warehouse: Warehouse, feed: Feed, folder: Path) -> list[Path]:
    """The files with all rows of a feed's ``core.<entity>_version``; missing ones are written.

    Args:
        warehouse: has the record.
        feed: the feed.
        folder: of the files of all feeds.

    Returns:
        One file for each delivery and night on which rows of it became known.
    """
    root = folder / f"{feed.entity}_version"
    present: dict[str, list[Path]] = {}
    for path in root.glob(f"source=*/night=*/*{_ENDING}"):
        present.setdefault(_beginning(path.name), []).append(path)
    found, missing = [], []
    for part in _parts(warehouse, feed):
        mine = present.pop(part.beginning, [])
        good = [path for path in mine if _is_good(path, part)]
        found += good[:1]
        if not good:
            missing.append(part)
        for path in mine:
            if path not in good[:1]:
                path.unlink(missing_ok=True)
    if missing:
        table = f"core.{feed.entity}_version"
        with working("copying", table, unit="files", total=len(missing)):
            found += [_write(warehouse, feed, part, root) for part in counted_off(missing)]
        log(
            logger,
            logging.INFO,
            said(
                "the record as Parquet: {written} of {files} of {table} were written",
                written=said_number(len(missing)),
                files=said_count(len(found), "file"),
                table=table,
            ),
        )
    return found


def _beginning(name: str) -> str:
    """The part of a file's name before its two digests."""
    return name.removesuffix(_ENDING).rsplit(".", 2)[0] + "."


def _is_good(path: Path, part: _Part) -> bool:
    """Whether a file has the part's rows and the bytes that its name says."""
    content, sha256 = path.name.removesuffix(_ENDING).rsplit(".", 2)[1:]
    if content != part.content or path.parent.name != f"night={part.night.isoformat()}":
        return False
    if sha256_of(path)[:_DIGITS] == sha256:
        return True
    log(
        logger,
        logging.WARNING,
        said("{file} is damaged; it is written again from the warehouse", file=path.name),
    )
    return False


def _parts(warehouse: Warehouse, feed: Feed) -> Iterable[_Part]:
    """The parts of the record, with the digests of their rows."""
    # md5 and hexadecimal integers are the same on both engines; a sum needs no order
    changed = ["cast(modified_at as varchar)"] if "modified_at" in feed.column_names else []
    row = ", ".join(["content_hash", *feed.key, "cast(row_number as varchar)", *changed])
    rows = warehouse.rows(
        "select delivery_id, night, known_from, count(*) as row_count,"
        f" cast(sum(cast('0x' || substr(md5(concat_ws(' ', {row})), 1, {_ROW_DIGITS}) as bigint))"
        f" as varchar) as row_sum from core.{feed.entity}_version"
        " group by delivery_id, night, known_from order by delivery_id, night, known_from"
    )
    columns = " ".join(warehouse.columns("core", f"{feed.entity}_version"))
    for found in rows:
        text = f"{columns} {found['row_count']} {found['row_sum']}"
        yield _Part(
            found["delivery_id"],
            found["night"],
            found["known_from"],
            hashlib.sha256(text.encode()).hexdigest()[:_DIGITS],
        )


def _write(warehouse: Warehouse, feed: Feed, part: _Part, root: Path) -> Path:
    batches = warehouse.batches(
        f"select * from core.{feed.entity}_version where delivery_id = :delivery_id"
        " and night = :night and known_from = :known_from",
        {
            "delivery_id": part.delivery_id,
            "night": part.night,
            "known_from": part.known_from,
        },
    )
    return write_named(
        part.folder(root), lambda draft: write_parquet(draft, batches), part.name, mode=READABLE
    )


def write_parquet(path: Path, batches: Iterator[pa.RecordBatch]) -> None:
    """Write batches, of which there is at least one, into a Parquet file."""
    first = next(batches)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        for batch in itertools.chain([first], batches):
            writer.write_batch(batch)
