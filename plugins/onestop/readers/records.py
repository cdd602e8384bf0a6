"""JSON: an array of records, an envelope around one, or a record per line.

Records are read in chunks (:mod:`onestop.readers.json_chunks`); an unusual chunk is read again
record by record with the standard library, which finds what is wrong with it.
"""

from __future__ import annotations

import codecs
import itertools
import re
from typing import TYPE_CHECKING, Any

from onestop.readers.envelope import Envelope
from onestop.readers.headers import HeaderIndex
from onestop.readers.json_chunks import (
    DECODER,
    ChunkDecoder,
    KeyBook,
    NumberText,
    RepeatedKeys,
    first_filled,
    split_lines,
)
from onestop.readers.reading import CODE_NUMBER_SIGNS, Batch, Reading
from onestop.readers.refusals import DamagedError, UnreadableError
from onestop.readers.text import (
    decode_head,
    sniff_encoding,
    unify_line_ends,
    utf8_chunks,
    utf8_text,
)
from onestop.said import said, said_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onestop.readers.content import Content
    from onestop.readers.limits import Limits
    from onestop.schema.mapping import FeedMapping

#: A decoded JSON value.
Json = Any
#: A record's number, the record (or the value in its place), and its problem.
_Record = tuple[int, Json, str | None]

_LINE_END = re.compile(r"[\r\n]")
_SPACE = re.compile(r"[ \t\r\n]*")
_FIRST_KEY = re.compile(rb'\s*(\{\s*"(?:[^"\\]|\\.)*")')
_SEPARATOR = re.compile(rb"\}\s*(,\s*)$")
_TRIES = 8


def read_json(content: Content, mapping: FeedMapping, limits: Limits) -> Reading:
    """Read a JSON array, an envelope or JSON Lines, as a stream.

    Raises:
        UnreadableError: the JSON is broken, or no record has a key that the mapping knows.
    """
    encoding = sniff_encoding(content.head)
    head = decode_head(content.head, encoding).lstrip()
    index = HeaderIndex(mapping)
    envelope = Envelope(mapping.records, index)
    is_lines = head.startswith("{") and _is_lines(head, envelope, index)
    reading = Reading(
        ("jsonl" if is_lines else "json") + content.container, encoding.removesuffix("-sig")
    )

    def batches() -> Iterator[Batch]:
        batcher = _Batcher(reading, index, limits)
        with content.open() as stream:
            chunks = utf8_chunks(stream, encoding)
            if is_lines:
                yield from _line_batches(chunks, batcher, limits)
            else:
                yield from _ArrayReader(chunks, batcher, limits, envelope).batches()
        if reading.rows_read and not reading.found:
            raise UnreadableError("FILE-F04", "every record is empty; export the list again")

    reading.batches = batches()
    return reading


def _is_lines(head: str, envelope: Envelope, index: HeaderIndex) -> bool:
    """Whether the text is JSON Lines rather than one object."""
    line, *more = _LINE_END.split(head, maxsplit=1)
    try:
        first = DECODER.decode(line.strip())
    except (ValueError, RecursionError):
        return False
    if not isinstance(first, dict):
        return False
    is_record = any(map(index.is_key, _flatten(first, index.nested)))
    if envelope.is_around(first, with_list=is_record):
        return False
    return is_record or bool("".join(more).strip())


class _Batcher:
    """Builds batches of records and updates the reading's account."""

    def __init__(self, reading: Reading, index: HeaderIndex, limits: Limits) -> None:
        self.reading = reading
        self._nested = index.nested
        self._limits = limits
        self._book = KeyBook(reading, index)
        self._decoder = None if index.nested else ChunkDecoder(self._book)

    def fast(self, chunk: bytes, number: int, *, lines: bool) -> Batch | None:
        """A batch of a whole chunk, or None when it must be read record by record."""
        decoded = self._decoder.columns(chunk, lines=lines) if self._decoder else None
        if decoded is None:
            return None
        count, columns = decoded
        self.reading.rows_read += count
        return Batch(None, list(range(number, number + count)), columns, [None] * count)

    def slow(self, records: Iterable[_Record]) -> Iterator[Batch]:
        """Batches of records read one by one."""
        reading = self.reading
        source = iter(records)
        while chunk := list(itertools.islice(source, self._limits.batch_rows)):
            kept = [record for record in map(_check_record, chunk) if record is not None]
            reading.rows_read += len(chunk)
            reading.rows_blank += len(chunk) - len(kept)
            if kept:
                batch = self._batch(kept)
                if not reading.found:
                    raise UnreadableError("FILE-F04", "no record has a key that the mapping knows")
                yield batch

    def _batch(self, records: list[_Record]) -> Batch:
        bodies = [record for _, record, _ in records]
        problems = [problem for _, _, problem in records]
        for at, body in enumerate(bodies):
            for key in _repeated_keys(body, self._nested):
                if self._book.is_read(key):
                    problems[at] = problems[at] or f"repeated_key {key}"
        if self._nested:
            bodies = [_flatten(body, self._nested) for body in bodies]
        self._book.learn(set().union(*bodies))
        texts = {
            key: [_scalar(body.get(key), key, problems, at) for at, body in enumerate(bodies)]
            for key in self._book.wanted
        }
        columns = {
            column: first_filled([texts[key] for key in keys])
            for column, keys in self._book.keys.items()
        }
        for name, values in columns.items():
            sign = CODE_NUMBER_SIGNS.get(name)
            if sign:
                columns[name] = [_number_code(value, sign) for value in values]
        return Batch(None, [number for number, _, _ in records], columns, problems)


