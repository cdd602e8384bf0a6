"""Lists as XLSX workbooks of one sheet, without formulas.

The few parts of such a workbook are written here. openpyxl makes a workbook for any purpose, which
takes a multiple of the time of its rows where each unit has a short list.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

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


#: How a cell shows a date, and how it shows a moment.
_DATE_FORMS: dict[Language, str] = {"vi": "dd/mm/yyyy", "en": "d mmm yyyy"}
_MOMENT_FORM = "yyyy-mm-dd h:mm:ss"
_PLAIN, _DATE, _MOMENT = range(3)
#: Day 0 of the numbers that stand for dates.
_DAY_ZERO = dt.datetime.combine(dt.date(1899, 12, 30), dt.time())
_DAY = dt.timedelta(days=1)
#: Characters that XML has no form for.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
#: The parts that are the same in each workbook.
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
    "</Types>",
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
    f' Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_LINKS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_LINKS}/styles" Target="styles.xml"/></Relationships>',
}
_BOOK = (
    f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>'
    '<sheet name={name} sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode={{date}}/>'
    f'<numFmt numFmtId="165" formatCode="{_MOMENT_FORM}"/></numFmts>'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)


def workbook(sheet: Sheet, rows: Iterable[Sequence[object]]) -> bytes:
    """The bytes of a workbook.

    Texts are stored as texts, and begin with an apostrophe where a spreadsheet program could take
    them for a formula.

    Args:
        sheet: what the sheet is.
        rows: its rows: texts, numbers, dates and moments; a moment has no time zone.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as book:
        for name, part in _PARTS.items():
            book.writestr(name, _DECLARATION + part)
        book.writestr("xl/workbook.xml", _DECLARATION + _BOOK.format(name=quoteattr(sheet.name)))
        form = quoteattr(_DATE_FORMS[sheet.lang])
        book.writestr("xl/styles.xml", _DECLARATION + _STYLES.format(date=form))
        with book.open("xl/worksheets/sheet1.xml", "w") as page:
            widths = "".join(
                f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
                for number, width in enumerate(sheet.widths, start=1)
            )
            start = f'<worksheet xmlns="{_MAIN}"><cols>{widths}</cols><sheetData>'
            page.write(f"{_DECLARATION}{start}".encode())
            for row in ([sheet.title], [sheet.note], sheet.headings, *rows):
                page.write(f"<row>{''.join(map(_cell, row))}</row>".encode())
            page.write(b"</sheetData></worksheet>")
    return content.getvalue()


def _cell(value: object) -> str:
    """The XML of a cell; those of a row stand one beside the other."""
    if value is None:
        return "<c/>"
    if isinstance(value, str):
        text = escape(_UNWRITABLE.sub("", str(safe_cell(value))), {"\r": "&#13;"})
        return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    if isinstance(value, bool):
        return f'<c t="b"><v>{value:d}</v></c>'
    if isinstance(value, dt.datetime):
        return f'<c s="{_MOMENT}"><v>{(value - _DAY_ZERO) / _DAY!r}</v></c>'
    if isinstance(value, dt.date):
        return f'<c s="{_DATE}"><v>{value.toordinal() - _DAY_ZERO.toordinal()}</v></c>'
    return f"<c><v>{value}</v></c>"
