"""Exports with marked personal data in every personal column of accepted and refused files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
from exported_files import LIST_HEADERS, ONE_STOP, as_csv, as_html, as_xlsx, list_row, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Every planted value contains one of these marks; no other text in a test does.
NAME = "DAUKIN"
DIGITS = "777000777"
MARKS = (NAME, DIGITS)
#: Marks in columns that are not personal: shifted cells, a name in a column of codes, a list
#: without a header. Only the staged file may keep these values, for the rules to judge.
SHIFTED = "LECHCOT"
SHIFTED_DIGITS = "888000888"
SHIFTED_MARKS = (SHIFTED, SHIFTED_DIGITS)
SHIFTED_NAME = f"Nguyễn Văn {SHIFTED}"

_VALUES = (
    f"Người nộp {NAME}",
    f"0{DIGITS}12",
    f"{NAME.lower()}.{DIGITS}@example.invalid".replace(NAME.lower(), NAME),
    f"Số 1 phố {NAME}",
)


def planted(headers: list[str]) -> dict[str, str]:
    """A marked value under each header: names, numbers, e-mail and postal addresses in turn."""
    return {header: _VALUES[place % len(_VALUES)] for place, header in enumerate(headers)}


def write_planted_exports(folder: Path, night: str, *, ending: tuple[str, ...] = ()) -> None:
    """Write files of every feed, and of every format for dossiers.

    Args:
        folder: the exports.
        night: as in file names, ``20221115``.
        ending: only files whose names have this ending; defaults to all files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in {**_dossier_files(night), **_register_files(night)}.items():
        if not ending or name.endswith(ending):
            (folder / name).write_bytes(data)


def _personal(feed: str) -> list[str]:
    return list(ONE_STOP.feeds[feed].personal)


