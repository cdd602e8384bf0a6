"""Lists as XLSX workbooks of one sheet, without formulas."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.console import safe_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from onestop.said import Language


@dataclass(frozen=True)
class Sheet:
    """What a sheet has besides its rows.

    Attributes:
        name: of the sheet.
        title: its first row.
        note: its second row.
        headings: of the columns.
        widths: of the columns, in characters.
        lang: of the form of dates.
    """

    name: str
    title: str
    note: str
    headings: Sequence[str]
    widths: Sequence[int]
    lang: Language = "vi"


#: How a cell shows a date.
_DATE_FORMS: dict[Language, str] = {"vi": "dd/mm/yyyy", "en": "d mmm yyyy"}


def workbook(sheet: Sheet, rows: Iterable[Sequence[object]]) -> bytes:
    """The bytes of a workbook.

    Texts are stored as texts, and begin with an apostrophe where a spreadsheet program could take
    them for a formula.

    Args:
        sheet: what the sheet is.
        rows: its rows; a moment has no time zone.
    """
    from openpyxl import Workbook  # noqa: PLC0415 - imports slowly
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - idem
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415 - idem
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - idem

    book = Workbook(write_only=True)
    page = book.create_sheet(sheet.name)

    def cell(value: object) -> object:
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            date = WriteOnlyCell(page)
            date.value = value
            date.number_format = _DATE_FORMS[sheet.lang]
            return date
        if not isinstance(value, str):
            return value
        text = str(safe_cell(ILLEGAL_CHARACTERS_RE.sub("", value)))
        if not text.startswith(("=", "#")):  # openpyxl stores it as a text in half the time
            return text
        made = WriteOnlyCell(page, text)
        made.data_type = "s"  # neither a formula nor an error such as #N/A
        return made

    for number, width in enumerate(sheet.widths, start=1):
        page.column_dimensions[get_column_letter(number)].width = width
    page.append([cell(sheet.title)])
    page.append([cell(sheet.note)])
    page.append([cell(heading) for heading in sheet.headings])
    for row in rows:
        page.append([cell(value) for value in row])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