def _number_code(value: str | None, sign: str) -> str | None:
    return value.replace(".", sign) if isinstance(value, NumberText) else value


def _repeated_keys(body: dict[str, Json], nested: list[str]) -> Iterator[str]:
    """Keys of a record, and paths into it, that have two different values."""
    if isinstance(body, RepeatedKeys):
        yield from body.repeated
    for path in nested:
        value: Json = body
        for part in path.split("."):
            if isinstance(value, RepeatedKeys) and part in value.repeated:
                yield path
            value = value.get(part) if isinstance(value, dict) else None


def _scalar(value: Json, key: str, problems: list[str | None], at: int) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    problems[at] = problems[at] or f"nested_value {key}"
    return None


def _check_record(record: _Record) -> _Record | None:
    """The record, with a problem if it is no object; None for an empty one."""
    number, body, problem = record
    if problem:
        return number, {}, problem
    if not isinstance(body, dict):
        return None if body is None else (number, {}, "not_a_record")
    return record if any(body.values()) else None


def _flatten(body: dict[str, Json], nested: list[str]) -> dict[str, Json]:
    """The record with ``a.b`` in place of ``a``, for every nested key that the mapping names."""
    flat = dict(body)
    for path in nested:
        value: Json = body
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            flat[path] = value
            flat.pop(path.split(".", 1)[0], None)
    return flat


def _line_batches(chunks: Iterator[bytes], batcher: _Batcher, limits: Limits) -> Iterator[Batch]:
    number = 1
    for chunk in split_lines(unify_line_ends(chunks, b"\r", b"\n"), limits):
        batch = batcher.fast(chunk, number, lines=True)
        if batch:
            yield batch
        else:
            yield from batcher.slow(_line_records(chunk, number))
        number += chunk.count(b"\n")


def _line_records(chunk: bytes, number: int) -> Iterator[_Record]:
    for at, line in enumerate(utf8_text(chunk).removesuffix("\n").split("\n"), start=number):
        text = line.strip()
        if not text:
            yield at, None, None
            continue
        try:
            record = DECODER.decode(text)
        except (ValueError, RecursionError):
            yield at, None, "broken_json"
        else:
            yield at, record, None


