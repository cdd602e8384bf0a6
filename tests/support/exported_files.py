"""Exported files made for a test, landed and staged as the product does it."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import openpyxl

from onestop.intake.delivery import Delivery
from onestop.readers import LIMITS, Limits
from onestop.schema.mapping_files import load_mappings
from onestop.staging.staged_delivery import read_delivery

if TYPE_CHECKING:
    from onestop.schema.mapping import FeedMapping

ONE_STOP = load_mappings(None)["one_stop"]
NIGHT = dt.date(2022, 6, 30)

#: One dossier as a national sync record, with its personal keys.
RECORD = {
    "MaHoSo": "H24.14-220601-0001",
    "MaTTHC": "1.002835.000.00.00.H24",
    "TenTTHC": "Cấp bản sao trích lục hộ tịch",
    "MaLinhVuc": "G14-HT01",
    "KenhThucHien": "2",
    "MucDo": "4",
    "ChuHoSo": "Người nộp 000123",
    "SoGiayToChuHoSo": "000000000123",
    "SoDienThoai": "0000000123",
    "Email": "nguoi.nop.000123@example.invalid",
    "DiaChi": "Địa chỉ mẫu 000123",
    "NgayNopHoSo": "20220601073000",
    "NgayTiepNhan": "20220601083000",
    "NgayHenTra": "20220608170000",
    "NgayHenTraBanDau": "20220608170000",
    "TrangThaiHoSo": "9",
    "NgayTra": "",
    "NgayKetThucXuLy": "20220607101500",
    "LoaiKetQua": "",
    "DonViTiepNhan": "H24.14",
    "DonViXuLy": "H24.14",
    "KetQuaDaSoHoa": "1",
    "HoSoCoThanhPhanSoHoa": "0",
    "NgayCapNhat": "20220607101501",
    "TaiLieuNop": [{"TenTepDinhKem": "đơn của Người nộp 000123"}],
}
PERSONAL_MARKS = ("000123", "Người nộp 0", "Địa chỉ mẫu")

#: Headers of the Excel lists, including the personal columns.
LIST_HEADERS = (
    "STT",
    "Đơn vị tiếp nhận",
    "Tên thủ tục hành chính",
    "Mã hồ sơ",
    "Trạng thái",
    "Địa chỉ",
    "Người nộp",
    "Chủ hồ sơ",
    "Ngày nộp hồ sơ",
    "Ngày nhận",
    "Ngày hẹn trả",
    "Ngày kết thúc xử lý",
)


def record(number: int = 1, **values: Any) -> dict[str, Any]:
    """A dossier with this number in its code."""
    return {**RECORD, "MaHoSo": f"H24.14-220601-{number:04d}", **values}


def list_row(number: int = 1, **values: Any) -> list[Any]:
    """A row of the Excel list with this number."""
    row = {
        "STT": number,
        "Đơn vị tiếp nhận": "H24.14",
        "Tên thủ tục hành chính": "Cấp bản sao trích lục hộ tịch",
        "Mã hồ sơ": f"H24.14-220601-{number:04d}",
        "Trạng thái": "Đã xử lý xong",
        "Địa chỉ": "Địa chỉ mẫu 000123",
        "Người nộp": "Người nộp 000123",
        "Chủ hồ sơ": "Người nộp 000123",
        "Ngày nộp hồ sơ": "01/06/2022 07:30:00",
        "Ngày nhận": "01/06/2022 08:30:00",
        "Ngày hẹn trả": "08/06/2022 17:00:00",
        "Ngày kết thúc xử lý": "07/06/2022 10:15:00",
    }
    return list({**row, **values}.values())


def as_json(*records: Any) -> bytes:
    return json.dumps(records, ensure_ascii=False).encode()


def as_csv(rows: list[list[Any]], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode(encoding)


def as_xlsx(*sheets: list[list[Any]], names: tuple[str, ...] = (), merge: str = "") -> bytes:
    workbook = openpyxl.Workbook()
    for number, rows in enumerate(sheets):
        sheet = workbook.active if number == 0 else workbook.create_sheet()
        sheet.title = names[number] if names else f"Sheet{number + 1}"
        for row in rows:
            sheet.append(row)
        if merge:
            sheet.merge_cells(merge)
    data = io.BytesIO()
    workbook.save(data)
    return data.getvalue()


def as_xls(rows: list[list[Any]], records: bytes = b"", of_book: bytes = b"") -> bytes:
    """A binary .xls (BIFF8 in an OLE compound file) of texts and numbers.

    ``records`` are appended to the sheet and override its cells; ``of_book`` are records of the
    workbook, before its sheets.
    """
    stream = _biff8(rows, records, of_book)
    return _compound_file(stream.ljust(4096, b"\0"))


def xls_record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _biff8(rows: list[list[Any]], records: bytes, of_book: bytes) -> bytes:
    def wide(text: str, length: str) -> bytes:
        data = text.encode("utf-16-le")
        return struct.pack(length, len(data) // 2) + b"\1" + data

    bof = struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)
    sheet_bof = struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0)
    name = wide("DanhSach", "<B")
    start = (
        len(xls_record(0x0809, bof)) + len(of_book) + len(xls_record(0x0085, b"\0" * 6 + name)) + 4
    )
    book = xls_record(0x0809, bof) + of_book
    book += xls_record(0x0085, struct.pack("<IBB", start, 0, 0) + name) + xls_record(0x000A)
    book += xls_record(0x0809, sheet_bof)
    width = max(map(len, rows))
    book += xls_record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            place = struct.pack("<HHH", at, column, 0)
            if isinstance(cell, int | float):
                book += xls_record(0x0203, place + struct.pack("<d", cell))
            elif cell:
                book += xls_record(0x0204, place + wide(str(cell), "<H"))
    return book + records + xls_record(0x000A)


def _compound_file(stream: bytes) -> bytes:
    size = len(stream)
    stream = stream.ljust(-(-size // 512) * 512, b"\0")
    sectors = len(stream) // 512
    fat_sectors = -(-(sectors + 2) // 126)
    free, end, fat = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    chain = [fat] * fat_sectors + [end]
    first = len(chain)
    chain += [*range(first + 1, first + sectors), end]
    chain += [free] * (fat_sectors * 128 - len(chain))

    def entry(name: str, kind: int, child: int, start: int, length: int) -> bytes:
        wide = name.encode("utf-16-le")
        return (
            wide.ljust(64, b"\0")
            + struct.pack("<HBBIII", len(wide) + 2 if name else 0, kind, 1, free, free, child)
            + b"\0" * 36
            + struct.pack("<IQ", start, length)
        )

    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    header += struct.pack("<IIIIIIIII", 0, fat_sectors, fat_sectors, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", *range(fat_sectors), *[free] * (109 - fat_sectors))
    directory = entry("Root Entry", 5, 1, end, 0) + entry("Workbook", 2, free, first, size)
    directory += entry("", 0, free, 0, 0) * 2
    return header + struct.pack(f"<{len(chain)}I", *chain) + directory + stream


def as_html(rows: list[list[Any]], before: str = "") -> bytes:
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"\ufeff<html><body>{before}<table>{body}</table></body></html>".encode()


@dataclass
class Staged:
    """The content of a staged file."""

    path: Path
    rows: list[dict[str, Any]]
    summary: dict[str, Any]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]


def land(folder: Path, name: str, data: bytes, feed: str = "dossiers") -> Delivery:
    """Write bytes to the place where landing puts them, under this name."""
    sha256 = hashlib.sha256(data).hexdigest()
    landed = Path("one_stop", feed, sha256[:12], name)
    (folder / landed).parent.mkdir(parents=True, exist_ok=True)
    (folder / landed).write_bytes(data)
    return Delivery(
        delivery_id=f"one_stop.{feed}.{NIGHT:%Y%m%d}.{sha256[:12]}",
        source="one_stop",
        feed=feed,
        night=NIGHT,
        kind="delta",
        file_name=name,
        sha256=sha256,
        size_bytes=len(data),
        file_modified_at=dt.datetime(2022, 6, 30, 18, tzinfo=dt.UTC),
        landed_path=str(landed),
    )


def stage(
    folder: Path,
    data: bytes,
    name: str = "dossiers_20220630.json",
    *,
    feed: str = "dossiers",
    mapping: FeedMapping | None = None,
    limits: Limits = LIMITS,
) -> Staged:
    """Land and read bytes; timestamps are returned as local text in the mapping's time zone."""
    mapping = mapping or ONE_STOP.feeds[feed]
    delivery = land(folder / "landing", name, data, feed)
    path = read_delivery(delivery, folder / "landing", folder / "staging", mapping, limits)
    return read_staged(path, mapping.time_zone)


def read_staged(path: Path, time_zone: str = "Asia/Ho_Chi_Minh") -> Staged:
    """The content of a staged file, with timestamps as local text."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute(f"set TimeZone = '{time_zone}'")
        return Staged(
            path,
            _dicts(connection, "staged_row", "order by row_number"),
            _dicts(connection, "read_summary", "")[0],
        )


def _dicts(connection: Any, table: str, tail: str) -> list[dict[str, Any]]:
    described = connection.execute(f"describe {table}").fetchall()
    chosen = ", ".join(
        f"strftime({name}::timestamp, '%Y-%m-%d %H:%M:%S') as {name}"
        if kind == "TIMESTAMP WITH TIME ZONE"
        else name
        for name, kind, *_ in described
    )
    found = connection.execute(f"select {chosen} from {table} {tail}").fetchall()
    return [dict(zip((name for name, *_ in described), row, strict=True)) for row in found]
