"""Laying out the rows of a table whose cells span several columns or rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onestop.readers.reading import Cell

#: Greatest number of columns searched for headers; no list is wider.
MOST_COLUMNS = 2_000
#: Most columns that one cell covers, as browsers have it; it may cover all rows of a list.
_WIDEST_CELL = 1_000


class SpanningCell(NamedTuple):
    """One cell of a page or an XML workbook.

    Attributes:
        text: its text.
        columns: how many columns it covers.
        rows: how many rows it covers.
        at: its column counted from 0, where the file states it.
    """

    text: Cell
    columns: int = 1
    rows: int = 1
    at: int | None = None


class Spans:
    """Lays out the rows of one table, from the first to the last."""

    def __init__(self) -> None:
        self._below: dict[int, tuple[int, Cell]] = {}

    def cells(self, row: Iterable[SpanningCell]) -> list[Cell]:
        """The row's texts by column; a spanning cell's text is repeated in its rows only."""
        cells: list[Cell] = []
        for text, columns, rows, at in row:
            self._fill(cells)
            while at is not None and len(cells) < min(at, MOST_COLUMNS):
                cells.append("")
                self._fill(cells)
            if rows == columns == 1 and len(cells) < MOST_COLUMNS:
                cells.append(text)
                continue
            below = rows - 1
            for column in range(min(columns, _WIDEST_CELL, MOST_COLUMNS - len(cells))):
                if below > 0:
                    self._below[len(cells)] = (below, "" if column else text)
                cells.append("" if column else text)
        self._fill(cells)
        return cells

    def _fill(self, cells: list[Cell]) -> None:
        below = self._below
        while below and (column := len(cells)) in below:
            left, text = below.pop(column)
            if left > 1:
                below[column] = (left - 1, text)
            cells.append(text)


def span(value: str | None) -> int:
    """The span in a cell's attribute; 1 when it is no number."""
    if not value or not value.isascii() or not value.isdigit():
        return 1
    return max(1, int(value[:9]))
