"""A corpus of files of every format, valid, broken and hostile."""

import gzip
import io
import json
import random
import zipfile

from exported_files import (
    LIST_HEADERS,
    as_csv,
    as_html,
    as_json,
    as_xls,
    as_xlsx,
    list_row,
    record,
)

TABLE = [list(LIST_HEADERS), list_row(1), list_row(2)]


def zipped(*members: tuple[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return data.getvalue()


def as_spreadsheetml(*sheets, options=""):
    """An XML workbook; a cell is a text, a number, or ready-made XML."""

    def cell(value):
        if isinstance(value, str) and value.startswith("<Cell"):
            return value
        kind = "Number" if isinstance(value, int | float) else "String"
        return f'<Cell><Data ss:Type="{kind}">{value}</Data></Cell>'

    space = "urn:schemas-microsoft-com:office:spreadsheet"
    body = "".join(
        f'<Worksheet ss:Name="{name}"><Table>'
        + "".join(f"<Row>{''.join(map(cell, row))}</Row>" for row in rows)
        + f"</Table>{after}</Worksheet>"
        for name, rows, after in sheets
    )
    head = '<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n'
    return f'{head}<Workbook xmlns="{space}" xmlns:ss="{space}">{options}{body}</Workbook>'.encode()


def as_ods(rows, value_type="string", before=""):
    """A LibreOffice sheet."""
    cells = "</table:table-row><table:table-row>".join(
        "".join(
            f'<table:table-cell office:value-type="string" calcext:value-type="{value_type}">'
            f"<text:p>{cell}</text:p></table:table-cell>"
            for cell in row
        )
        for row in rows
    )
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f'<office:document-content {spaces} xmlns:calcext="urn:org:documentfoundation:names:x">'
        "<office:body><office:spreadsheet>"
        f'{before}<table:table table:name="Quận"><table:table-row>'
        f"{cells}</table:table-row></table:table></office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    mimetype = b"application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    return zipped(
        ("mimetype", mimetype),
        ("META-INF/manifest.xml", manifest),
        ("content.xml", content.encode()),
    )


#: Format → a valid file of two dossiers.
FORMATS = {
    "JSON array": (as_json(record(1), record(2)), "json"),
    "JSON array, one record a line": (
        b"[\n" + b",\n".join(json.dumps(record(n)).encode() for n in (1, 2)) + b"\n]\n",
        "json",
    ),
    "JSON array with a byte order mark": (b"\xef\xbb\xbf" + as_json(record(1), record(2)), "json"),
    "JSON array in UTF-16": (as_json(record(1), record(2)).decode().encode("utf-16"), "json"),
    "JSON envelope": (
        json.dumps({"service": "x", "isUpdating": False, "data": [record(1), record(2)]}).encode(),
        "json",
    ),
    "JSON envelope with more after the records": (
        json.dumps({"data": [record(1), record(2)], "message": {"a": [1, "}"]}}, indent=2).encode(),
        "json",
    ),
    "JSON Lines": (b"\n".join(json.dumps(record(n)).encode() for n in (1, 2)), "jsonl"),
    "JSON Lines with Windows line ends": (
        b"".join(json.dumps(record(n)).encode() + b"\r\n" for n in (1, 2)),
        "jsonl",
    ),
    "CSV with commas": (as_csv(TABLE), "csv"),
    "CSV with semicolons": (as_csv(TABLE, ";"), "csv"),
    "CSV with tabs": (as_csv(TABLE, "\t"), "csv"),
    "CSV with bars": (as_csv(TABLE, "|"), "csv"),
    "CSV with a byte order mark": (as_csv(TABLE, ";", "utf-8-sig"), "csv"),
    "CSV in UTF-16": (as_csv(TABLE, "\t", "utf-16"), "csv"),
    "CSV in UTF-16 without a byte order mark": (as_csv(TABLE, "\t", "utf-16-le"), "csv"),
    "JSON in big-endian UTF-16 without a byte order mark": (
        as_json(record(1), record(2)).decode().encode("utf-16-be"),
        "json",
    ),
    "CSV with Windows line ends": (as_csv(TABLE).replace(b"\n", b"\r\n"), "csv"),
    "CSV with old Macintosh line ends": (as_csv(TABLE).replace(b"\n", b"\r"), "csv"),
    "CSV without a last line end": (as_csv(TABLE).rstrip(b"\n"), "csv"),
    "CSV with the separator's hint for Excel": (b"sep=;\n" + as_csv(TABLE, ";"), "csv"),
    "XLSX": (as_xlsx(TABLE), "xlsx"),
    "true XLS": (as_xls(TABLE), "xls"),
    "HTML": (as_html(TABLE), "html"),
    "XML workbook": (as_spreadsheetml(("Danh sách", TABLE, "")), "xml"),
    "OpenDocument sheet": (as_ods(TABLE), "ods"),
    "JSON, gzipped": (gzip.compress(as_json(record(1), record(2))), "json.gz"),
    "CSV, zipped": (zipped(("a.csv", as_csv(TABLE))), "csv.zip"),
    "XLSX, gzipped": (gzip.compress(as_xlsx(TABLE)), "xlsx.gz"),
    "XLSX, zipped": (zipped(("danh sach.xlsx", as_xlsx(TABLE))), "xlsx.zip"),
    "HTML, zipped": (zipped(("a.xls", as_html(TABLE))), "html.zip"),
}


#: Parts of a printed list: titles, merged headers, numbers, sections, totals, signatures.
TOP = ["", "STT", "Đơn vị tiếp nhận", "Hồ sơ", "", "", "Ngày", "", "", "Người nộp"]
LOW = ["", "", "", "Mã hồ sơ", "Tên thủ tục", "Trạng thái", "Tiếp nhận", "Hẹn trả", "Kết thúc", ""]
DATED = ("01/06/2022 08:30", "08/06/2022", "", "Người nộp 000123")
WIDE = [
    ["", n, "H24.14", f"H24.14-220601-{n:04d}", "Cấp bản sao", "Đang xử lý", *DATED] for n in (1, 2)
]
NUMBERS = ["", *(f"({n})" for n in range(1, 10))]
MERGED = [
    ["", "ỦY BAN NHÂN DÂN THÀNH PHỐ"],
    ["", "DANH SÁCH HỒ SƠ"],
    ["", "(Từ ngày 01/06/2022 đến ngày 30/06/2022)"],
    [],
    TOP,
    LOW,
    NUMBERS,
    ["", "I", "Lĩnh vực hộ tịch"],
    WIDE[0],
    ["", "Cộng", "", "", "", "", "", "", "", 1],
    ["", "II", "Lĩnh vực đất đai"],
    WIDE[1],
    ["", "", "Cộng", "", "", "", "", "", "", 1],
    ["", "TỔNG CỘNG", "", "", "", "", "", "", "", 2],
    ["", "", "Trong đó: trực tuyến", "", "", "", "", "", "", 2],
    [],
    ["", "", "", "NGƯỜI LẬP BIỂU", "", "", "", "THỦ TRƯỞNG ĐƠN VỊ"],
    ["", "", "", "Người nộp 000123", "", "", "", "Người nộp 000123"],
]


def mojibake(text: str) -> str:
    """Vietnamese as TCVN3 bytes shown in a Western font."""
    pairs = dict(zip("ãồơĐậệếạáủàịđảấêưựổ", "·å¬§ËÖÕ¹¸ñµÞ®¶Êª\u00adùæ", strict=True))
    return "".join(pairs.get(letter, letter) for letter in text)


VNI_HEADER = "Maõ hoà sô,Traïng thaùi,Ngaøy nhaän"
GARBAGE = bytes((n * 7919 + 13) % 256 for n in range(5000))
REFUSED = {
    "zero bytes": (b"", "FILE-F01"),
    "only blanks": (b" \r\n\t\n ", "FILE-F01"),
    "a byte order mark alone": (b"\xef\xbb\xbf", "FILE-F01"),
    "an archive of an empty file": (gzip.compress(b""), "FILE-F01"),
    "a zip without a file": (zipped(), "FILE-F01"),
    "a zip of a folder": (zipped(("a/", b"")), "FILE-F01"),
    "truncated gzip": (gzip.compress(as_json(*map(record, range(3000))))[:-2000], "FILE-F02"),
    "gzip with a wrong checksum": (
        gzip.compress(as_json(record(1)))[:-8] + b"\0\0\0\0\0\0\0\0",
        "FILE-F02",
    ),
    "gzip of nothing but a head": (gzip.compress(b"x" * 100)[:12], "FILE-F02"),
    "truncated zip": (zipped(("a.json", as_json(record(1))))[:-30], "FILE-F02"),
    "truncated JSON": (as_json(record(1), record(2))[:-100], "FILE-F02"),
    "JSON with a comma too many": (as_json(record(1))[:-1] + b",]", "FILE-F02"),
    "JSON with text after it": (as_json(record(1)) + b"xyz", "FILE-F02"),
    "JSON with a broken record inside": (
        as_json(record(1), record(2)).replace(b'"MaTTHC":', b'"MaTTHC"', 1),
        "FILE-F02",
    ),
    "JSON nested too deeply": (b"[" * 200_000, "FILE-F02"),
    "JSON nested too deeply in a record": (b'[{"MaHoSo":' + b"[" * 100_000, "FILE-F02"),
    "truncated XLSX": (as_xlsx(TABLE)[:-500], "FILE-F02"),
    "XLSX with a damaged sheet": (
        zipped(("xl/workbook.xml", b"<workbook/>"), ("xl/worksheets/sheet1.xml", b"<worksheet")),
        "FILE-F02",
    ),
    "truncated XLS": (as_xls(TABLE)[:1500], "FILE-F02"),
    "OLE that is no workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "FILE-F02"),
    "CSV in a legacy encoding": (
        "M· hå s¬,Tr¹ng th¸i,Ngµy nhËn\nH24-1,§ang xö lý,1/6/2022\n".encode("cp1252"),
        "FILE-F03",
    ),
    "VNI bytes": ((VNI_HEADER + "\nH24-1,x,y\n").encode("cp1252"), "FILE-F03"),
    "TCVN3 saved as UTF-8": (
        "M· hå s¬,Tr¹ng th¸i,Ngµy nhËn\nH24-1,§ang xö lý,1/6/2022\n".encode(),
        "FILE-F03",
    ),
    "VNI saved as UTF-8": ((VNI_HEADER + "\nH24-1,x,y\n").encode(), "FILE-F03"),
    "legacy bytes after the first megabyte": (
        as_csv([list(LIST_HEADERS), *(list_row(n) for n in range(9000))])
        + "H24-1,M· hå s¬\n".encode("cp1252"),
        "FILE-F03",
    ),
    "legacy bytes in JSON": (
        as_json(record(1))[:-2] + ', "TenTTHC": "CÊp b¶n sao"}]'.encode("cp1252"),
        "FILE-F03",
    ),
    "CSV without a known header": (b"a,b,c\n1,2,3\n", "FILE-F04"),
    "a CSV that lost its header": (as_csv(TABLE[1:]), "FILE-F04"),
    "JSON of unknown keys": (as_json({"a": 1}), "FILE-F04"),
    "JSON of numbers": (b"[1, 2, 3]", "FILE-F04"),
    "an envelope without records": (b'{"error_code": "1", "message": "x"\n}', "FILE-F14"),
    "XLSX without a known header": (as_xlsx([["a", "b"], [1, 2]]), "FILE-F04"),
    "an empty XLSX": (as_xlsx([]), "FILE-F04"),
    "HTML without a table": (b"<html><body><h1>Error 500</h1></body></html>", "FILE-F04"),
    "plain words": ("Không có dữ liệu".encode(), "FILE-F04"),
    "a zip of two files": (zipped(("a.csv", as_csv(TABLE)), ("b.csv", b"x")), "FILE-F05"),
    "a zip of very many files": (zipped(*((f"{n}.txt", b"") for n in range(500))), "FILE-F05"),
    "gzip in gzip": (gzip.compress(gzip.compress(as_json(record(1)))), "FILE-F05"),
    "zip in zip": (zipped(("a.zip", zipped(("a.csv", as_csv(TABLE))))), "FILE-F05"),
    "a CSV line without an end": (b"x" * 3_000_000, "FILE-F0"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\n", "FILE-F07"),
    "RAR": (b"Rar!\x1a\x07\x00" + GARBAGE, "FILE-F07"),
    "an OpenDocument text": (zipped(("mimetype", b"application/vnd.oasis")), "FILE-F07"),
    "a Word document": (zipped(("[Content_Types].xml", b""), ("word/a.xml", b"")), "FILE-F07"),
    "XML": (b"<?xml version='1.0'?><HoSo><MaHoSo>1</MaHoSo></HoSo>", "FILE-F07"),
    "binary garbage": (GARBAGE, "FILE-F07"),
    "NUL bytes": (b"\0" * 5000, "FILE-F07"),
    "a CSV full of NUL bytes": (as_csv(TABLE).replace(b" ", b"\0"), "FILE-F07"),
}


#: Values with a special meaning for a database, a browser, a spreadsheet or a terminal.
HOSTILE_VALUES = (
    "'; drop table staged_row; --",
    '" or 1=1 --',
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '=HYPERLINK("http://example.invalid","x")',
    "+1+1",
    "@SUM(1)",
    "-2+3",
    "../../../../etc/passwd",
    "%s%s%n",
    "${jndi:x}",
    "{{ 7*7 }}",
    "\x1b[31mđỏ\x1b[0m",
    "\u202edlrow",
    "a" * 5000,
    "9" * 400,
    "-1",
    "1e308",
    "NaN",
    "\ufffd\u0000\u0007",
)


def damaged(data: bytes, how: int, chance: random.Random) -> bytes:
    """The bytes with one of a dozen kinds of damage."""
    size = len(data)
    at = chance.randrange(1, size)
    kinds = (
        lambda: data[:at],
        lambda: data[at:],
        lambda: data[: at // 2] + data[at:],
        lambda: data[:at] + data[at // 2 : at] * 3 + data[at:],
        lambda: data[:at] + b"\x00" * 20 + data[at:],
        lambda: data[:at] + b"\xff\xfe\xf5" + data[at:],
        lambda: data[:at] + b'"' + data[at:],
        lambda: data[:at] + b"\n\r\n" + data[at:],
        lambda: data[:at] + chance.choice((b"{", b"]", b",", b";", b"</table>", b"\\")) + data[at:],
        lambda: data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :],
        lambda: bytes(b if chance.random() > 0.01 else chance.randrange(256) for b in data),
        lambda: data[::-1],
    )
    return kinds[how % len(kinds)]()


def corpus(seed: int = 3818) -> dict[str, bytes]:
    """More than three hundred bad files by their kind of damage, the same for a seed."""
    chance = random.Random(seed)
    files = {f"refused: {what}": data for what, (data, _) in REFUSED.items()}
    for number, value in enumerate(HOSTILE_VALUES):
        for key in ("MaHoSo", "TrangThaiHoSo", "NgayHenTra", "DonViXuLy"):
            files[f"value {number} in {key}, JSON"] = as_json(record(1), record(2, **{key: value}))
        for header in ("Mã hồ sơ", "Tên thủ tục hành chính"):
            rows = [list(LIST_HEADERS), list_row(1), list_row(2, **{header: value})]
            files[f"value {number} in {header}, CSV"] = as_csv(rows)
    for what, (data, _) in FORMATS.items():
        for how in range(12):
            files[f"{what}, damage {how}"] = damaged(data, how, chance)
    return files
