"""Excel workbooks, .xlsx and true .xls, through calamine."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import subprocess
import sys
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Self, cast

from onestop.readers import workbook_parser
from onestop.readers.content import read_all
from onestop.readers.headers import HeaderIndex
from onestop.readers.reading import Reading
from onestop.readers.refusals import UnreadableError
from onestop.readers.tables import LOOK_AHEAD, TableReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onestop.mapping import FeedMapping
    from onestop.readers.content import Content
    from onestop.readers.headers import Header
    from onestop.readers.limits import Limits
    from onestop.readers.reading import Batch
    from onestop.readers.tables import Cell, Row

#: Added to the row numbers of the second sheet that holds records, twice for the third, …
SHEET_STEP = 10_000_000
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,4})(\d{1,9})"')
_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d{1,9})"')
_LETTERS = 26


def read_workbook(content: Content, kind: str, mapping: FeedMapping, limits: Limits) -> Reading:
    """Read the sheets of a workbook that have the header.

    Raises:
        UnreadableError: it is damaged, locked, too large, or no sheet has a known header.
    """
    data = read_all(content, limits)
    if kind == "xlsx":
        _check_parts(data, limits)
    reading = Reading(kind + content.container)
    index = HeaderIndex(mapping)

    def batches() -> Iterator[Batch]:
        table = TableReader(reading, index, mapping.decimal, limits, ragged=False)
        with _Parser(data, limits) as parser:
            names, heads = parser.open()
            headers = {}
            for at, head in enumerate(heads):
                header, _, _ = table.find_header(_numbered(head))
                if header:
                    headers[at] = header
            numbers = list(headers)
            chosen = [numbers[at] for at in choose_tables(list(headers.values()), mapping)]
            if not chosen:
                raise UnreadableError(
                    "FILE-F04", "no sheet has a row of column names that the mapping knows"
                )
            reading.dialect = ", ".join(names[at] for at in chosen)
            for place, (at, rows) in enumerate(parser.rows(chosen)):
                header, first, rest = table.find_header(_numbered(rows))
                if header:
                    offset = place * SHEET_STEP
                    yield from table.batches(names[at], header, first, rest, offset)

    reading.batches = batches()
    return reading


def _numbered(rows: Iterable[list[Cell]]) -> Iterator[Row]:
    # Rows come from the sheet's first on, whether or not they hold anything.
    return zip(itertools.count(1), rows, itertools.repeat(None))


def choose_tables(headers: list[Header], mapping: FeedMapping) -> list[int]:
    """Which of several tables hold records: all that have every required column, else the best.

    A pivot or a summary beside the list shares some of its headers, never all.
    """
    complete = [
        at
        for at, header in enumerate(headers)
        if all(any(name in header.positions for name in group) for group in mapping.required)
    ]
    if complete:
        return complete
    return sorted(range(len(headers)), key=lambda at: -headers[at].score)[:1]


class _Parser:
    """A workbook in the hands of a parser process."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data = data
        self._limits = limits

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - our own file, no argument of theirs
            [sys.executable, "-P", workbook_parser.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "RUST_BACKTRACE": "0"},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def open(self) -> tuple[list[str], list[list[list[Cell]]]]:
        """Names and first rows of the visible sheets."""
        order = {
            "memory_bytes": self._limits.workbook_memory_bytes,
            "cpu_seconds": self._limits.workbook_cpu_seconds,
            "head_rows": LOOK_AHEAD,
        }
        self._send(json.dumps(order))
        self._send(self._data)
        names = self._receive("sheets")
        return names, [self._receive("head") for _ in names]

    def rows(self, chosen: list[int]) -> Iterator[tuple[int, Iterator[list[Cell]]]]:
        """The rows of the chosen sheets, each to be exhausted before the next."""
        self._send(chosen)
        for at in chosen:
            yield at, self._sheet_rows()

    def _sheet_rows(self) -> Iterator[list[Cell]]:
        while True:
            kind, rows = self._message()
            if kind == "end":
                return
            yield from rows

    def _send(self, message: object) -> None:
        try:
            workbook_parser.send(cast("BinaryIO", self._process.stdin), message)
            cast("BinaryIO", self._process.stdin).flush()
        except OSError as error:  # the process is gone; what it said last tells why
            self._message()
            raise _damaged() from error

    def _receive(self, wanted: str) -> Any:  # noqa: ANN401 - as the message has it
        kind, content = self._message()
        if kind != wanted:
            raise _damaged()
        return content

    def _message(self) -> tuple[str, Any]:
        try:
            kind, content = workbook_parser.receive(cast("BinaryIO", self._process.stdout))
        except EOFError as error:
            raise _damaged() from error
        if kind == "error" and content == "password":
            raise UnreadableError("FILE-F02", "the workbook has a password; save it without one")
        if kind == "error":
            raise _damaged()
        return kind, content


def _damaged() -> UnreadableError:
    return UnreadableError(
        "FILE-F02", "the workbook is damaged or locked; open it in Excel and save it again"
    )


def _check_parts(data: bytes, limits: Limits) -> None:
    """Refuse a workbook that would unpack, or spread out, to more than the limits allow.

    The parser holds a sheet's whole used range: two cells in opposite corners cost as much as a
    full sheet.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > 100 * limits.members:
                raise UnreadableError("FILE-F05", "the workbook has too many parts")
            left = limits.workbook_bytes
            for member in members:
                with archive.open(member) as part:
                    is_sheet = "worksheets/" in member.filename
                    left -= _measure_part(part, left, limits, is_sheet=is_sheet)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError) as error:
        raise _damaged() from error
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise _damaged() from error


def _measure_part(part: IO[bytes], left: int, limits: Limits, *, is_sheet: bool) -> int:
    size = rows = columns = 0
    tail = b""
    while chunk := part.read(1 << 20):
        size += len(chunk)
        if size > left:
            raise UnreadableError(
                "FILE-F05",
                f"the workbook unpacks to more than {limits.workbook_bytes >> 20} MiB;"
                " export it as CSV",
            )
        if not is_sheet:
            continue
        text = tail + chunk
        for letters, digits in _CELL.findall(text):
            columns = max(columns, _column_number(letters))
            rows = max(rows, int(digits))
        rows = max([rows, *map(int, _ROW.findall(text))])
        tail = text[-200:]
    if rows * columns > limits.workbook_cells:
        raise UnreadableError("FILE-F05", "a sheet's used range is too large; export it as CSV")
    return size


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * _LETTERS + letter - ord("A") + 1
    return number