def _dossier_files(night: str) -> dict[str, bytes]:
    marked = planted(_personal("dossiers"))
    nested = {
        "TaiLieuNop": [{"TenTepDinhKem": f"đơn của {NAME}", "DuongDan": f"/{DIGITS}.pdf"}],
        "DinhDanhCHS": [{"SoDinhDanh": f"0{DIGITS}12", "HoTen": NAME}],
        "DSKetNoiCSDL": [{"HoTen": NAME}],
        # a key that no mapping has
        "ThongTinNguoiNop": {"HoTen": NAME, "SDT": DIGITS},
    }
    good = [{**record(n), **marked, **nested} for n in (11, 12)]
    # cells shifted: a name where a date should be, a number where a code should be
    bad = [
        {**record(13), **marked, "NgayTiepNhan": f"Người nộp {SHIFTED}"},
        {**record(14), **marked, "TrangThaiHoSo": f"0{SHIFTED_DIGITS}12"},
        {**record(15), **marked, "NgayHenTra": f"{SHIFTED}@example.invalid"},
        {**record(16), **marked, "NgayKetThucXuLy": f"0{SHIFTED_DIGITS}"},
        {**record(17), **marked, "MucDo": f"0{SHIFTED_DIGITS}12"},
        {**record(18), **marked, "TrangThaiHoSo": SHIFTED_NAME},
        # these rows have no other error
        {**record(19), **marked, "MaHoSo": SHIFTED_NAME.lower().replace("lechcot", SHIFTED)},
        {**record(20), **marked, "MaHoSo": f"0{SHIFTED_DIGITS}12"},
        {**record(29), **marked, "MaLinhVuc": SHIFTED_NAME},
        {**record(30), **marked, "DonViTiepNhan": SHIFTED_NAME.upper()},
        {**record(31), **marked, "DonViXuLy": f"0{SHIFTED_DIGITS}"},
        {**record(32), **marked, "TenTTHC": f"Cấp bản sao, ĐT 0{SHIFTED_DIGITS}"},
    ]
    headers = [*LIST_HEADERS, "Số CCCD", "SĐT", "Ghi chú", "Ghi chú nội bộ"]
    headers += [SHIFTED_NAME, f"0{SHIFTED_DIGITS}"]
    tail = [f"0{DIGITS}12", f"0{DIGITS}", f"Người nộp {NAME}", NAME, "", ""]

    def table(*numbers: int) -> list[list[Any]]:
        return [
            headers,
            *([*list_row(n, **{"Người nộp": f"Người nộp {NAME}"}), *tail] for n in numbers),
        ]

    short = [["Mã hồ sơ", "Ngày hẹn trả"], ["H24.14-220601-0033", "08/06/2022"]]
    other = [["Mã hồ sơ", "Ngày phải trả", *LIST_HEADERS[5:]], list_row(34)]
    names = ("Danh sách", SHIFTED_NAME, f"0{SHIFTED_DIGITS}")
    whole = json.dumps([*good, *bad], ensure_ascii=False).encode()
    return {
        f"dossiers_{night}_p.json": whole,
        f"dossiers_{night}_p.csv": as_csv(table(21, 22)),
        f"dossiers_{night}_p.xlsx": as_xlsx(table(23, 24)),
        f"dossiers_{night}_p.xls": as_html(table(25, 26)),
        # sheets named after a person: two left out, one that refuses the file
        f"dossiers_{night}_sheets.xlsx": as_xlsx(table(33), short, short, names=names),
        f"dossiers_{night}_unlike.xlsx": as_xlsx(table(34), other, names=names[:2]),
        # refused files: cut off, without a header, in a legacy encoding, broken in a value
        f"dossiers_{night}_cut.json": whole[: len(whole) // 2],
        f"dossiers_{night}_headless.csv": as_csv(table(27, 28)[1:]),
        f"dossiers_{night}_legacy.csv": f"M· hå s¬,Tr¹ng th¸i\nH24,{NAME} §ang {DIGITS}\n".encode(
            "cp1252"
        ),
        f"dossiers_{night}_broken.json": whole.replace(NAME.encode(), NAME.encode() + b'"', 1),
        f"dossiers_{night}_words.csv": f"{NAME},{DIGITS}\n{NAME},{DIGITS}\n".encode(),
    }


def _register_files(night: str) -> dict[str, bytes]:
    """One file of each other feed; every row is rejected."""
    files = {}
    for feed in ("visits", "procedures", "units", "declarations"):
        mapping = ONE_STOP.feeds[feed]
        own = [column.sources[0] for column in mapping.columns if column.sources]
        personal = _personal(feed)
        rows = [
            own + personal,
            *(
                [f"{word}{place}" for place in range(len(own))] + list(planted(personal).values())
                for word in ("x", "9")
            ),
            *(
                [word] * len(own) + list(planted(personal).values())
                for word in (SHIFTED_NAME, f"0{SHIFTED_DIGITS}12", f"{SHIFTED}@example.invalid")
            ),
        ]
        files[f"{feed}_{night}_p.csv"] = as_csv(rows)
    return files


def marks_in(folder: Path, marks: tuple[str, ...], *, but: tuple[Path, ...] = ()) -> list[str]:
    """Places below a folder that hold a mark: in a file's bytes, or in a table of a database.

    Args:
        folder: searched with all folders below it.
        marks: texts to search for.
        but: folders that may hold them.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(path.is_relative_to(kept) for kept in but):
            continue
        data = path.read_bytes()
        found += [f"{path.name}: {mark}" for mark in marks if _holds(data, mark)]
        if path.suffix == ".duckdb":
            found += [f"{path.name}: {place}" for place in _marked_cells(path, marks)]
    return found


def _holds(data: bytes, mark: str) -> bool:
    return any(mark.encode(coding) in data for coding in ("utf-8", "utf-16-le", "utf-16-be"))


def _marked_cells(path: Path, marks: tuple[str, ...]) -> Iterator[str]:
    """Read every table: texts of compressed columns are not visible in the file's bytes."""
    with duckdb.connect(path, read_only=True) as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
        for schema, table in tables:
            count = ", ".join("count(*) filter (contains(line, ?))" for _ in marks)
            rows = f'select cast(one as varchar) as line from "{schema}"."{table}" as one'
            found = connection.execute(f"select {count} from ({rows})", list(marks)).fetchone()
            yield from (
                f"{schema}.{table}: {mark}" for mark, n in zip(marks, found or (), strict=True) if n
            )
