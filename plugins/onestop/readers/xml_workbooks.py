"""XML workbooks (SpreadsheetML 2003), which systems save with the ending .xls or .xml."""

from __future__ import annotations

import itertools
import operator
from typing import TYPE_CHECKING
from xml.parsers import expat

from onestop.readers.reading import Reading
from onestop.readers.refusals import DamagedError, UnreadableError
from onestop.readers.spans import MOST_COLUMNS, SpanningCell, Spans
from onestop.readers.table_choice import TableHead, read_tables
from onestop.readers.tables import LOOK_AHEAD, TableReader
from onestop.readers.text import sniff_encoding, text_chunks
from onestop.readers.workbook_scan import NOT_CALCULATED
from onestop.said import said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onestop.readers.content import Content
    from onestop.readers.limits import Limits
    from onestop.readers.reading import Batch, Cell, Row
    from onestop.schema.mapping import FeedMapping

NAMESPACE = "urn:schemas-microsoft-com:office:spreadsheet"


def read_xml_workbook(content: Content, mapping: FeedMapping, limits: Limits) -> Reading:
    """Read the worksheets of an XML workbook that hold the list.

    Raises:
        UnreadableError: no sheet has a known header, or the file is damaged; also while the
            batches are consumed.
    """
    encoding = sniff_encoding(content.head)
    reading = Reading("xml" + content.container, encoding.removesuffix("-sig"))
    table = TableReader(reading, mapping, limits, ragged=False)
    file = _XmlSheets(content, encoding, limits)

    def batches() -> Iterator[Batch]:
        heads = file.heads()
        table.is_1904 = file.is_1904
        yield from read_tables(file, heads, table)

    reading.batches = batches()
    return reading


class _XmlSheets:
    """The sheets of one XML workbook, parsed twice: first all briefly, then the chosen ones."""

    kind = "sheet"

    def __init__(self, content: Content, encoding: str, limits: Limits) -> None:
        self._content = content
        self._encoding = encoding
        self._limits = limits
        self._filled: list[int] = []
        self.is_1904 = False

    def heads(self) -> list[TableHead]:
        """The first rows of every sheet."""
        rows: dict[int, list[Row]] = {}

        def add(sheet: int, row: Row) -> None:
            head = rows.setdefault(sheet, [])
            if len(head) < LOOK_AHEAD:
                head.append(row)
            while len(self._filled) <= sheet:
                self._filled.append(0)
            self._filled[sheet] += any(cell not in {"", None} for cell in row[1])

        workbook = _Workbook(add, self._limits)
        for _ in self._parse(workbook):
            pass
        self.is_1904 = workbook.is_1904
        self._filled += [0] * (len(workbook.names) - len(self._filled))
        return [
            TableHead(name, rows.get(sheet, []), sheet in workbook.hidden)
            for sheet, name in enumerate(workbook.names)
        ]

    def counts(self, tables: list[int]) -> list[int]:
        """Number of non-blank rows of each of these sheets."""
        return [self._filled[at] for at in tables]

    def rows(self, tables: list[int]) -> Iterator[tuple[int, Iterator[Row]]]:
        """The rows of the chosen sheets."""
        ready: list[tuple[int, Row]] = []
        workbook = _Workbook(lambda sheet, row: ready.append((sheet, row)), self._limits)

        def found() -> Iterator[tuple[int, Row]]:
            for _ in self._parse(workbook):
                yield from (one for one in ready if one[0] in tables)
                ready.clear()

        for sheet, group in itertools.groupby(found(), key=operator.itemgetter(0)):
            yield sheet, (row for _, row in group)

    def _parse(self, workbook: _Workbook) -> Iterator[None]:
        """Feed the file to the parser, yielding after every piece."""
        parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = workbook.refuse
        parser.StartElementHandler = workbook.start
        parser.EndElementHandler = workbook.end
        parser.CharacterDataHandler = workbook.data
        try:
            with self._content.open() as stream:
                for chunk in text_chunks(stream, self._encoding):
                    parser.Parse(chunk.encode("utf-8", "replace"))
                    yield
            parser.Parse(b"", True)  # noqa: FBT003 - expat takes positions only
        except expat.ExpatError as error:
            raise DamagedError(
                said(
                    "the XML workbook is damaged at line {lineno}; export and send it again",
                    lineno=error.lineno,
                )
            ) from error
        yield


