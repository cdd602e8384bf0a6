"""Workbooks, .xlsx, true .xls and .ods, through calamine."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

from onestop.readers import workbook_parser
from onestop.readers.content import read_all
from onestop.readers.reading import Reading
from onestop.readers.refusals import DamagedError, UnreadableError
from onestop.readers.table_choice import TableHead, read_tables
from onestop.readers.tables import LOOK_AHEAD, TableReader
from onestop.said import said, said_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onestop.readers.content import Content
    from onestop.readers.limits import Limits
    from onestop.readers.reading import Batch, Cell, Row
    from onestop.schema.mapping import FeedMapping


def read_workbook(content: Content, mapping: FeedMapping, limits: Limits) -> Reading:
    """Read the sheets of a workbook that hold the list.

    Raises:
        UnreadableError: it is damaged, locked, too large, or no sheet has a known header; also
            while the batches are consumed.
    """
    data = read_all(content, limits)
    reading = Reading("workbook" + content.container)
    table = TableReader(reading, mapping, limits, ragged=False)

    def batches() -> Iterator[Batch]:
        with _Parser(data, limits) as parser:
            file = _Sheets(parser)
            heads = file.heads()
            reading.format = file.format + content.container
            table.is_1904 = file.is_1904
            yield from read_tables(file, heads, table)

    reading.batches = batches()
    return reading


class _Sheets:
    """The sheets of one workbook."""

    kind: str = said_text("sheet")

    def __init__(self, parser: _Parser) -> None:
        self._parser = parser
        self.format = ""
        self.is_1904 = False

    def heads(self) -> list[TableHead]:
        """The first rows of every sheet."""
        self.format, self.is_1904, sheets = self._parser.open()
        return [
            TableHead(name, list(_numbered(self._parser.receive("head"))), is_hidden)
            for name, is_hidden in sheets
        ]

    def counts(self, tables: list[int]) -> list[int]:
        """Number of non-blank rows of each of these sheets."""
        self._parser.send(tables)
        return cast("list[int]", self._parser.receive("counts"))

    def rows(self, tables: list[int]) -> Iterator[tuple[int, Iterator[Row]]]:
        """The rows of the chosen sheets."""
        self._parser.send(tables)
        for at in tables:
            yield at, _numbered(self._parser.sheet_rows())


def _numbered(rows: Iterable[list[Cell]]) -> Iterator[Row]:
    # Rows begin with the sheet's first row, blank ones included.
    return zip(itertools.count(1), rows, itertools.repeat(None))


class _Parser:
    """A parser process with one workbook."""

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

    def open(self) -> tuple[str, bool, list[tuple[str, bool]]]:
        """The format, whether day 0 is in 1904, and per sheet its name and whether it is hidden."""
        order = {
            "memory_bytes": self._limits.workbook_memory_bytes,
            "cpu_seconds": self._limits.workbook_cpu_seconds,
            "cells": self._limits.workbook_cells,
            "bytes": self._limits.workbook_bytes,
            "parts": 100 * self._limits.members,
            "head_rows": LOOK_AHEAD,
        }
        self.send(json.dumps(order))
        self.send(self._data)
        return cast("tuple[str, bool, list[tuple[str, bool]]]", self.receive("sheets"))

    def sheet_rows(self) -> Iterator[list[Cell]]:
        """The rows of the next requested sheet."""
        while True:
            kind, rows = self._message()
            if kind == "end":
                return
            yield from rows

    def send(self, message: object) -> None:
        """Send one message."""
        try:
            workbook_parser.send(cast("BinaryIO", self._process.stdin), message)
            cast("BinaryIO", self._process.stdin).flush()
        except OSError as error:  # the process is gone; what it said last tells why
            self._message()
            raise _damaged() from error

    def receive(self, wanted: str) -> Any:  # noqa: ANN401 - as the message has it
        """Receive one message of that kind."""
        kind, content = self._message()
        if kind != wanted:
            raise _damaged()
        return content

    def _message(self) -> tuple[str, Any]:
        try:
            kind, content = workbook_parser.receive(cast("BinaryIO", self._process.stdout))
        except EOFError as error:
            raise self._gone() from error
        if kind == "error":
            raise self._refusal(content)
        return kind, content

    def _refusal(self, reason: str) -> UnreadableError:
        megabytes = self._limits.workbook_bytes >> 20
        known = {
            "PasswordError": (
                "FILE-F02",
                said_text("the workbook has a password; save it without one"),
            ),
            "MemoryError": _NO_MEMORY,
            "ImportError": _NO_MEMORY,
            "OSError": _NO_MEMORY,
            "parts": ("FILE-F05", said_text("the workbook has too many parts")),
            "bytes": (
                "FILE-F05",
                said(
                    "the workbook unpacks to more than {megabytes} MiB; export it as CSV",
                    megabytes=megabytes,
                ),
            ),
            "cells": ("FILE-F05", said_text("a sheet's used range is too large; export it as CSV")),
            "errors": (
                "FILE-F02",
                said_text(
                    "cells show errors such as #N/A or formulas without a value; correct them and"
                    " save"
                ),
            ),
            "xlsb": ("FILE-F07", said_text("it is a binary workbook (.xlsb); save it as .xlsx")),
        }
        return UnreadableError(*known[reason]) if reason in known else _damaged()

    def _gone(self) -> UnreadableError:
        """The error for a process that ended without a message."""
        status = self._process.wait()
        if status == -signal.SIGXCPU:
            seconds = self._limits.workbook_cpu_seconds
            return UnreadableError(
                "FILE-F05",
                said(
                    "the workbook takes more than {seconds} seconds; export it as CSV",
                    seconds=seconds,
                ),
            )
        if status in {-signal.SIGABRT, -signal.SIGKILL, 1}:
            return UnreadableError(*_NO_MEMORY)
        return _damaged()


_NO_MEMORY = (
    "FILE-F05",
    said_text(
        "the workbook is damaged, or needs more memory than ulimit -v allows; export it as CSV"
    ),
)


def _damaged() -> UnreadableError:
    return DamagedError("the workbook is damaged or locked; open it in Excel and save it again")