class _ArrayReader:
    """Reads the outer array, or the list of records in an envelope."""

    def __init__(
        self, chunks: Iterator[bytes], batcher: _Batcher, limits: Limits, envelope: Envelope
    ) -> None:
        self._chunks = chunks
        self._batcher = batcher
        self._limits = limits
        self._envelope = envelope
        self._number = 1

    def batches(self) -> Iterator[Batch]:
        """Batches of its records."""
        scanner = _Scanner(self._chunks, self._limits)
        depth = 0
        if scanner.peek() == "{":
            depth = self._find_records(scanner)
        if not depth or scanner.peek() == "[":
            scanner.take("[")
            rest = scanner.rest()
            while True:
                rest, batches = self._next_piece(rest)
                if batches is None:
                    break
                yield from batches
            chunks = itertools.chain([rest], self._chunks)
            scanner = _Scanner(chunks, self._limits, scanner.passed, self._number - 1)
            yield from self._batcher.slow(
                (number, record, None)
                for number, record in enumerate(scanner.elements(), start=self._number)
            )
            self._end_envelope(scanner, depth)
        else:
            value = scanner.value()
            self._end_envelope(scanner, depth)
            if value is not None or self._envelope.is_record:
                raise self._envelope.no_list()
        self._batcher.reading.note_lacking(self._envelope.stated)
        if scanner.peek():
            raise DamagedError("there is more text after the end of the JSON; export it again")

    def _find_records(self, scanner: _Scanner) -> int:
        """Advance to the value of the records' key; returns how many objects are around it."""
        depth = 0
        scanner.take("{")
        while scanner.peek() != "}":
            key = scanner.value()
            scanner.take(":")
            if self._envelope.leads(key, depth):
                depth += 1
                if depth == self._envelope.depth:
                    return depth
                if scanner.peek() != "{":
                    break
                scanner.take("{")
                continue
            self._envelope.note(key, scanner.value())
            if scanner.peek() != "}":
                scanner.take(",")
        self._envelope.refuse_incomplete()
        raise self._envelope.no_list()

    def _end_envelope(self, scanner: _Scanner, depth: int) -> None:
        for level in reversed(range(depth)):
            while scanner.peek() != "}":
                scanner.take(",")
                key = scanner.value()
                scanner.take(":")
                if self._envelope.leads(key, level):
                    raise UnreadableError(
                        "FILE-F02",
                        said(
                            "the key '{path}' is there twice; export again",
                            path=self._envelope.path,
                        ),
                    )
                self._envelope.note(key, scanner.value())
            scanner.take("}")
        self._envelope.refuse_incomplete()

    def _next_piece(self, rest: bytes) -> tuple[bytes, Iterable[Batch] | None]:
        """Read one more chunk and its batches; returns the bytes left, or None at the end."""
        while True:
            first = _FIRST_KEY.match(rest)
            end = len(rest)
            for _ in range(_TRIES if first else 0):
                end = rest.rfind(first[1], 1, end) if first else -1
                if end < 0:
                    break
                gap = _SEPARATOR.search(rest, max(0, end - 64), end)
                if gap is None:
                    continue
                batches = self._decoded(rest[: gap.start(1)])
                if batches is not None:
                    return rest[end:], batches
            chunk = next(self._chunks, b"")
            if not chunk or len(rest) > self._limits.record_chars:
                return rest + chunk, None
            rest += chunk

    def _decoded(self, chunk: bytes) -> list[Batch] | None:
        """Batches of whole records with commas between, or None if the chunk is not that."""
        batch = self._batcher.fast(chunk, self._number, lines=False)
        if batch:
            self._number += len(batch.row_numbers)
            return [batch]
        try:
            records = DECODER.decode("[" + utf8_text(chunk) + "]")
        except (ValueError, RecursionError):
            return None
        numbered = [(at, record, None) for at, record in enumerate(records, start=self._number)]
        self._number += len(records)
        return list(self._batcher.slow(numbered))


class _Scanner:
    """Reads JSON values one after the other from chunks of UTF-8."""

    def __init__(
        self, chunks: Iterator[bytes], limits: Limits, passed: int = 0, records: int = 0
    ) -> None:
        self._chunks = chunks
        self._records = records  # whole ones read before what is still to be read
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._limits = limits
        self._text = ""
        self._at = 0
        self._passed = passed

    @property
    def passed(self) -> int:
        """How many characters are read."""
        return self._passed + self._at

    def rest(self) -> bytes:
        """The text taken from the chunks and not read yet."""
        return self._text[self._at :].encode() + self._decoder.getstate()[0]

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, wanted: str) -> None:
        """Skip one expected character."""
        if self.peek() != wanted:
            raise self._broken()
        self._at += 1

    def elements(self) -> Iterator[Json]:
        """The elements of an array after its opening bracket, as a stream."""
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            value = self.value()
            self._records += 1
            yield value
            if self.peek() == ",":
                self._at += 1
                continue
            self.take("]")
            return

    def value(self) -> Json:
        """The JSON value that begins here."""
        if not self.peek():
            raise self._broken()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise UnreadableError("FILE-F02", "the JSON is nested too deeply") from error
            except ValueError as error:
                if not self._widen():
                    raise self._broken() from error
                continue
            if end == len(self._text) and self._text[end - 1] not in '}]"' and self._widen():
                continue  # a number may go on in the next chunk
            if end - self._at > self._limits.record_chars:
                raise self._too_long()
            self._at = end
            return value

    def _widen(self) -> bool:
        """Read as much text again as the unfinished value has so far."""
        length = len(self._text) - self._at
        if length > self._limits.record_chars:
            raise self._too_long()
        widened = False
        while len(self._text) - self._at < 2 * length + 1 and self._more():
            widened = True
        return widened

    def _more(self) -> bool:
        text = ""
        while not text:
            chunk = next(self._chunks, None)
            text = utf8_text(chunk or b"", self._decoder, final=chunk is None)
            if chunk is None and not text:
                return False
        self._passed += self._at
        self._text = self._text[self._at :] + text
        self._at = 0
        return True

    def _too_long(self) -> UnreadableError:
        return UnreadableError(
            "FILE-F06",
            said(
                "a record is longer than {most} characters, or has no end",
                most=self._limits.record_chars,
            ),
        )

    def _broken(self) -> UnreadableError:
        if self._records:
            return DamagedError(
                said(
                    "the JSON is broken or cut short after its record {records}; export it again",
                    records=said_number(self._records),
                )
            )
        where = self.passed + 1
        return DamagedError(
            said(
                "the JSON is broken or cut short at or after character {where}; export it again",
                where=where,
            )
        )
