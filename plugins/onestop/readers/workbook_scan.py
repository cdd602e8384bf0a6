"""A scan of a workbook before it is parsed: odd cells, and the size of each sheet.

The parser reads a cell that shows an error, and a formula that was never calculated, as blank.
This scan finds both and gives them a text (:data:`NOT_CALCULATED`, or the error itself), so that
their rows are rejected. The parser also allocates a sheet's whole used range, so the scan checks
its size first. It imports only the standard library, because it runs in the parser's process.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
from typing import IO, TYPE_CHECKING
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The text given to a formula without a calculated value.
NOT_CALCULATED = "#FORMULA!"
_DIGITS = "0123456789"
_LETTERS = 26
_PIECE = 1 << 20

_LONGEST_ROW = 16 << 20
_PREFIX = rb"<(?:[^\s<>/:]+:)?"
#: A cell; its reference as every program writes it, or nothing.
_CELL = re.compile(_PREFIX + rb'c(?=[\s/>])(?: r="([A-Z]{1,3})(\d{1,7})")?')
_FORMULA = re.compile(_PREFIX + rb"f(?=[\s/>])")
_CALCULATED = re.compile(rb"<f(?: [^<>]*)?(?:/>|>[^<]*</f>)<v>[^<\s]")
#: Per row, counted from 0, the columns of odd cells and their texts.
Marks = dict[int, dict[int, str]]


class ScanError(Exception):
    """A workbook that must not be parsed; the text is ``cells``, ``bytes``, ``parts`` …."""


class Scan:
    """The findings of a scan.

    Attributes:
        kind: ``xlsx``, ``ods`` or ``xls``.
        is_1904: whether day 0 is 1 January 1904.
        marks: odd cells per sheet, in the workbook's order; empty where the parser needs none.
        merged: per sheet the cells merged over rows, each as first row, column and last row
            counted from 0; empty where the parser finds them itself.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.is_1904 = False
        self.marks: list[Marks] = []
        self.merged: list[list[tuple[int, int, int]]] = []