class _Workbook:
    """Turns a parser's events into rows, each emitted with the number of its sheet."""

    def __init__(self, emit: Callable[[int, Row], None], limits: Limits) -> None:
        self._emit = emit
        self._limits = limits
        self.names: list[str] = []
        self.hidden: set[int] = set()
        self.is_1904 = False
        self._spans = Spans()
        self._number = 0
        self._cells: list[SpanningCell] | None = None
        self._cell: dict[str, str] = {}
        self._value: Cell = None
        self._type: str | None = None
        self._texts: list[str] | None = None
        self._size = 0
        self._comment = 0

    def refuse(self, *_: object) -> None:
        """Refuse a document type: it may declare entities, and no workbook has one."""
        raise UnreadableError("FILE-F02", "the XML workbook declares a document type")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name = name.rpartition(" ")[2]
        if name == "Worksheet":
            self.names.append(_given(attributes, "Name") or f"{len(self.names) + 1}")
            self._spans = Spans()
            self._number = 0
        elif name == "Row" and self.names:
            index = _given(attributes, "Index")
            self._number = _whole(index) if index else self._number + 1
            self._cells = []
            self._size = 0
        elif name == "Cell" and self._cells is not None:
            self._cell = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
            self._value = NOT_CALCULATED if "Formula" in self._cell else None
        elif name == "Comment":
            self._comment += 1
        elif name == "Data" and self._cells is not None and not self._comment:
            self._type = _given(attributes, "Type")
            self._texts = []
        elif name == "Visible":
            self._texts = []
        elif name == "Date1904":
            self.is_1904 = True

    def end(self, name: str) -> None:
        """An element ends."""
        name = name.rpartition(" ")[2]
        if name == "Comment":
            self._comment -= 1
        elif name == "Visible":
            if "".join(self._texts or ()).strip() != "SheetVisible" and self.names:
                self.hidden.add(len(self.names) - 1)
            self._texts = None
        elif name == "Data" and self._texts is not None and not self._comment:
            self._value = _cell("".join(self._texts), self._type)
            self._texts = None
        elif name == "Cell" and self._cells is not None:
            self._close_cell(self._cells)
        elif name == "Row" and self._cells is not None:
            cells, self._cells = self._cells, None
            self._emit(len(self.names) - 1, (self._number, self._spans.cells(cells), None))

    def data(self, text: str) -> None:
        """Characters."""
        if self._texts is None or self._comment:
            return
        self._size += len(text)
        if self._size > self._limits.record_chars:
            raise UnreadableError(
                "FILE-F06",
                said(
                    "row {number} is longer than {most} characters",
                    number=self._number,
                    most=self._limits.record_chars,
                ),
            )
        self._texts.append(text)

    def _close_cell(self, cells: list[SpanningCell]) -> None:
        if len(cells) == MOST_COLUMNS:
            return
        index = self._cell.get("Index")
        cells.append(
            SpanningCell(
                self._value,
                1 + _whole(self._cell.get("MergeAcross")),
                1 + _whole(self._cell.get("MergeDown")),
                max(_whole(index) - 1, 0) if index else None,
            )
        )


def _given(attributes: dict[str, str], name: str) -> str | None:
    return next((v for key, v in attributes.items() if key.rpartition(" ")[2] == name), None)


def _whole(text: str | None) -> int:
    return int(text[:9]) if text and text.isascii() and text.isdigit() else 0


def _cell(text: str, kind: str | None) -> Cell:
    if kind == "Number":
        try:
            return float(text)
        except ValueError:
            return text
    return text == "1" if kind == "Boolean" else text
