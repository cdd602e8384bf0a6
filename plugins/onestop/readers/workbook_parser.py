"""Parses one workbook in a process of its own, which may die without taking anything with it.

A damaged or hostile workbook can make the parser abort or ask for all memory; an exception
handler is no help then. :mod:`onestop.readers.workbooks` runs this file, sends it the workbook
and what it may cost, gets the first rows of every sheet, answers which sheets it wants, and gets
all of their rows. It imports nothing of the product.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import marshal
import resource
import struct
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

BLOCK_ROWS = 2_000
LENGTH = struct.Struct("<q")


def send(stream: BinaryIO, message: Any) -> None:  # noqa: ANN401 - what marshal knows
    """Write one message."""
    data = marshal.dumps(message)
    stream.write(LENGTH.pack(len(data)))
    stream.write(data)


def receive(stream: BinaryIO) -> Any:  # noqa: ANN401 - whatever was sent
    """Read one message; EOFError when the other side is gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return marshal.loads(data)  # noqa: S302 - from our own process


def _plain(cell: object) -> object:
    """A cell as a value that marshal knows; dates as ISO text."""
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    if isinstance(cell, str | int | float | bool) or cell is None:
        return cell
    return str(cell)


def _blocks(sheet: Any) -> Iterator[list[list[object]]]:  # noqa: ANN401 - the parser has no types
    block: list[list[object]] = []
    for row in sheet.iter_rows():
        block.append([_plain(cell) for cell in row])
        if len(block) == BLOCK_ROWS:
            yield block
            block = []
    yield block


def _serve(source: BinaryIO, target: BinaryIO) -> None:
    order = json.loads(receive(source))
    data = receive(source)
    resource.setrlimit(resource.RLIMIT_AS, (order["memory_bytes"], order["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_CPU, (order["cpu_seconds"], order["cpu_seconds"]))
    import python_calamine as calamine  # noqa: PLC0415 - under the limits

    workbook = calamine.load_workbook(io.BytesIO(data))
    names = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet
        and sheet.visible == calamine.SheetVisibleEnum.Visible
    ]
    send(target, ("sheets", names))
    for name in names:
        head: list[list[object]] = []
        for block in _blocks(workbook.get_sheet_by_name(name)):
            head += block
            if len(head) >= order["head_rows"]:
                break
        send(target, ("head", head[: order["head_rows"]]))
    target.flush()
    for at in receive(source):
        for block in _blocks(workbook.get_sheet_by_name(names[at])):
            send(target, ("rows", block))
        send(target, ("end", None))
    target.flush()


def main() -> None:
    """Serve one workbook on the standard streams."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    try:
        _serve(source, target)
    except BaseException as error:  # noqa: BLE001 - a panic of the parser is no Exception
        kind = "password" if type(error).__name__ == "PasswordError" else "damaged"
        send(target, ("error", kind))
        target.flush()


if __name__ == "__main__":
    main()
