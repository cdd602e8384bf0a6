"""Writing files atomically and reproducibly, byte for byte."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import openpyxl
from openpyxl.styles import Alignment, Font

from onestop.files import drafted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_ZIP_MOMENT = (1980, 1, 1, 0, 0, 0)
_PROPERTIES = "docProps/core.xml"
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_WIDTHS = {1: 6, 2: 24, 3: 60}


class JsonArray:
    """A JSON array in a file, one record per line, written as the records come."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._separator = "[\n"

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one record."""
        self._stream.write(self._separator + _ENCODER.encode(record))
        self._separator = ",\n"

    def close(self) -> None:
        """Finish the array."""
        self._stream.write("[]\n" if self._separator == "[\n" else "\n]\n")


@contextmanager
def json_array(path: Path) -> Iterator[JsonArray]:
    """A file with one JSON array."""
    with (
        drafted(path, keep_same=True) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as stream,
    ):
        array = JsonArray(stream)
        yield array
        array.close()


def write_csv(
    path: Path,
    header: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    *,
    delimiter: str = ",",
    has_bom: bool = False,
) -> None:
    """A CSV file in UTF-8."""
    encoding = "utf-8-sig" if has_bom else "utf-8"
    with (
        drafted(path, keep_same=True) as temporary,
        temporary.open("w", encoding=encoding, newline="") as stream,
    ):
        writer = csv.DictWriter(stream, header, delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_sheet(
    path: Path,
    sheet_name: str,
    title: Sequence[str],
    header: Sequence[str],
    rows: Sequence[Sequence[str | int]],
) -> None:
    """A spreadsheet as offices send them: title block, headers, column numbers, total."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet(sheet_name, 0)
    del book["Sheet"]
    bold, centred = Font(name="Times New Roman", bold=True), Alignment(horizontal="center")
    for number, line in enumerate(title, start=1):
        sheet.cell(number, 1, line).font = bold
        sheet.merge_cells(start_row=number, end_row=number, start_column=1, end_column=len(header))
        sheet.cell(number, 1).alignment = centred
    top = len(title) + 2
    for column, label in enumerate(header, start=1):
        cell = sheet.cell(top, column, label)
        cell.font, cell.alignment = bold, Alignment(horizontal="center", wrap_text=True)
        sheet.cell(top + 1, column, f"({column})").alignment = centred
        sheet.column_dimensions[cell.column_letter].width = _WIDTHS.get(column, 16)
    for row in rows:
        sheet.append(list(row))
    sheet.append(["", "Tổng số", len(rows)])
    buffer = io.BytesIO()
    book.save(buffer)
    with drafted(path, keep_same=True) as temporary:
        temporary.write_bytes(_without_clock(buffer.getvalue()))


def _without_clock(workbook: bytes) -> bytes:
    """The workbook without its time of creation, in the archive and the properties."""
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as source,
        zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in sorted(source.namelist()):
            content = _FIXED_PROPERTIES if name == _PROPERTIES else source.read(name)
            entry = zipfile.ZipInfo(name, _ZIP_MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return result.getvalue()


_FIXED_PROPERTIES = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<cp:coreProperties"
    b' xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
    b' xmlns:dc="http://purl.org/dc/elements/1.1/">'
    b"<dc:creator>onestop sample</dc:creator></cp:coreProperties>"
)
