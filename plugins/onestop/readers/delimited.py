"""Delimited text: comma, semicolon, tab or bar, quoted or not."""

from __future__ import annotations

import csv
import itertools
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from onestop.readers.bulk_columns import Piece, find_sound, split_lines
from onestop.readers.headers import HeaderIndex, find_header
from onestop.readers.lines import Lines, line_blocks
from onestop.readers.reading import Reading
from onestop.readers.refusals import UnreadableError
from onestop.readers.tables import LOOK_AHEAD, TableReader, is_long_code
from onestop.readers.text import (
    decode_head,
    sniff_encoding,
    unify_line_ends,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onestop.readers.content import Content
    from onestop.readers.headers import Header
    from onestop.readers.limits import Limits
    from onestop.readers.reading import Batch, Row
    from onestop.schema.mapping import FeedMapping

DELIMITERS = (",", ";", "\t", "|")


def read_delimited(content: Content, mapping: FeedMapping, limits: Limits) -> Reading:
    """Read delimited text; the delimiter is the one that gives the best header.

    Raises:
        UnreadableError: no header is recognised, or the text is not Unicode.
    """
    encoding = sniff_encoding(content.head)
    head = decode_head(content.head, encoding)
    index = HeaderIndex(mapping)
    delimiter, shape = _sniff_delimiter(head, index)
    reading = Reading("csv" + content.container, encoding.removesuffix("-sig"), delimiter)
    csv.field_size_limit(limits.line_chars)

    def batches() -> Iterator[Batch]:
        table = TableReader(reading, mapping, limits, ragged=True)
        with content.open() as stream:
            rows = _DelimitedRows(line_blocks(stream, encoding, limits), delimiter, shape)
            header, first, _ = table.find_header(rows.one_by_one())
            if header is None:
                raise UnreadableError(
                    "FILE-F04", "no line holds column names that the mapping knows"
                )
            yield from table.bulk_batches(header, first, rows.pieces(), delimiter)

    reading.batches = batches()
    return reading


@dataclass(frozen=True)
class _Shape:
    """The expected shape of the rows below a header.

    Attributes:
        line: the physical line on which the header's last row begins.
        width: cells up to the last column that has a name.
        cells: cells of the header, nameless ones at the end included.
        least: least number of cells of a complete row.
        keys: positions of the key columns.
    """

    line: int
    width: int
    cells: int
    least: int
    keys: tuple[int, ...]


def _sniff_delimiter(head: str, index: HeaderIndex) -> tuple[str, _Shape]:
    text = "".join(unify_line_ends([head], "\r", "\n"))
    lines = Lines.of(text.split("\n")[:LOOK_AHEAD])
    best: tuple[Header, str, int] | None = None
    for delimiter in DELIMITERS:
        rows = list(_DelimitedRows(iter([lines]), delimiter).one_by_one())
        header = find_header([list(map(str, cells)) for _, cells, _ in rows], index)
        if header and (best is None or header.score > best[0].score):
            best = header, delimiter, rows[header.row + header.height - 1][0]
    if best is None:
        raise UnreadableError("FILE-F04", "no line holds column names that the mapping knows")
    header, delimiter, line = best
    keys = tuple(place for name in index.key for place in header.positions.get(name, ()))
    shape = _Shape(line, header.width, header.cells, header.least_width(index.filled), keys)
    return delimiter, shape


class _DelimitedRows:
    """Splits lines into rows; a row's number is the physical line on which it begins."""

    def __init__(
        self, blocks: Iterator[Lines], delimiter: str, shape: _Shape | None = None
    ) -> None:
        self._blocks = blocks
        self._delimiter = delimiter
        self._shape = shape
        #: the number of the next line, its block and its place there
        self._number = 1
        self._block = Lines(b"")
        self._at = 0
        #: rows of the last record, which may be many, that were not yet given out
        self._held: deque[Row] = deque()

    def one_by_one(self) -> Iterator[Row]:
        """The rows, each split when it is asked for."""
        while self._held or self._has_next():
            if not self._held:
                self._held.extend(self._next_record())
            yield self._held.popleft()

    def pieces(self) -> Iterator[Piece]:
        """The rows that were not yet given out, a block of lines at a time."""
        if self._held:
            yield Piece([], Lines(b""), list(self._held))
            self._held.clear()
        while self._has_next():
            if self._block.is_unended:
                yield Piece([], Lines(b""), list(self._next_record()))
            else:
                yield self._next_piece()

    def _has_next(self) -> bool:
        if self._at == len(self._block):
            self._block, self._at = next(self._blocks, Lines(b"")), 0
        return self._at < len(self._block)

    def _next_piece(self) -> Piece:
        """The rest of the current block, with the lines that its last record needs."""
        lines, first = self._block.part(self._at, len(self._block)), self._number
        odd = np.flatnonzero(~find_sound(lines, self._delimiter)).tolist()
        numbers: list[int] = []
        parts: list[bytes] = []
        rows: list[Row] = []
        done = 0
        for at in [*odd, len(lines)]:
            if at < done:
                continue
            numbers.extend(range(first + done, first + at))
            parts.append(lines.part(done, at).data)
            self._at += at - done
            self._number = first + at
            if at < len(lines):
                rows.extend(self._next_record())
            done = self._number - first
        return Piece(numbers, Lines(b"".join(parts)), rows)

    def _is_sound(self, first: int, cells: list[str], taken: list[str]) -> bool:
        """Whether several lines are one record, and not rows joined by a stray quotation mark."""
        shape = self._shape
        if shape is None or len(taken) == 1 or first <= shape.line:
            return True
        if self._holds_records(shape, taken):
            return False
        if len(cells) in {shape.width, shape.cells}:
            return True
        is_short = shape.least <= len(cells) < shape.width
        return is_short and all(line.count(self._delimiter) < shape.least - 1 for line in taken[1:])

    def _holds_records(self, shape: _Shape, lines: list[str]) -> bool:
        """Whether lines that one quoted cell joins are rows of their own, by width and key."""
        sign, widths = self._delimiter, {shape.width, shape.cells}
        first, *middle, last = lines
        # the column in which the cell begins, and the one in which it ends
        begin = len(next(csv.reader([first], delimiter=sign))) - 1
        end = last.partition('"')[0].split(sign)
        whole = itertools.compress(middle, find_sound(Lines.of(middle), sign))
        is_swallowed = any(
            len(cells) in widths and any(is_long_code(cells, p) for p in shape.keys)
            for cells in split_lines(whole, sign)
        )
        cells = first.split(sign)
        is_first_whole = len(cells) in widths and any(
            p > begin and is_long_code(cells, p) for p in shape.keys
        )
        is_last_whole = len(end) == begin + 1 and any(
            p < begin and is_long_code(end, p) for p in shape.keys
        )
        return is_swallowed or is_first_whole or is_last_whole

    def _is_cut(self, first: int, cells: list[str]) -> bool:
        """Whether the text ends within a row, so that its last cell may be incomplete."""
        shape = self._shape
        if shape is None or not self._block.is_unended or first <= shape.line:
            return False
        return any(cell.strip() for cell in cells) and len(cells) < shape.width

    def _next_record(self) -> Iterator[Row]:
        """The row of the record that begins at the next line, which may span blocks.

        A misplaced quotation mark joins the lines after it. A record of several lines that does
        not end properly is therefore read again line by line.
        """
        taken: list[str] = []
        try:
            cells = next(split_lines(self._lines(taken), self._delimiter))
        except csv.Error:
            cells = None
        first, self._number = self._number, self._number + len(taken)
        if cells is None or not self._is_sound(first, cells, taken):
            yield from self._line_by_line(first, taken)
        elif self._shape and self._is_cut(first, cells):
            yield first, cells, f"too_few_cells ({len(cells)}/{self._shape.width})"
        else:
            yield first, cells, None

    def _lines(self, taken: list[str]) -> Iterator[str]:
        """The next lines, across blocks."""
        while self._has_next():
            taken.append(self._block[self._at])
            self._at += 1
            yield taken[-1] + "\n"

    def _line_by_line(self, first: int, taken: list[str]) -> Iterator[Row]:
        for number, line in enumerate(taken, start=first):
            try:
                cells = next(split_lines([line], self._delimiter), [])
            except csv.Error:
                cells = None
            if cells is None or line.count('"') % 2:
                yield number, (), "broken_quotes"
            else:
                yield number, cells, None
