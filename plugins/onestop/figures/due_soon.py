"""The dossiers that fall due soon, as files for each unit, beside the readers' copy.

Each publication replaces the folder ``due_soon`` whole (on object storage, the folder that
``due_soon/.publication`` names): ``index.csv`` lists all units, and each
unit that has such dossiers has a CSV and an XLSX file. They hold no personal data
(``mart.due_soon``).
"""

from __future__ import annotations

import hashlib
import shutil
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from onestop.console import csv_bytes
from onestop.figures.spreadsheet import Sheet, workbook
from onestop.files import DRAFT_ENDING, named_when_full, scratch_folder, sync, write_whole
from onestop.progress import advance, working
from onestop.schema.number_text import day
from onestop.storage import is_shared, names_in, put_file, remove_folder

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from onestop.warehouse import Warehouse

FOLDER = "due_soon"
INDEX = "index.csv"
#: Columns of a unit's files: name in the CSV, heading and width in the XLSX.
_COLUMNS = (
    ("dossier_code", "Mã hồ sơ", 28),
    ("procedure_code", "Mã thủ tục", 24),
    ("procedure_name", "Tên thủ tục", 60),
    ("received_date", "Tiếp nhận", 12),
    ("due_date", "Hẹn trả", 12),
    ("workdays_left", "Số ngày làm việc còn lại", 14),
)
_COMMON = ("as_of_date", "unit_code")
_INDEX_COLUMNS = (*_COMMON, "unit_name", "dossiers", "csv_file", "xlsx_file")
#: Of a unit's files.
_ENDINGS = ("csv", "xlsx")
#: The publication that the folder's files are of.
_PUBLICATION = ".publication"
_LONGEST_NAME = 100


def write_due_soon(warehouse: Warehouse, published: Path) -> None:
    """Write the files of the last publication, unless they are there.

    Args:
        warehouse: with at least one publication.
        published: the readers' copy; the files are written to a folder next to it.

    Raises:
        OSError: the files cannot be written; those of the publication before are still there.
    """
    last = warehouse.rows(
        "select publication_id, as_of_date from audit.publication order by publication_id desc"
        " limit 1"
    )
    folder = published.parent / FOLDER
    if not last or "due_soon" not in warehouse.relations("mart"):
        return  # an earlier release published last
    number, as_of = str(last[0]["publication_id"]), last[0]["as_of_date"]
    mark = folder / _PUBLICATION
    if mark.is_file() and mark.read_text(encoding="utf-8") == number:
        return
    if is_shared(folder):
        _put_generation(warehouse, folder, number, as_of)
        return
    draft, old = (published.parent / f".{FOLDER}.{part}{DRAFT_ENDING}" for part in ("new", "old"))
    for left in (draft, old):
        shutil.rmtree(left, ignore_errors=True)
    draft.mkdir(parents=True)
    with named_when_full(published.parent):
        _write_files(warehouse, draft, as_of)
        (draft / _PUBLICATION).write_text(number, encoding="utf-8")
        if folder.exists():
            folder.rename(old)
        draft.rename(folder)
        sync(published.parent)
    shutil.rmtree(old, ignore_errors=True)


def due_soon_folder(published: Path) -> Path:
    """The folder with the files of the last publication.

    Args:
        published: the readers' copy.
    """
    folder = published.parent / FOLDER
    if not is_shared(folder):
        return folder
    mark = folder / _PUBLICATION
    return folder / (mark.read_text(encoding="utf-8") if mark.is_file() else _PUBLICATION)


def _put_generation(warehouse: Warehouse, folder: Path, number: str, as_of: dt.date) -> None:
    """Put the files of a publication into a folder of its own; then the mark leads there.

    The folder of the publication before is kept for who reads it now; older ones are deleted.
    """
    mark = folder / _PUBLICATION
    before = mark.read_text(encoding="utf-8") if mark.is_file() else ""
    with scratch_folder(FOLDER) as draft:
        _write_files(warehouse, draft, as_of)
        for path in sorted(draft.iterdir()):
            put_file(path, folder / number / path.name)
    write_whole(mark, number)
    for old in names_in(folder) - {number, before, _PUBLICATION}:
        remove_folder(folder / old)


def _write_files(warehouse: Warehouse, folder: Path, as_of: dt.date) -> None:
    names = ", ".join(name for name, _, _ in _COLUMNS)
    rows = warehouse.rows(
        f"select unit_code, {names} from mart.due_soon order by unit_code, due_date, dossier_code"
    )
    due = {unit: list(found) for unit, found in groupby(rows, lambda row: str(row["unit_code"]))}
    units = warehouse.rows(
        "select unit_code, unit_name from mart.unit where unit_scope = 'unit' order by unit_code"
    )
    listed = []
    with working("writing", FOLDER, unit="files", total=len(_ENDINGS) * len(due) + 1):
        for unit in units:
            found = due.get(unit["unit_code"], [])
            name = file_name(unit["unit_code"]) if found else ""
            if found:
                _write_unit(folder, name, as_of, unit["unit_name"], found)
                advance(len(_ENDINGS))
            ends = [f"{name}.{ending}" if found else "" for ending in _ENDINGS]
            listed.append((as_of, unit["unit_code"], unit["unit_name"], len(found), *ends))
        (folder / INDEX).write_bytes(csv_bytes(_INDEX_COLUMNS, listed))
        advance()


def file_name(unit_code: str) -> str:
    """The name of a unit's files, without ending: its code, safe in every file system."""
    name = quote(unit_code, safe="")
    if len(name) <= _LONGEST_NAME and f"{name}.csv" != INDEX:
        return name
    return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(unit_code.encode()).hexdigest()[:12]}"


def _write_unit(
    folder: Path, name: str, as_of: dt.date, unit_name: str | None, rows: Sequence[dict[str, Any]]
) -> None:
    columns = [column for column, _, _ in _COLUMNS]
    content = csv_bytes(
        (*_COMMON, *columns),
        ((as_of, row["unit_code"], *(row[column] for column in columns)) for row in rows),
    )
    (folder / f"{name}.csv").write_bytes(content)
    title = f"{unit_name or rows[0]['unit_code']}: hồ sơ sắp đến hạn trả"
    sheet = Sheet(
        name="Sắp đến hạn",
        title=title,
        note=f"Số liệu đến hết ngày {day(as_of, 'vi')}",
        headings=[heading for _, heading, _ in _COLUMNS],
        widths=[width for _, _, width in _COLUMNS],
    )
    spreadsheet = workbook(sheet, ([row[column] for column in columns] for row in rows))
    (folder / f"{name}.xlsx").write_bytes(spreadsheet)
