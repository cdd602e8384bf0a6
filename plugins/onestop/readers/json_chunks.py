"""The fast path for JSON: well-formed records, decoded in chunks of a megabyte.

Only the mapped keys of a record become Python values. The decoder returns None for a chunk with
anything unusual (a new key, broken JSON, a number that is not an integer), and the caller reads
that chunk record by record.
"""

from __future__ import annotations

import itertools
import json
import operator
import re
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from onestop.readers.refusals import UnreadableError
from onestop.said import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onestop.readers.headers import HeaderIndex
    from onestop.readers.limits import Limits
    from onestop.readers.reading import Reading

Values = list[str | None]
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
#: ``":`` as a number of two bytes.
_COLON = pa.scalar(int.from_bytes(b'":', sys.byteorder), pa.uint16())


class NumberText(str):
    """A JSON number, as written."""

    __slots__ = ()


class RepeatedKeys(dict[str, Any]):
    """A JSON object with repeated keys that have different values.

    Attributes:
        repeated: these keys.
    """

    repeated: frozenset[str] = frozenset()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) == len(pairs):
        return body
    repeated = frozenset(key for key, value in pairs if body[key] != value)
    if not repeated:
        return body
    contradictory = RepeatedKeys(body)
    contradictory.repeated = repeated
    return contradictory


#: Keeps numbers as text, and notices repeated keys.
DECODER = json.JSONDecoder(
    parse_int=NumberText,
    parse_float=NumberText,
    parse_constant=str,
    object_pairs_hook=_object,
)


class KeyBook:
    """The keys of the records so far, with their columns."""

    def __init__(self, reading: Reading, index: HeaderIndex) -> None:
        self._reading = reading
        self._index = index
        self.seen: set[str] = set()
        #: column -> its keys, the preferred one first
        self.keys: dict[str, list[str]] = {}
        #: whether a key has a character that JSON escapes, which the decoder of chunks cannot name
        self.has_escaped_key = False

    def learn(self, keys: Iterable[str]) -> None:
        """Add keys, and their columns to the reading's account."""
        places: dict[str, list[tuple[int, str]]] = {}
        for key in sorted(set(keys) - self.seen):
            self.seen.add(key)
            self.has_escaped_key = self.has_escaped_key or bool(_ESCAPED.search(key))
            meaning = self._index.meaning(key)
            if meaning is None:
                if not self._index.is_unused(key):
                    self._reading.note_unknown(key)
            elif not meaning:
                self._reading.note_dropped(key)
            for column, place in meaning or ():
                places.setdefault(column, []).append((place, key))
        for column, found in places.items():
            known = [(self._index.place(column, key), key) for key in self.keys.get(column, ())]
            self.keys[column] = [key for _, key in sorted([*known, *found])]
        self._reading.found.update(places)

    def is_read(self, key: str) -> bool:
        """Whether a key belongs to a column."""
        return bool(self._index.meaning(key))

    @property
    def wanted(self) -> list[str]:
        """Keys that belong to a column."""
        return list(dict.fromkeys(itertools.chain.from_iterable(self.keys.values())))


