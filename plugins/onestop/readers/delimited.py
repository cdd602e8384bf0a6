"""Delimited text: comma, semicolon, tab or bar, quoted or not."""

from __future__ import annotations

import csv
import itertools
from typing import TYPE_CHECKING

from onestop.readers.headers import HeaderIndex, find_header
from onestop.readers.reading import Reading
from onestop.readers.refusals import UnreadableError
from onestop.readers.tables import LOOK_AHEAD, TableReader
from onestop.readers.text import decode_head, line_blocks, sniff_encoding, text_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onestop.mapping import FeedMapping
    from onestop.readers.content import Content
    from onestop.readers.limits import Limits
    from onestop.readers.reading import Batch
    from onestop.readers.tables import Row

DELIMITERS = (",", ";", "\t", "|")


def read_delimited(content: Content, mapping: FeedMapping, limits: Limits) -> Reading:
    """Read delimited text; the delimiter is the one under which the header makes most sense.

    Raises:
        UnreadableError: no header is recognised, or the text is not Unicode.
    """
    encoding = sniff_encoding(content.head)
    head = decode_head(content.head, encoding)
    newline = "\r" if "\n" not in head and "\r" in head else "\n"
    index = HeaderIndex(mapping)
    delimiter = _sniff_delimiter(head, newline, index)
    reading = Reading("csv" + content.container, encoding.removesuffix("-sig"), delimiter)
    csv.field_size_limit(limits.line_chars)

    def batches() -> Iterator[Batch]:
        table = TableReader(reading, mapping, limits, ragged=True)
        with content.open() as stream:
            blocks = line_blocks(text_chunks(stream, encoding), limits, newline)
            splitter = _DelimitedRows(blocks, delimiter)
            header, first, rest = table.find_header(splitter.rows())
            if header is None:
                raise UnreadableError(
                    "FILE-F04", "no line holds column names that the mapping knows"
                )
            splitter.width = header.width
            yield from table.batches(None, header, first, rest)

    reading.batches = batches()
    return reading


def _sniff_delimiter(head: str, newline: str, index: HeaderIndex) -> str:
    lines = head.split(newline)[:LOOK_AHEAD]
    scores = {}
    for delimiter in DELIMITERS:
        rows = _DelimitedRows(iter([lines]), delimiter).rows()
        header = find_header([list(map(str, cells)) for _, cells, _ in rows], index)
        scores[delimiter] = header.score if header else 0
    best = max(scores, key=lambda delimiter: scores[delimiter])
    if not scores[best]:
        raise UnreadableError("FILE-F04", "no line holds column names that the mapping knows")
    return best


class _DelimitedRows:
    """Splits lines into rows, each known by the physical line on which it begins."""

    def __init__(self, blocks: Iterator[list[str]], delimiter: str) -> None:
        self._blocks = blocks
        self._delimiter = delimiter
        self._number = 1
        #: Cells of a sound row, once the header is known.
        self.width: int | None = None

    def rows(self) -> Iterator[Row]:
        """The rows; a block in which every line is one record is split in one go."""
        for block in self._blocks:
            try:
                split = list(self._split(block))
            except csv.Error:
                split = []
            if len(split) == len(block):
                yield from zip(itertools.count(self._number), split, itertools.repeat(None))
                self._number += len(block)
            else:
                yield from self._record_by_record(block)

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
            if cells is None or (len(taken) > 1 and self.width not in {None, len(cells)}):
                yield from self._line_by_line(taken)
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
