"""Pages and tables for people: readable widths, plain text when piped, no formulas in cells.

CSV files begin with a byte order mark (``utf-8-sig``): without it, Excel shows Vietnamese letters
wrongly. That holds for the files that the product writes and for a command's output that is
redirected into a file. Output into a pipe or on a terminal has no mark, because programs read it.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

#: What a command can write: a table for people, the others for programs.
OutputFormat = Literal["table", "json", "csv"]

#: The encoding of CSV files that people open.
CSV_ENCODING = "utf-8-sig"
_MARK = "\ufeff"
_PIPED_WIDTH = 100


def page_width(
    file: TextIO, *, at_least: int = 80, at_most: int = 120, piped: int = _PIPED_WIDTH
) -> int:
    """The terminal's width within limits; ``COLUMNS`` or a fixed one when piped.

    Args:
        file: where the page is written to.
        at_least: width of a page in a narrower terminal.
        at_most: width of a page in a wider terminal.
        piped: width where there is no terminal.
    """
    width = piped
    if file.isatty() or os.environ.get("COLUMNS"):
        width = shutil.get_terminal_size((_PIPED_WIDTH, 24)).columns
    return max(at_least, min(at_most, width))


@contextmanager
def printed(file: TextIO, width: int) -> Iterator[Console]:
    """A console that writes to ``file``; without colours and trailing blanks when piped."""
    from rich.console import Console  # noqa: PLC0415 - only pages for people need it

    if file.isatty():
        yield Console(file=file, width=width, highlight=False, markup=False)
        return
    page = io.StringIO()
    yield Console(file=page, width=width, highlight=False, markup=False)
    file.writelines(line.rstrip() + "\n" for line in page.getvalue().splitlines())


def safe_cell(cell: object) -> object:
    """A cell that no spreadsheet program runs as a formula."""
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + cell
    return cell


def write_csv(file: TextIO, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Write rows as CSV, without formulas; with a byte order mark at the beginning of a file.

    Args:
        file: standard output, or a text in memory.
        columns: the header.
        rows: the cells of each row, in this order.
    """
    if _is_empty_file(file):
        file.write(_MARK)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(_csv_cell, row) for row in rows)


def _csv_cell(cell: object) -> object:
    return str(cell).lower() if isinstance(cell, bool) else safe_cell(cell)


def csv_bytes(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> bytes:
    """The content of a CSV file that people open.

    Args:
        columns: the header.
        rows: the cells of each row, in this order.
    """
    text = io.StringIO()
    write_csv(text, columns, rows)
    return text.getvalue().encode(CSV_ENCODING)


def _is_empty_file(file: TextIO) -> bool:
    """Whether it is an empty file on disk, in UTF-8; not a pipe, a terminal or a text in memory."""
    try:
        status = os.fstat(file.fileno())
    except (AttributeError, OSError):
        return False
    is_utf_8 = (file.encoding or "").lower().replace("_", "-") == "utf-8"
    return is_utf_8 and stat.S_ISREG(status.st_mode) and status.st_size == 0
