"""Delimited text: comma, semicolon, tab or bar, quoted or not."""

from __future__ import annotations

import csv
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.readers.headers import HeaderIndex, find_header
from onestop.readers.reading import Reading
from onestop.readers.refusals import UnreadableError
from onestop.readers.tables import LOOK_AHEAD, TableReader
from onestop.readers.text import (
    LineBlocks,
    decode_head,
    sniff_encoding,
    text_chunks,
    unify_line_ends,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onestop.readers.content import Content
    from onestop.readers.headers import Header
    from onestop.readers.limits import Limits
    from onestop.readers.reading import Batch
    from onestop.readers.tables import Row
    from onestop.schema.mapping import FeedMapping

DELIMITERS = (",", ";", "\t", "|")


def read_delimited(content: Content, mapping: FeedMapping, limits: Limits) -> Reading:
    """Read delimited text; the delimiter is the one under which the header makes most sense.

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
            blocks = LineBlocks(text_chunks(stream, encoding), limits)
            splitter = _DelimitedRows(blocks, delimiter, shape)
            header, first, rest = table.find_header(splitter.rows())
            if header is None:
                raise UnreadableError(
                    "FILE-F04", "no line holds column names that the mapping knows"
                )
            yield from table.batches(None, header, first, rest)

    reading.batches = batches()
    return reading


@dataclass(frozen=True)
class _Shape:
    """What the rows below a header look like.

    Attributes:
        line: the physical line on which the header's last row begins.
        width: cells up to the last column that has a name.
        cells: cells of the header, nameless ones at the end included.
        least: cells that a sound row has at least.
    """

    line: int
    width: int
    cells: int
    least: int


def _sniff_delimiter(head: str, index: HeaderIndex) -> tuple[str, _Shape]:
    lines = "".join(unify_line_ends([head], "\r", "\n")).split("\n")[:LOOK_AHEAD]
    best: tuple[Header, str, int] | None = None
    for delimiter in DELIMITERS:
        rows = list(_DelimitedRows([lines], delimiter).rows())
        header = find_header([list(map(str, cells)) for _, cells, _ in rows], index)
        if header and (best is None or header.score > best[0].score):
            best = header, delimiter, rows[header.row + header.height - 1][0]
    if best is None:
        raise UnreadableError("FILE-F04", "no line holds column names that the mapping knows")
    header, delimiter, line = best
    shape = _Shape(line, header.width, header.cells, header.least_width(index.filled))
    return delimiter, shape


class _DelimitedRows:
    """Splits lines into rows, each known by the physical line on which it begins."""

    def __init__(
        self, source: LineBlocks | list[list[str]], delimiter: str, shape: _Shape | None = None
    ) -> None:
        self._source = source
        self._blocks = iter(source)
        self._delimiter = delimiter
        self._number = 1
        self._shape = shape

    def rows(self) -> Iterator[Row]:
        """The rows; a block in which every line is one record is split in one go."""
        for block in self._blocks:
            try:
                split = list(self._split(block))
            except csv.Error:
                split = []
            if len(split) == len(block) and not self._is_unended():
                yield from zip(itertools.count(self._number), split, itertools.repeat(None))
                self._number += len(block)
            else:
                yield from self._record_by_record(block)

    def _is_sound(self, cells: list[str], taken: list[str]) -> bool:
        """Whether a record of several lines is one, and no quotation mark swallowed a row."""
        shape = self._shape
        if shape is None or len(taken) == 1 or self._number <= shape.line:
            return True
        if len(cells) in {shape.width, shape.cells}:
            return True
        is_short = shape.least <= len(cells) < shape.width
        return is_short and all(line.count(self._delimiter) < shape.least - 1 for line in taken[1:])

    def _is_unended(self) -> bool:
        return isinstance(self._source, LineBlocks) and self._source.is_unended

    def _is_cut(self, cells: list[str]) -> bool:
        """Whether the text ends within a row, whose last cell may be half a value."""
        shape = self._shape
        if shape is None or not self._is_unended() or self._number <= shape.line:
            return False
        return 0 < len(cells) < shape.width

    def _split(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _record_by_record(self, block: list[str]) -> Iterator[Row]:
        """Rows of a block in which a record may span lines, into the next block if need be.

        A quotation mark in the wrong place swallows the lines after it. A record of several
        lines that does not end well is therefore read again line by line.
        """
        pending = list(reversed(block))
        while pending:
            taken: list[str] = []
            try:
                cells = next(self._split(self._lines(pending, taken)))
            except csv.Error:
                cells = None
            if cells is None or not self._is_sound(cells, taken):
                yield from self._line_by_line(taken)
            elif self._shape and not pending and self._is_cut(cells):
                yield self._number, cells, f"too_few_cells ({len(cells)}/{self._shape.width})"
            else:
                yield self._number, cells, None
            self._number += len(taken)

    def _lines(self, pending: list[str], taken: list[str]) -> Iterator[str]:
        """Lines off the end of ``pending``, which is filled up with the next block."""
        while True:
            if not pending:
                pending.extend(reversed(next(self._blocks, [])))
                if not pending:
                    return
            taken.append(pending.pop())
            yield taken[-1] + "\n"

    def _line_by_line(self, taken: list[str]) -> Iterator[Row]:
        for number, line in enumerate(taken, start=self._number):
            try:
                cells = next(self._split([line]), [])
            except csv.Error:
                cells = None
            if cells is None or line.count('"') % 2:
                yield number, (), "broken_quotes"
            else:
                yield number, cells, None
