"""Staging: a landed file becomes one DuckDB file of canonical rows, or is refused.

``<staging>/<delivery_id>.duckdb`` holds ``staged_row`` (every record of the file with its row
number, canonical values and source texts), ``skipped_row`` (the records that the mapping leaves
out, with the reason) and ``read_summary`` (one row: how the file was read). The file appears
whole, by one rename. It is made again only after the mapping or the way of reading changed.
Personal columns are never written to it. A person's name or number that stands in another column
is, with its row, which the gate then rejects: so the folder is for the pipeline's user only.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import unicodedata
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb
import numpy as np
import pyarrow as pa

from onestop.errors import OneStopError
from onestop.files import DiskFullError, room_left, sha256_of
from onestop.intake.delivery import Delivery, RefusedDeliveryError
from onestop.intake.landing import make_private
from onestop.progress import advance, working
from onestop.readers import (
    LIMITS,
    Batch,
    DamagedError,
    Limits,
    Reading,
    UnreadableError,
    open_reading,
)
from onestop.said import said, said_number, said_text
from onestop.staging.reading_thread import ReadingThread
from onestop.staging.typing_sql import (
    MACROS,
    SKIP_REASON,
    UNTIDY,
    staged_columns,
    staging_select,
    unreadable_signature,
    untidy_bit,
)
from onestop.storage import StoreError, at_hand
from onestop.warehouse.duckdb_files import OUTSIDE, open_duckdb, remedy_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from onestop.readers.reading import Texts
    from onestop.schema.feeds import Feed
    from onestop.schema.mapping import FeedMapping

#: Version of the way of reading: raise it when the same file and mapping give other staged rows.
READER_VERSION = 7

_CONTROLS = bytes([*range(ord(" ")), 0x7F])
#: Characters that a text must be tidied of.
_UNTIDY = re.compile(r"  |[^\S ]|[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2060\ufeffÐð]")
_WRAPPED = re.compile(r"""\s*(?:=\s?"([^"]*)"|'([\w=+@-].*?)'?)\s*""")
#: Columns of every batch, beside those of the feed.
_PLACE: dict[str, pa.DataType] = {
    "row_number": pa.int64(),
    "sheet": pa.string(),
    "read_problem": pa.string(),
    UNTIDY: pa.int64(),
}
_SUMMARY = (
    ("delivery_id", "varchar"),
    ("source", "varchar"),
    ("feed", "varchar"),
    ("night", "date"),
    ("kind", "varchar"),
    ("file_name", "varchar"),
    ("format", "varchar"),
    ("encoding", "varchar"),
    ("dialect", "varchar"),
    ("covers", "varchar"),
    ("covered", "varchar"),
    ("mapping_sha256", "varchar"),
    ("reader_version", "bigint"),
    ("rows_read", "bigint"),
    ("rows_blank", "bigint"),
    ("rows_repeated", "bigint"),
    ("rows_skipped", "bigint"),
    ("skip_reasons", "varchar"),
    ("columns_mapped", "varchar[]"),
    ("columns_missing", "varchar[]"),
    ("columns_unknown", "varchar[]"),
    ("columns_dropped", "varchar[]"),
    ("tables_left", "varchar[]"),
)


def staged_path(staging: Path, delivery_id: str) -> Path:
    """The path of a delivery's staged file."""
    return staging / f"{delivery_id}.duckdb"


