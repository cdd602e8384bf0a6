"""HTML tables, which some systems save with the ending .xls."""

from __future__ import annotations

import itertools
import operator
import re
from typing import TYPE_CHECKING

from lxml import etree

from onestop.readers.reading import Reading
from onestop.readers.refusals import DamagedError, UnreadableError
from onestop.readers.spans import MOST_COLUMNS, SpanningCell, Spans, span
from onestop.readers.table_choice import TableHead, read_tables
from onestop.readers.tables import LOOK_AHEAD, TableReader
from onestop.readers.text import sniff_encoding, text_chunks
from onestop.said import said, said_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from onestop.readers.content import Content
    from onestop.readers.limits import Limits
    from onestop.readers.reading import Batch, Row
    from onestop.schema.mapping import FeedMapping

_SILENT = frozenset({"script", "style"})
#: Elements inside a cell that begin a new line in a browser; other elements do not split words.
_BREAKS = frozenset(
    [
        *("address", "blockquote", "br", "center", "dd", "dir", "div", "dl", "dt", "fieldset"),
        *("form", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "menu", "ol", "option", "p"),
        *("pre", "select", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    ]
)
_TABLE_PARTS = re.compile(r"<(t[rdh]|/table)(?=[\s/>])", re.IGNORECASE)
#: Characters kept of a cell in the first pass; names of columns are shorter.
_SURVEYED = 2_000
#: Fewest columns of a list for the check of missing end tags.
_NARROWEST_LIST = 3


def read_html(content: Content, mapping: FeedMapping, limits: Limits) -> Reading:
    """Read the tables of a page that hold the list.

    A table inside a cell of the list is that cell's text. A table inside a cell of a layout table
    is a separate table.

    Raises:
        UnreadableError: no table has a known header, or the page is damaged; also while the
            batches are consumed.
    """
    encoding = sniff_encoding(content.head)
    reading = Reading("html" + content.container, encoding.removesuffix("-sig"))
    table = TableReader(reading, mapping, limits, ragged=False)
    file = _HtmlTables(content, encoding, table, limits)

    def batches() -> Iterator[Batch]:
        yield from read_tables(file, file.heads(), table)

    reading.batches = batches()
    return reading


class _HtmlTables:
    """The tables of one page, parsed twice: first all tables briefly, then the chosen ones."""

    kind: str = said_text("table")

    def __init__(self, content: Content, encoding: str, table: TableReader, limits: Limits) -> None:
        self._content = content
        self._encoding = encoding
        self._table = table
        self._limits = limits
        self._filled: list[int] = []

    def heads(self) -> list[TableHead]:
        """The first rows of every table."""
        survey = _Survey(self._table, self._limits)
        page = _Page(survey.add, survey.is_list, lambda _: True, _SURVEYED, is_survey=True)
        for _ in self._parse(page):
            pass
        self._numbers = sorted(survey.heads)
        self._filled = [survey.filled[number] for number in self._numbers]
        return [survey.heads[number] for number in self._numbers]

    def counts(self, tables: list[int]) -> list[int]:
        """Number of non-blank rows of each of these tables."""
        return [self._filled[at] for at in tables]

    def rows(self, tables: list[int]) -> Iterator[tuple[int, Iterator[Row]]]:
        """The rows of the chosen tables, numbered through the page."""
        chosen = {self._numbers[at]: at for at in tables}
        ready: list[tuple[int, Row]] = []
        is_chosen = chosen.__contains__
        page = _Page(
            lambda number, _, row: ready.append((number, row)),
            is_chosen,
            is_chosen,
            self._limits.record_chars,
        )

        def found() -> Iterator[tuple[int, Row]]:
            for _ in self._parse(page):
                yield from ready
                ready.clear()

        for number, group in itertools.groupby(found(), key=operator.itemgetter(0)):
            yield chosen[number], (row for _, row in group)

    def _parse(self, page: _Page) -> Iterator[None]:
        """Feed the page to the parser, yielding after every piece."""
        parser = etree.HTMLParser(target=page, encoding="utf-8")
        try:
            with self._content.open() as stream:
                last = before = ""
                for chunk in text_chunks(stream, self._encoding):
                    before, last = last, chunk
                    parser.feed(chunk.encode("utf-8", "replace"))
                    yield
            is_cut = page.is_within_list and _ends_within_table(before + last)
            parser.close()
        except etree.LxmlError as error:
            raise DamagedError(
                said(
                    "the HTML page is damaged after its row {rows}; export it again", rows=page.rows
                )
            ) from error
        if is_cut:
            raise DamagedError(
                said(
                    "the HTML page is cut short: it ends at or after its row {rows}, within the"
                    " list; export it again",
                    rows=page.rows,
                )
            )
        yield


def _ends_within_table(text: str) -> bool:
    """Whether the end of a page has a row or cell, and no end of a table after it."""
    *_, last = _TABLE_PARTS.findall(text) or [""]
    return bool(last) and not last.startswith("/")


class _Survey:
    """What the first pass over a page keeps of its tables."""

    def __init__(self, table: TableReader, limits: Limits) -> None:
        self._table = table
        self._limits = limits
        self.heads: dict[int, TableHead] = {}
        self.filled: dict[int, int] = {}
        self._lists: set[int] = set()
        self._judged: dict[int, int] = {}

    def add(self, number: int, inside: frozenset[int], row: Row) -> None:
        """Keep one row."""
        head = self.heads.get(number)
        if head is None:
            if len(self.heads) == self._limits.tables:
                raise UnreadableError(
                    "FILE-F05",
                    said(
                        "the page has more than {most} tables; export it as CSV",
                        most=self._limits.tables,
                    ),
                )
            head = self.heads[number] = TableHead(f"table {number + 1}", [], inside=inside)
            self.filled[number] = 0
        if len(head.rows) < LOOK_AHEAD:
            head.rows.append(row)
        self.filled[number] += any(row[1])

    def is_list(self, number: int) -> bool:
        """Whether the rows of a table so far have a complete header."""
        if number in self._lists or number not in self.heads:
            return number in self._lists
        rows = self.heads[number].rows
        if self._judged.get(number) != len(rows):
            self._judged[number] = len(rows)
            header = self._table.header(rows)
            if header and self._table.is_complete(header):
                self._lists.add(number)
        return number in self._lists


class _OpenTable:
    """A table whose end tag has not been read yet."""

    def __init__(
        self, number: int, inside: frozenset[int], *, is_wanted: bool, has_tag: bool
    ) -> None:
        self.number = number
        self.has_tag = has_tag
        self.inside = inside
        self.is_wanted = is_wanted
        self.spans = Spans()
        self.row = 0
        self.cells: list[SpanningCell] | None = None
        self.texts: list[str] | None = None
        self.columns = self.rows = 1
        self.widest = 0
        self.lent = 0
        #: tables open inside the cell that are part of its text
        self.inner = 0
        self.has_inner = False
        self.inner_cells = 0


class _Page:
    """Turns a parser's events into rows.

    Args:
        emit: called with every complete row: its table's number on the page, the tables that one
            stands in, and the row.
        is_list: whether a table is a list, so that tables in its cells are text of those cells.
        is_wanted: whether the rows of a table are emitted.
        most_chars: characters of a row that are kept.
        is_survey: whether longer text is cut in each cell; else it refuses the file.
    """

    def __init__(
        self,
        emit: Callable[[int, frozenset[int], Row], None],
        is_list: Callable[[int], bool],
        is_wanted: Callable[[int], bool],
        most_chars: int,
        *,
        is_survey: bool = False,
    ) -> None:
        self._emit = emit
        self._is_list = is_list
        self._is_wanted = is_wanted
        self._most_chars = most_chars
        self._is_survey = is_survey
        self._tables = itertools.count()
        self._open: list[_OpenTable] = []
        #: texts of the innermost open cell
        self._texts: list[str] | None = None
        self._size = 0
        self._silent = 0
        #: rows begun so far, in all tables
        self.rows = 0

    @property
    def is_within_list(self) -> bool:
        """Whether a table whose rows are emitted in full was begun by its tag and has not ended."""
        return not self._is_survey and any(
            table.is_wanted and table.has_tag for table in self._open
        )

    # -- called by the parser

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        if tag == "table":
            self._open_table()
            return
        if not self._open:
            if tag != "tr":
                return
            self._open_table(has_tag=False)
        table = self._open[-1]
        if tag in {"td", "th"}:
            self._open_cell(table, attributes)
        elif tag == "tr":
            self._open_row(table)
        elif tag in _SILENT:
            self._silent += 1
        elif tag in _BREAKS:
            self._break()

    def end(self, tag: str) -> None:
        """An element ends."""
        if not self._open:
            return
        table = self._open[-1]
        if not table.inner and tag in {"td", "th"}:
            self._close_cell(table)
        elif not table.inner and tag == "tr":
            self._close_row(table)
        elif tag == "table":
            self._close_table(table)
        elif tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BREAKS:
            self._break()

    def data(self, text: str) -> None:
        """Characters."""
        if self._texts is None or self._silent:
            return
        self._size += len(text)
        if self._size <= self._most_chars:
            self._texts.append(text)
        elif not self._is_survey:
            raise UnreadableError(
                "FILE-F06",
                said(
                    "row {row} of the page is longer than {most_chars} characters",
                    row=self._open[-1].row,
                    most_chars=self._most_chars,
                ),
            )

    def close(self) -> None:
        """The page ends."""
        while self._open:
            self._close_table(self._open[-1])

    # -- tables, rows, cells

    def _break(self) -> None:
        """End the current word."""
        if self._texts is not None:
            self._texts.append(" ")

    def _open_table(self, *, has_tag: bool = True) -> None:
        number = next(self._tables)
        around = self._open[-1] if self._open else None
        if around and around.cells is not None and self._is_inside_list(around):
            around.inner += 1
            around.has_inner = True
            self._break()
            return
        inside = frozenset(table.number for table in self._open)
        self._open.append(
            _OpenTable(number, inside, is_wanted=self._is_wanted(number), has_tag=has_tag)
        )
        self._texts = None

    def _is_inside_list(self, around: _OpenTable) -> bool:
        return bool(around.inner) or any(self._is_list(table.number) for table in self._open)

    def _close_table(self, table: _OpenTable) -> None:
        if table.inner:
            table.inner -= 1
            self._break()
            return
        self._close_row(table)
        self._open.pop()
        self._texts = self._open[-1].texts if self._open else None

    def _open_row(self, table: _OpenTable) -> None:
        if table.inner:
            table.inner_cells = 0
            self._break()
            return
        self._close_row(table)
        self.rows += 1
        table.row = self.rows
        table.cells = []
        table.has_inner = False
        self._size = 0

    def _close_row(self, table: _OpenTable) -> None:
        self._close_cell(table)
        cells, table.cells = table.cells, None
        table.inner = 0
        if cells is None or not table.is_wanted:
            return
        if table.has_inner and len(cells) == 1 and cells[0].columns > 1:
            # A pager or a layout cell: a record is never one cell over all columns.
            cells = [cells[0]._replace(text="")]
        laid_out = table.spans.cells(cells)
        table.widest = max(table.widest, len(laid_out))
        self._emit(table.number, table.inside, (table.row, laid_out, None))

    def _open_cell(self, table: _OpenTable, attributes: Mapping[str, str]) -> None:
        if table.inner:
            table.inner_cells += 1
            self._break()
            if table.inner_cells >= max(table.widest, _NARROWEST_LIST):
                raise UnreadableError(
                    "FILE-F13",
                    said(
                        "a table inside row {row} of the page is as wide as the list; its"
                        " end tag may"
                        " be missing; export the list again, one row for each record",
                        row=table.row,
                    ),
                )
            return
        if table.cells is None:
            self._open_row(table)
        self._close_cell(table)
        table.texts = [] if table.is_wanted else None
        self._texts = table.texts
        if self._is_survey:
            self._size = 0
        if attributes:
            table.columns = span(attributes.get("colspan"))
            table.rows = span(attributes.get("rowspan"))

    def _close_cell(self, table: _OpenTable) -> None:
        texts = table.texts
        if texts is None:
            return
        text = "".join(texts).strip()
        assert table.cells is not None  # noqa: S101 - a cell is open in an open row only
        if len(table.cells) < MOST_COLUMNS:
            table.cells.append(SpanningCell(text, table.columns, table.rows))
        table.texts = self._texts = None
        table.columns = table.rows = 1
        for around in self._open[:-1]:
            # A layout table's cell includes the text of the tables inside it.
            if around.texts is not None and around.lent < _SURVEYED:
                around.lent += len(text)
                around.texts += (" ", text)