def scan_workbook(data: bytes, most_cells: int, most_bytes: int, most_parts: int) -> Scan:
    """Scan a workbook.

    Args:
        data: the file.
        most_cells: cells of a sheet's used range, empty ones included.
        most_bytes: bytes that all parts may unpack to.
        most_parts: parts.

    Raises:
        ScanError: it exceeds them, or cannot be read without loss.
    """
    if data[:2] != b"PK":
        return _scan_xls(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > most_parts:
            raise ScanError("parts")
        left = most_bytes
        sheets = []
        for member in members:
            size, may_be_sheet = _measure(archive, member, left)
            left -= size
            if may_be_sheet:
                sheets.append(member)
        names = {member.filename.lower(): member for member in members}
        if "content.xml" in names and "mimetype" in names:
            return _scan_ods(archive, names["content.xml"], most_cells)
        if "xl/workbook.bin" in names:
            raise ScanError("xlsb")
        return _scan_xlsx(archive, names, sheets, most_cells)


def _measure(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> tuple[int, bool]:
    """Unpacked size of a part, and whether it may hold the cells of a sheet."""
    size, found, tail = 0, False, b""
    with archive.open(member) as part:
        while piece := part.read(_PIECE):
            if not found:
                # UTF-16 has a NUL beside every letter of a tag.
                found = b"sheetData" in tail + piece or (size == 0 and b"\0" in piece[:8])
                tail = piece[-16:]
            size += len(piece)
            if size > left:
                raise ScanError("bytes")
    return size, found


# -- Office Open XML


def _scan_xlsx(
    archive: zipfile.ZipFile,
    names: dict[str, zipfile.ZipInfo],
    parts: list[zipfile.ZipInfo],
    most_cells: int,
) -> Scan:
    scan = Scan("xlsx")
    by_part: dict[str, Marks] = {}
    for part in parts:
        with archive.open(part) as stream:
            is_plain = _is_plain_sheet(stream, most_cells)
        if not is_plain:
            sheet = _SheetXml(most_cells)
            with archive.open(part) as stream:
                sheet.parse(stream)
            by_part[part.filename.lower()] = sheet.marks
    sheets: list[str] = []
    for name, attributes in _elements(archive, names["xl/workbook.xml"]):
        if name == "workbookPr":
            scan.is_1904 = attributes.get("date1904", "0") not in {"0", "false", "off"}
        elif name == "sheet":
            sheets.append(_local(attributes, "id"))
    targets = {}
    if "xl/_rels/workbook.xml.rels" in names:
        for name, attributes in _elements(archive, names["xl/_rels/workbook.xml.rels"]):
            if name == "Relationship":
                targets[attributes.get("Id", "")] = attributes.get("Target", "")
    for relation in sheets:
        path = posixpath.normpath(posixpath.join("/xl", targets.get(relation, "")))
        scan.marks.append(by_part.get(path[1:].lower(), {}))
    return scan


def _is_plain_sheet(stream: IO[bytes], most_cells: int) -> bool:
    """Fast check: whether a sheet certainly has no odd cells and is within the limit.

    False as soon as a cell is not written the usual way.

    Raises:
        ScanError: its used range is too large.
    """
    rows = columns = 0
    rest = b""
    while True:
        piece = stream.read(_PIECE)
        block = rest + piece
        cut = block.rfind(b"<row") if piece else len(block)
        cut = max(cut, 0)
        rest = block[cut:]
        block = block[:cut]
        if b"\0" in block or b'"e"' in block or b"'e'" in block or len(rest) > _LONGEST_ROW:
            return False
        cells = _CELL.findall(block)
        if cells:
            letters, digits = map(set, zip(*cells, strict=True))
            if b"" in letters:
                return False
            columns = max(columns, *(column_number(text.decode()) + 1 for text in letters), 1)
            rows = max(rows, *map(int, digits), 1)
        if rows * columns > most_cells:
            raise ScanError("cells")
        if b"f" in block and len(_FORMULA.findall(block)) != len(_CALCULATED.findall(block)):
            return False
        if not piece:
            return True


def _local(attributes: dict[str, str], name: str) -> str:
    """An attribute that has a prefix, such as ``r:id``."""
    return next((v for key, v in attributes.items() if key.rpartition(":")[2] == name), "")


def _elements(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo
) -> Iterator[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    parser = _parser()
    parser.StartElementHandler = lambda name, attributes: found.append(
        (name.rpartition(":")[2], attributes)
    )
    with archive.open(member) as part:
        while piece := part.read(_PIECE):
            parser.Parse(piece)
            yield from found
            found.clear()
    parser.Parse(b"", True)  # noqa: FBT003 - expat takes positions only
    yield from found


def _parser() -> expat.XMLParserType:
    def refuse(*_: object) -> None:
        raise ScanError("damaged")  # no workbook declares entities

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    return parser


class _SheetXml:
    """One worksheet: the size of its used range, and its odd cells."""

    def __init__(self, most_cells: int) -> None:
        self.marks: Marks = {}
        self._most = most_cells
        self._columns: dict[str, int] = {}
        self._rows = self._widest = self._count = 0
        self._row = self._column = -1
        self._row_text = ""
        self._kind: str | None = None
        self._is_formula = self._has_value = False
        self._texts: list[str] = []

    def parse(self, stream: IO[bytes]) -> None:
        """Scan the part."""
        self._parser = parser = _parser()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        while piece := stream.read(_PIECE):
            parser.Parse(piece)
        parser.Parse(b"", True)  # noqa: FBT003 - expat takes positions only
        self._judge()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            name = name.rpartition(":")[2]
        if name == "c":
            if self._is_formula or self._kind == "e":
                self._judge()
            self._kind = attributes.get("t")
            self._place(attributes.get("r"))
            if self._kind == "e":
                self._collect()
        elif name == "f":
            self._is_formula = True
            self._collect()
            self._parser.CharacterDataHandler = None
        elif name == "v":
            if self._is_formula or self._kind == "e":
                self._has_value = True
                self._collect()
        elif name == "row":
            if self._is_formula or self._kind == "e":
                self._judge()
            given = attributes.get("r")
            self._row = int(given) - 1 if given else self._row + 1
            self._row_text = given or ""
            self._column = -1
            self._grow()

    def _collect(self) -> None:
        self._texts = []
        self._parser.CharacterDataHandler = self._texts.append

    def _place(self, reference: str | None) -> None:
        self._count += 1
        if reference is None:
            self._column += 1
            if self._column >= self._widest:
                self._widest = self._column + 1
                self._grow()
        else:
            letters = reference.rstrip(_DIGITS)
            column = self._columns.get(letters)
            if column is None:
                column = self._columns[letters] = column_number(letters)
                self._widest = max(self._widest, column + 1)
                self._grow()
            self._column = column
            digits = reference[len(letters) :]
            if digits != self._row_text:
                self._row = int(digits) - 1
                self._row_text = digits
                self._grow()
        if self._count > self._most:
            raise ScanError("cells")

    def _grow(self) -> None:
        self._rows = max(self._rows, self._row + 1)
        if self._rows * self._widest > self._most:
            raise ScanError("cells")

    def _judge(self) -> None:
        """Whether the last cell was odd."""
        text = "".join(self._texts).strip()
        if self._kind == "e":
            self._mark(text or "#N/A")
        elif self._is_formula and not text and not (self._kind == "str" and self._has_value):
            self._mark(NOT_CALCULATED)
        self._kind = None
        self._is_formula = self._has_value = False
        self._parser.CharacterDataHandler = None
        self._texts = []

    def _mark(self, text: str) -> None:
        self.marks.setdefault(self._row, {})[self._column] = text


def column_number(letters: str) -> int:
    """The column, counted from 0, that letters such as AB mean."""
    number = 0
    for letter in letters.upper():
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number - 1


# -- OpenDocument


def _scan_ods(archive: zipfile.ZipFile, content: zipfile.ZipInfo, most_cells: int) -> Scan:
    """Find merged cells, which the parser does not report, and cells without their value.

    The parser reads an error and a formula that was never calculated as blank and does not say
    which cells they were: they refuse the workbook.
    """
    scan = Scan("ods")
    count = row = column = 0
    rows = 1
    for name, attributes in _elements(archive, content):
        if name == "table":
            scan.merged.append([])
            row, rows = 0, 0
        elif name == "table-row":
            row, column = row + rows, 0
            rows = _repeated(attributes, "number-rows-repeated")
        elif name in {"table-cell", "covered-table-cell"}:
            columns = _repeated(attributes, "number-columns-repeated")
            below = _repeated(attributes, "number-rows-spanned") - 1
            if below > 0 and scan.merged:
                scan.merged[-1].append((row, column, row + below))
            column += columns
            kinds = {value for key, value in attributes.items() if key.endswith("value-type")}
            if "error" in kinds or (not kinds and _local(attributes, "formula")):
                raise ScanError("errors")
            count += rows * columns if kinds else 0
            if count > most_cells:
                raise ScanError("cells")
        elif name == "null-date":
            scan.is_1904 = _local(attributes, "date-value").startswith("1904")
    return scan


def _repeated(attributes: dict[str, str], name: str) -> int:
    value = _local(attributes, name)
    return int(value) if value.isdigit() else 1


# -- BIFF, the binary format of .xls

_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
_PLACE = struct.Struct("<HH")
_BOF, _EOF, _BOUNDSHEET, _DATEMODE, _BOOLERR, _FORMULA_RECORD = 0x809, 0x0A, 0x85, 0x22, 0x205, 0x06
_STREAM, _ROOT = 2, 5
_LAST_SECTOR = 0xFFFFFFFA


def _scan_xls(data: bytes) -> Scan:
    scan = Scan("xls")
    book = _CompoundFile(data).workbook()
    starts = []
    for kind, at, size in _records(book, 0):
        if kind == _DATEMODE and size:
            scan.is_1904 = book[at] == 1
        elif kind == _BOUNDSHEET:
            starts.append(int.from_bytes(book[at : at + 4], "little"))
    scan.marks = [_xls_marks(book, start) for start in starts]
    return scan


def _xls_marks(book: bytes, start: int) -> Marks:
    marks: Marks = {}
    for kind, at, size in _records(book, start):
        if kind == _BOOLERR and size >= 8 and book[at + 7] == 1:  # noqa: PLR2004
            code = book[at + 6]
        elif kind == _FORMULA_RECORD and size >= 14 and book[at + 12 : at + 14] == b"\xff\xff":  # noqa: PLR2004
            if book[at + 6] != 2:  # noqa: PLR2004 - text, truth value or nothing
                continue
            code = book[at + 8]
        else:
            continue
        row, column = _PLACE.unpack_from(book, at)
        marks.setdefault(row, {})[column] = _ERRORS.get(code, "#N/A")
    return marks


def _records(book: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Kind, place and size of the records of one substream, charts inside it left out."""
    depth = 0
    while at + 4 <= len(book):
        kind, size = _PLACE.unpack_from(book, at)
        at += 4
        if kind == _BOF:
            depth += 1
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                return
        elif depth == 1:
            yield kind, at, size
        at += size


class _CompoundFile:
    """An OLE compound file: streams in chains of sectors."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._sector = 1 << int.from_bytes(data[30:32], "little")
        self._small = 1 << int.from_bytes(data[32:34], "little")
        if not 128 <= self._sector <= 4096 or not 16 <= self._small <= self._sector:  # noqa: PLR2004
            raise ScanError("damaged")
        first_directory, _, self._cutoff, first_small, _, more = struct.unpack_from("<6I", data, 48)
        tables = list(struct.unpack_from("<109I", data, 76))
        while more < _LAST_SECTOR and len(tables) <= len(data) // self._sector:
            *found, more = _numbers(self._at(more))
            tables += found
        self._next = [
            n for table in tables if table < _LAST_SECTOR for n in _numbers(self._at(table))
        ]
        self._next_small = list(_numbers(self._chain(first_small)))
        self._directory = self._chain(first_directory)

    def workbook(self) -> bytes:
        """The stream of the workbook."""
        root = b""
        for at in range(0, len(self._directory) - 127, 128):
            length, kind = struct.unpack_from("<HB", self._directory, at + 64)
            name = self._directory[at : at + max(length - 2, 0)].decode("utf-16-le", "replace")
            start, size = struct.unpack_from("<II", self._directory, at + 116)
            if kind == _ROOT:
                root = self._chain(start)
            elif kind == _STREAM and name.lower() in {"workbook", "book"}:
                if size >= self._cutoff:
                    return self._chain(start)[:size]
                places = _places(start, self._next_small)
                return b"".join(root[n * self._small : (n + 1) * self._small] for n in places)[
                    :size
                ]
        raise ScanError("damaged")

    def _at(self, number: int) -> bytes:
        return self._data[(number + 1) * self._sector : (number + 2) * self._sector]

    def _chain(self, start: int) -> bytes:
        return b"".join(map(self._at, _places(start, self._next)))


def _numbers(block: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(block) // 4}I", block[: len(block) // 4 * 4])


def _places(start: int, following: list[int]) -> Iterator[int]:
    """A chain of sectors from its start to its end; a circular chain is cut."""
    for _ in range(len(following)):
        if start >= len(following):
            return
        yield start
        start = following[start]
