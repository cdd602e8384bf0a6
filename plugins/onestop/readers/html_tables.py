"""HTML tables, which offices' systems save under the name of .xls."""

from __future__ import annotations

import io
import itertools
from typing import IO, TYPE_CHECKING, cast

from lxml import etree

from onestop.readers.headers import HeaderIndex
from onestop.readers.reading import Reading
from onestop.readers.refusals import UnreadableError
from onestop.readers.tables import MOST_COLUMNS, TableReader
from onestop.readers.text import sniff_encoding, text_chunks
from onestop.readers.workbooks import SHEET_STEP, choose_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from onestop.mapping import FeedMapping
    from onestop.readers.content import Content
    from onestop.readers.headers import Header
    from onestop.readers.limits import Limits
    from onestop.readers.reading import Batch
    from onestop.readers.tables import Row

_WIDEST_SPAN = 1000
_SILENT = {"script", "style", "table"}


def read_html(content: Content, mapping: FeedMapping, limits: Limits) -> Reading:
    """Read the tables of a page that have the header.

    Raises:
        UnreadableError: no table has a known header, or the page is damaged.
    """
    encoding = sniff_encoding(content.head)
    reading = Reading("html" + content.container, encoding.removesuffix("-sig"))
    index = HeaderIndex(mapping)

    def batches() -> Iterator[Batch]:
        table = TableReader(reading, index, mapping.decimal, limits, ragged=False)
        headers: dict[int, Header] = {}
        for number, rows in _tables(content, encoding):
            header, _, _ = table.find_header(rows)
            if header:
                headers[number] = header
        numbers = list(headers)
        chosen = [numbers[at] for at in choose_tables(list(headers.values()), mapping)]
        if not chosen:
            raise UnreadableError(
                "FILE-F04", "no table has a row of column names that the mapping knows"
            )
        reading.dialect = ", ".join(f"table {number + 1}" for number in chosen)
        for number, rows in _tables(content, encoding):
            if number in chosen:
                header, first, rest = table.find_header(rows)
                if header:
                    offset = chosen.index(number) * SHEET_STEP
                    yield from table.batches(f"table {number + 1}", header, first, rest, offset)

    reading.batches = batches()
    return reading


def _tables(content: Content, encoding: str) -> Iterator[tuple[int, Iterator[Row]]]:
    """Per table its number on the page and its rows, numbered through the page."""
    with content.open() as stream:
        rows = _rows(cast("IO[bytes]", _Utf8Stream(text_chunks(stream, encoding))))
        for number, group in itertools.groupby(rows, key=lambda found: found[0]):
            yield number, (row for _, row in group)


def _rows(page: IO[bytes]) -> Iterator[tuple[int, Row]]:
    open_tables: list[tuple[int, _Spans]] = []
    tables = itertools.count()
    numbers = itertools.count(1)
    try:
        for event, element in etree.iterparse(
            page, events=("start", "end"), tag=("table", "tr"), html=True, encoding="utf-8"
        ):
            if element.tag == "table":
                if event == "start":
                    open_tables.append((next(tables), _Spans()))
                elif open_tables:
                    open_tables.pop()
            elif event == "end" and open_tables:
                table, spans = open_tables[-1]
                yield table, (next(numbers), spans.cells(element), None)
                _forget(element)
    except (etree.XMLSyntaxError, etree.LxmlError) as error:
        raise UnreadableError("FILE-F02", "the HTML page is damaged") from error


def _forget(element: _Element) -> None:
    """Free a row that has been read, and those before it."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


class _Spans:
    """Lays out rows whose cells reach over several columns or rows."""

    def __init__(self) -> None:
        self._below: dict[int, tuple[int, str]] = {}

    def cells(self, row: _Element) -> list[str]:
        """The row's texts by column; a cell's text goes down its rows, not along its columns."""
        cells: list[str] = []
        for cell in row:
            if cell.tag not in {"td", "th"}:
                continue
            self._fill(cells)
            text = " ".join(_texts(cell)).strip()
            rows = _span(cell, "rowspan")
            for column in range(min(_span(cell, "colspan"), MOST_COLUMNS - len(cells))):
                if rows > 1:
                    self._below[len(cells)] = (rows - 1, "" if column else text)
                cells.append("" if column else text)
        self._fill(cells)
        return cells

    def _fill(self, cells: list[str]) -> None:
        while len(cells) in self._below:
            column = len(cells)
            left, text = self._below.pop(column)
            if left > 1:
                self._below[column] = (left - 1, text)
            cells.append(text)


def _span(cell: _Element, name: str) -> int:
    value = cell.get(name) or "1"
    return max(1, min(int(value), _WIDEST_SPAN)) if value.isascii() and value.isdigit() else 1


def _texts(cell: _Element) -> Iterator[str]:
    if cell.text:
        yield cell.text
    for child in cell:
        if isinstance(child.tag, str) and child.tag not in _SILENT:
            yield from _texts(child)
        if child.tail:
            yield child.tail


class _Utf8Stream(io.RawIOBase):
    """Text pieces as UTF-8 bytes, so that what is not Unicode is refused while parsing."""

    def __init__(self, chunks: Iterator[str]) -> None:
        super().__init__()
        self._chunks = chunks
        self._bytes = b""

    def read(self, size: int = -1) -> bytes:  # noqa: ARG002 - any piece will do
        """The next bytes; empty at the end."""
        return next(self._chunks, "").encode("utf-8", "replace")