def read_delivery(
    delivery: Delivery,
    landing: Path,
    staging: Path,
    mapping: FeedMapping,
    limits: Limits = LIMITS,
) -> Path:
    """Read a landed file into its staged DuckDB file, unless a current one exists.

    Args:
        delivery: the landed file.
        landing: the landing folder.
        staging: the folder of staged files.
        mapping: how to read the file.
        limits: bounds on its size.

    Returns:
        The staged file.

    Raises:
        RefusedDeliveryError: the file cannot be read; the rule says why
            (:data:`onestop.readers.FILE_RULES`).
    """
    target = staged_path(staging, delivery.delivery_id)
    if target.exists() and _is_current(target, mapping):
        return target
    make_private(staging)
    _sweep(staging, delivery.delivery_id)
    draft = staging / f".{delivery.delivery_id}.{os.getpid()}.{uuid.uuid4().hex}"
    try:
        with _landed_at_hand(delivery, landing) as landed:
            _check_evidence(delivery, landed)
            reading = open_reading(landed, mapping, limits)
            _write(draft, delivery, mapping, reading)
        draft.replace(target)
    except DamagedError as error:
        size = said(
            "the file has {size_bytes} bytes, compare it with the exported one",
            size_bytes=said_number(delivery.size_bytes),
        )
        raise RefusedDeliveryError(
            delivery.file_name,
            error.code,
            said("{found} ({size})", found=said_text(error.detail), size=size),
        ) from error
    except UnreadableError as error:
        raise RefusedDeliveryError(delivery.file_name, error.code, error.detail) from error
    except StoreError:
        raise
    except PermissionError as error:
        raise RefusedDeliveryError(
            delivery.file_name,
            "FILE-F02",
            "the landed file may not be read; give the pipeline's user read permission on it",
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise RefusedDeliveryError(
            delivery.file_name,
            "FILE-F09",
            said("its rows do not fit into the memory; {remedy}", remedy=remedy_of(error)),
        ) from error
    except (*OUTSIDE, OSError) as error:
        raise RefusedDeliveryError(
            delivery.file_name,
            "FILE-F09",
            said(
                "its rows cannot be written to the staging folder, which has {room} free;"
                " make room there (or give the pipeline's user write permission) and run the"
                " night again",
                room=room_left(staging),
            ),
        ) from error
    finally:
        _remove(staging.glob(f"{draft.name}*"))
    return target


class DamagedStagedError(OneStopError):
    """A staged file was damaged or deleted after it was made.

    Args:
        file_name: the exported file.
    """

    def __init__(self, file_name: str) -> None:
        super().__init__(
            "its staged copy was damaged or deleted after it was read",
            subject=file_name,
            remedy="run the night again, which reads the file again; check the disk if it recurs",
        )


@contextmanager
def noticing_damage(delivery: Delivery, staging: Path) -> Iterator[None]:
    """Raise an error of a step on a staged file as damage, where that is the cause.

    Raises:
        DamagedStagedError: the step failed, and the staged file cannot be read whole.
    """
    try:
        yield
    except (RefusedDeliveryError, DiskFullError):
        raise
    except (duckdb.Error, OneStopError) as error:
        if _described(staged_path(staging, delivery.delivery_id)) is not None:
            raise
        raise DamagedStagedError(delivery.file_name) from error


def _is_current(staged: Path, mapping: FeedMapping) -> bool:
    """Whether a staged file is undamaged and made by this mapping and way of reading."""
    return _described(staged) == (
        (mapping.sha256, READER_VERSION),
        [name for name, _ in staged_columns(mapping.schema)],
    )


def _described(staged: Path) -> tuple[Any, list[str]] | None:
    """By which mapping and way of reading a staged file was made, and the columns of its rows.

    Returns:
        None when the file is of another release, damaged, or no database.
    """
    try:
        with open_duckdb(staged, read_only=True) as connection:
            made_by = connection.execute(
                "select mapping_sha256, reader_version from read_summary"
            ).fetchone()
            described = connection.execute("describe staged_row").fetchall()
            for (table,) in connection.execute(
                "select table_name from duckdb_tables() where not temporary"
            ).fetchall():  # reading every block compares its checksum
                connection.execute(f'select bit_xor(hash(t)) from "{table}" as t').fetchone()
    except duckdb.Error:
        return None
    return made_by, [name for name, *_ in described]


def _sweep(staging: Path, delivery_id: str) -> None:
    """Remove drafts of this delivery that a killed process left."""
    for draft in staging.glob(f".{delivery_id}.*"):
        owner = draft.name.removeprefix(f".{delivery_id}.").split(".", 1)[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            _remove([draft])


def _remove(leftovers: Iterable[Path]) -> None:
    for leftover in leftovers:
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


@contextmanager
def _landed_at_hand(delivery: Delivery, landing: Path) -> Iterator[Path]:
    """The landed copy as a file of this machine; refuses one that was removed."""
    with ExitStack() as opened:
        try:
            copy = opened.enter_context(at_hand(landing / delivery.landed_path))
        except FileNotFoundError as error:
            raise UnreadableError(
                "FILE-F08", "its copy in the landing is gone; deliver the file again"
            ) from error
        yield copy


def _check_evidence(delivery: Delivery, landed: Path) -> None:
    """Refuse a landed copy that was changed."""
    found = sha256_of(landed)
    if found != delivery.sha256:
        raise UnreadableError(
            "FILE-F08", "its copy in the landing was changed after it landed; deliver it again"
        )


def _write(draft: Path, delivery: Delivery, mapping: FeedMapping, reading: Reading) -> None:
    feed = mapping.schema
    # A join for each list of codes costs more than comparing with the few texts in it.
    with open_duckdb(draft, without=("in_clause",)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = true")
        for macro in MACROS:
            connection.execute(macro)
        columns = ", ".join(f"{name} {type_}" for name, type_ in staged_columns(feed))
        connection.execute(f"create table staged_row ({columns}, {SKIP_REASON} varchar)")
        with working("reading", delivery.file_name, unit="rows"):
            _insert(connection, mapping, reading)
        skipped = _set_aside(connection, feed)
        repeated = _mark_repeats(connection, feed)
        _summarise(connection, delivery, mapping, reading, repeated, skipped)
        connection.execute("checkpoint")


def _insert(connection: duckdb.DuckDBPyConnection, mapping: FeedMapping, reading: Reading) -> None:
    """Type and store the batches as they are read."""
    names = [*_PLACE, *(column.name for column in mapping.read_columns)]
    schema = pa.schema([(name, _PLACE.get(name, pa.string())) for name in names])
    columns = ", ".join([*(name for name, _ in staged_columns(mapping.schema)), SKIP_REASON])

    def arrow() -> Generator[pa.RecordBatch]:
        for batch in reading.batches:
            yield _arrow(batch, mapping)
            advance(len(batch.row_numbers))

    with ReadingThread(arrow) as batches:
        connection.register("source_batch", pa.RecordBatchReader.from_batches(schema, batches))
        try:
            connection.execute(
                f"insert into staged_row ({columns}) {staging_select(mapping, 'source_batch')}"
            )
        except duckdb.Error:
            if batches.error:  # the database tells of it in words of its own
                raise batches.error from None
            raise


def _arrow(batch: Batch, mapping: FeedMapping) -> pa.RecordBatch:
    size = len(batch.row_numbers)
    problems = list(batch.problems)
    arrays: dict[str, pa.Array[Any]] = {
        "row_number": pa.array(batch.row_numbers, pa.int64()),
        "sheet": pa.array([batch.sheet] * size, pa.string()),
    }
    untidy = 0
    for place, column in enumerate(mapping.read_columns):
        values = batch.columns.get(column.name)
        if values is None:
            arrays[column.name] = pa.nulls(size, pa.string())
            continue
        texts, is_tidy = _source_texts(values, problems)
        arrays[column.name] = texts
        untidy |= 0 if is_tidy else untidy_bit(place)
    arrays["read_problem"] = pa.array(problems, pa.string())
    arrays[UNTIDY] = pa.repeat(pa.scalar(untidy, pa.int64()), size)
    return pa.RecordBatch.from_pydict({name: arrays[name] for name in [*_PLACE, *arrays]})


def _source_texts(values: Texts, problems: list[str | None]) -> tuple[pa.StringArray, bool]:
    """The intended texts, and whether all are already tidy.

    A text with a NUL becomes None, and its row is a read problem. ``="x"`` and ``'x`` become x:
    exporters write them so that a spreadsheet does not change x.
    """
    texts = values if isinstance(values, pa.StringArray) else _texts(values)
    characters = texts.buffers()[2]
    data = characters.to_pybytes() if characters else b""
    is_tidy = _is_tidy(texts, data)
    if b"\0" in data:
        given = texts.to_pylist()
        for at, value in enumerate(given):
            if value and "\0" in value:
                problems[at] = problems[at] or "not_text"
        texts = _texts([None if value and "\0" in value else value for value in given])
    if b'="' in data or b'= "' in data or b"'" in data:
        texts = _texts([value and _unwrapped(value) for value in texts.to_pylist()])
        is_tidy = False
    return texts, is_tidy


def _is_tidy(texts: pa.StringArray, data: bytes) -> bool:
    """Whether tidying certainly changes none of the texts, whose characters are ``data``."""
    if data.isascii():
        if b"  " in data or len(data.translate(None, _CONTROLS)) < len(data):
            return False
    else:
        together = "".join(filter(None, texts.unique().to_pylist()))
        if _UNTIDY.search(together) or not unicodedata.is_normalized("NFC", together):
            return False
    if b" " not in data:
        return True
    offsets = np.frombuffer(cast("bytes", texts.buffers()[1]), np.int32)
    offsets = offsets[texts.offset : texts.offset + len(texts) + 1]
    starts, ends = offsets[:-1], offsets[1:]
    is_filled = starts < ends
    edges = np.concatenate([starts[is_filled], ends[is_filled] - 1])
    return not (np.frombuffer(data, np.uint8)[edges] == ord(" ")).any()


def _unwrapped(text: str) -> str:
    match = _WRAPPED.fullmatch(text) if "'" in text or "=" in text else None
    return text if match is None else next(part for part in match.groups() if part is not None)


def _texts(values: Sequence[str | None]) -> pa.StringArray:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        # Half a surrogate pair, as JSON escapes allow, is not a character.
        return pa.array(
            [v if v is None else v.encode("utf-8", "replace").decode("utf-8") for v in values],
            pa.string(),
        )


def _set_aside(connection: duckdb.DuckDBPyConnection, feed: Feed) -> dict[str, int]:
    """Move the rows that the mapping leaves out to ``skipped_row``; count them by reason.

    Only row number, key and time of change of such a row are kept.
    """
    kept = ["row_number", "sheet", *feed.key]
    if "modified_at" in feed.column_names:
        kept.append("modified_at")
    is_skipped = f"{SKIP_REASON} is not null"
    connection.execute(
        f"create table skipped_row as select {', '.join(kept)}, {SKIP_REASON} from staged_row"
        f" where {is_skipped}"
    )
    connection.execute(f"delete from staged_row where {is_skipped}")
    connection.execute(f"alter table staged_row drop column {SKIP_REASON}")
    counted = connection.execute(
        f"select {SKIP_REASON}, count(*) from skipped_row group by all order by all"
    ).fetchall()
    return {str(reason): int(count) for reason, count in counted}


def _mark_repeats(connection: duckdb.DuckDBPyConnection, feed: Feed) -> int:
    """Mark and count the exact repeats of an earlier row of the file."""
    same = [*feed.key, "content_hash", unreadable_signature(feed)]
    if "modified_at" in feed.column_names:
        same.append("modified_at")
    keys = ", ".join(feed.key)
    connection.execute(
        "create temporary table repeats as with shared_key as ("
        f" select {keys} from staged_row group by {keys} having count(*) > 1)"
        " select rowid as id from staged_row as s where read_problem is null and exists"
        f" (select 1 from shared_key as k where {_same(feed.key)})"
        f" qualify row_number() over (partition by {', '.join(same)} order by row_number) > 1"
    )
    connection.execute(
        "update staged_row set is_repeat = true where rowid in (select id from repeats)"
    )
    counted = connection.execute("select count(*) from repeats").fetchone()
    return int(counted[0]) if counted else 0


def _same(columns: tuple[str, ...]) -> str:
    return " and ".join(f"k.{name} is not distinct from s.{name}" for name in columns)


def _summarise(
    connection: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    mapping: FeedMapping,
    reading: Reading,
    repeated: int,
    skipped: dict[str, int],
) -> None:
    covers, covered = mapping.scope_of(delivery.file_name)
    row: dict[str, Any] = {
        "delivery_id": delivery.delivery_id,
        "source": delivery.source,
        "feed": delivery.feed,
        "night": delivery.night,
        "kind": delivery.kind,
        "file_name": delivery.file_name,
        "format": reading.format,
        "encoding": reading.encoding,
        "dialect": reading.dialect,
        "covers": covers,
        "covered": covered,
        "mapping_sha256": mapping.sha256,
        "reader_version": READER_VERSION,
        "rows_read": reading.rows_read,
        "rows_blank": reading.rows_blank,
        "rows_repeated": repeated,
        "rows_skipped": sum(skipped.values()),
        "skip_reasons": json.dumps(skipped, ensure_ascii=False) if skipped else None,
        "columns_mapped": mapping.given_by(reading.found),
        "columns_missing": _missing(mapping, reading),
        "columns_unknown": reading.unknown,
        "columns_dropped": reading.dropped,
        "tables_left": reading.left,
    }
    columns = ", ".join(f"{name} {type_}" for name, type_ in _SUMMARY)
    connection.execute(f"create table read_summary ({columns})")
    values = {name: row[name] for name, _ in _SUMMARY}
    connection.execute(
        f"insert into read_summary ({', '.join(values)}) values ({', '.join('?' * len(values))})",
        list(values.values()),
    )


def _missing(mapping: FeedMapping, reading: Reading) -> list[str]:
    """Required columns that the file lacks, each with its accepted headers.

    Empty for a file without records, whose columns are unknown.
    """
    if not reading.found:
        return []
    given = mapping.given_by(reading.found)
    headers = {
        column.name: " + ".join(", ".join(one.sources) for one in column.needed)
        for column in mapping.columns
    }
    return [
        " or ".join(f"{name} ({headers[name]})" if headers.get(name) else name for name in group)
        for group in mapping.required
        if not any(name in given for name in group)
    ]
