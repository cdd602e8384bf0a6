"""Pages and tables for people: readable widths, plain text when piped, no formulas in cells."""

from __future__ import annotations

import io
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

#: What a command can write: a table for people, the others for programs.
OutputFormat = Literal["table", "json", "csv"]

_PIPED_WIDTH = 100


def page_width(file: TextIO, *, at_least: int = 80, at_most: int = 120) -> int:
    """The terminal's width within limits; ``COLUMNS`` or a fixed one when piped."""
    width = _PIPED_WIDTH
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