class ChunkDecoder:
    """Decodes chunks of JSON into columns; returns None where it cannot."""

    def __init__(self, book: KeyBook) -> None:
        self._book = book
        self._fields = -1
        self._array: msgspec.json.Decoder[list[Any]] | None = None
        self._getter: operator.attrgetter[Any] | None = None

    def columns(self, chunk: bytes, *, lines: bool) -> tuple[int, dict[str, Values]] | None:
        """Number of records and their columns, or None when the chunk needs the slow path.

        Args:
            chunk: records separated by commas, or one to a line.
            lines: the latter.
        """
        if not self._book.keys or self._book.has_escaped_key or not is_utf8(chunk):
            return None
        self._prepare()
        assert self._array is not None  # noqa: S101 - for the type checker
        try:
            records = (
                self._array.decode_lines(chunk)
                if lines
                else self._array.decode(b"[" + chunk + b"]")
            )
        except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
            return None
        if lines and len(records) != chunk.count(b"\n") + (not chunk.endswith(b"\n")):
            return None
        columns = list(zip(*map(self._getter, records), strict=True))[:-1]  # type: ignore[arg-type]
        if self._may_repeat(chunk, len(records), columns) and _repeats(chunk, lines=lines):
            return None
        return self._transposed(len(records), columns)

    def _may_repeat(self, chunk: bytes, count: int, columns: list[tuple[Any, ...]]) -> bool:
        """Whether a chunk has a repeated key.

        The decoder silently keeps the last value of a repeated key.
        """
        absent = sum(column.count(msgspec.UNSET) for column in columns)
        more = _members(chunk) - (count * len(columns) - absent)
        if not more:
            return False
        unread = columns[len(self._book.wanted) :]
        nested = [raws for raws in unread if _is_nested(next(filter(_is_given, raws), b""))]
        inside = sum(_members(b" ".join(filter(_is_given, raws))) for raws in nested)
        if more != inside:
            others = [raws for raws in unread if all(raws is not one for one in nested)]
            inside += sum(_members(b" ".join(filter(_is_given, raws))) for raws in others)
        return more != inside

    def _prepare(self) -> None:
        book = self._book
        if self._fields == len(book.seen):
            return
        wanted = book.wanted
        keys = [*wanted, *sorted(book.seen.difference(wanted))]
        names = {f"f{number}": key for number, key in enumerate(keys)}
        # Unused keys are skipped, but a new key needs the slow path.
        record = msgspec.defstruct(
            "record",
            [
                (name, Any if number < len(wanted) else msgspec.Raw, msgspec.UNSET)
                for number, name in enumerate(names)
            ],
            rename=names,
            forbid_unknown_fields=True,
            gc=False,
        )
        self._array = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]
        self._fields = len(book.seen)
        self._getter = operator.attrgetter(*names, "__class__")

    def _transposed(
        self, count: int, given: list[tuple[Any, ...]]
    ) -> tuple[int, dict[str, Values]] | None:
        if not count:
            return 0, {}
        by_key: dict[str, Values] = {}
        for key, values in zip(self._book.wanted, given, strict=False):
            texts = _texts(values)
            if texts is None:
                return None
            by_key[key] = texts
        columns = {}
        for column, keys in self._book.keys.items():
            columns[column] = first_filled([by_key[key] for key in keys])
        if not all(map(any, zip(*columns.values(), strict=True))):
            return None  # a record without any value: the slow path decides
        return count, columns


def _members(text: bytes) -> int:
    """Number of object keys in JSON, counting ``":`` inside texts too."""
    found = 0
    for part in (text, text[1:]):
        pairs = pa.Array.from_buffers(pa.uint16(), len(part) // 2, [None, pa.py_buffer(part)])
        found += pc.equal(pairs, _COLON).true_count
    return found


def _is_given(raw: Any) -> bool:  # noqa: ANN401 - a value, or the mark of an absent one
    return raw is not msgspec.UNSET


def _is_nested(raw: Any) -> bool:  # noqa: ANN401 - a value as it was written
    return bytes(raw)[:1] in {b"{", b"["}


def _repeats(chunk: bytes, *, lines: bool) -> bool:
    """Whether a record of a chunk may repeat a key, so that the slow path must read it."""
    text = chunk.decode()
    texts = text.split("\n") if lines else [f"[{text}]"]
    try:
        found = [DECODER.decode(one) for one in texts if one.strip()]
    except (ValueError, RecursionError):
        return True
    records = found if lines else found[0]
    return any(isinstance(record, RepeatedKeys) for record in records)


def is_utf8(chunk: bytes) -> bool:
    """Whether bytes are UTF-8, also in unused values; much faster than decoding."""
    if chunk.isascii():
        return True
    try:
        pa.array([chunk], pa.binary()).view(pa.string()).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def first_filled(columns: list[Values]) -> Values:
    """Per row the first value that is not blank."""
    values = columns[0]
    for others in columns[1:]:
        values = [v if v and not v.isspace() else o for v, o in zip(values, others, strict=True)]
    return values


def _texts(values: tuple[Any, ...]) -> Values | None:
    kinds = set(map(type, values))
    if msgspec.UnsetType in kinds:
        values = tuple(None if value is msgspec.UNSET else value for value in values)
        kinds.discard(msgspec.UnsetType)
    if kinds <= {str, type(None)}:
        return list(values)
    if kinds <= {str, type(None), int, bool}:
        return [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
    return None


def split_lines(chunks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    """Pieces that end at line ends; the last one may not.

    Raises:
        UnreadableError: a line is longer than the limits allow.
    """
    rest = b""
    for chunk in chunks:
        whole, newline, after = (rest + chunk).rpartition(b"\n")
        if newline:
            yield whole + newline
        rest = after
        if len(rest) > limits.record_chars:
            raise UnreadableError(
                "FILE-F06",
                said("a line is longer than {most} characters", most=limits.record_chars),
            )
    if rest:
        yield rest
