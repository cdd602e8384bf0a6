"""Parses one workbook in a process of its own, which may crash without harm to the caller.

A damaged or hostile workbook can make the parser abort or take all memory; an exception handler
does not help then. :mod:`onestop.readers.workbooks` runs this file, sends it the workbook and its
limits, receives the first rows of every sheet, and asks for the number of rows of some sheets and
for all rows of others. Of the product it imports only the file beside it.
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib.util
import io
import itertools
import json
import marshal
import resource
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

BLOCK_ROWS = 2_000
#: Types that marshal can write.
PLAIN = frozenset({str, int, float, bool, type(None)})
#: In days; a longer duration is really a date.
_LONGEST_DURATION = 10_000
LENGTH = struct.Struct("<q")


def send(stream: BinaryIO, message: Any) -> None:  # noqa: ANN401 - what marshal knows
    """Write one message."""
    data = marshal.dumps(message)
    stream.write(LENGTH.pack(len(data)))
    stream.write(data)


def receive(stream: BinaryIO) -> Any:  # noqa: ANN401 - whatever was sent
    """Read one message; EOFError when the other process has ended."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return marshal.loads(data)  # noqa: S302 - from our own process


class _Sheet:
    """One sheet, with the scan's findings in the cells that the parser reads as blank."""

    def __init__(self, sheet: Any, scan: Any, at: int) -> None:  # noqa: ANN401 - the parser has no types
        self._sheet = sheet
        self._epoch = dt.datetime(1904, 1, 1) if scan.is_1904 else dt.datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook has no zone
        self._marks = scan.marks[at] if scan.marks else {}
        self._merged = scan.merged[at] if scan.merged else self._merged_by_parser()

    def _merged_by_parser(self) -> list[tuple[int, int, int]]:
        ranges = self._sheet.merged_cell_ranges or ()
        return [(top, left, bottom) for (top, left), (bottom, _) in ranges if bottom > top]

    def blocks(self) -> Iterator[list[list[object]]]:
        """The rows from the sheet's first on, some at a time."""
        block: list[list[object]] = []
        for row in self._rows():
            block.append(row)
            if len(block) == BLOCK_ROWS:
                yield block
                block = []
        yield block

    def head(self, most: int) -> list[list[object]]:
        """The first rows."""
        return list(itertools.islice(self._rows(), most))

    def count(self) -> int:
        """Number of non-blank rows."""
        return sum(1 for row in self._rows() if any(cell not in {"", None} for cell in row))

    def _rows(self) -> Iterator[list[object]]:
        merged: dict[int, list[tuple[int, int]]] = {}
        for top, left, bottom in self._merged:
            merged.setdefault(top, []).append((left, bottom))
        below: dict[int, tuple[int, object]] = {}
        for number, cells in enumerate(self._sheet.iter_rows()):
            row = [cell if cell.__class__ in PLAIN else self._plain(cell) for cell in cells]
            for column, text in self._marks.get(number, {}).items():
                if column < len(row):
                    row[column] = text
            for column, (bottom, value) in list(below.items()):
                row[column] = value
                if bottom == number:
                    del below[column]
            for column, bottom in merged.get(number, ()):
                if column < len(row):
                    below[column] = (bottom, row[column])
            yield row

    def _plain(self, cell: object) -> object:
        """A cell as a value that marshal can write; dates as ISO text."""
        if isinstance(cell, dt.datetime):
            return cell.isoformat(" ")
        if isinstance(cell, dt.timedelta):
            # A date and time may be formatted as hours since the beginning of the calendar.
            if cell.days >= _LONGEST_DURATION:
                return (self._epoch + cell).isoformat(" ")
            seconds = round(cell.total_seconds())
            sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
            return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return str(cell)


def _limit(kind: int, most: int) -> None:
    """Set a limit of this process, or keep a lower one that it was started with."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, most))


def _serve(source: BinaryIO, target: BinaryIO) -> None:
    order = json.loads(receive(source))
    data = receive(source)
    _limit(resource.RLIMIT_AS, order["memory_bytes"])
    _limit(resource.RLIMIT_CPU, order["cpu_seconds"])
    import python_calamine as calamine  # noqa: PLC0415 - under the limits

    scan = _scanner().scan_workbook(data, order["cells"], order["bytes"], order["parts"])
    workbook = calamine.load_workbook(io.BytesIO(data))
    found = list(workbook.sheets_metadata)
    if any(per_sheet and len(per_sheet) != len(found) for per_sheet in (scan.marks, scan.merged)):
        raise ValueError("the sheets of the workbook are not those that were scanned")
    sheets = [
        (at, sheet.name, sheet.visible != calamine.SheetVisibleEnum.Visible)
        for at, sheet in enumerate(found)
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    send(target, ("sheets", (scan.kind, scan.is_1904, [shown for _, *shown in sheets])))

    @functools.lru_cache(maxsize=1)
    def sheet(number: int) -> _Sheet:
        at, name, _ = sheets[number]
        return _Sheet(workbook.get_sheet_by_name(name), scan, at)

    for number in range(len(sheets)):
        send(target, ("head", sheet(number).head(order["head_rows"])))
    target.flush()
    send(target, ("counts", [sheet(number).count() for number in receive(source)]))
    target.flush()
    for number in receive(source):
        for block in sheet(number).blocks():
            send(target, ("rows", block))
        send(target, ("end", None))
    target.flush()


def _scanner() -> Any:  # noqa: ANN401 - a module
    """The module beside this one, without the product's packages."""
    path = Path(__file__).with_name("workbook_scan.py")
    spec = cast("Any", importlib.util.spec_from_file_location("workbook_scan", path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Serve one workbook on the standard streams."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    try:
        _serve(source, target)
    except BaseException as error:  # noqa: BLE001 - a panic of the parser is no Exception
        kind = type(error).__name__
        send(target, ("error", str(error) if kind == "ScanError" else kind))
        target.flush()


if __name__ == "__main__":
    main()
