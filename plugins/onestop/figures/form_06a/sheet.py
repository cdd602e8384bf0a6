"""The layout of form II.06a/VPCP/KSTT as a spreadsheet: A4 landscape, as in the Circular."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.properties import PageSetupProperties

from onestop.console import safe_cell
from onestop.schema.number_text import day, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openpyxl.worksheet.worksheet import Worksheet

    from onestop.figures.form_06a.figures import Form06a, FormCounts, LeftOpen

_FONT = "Times New Roman"
_LAST = 13
_HEAD = 7  # first row of the table's heading
_NUMBERS = _HEAD + 3  # the row "(1) (2) … (13)"
_WIDTHS = (6, 44, *(10.5 for _ in range(11)))
_GREY = "F2F2F2"


@dataclass(frozen=True)
class _Look:
    """The format of a cell."""

    bold: bool = False
    italic: bool = False
    size: float = 11
    across: Literal["left", "center", "right"] = "center"
    framed: bool = False
    shaded: bool = False


_PLAIN = _Look()
_SMALL = _Look(size=10, across="left")
_NOTE = _Look(italic=True, size=10, across="left")
_HEADING = _Look(bold=True, size=10, framed=True, shaded=True)


def form_06a_bytes(form: Form06a) -> bytes:
    """The form as the bytes of an XLSX file; the same figures give the same bytes."""
    book = Workbook()
    for sheet in book.worksheets:
        book.remove(sheet)
    sheet = book.create_sheet("II.06a")
    _set_page(sheet)
    _write_title(sheet, form)
    _write_heading(sheet, form)
    last_row = _write_body(sheet, form)
    last_row = _write_notes(sheet, form, last_row + 2)
    last_row = _write_signatures(sheet, last_row + 2)
    sheet.print_area = f"A1:M{last_row}"
    book.properties.title = "Biểu số II.06a/VPCP/KSTT"
    book.properties.creator = "onestop"
    content = io.BytesIO()
    book.save(content)
    return _same_bytes(content.getvalue(), form.published_at)


def _set_page(sheet: Worksheet) -> None:
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = int(sheet.PAPERSIZE_A4)
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_options.horizontalCentered = True
    margins = sheet.page_margins
    margins.left = margins.right = 0.5
    margins.top = margins.bottom = 0.6
    margins.header = margins.footer = 0.3
    if sheet.oddFooter is not None:
        sheet.oddFooter.right.text = "Trang &P/&N"
        sheet.oddFooter.right.font = f"{_FONT},Regular"
    sheet.print_title_rows = f"{_HEAD}:{_NUMBERS}"
    sheet.freeze_panes = f"C{_NUMBERS + 1}"
    sheet.sheet_view.showGridLines = False
    for letter, width in zip("ABCDEFGHIJKLM", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width


def _put(
    sheet: Worksheet,
    place: tuple[int, int],
    value: int | str,
    look: _Look = _PLAIN,
    until: tuple[int, int] | None = None,
) -> None:
    """Write a cell at (row, column); ``until`` is the last (row, column) of a merged one."""
    cell = sheet.cell(*place)
    if isinstance(value, str):
        cell.value = str(safe_cell(ILLEGAL_CHARACTERS_RE.sub("", value)))
        cell.data_type = "s"
    else:
        cell.value = value
        cell.number_format = "#,##0_)"  # a bracket's width from the border
    cell.font = Font(name=_FONT, size=look.size, bold=look.bold, italic=look.italic)
    indent = 1 if look.framed and look.across == "left" else 0
    cell.alignment = Alignment(
        horizontal=look.across, vertical="center", wrap_text=True, indent=indent
    )
    if look.framed:
        _frame(sheet, place, until or place, is_shaded=look.shaded)
    if until:
        sheet.merge_cells(
            start_row=place[0], start_column=place[1], end_row=until[0], end_column=until[1]
        )


def _frame(
    sheet: Worksheet, start: tuple[int, int], end: tuple[int, int], *, is_shaded: bool
) -> None:
    line = Side(style="thin")
    for row in range(start[0], end[0] + 1):
        for column in range(start[1], end[1] + 1):
            cell = sheet.cell(row, column)
            cell.border = Border(left=line, right=line, top=line, bottom=line)
            if is_shaded:
                cell.fill = PatternFill("solid", start_color=_GREY)


def _write_title(sheet: Worksheet, form: Form06a) -> None:
    circular = "Ban hành theo Thông tư số 01/2020/TT-VPCP\nngày 21/10/2020"
    title = "TÌNH HÌNH, KẾT QUẢ GIẢI QUYẾT TTHC TẠI CƠ QUAN,\nĐƠN VỊ TRỰC TIẾP GIẢI QUYẾT TTHC"
    days = f"(Từ ngày {day(form.first, 'vi')} đến ngày {day(form.last, 'vi')})"
    provisional = f"Số liệu tạm tính đến hết ngày {day(form.as_of, 'vi')}: kỳ chưa kết thúc"
    _put(sheet, (1, 1), "Biểu số II.06a/VPCP/KSTT", _Look(bold=True, across="left"), (1, 2))
    _put(sheet, (2, 1), circular, _NOTE, (3, 2))
    _put(sheet, (1, 3), title, _Look(bold=True, size=13), (2, 10))
    _put(sheet, (3, 3), f"Kỳ báo cáo: {_period_name(form)}", _PLAIN, (3, 10))
    _put(sheet, (4, 3), days, _Look(italic=True), (4, 10))
    if form.is_provisional:
        _put(sheet, (5, 3), provisional, _Look(bold=True), (5, 9))
    _put(sheet, (1, 11), "Đơn vị báo cáo:", _SMALL, (1, 13))
    _put(sheet, (2, 11), form.unit.name, replace(_SMALL, bold=True), (2, 13))
    _put(sheet, (3, 11), "Đơn vị nhận báo cáo:", _SMALL, (3, 13))
    _put(sheet, (4, 11), "……………………………", _SMALL, (4, 13))
    _put(sheet, (5, 10), "Đơn vị tính: Số hồ sơ TTHC", replace(_NOTE, across="right"), (5, 13))
    for row, height in enumerate((20, 30, 17, 17, 16, 4), start=1):
        sheet.row_dimensions[row].height = height


#: Months in a period and the name of one that long.
_PERIOD_NAMES = {1: "Tháng {month}/{year}", 3: "Quý {quarter}/{year}", 12: "Năm {year}"}
_ROMAN = ("I", "II", "III", "IV", "V", "VI")
_MID_MONTH, _HALF_YEAR = 15, 6


def _period_name(form: Form06a) -> str:
    """``Quý II/2022``; both bases name a period by the month it ends in."""
    end = form.last + dt.timedelta(days=1)
    months = (end.year - form.first.year) * 12 + end.month - form.first.month
    is_whole = form.first.day == end.day and form.first.day in {1, _MID_MONTH}
    month, year = form.last.month, form.last.year
    if is_whole and months in _PERIOD_NAMES and month % months == 0:
        quarter = _ROMAN[(month - 1) // 3]
        return _PERIOD_NAMES[months].format(month=month, quarter=quarter, year=year)
    if is_whole and months == _HALF_YEAR and month % _HALF_YEAR == 0:
        return f"6 tháng {'đầu' if month == _HALF_YEAR else 'cuối'} năm {year}"
    return f"từ {day(form.first, 'vi')} đến {day(form.last, 'vi')}"


def _write_heading(sheet: Worksheet, form: Form06a) -> None:
    def head(place: tuple[int, int], text: str, until: tuple[int, int] | None = None) -> None:
        end = (_HEAD + until[0], until[1]) if until else None
        _put(sheet, (_HEAD + place[0], place[1]), text, _HEADING, end)

    head((0, 1), "STT", (2, 1))
    head((0, 2), form.row_heading, (2, 2))
    head((0, 3), "Số hồ sơ nhận giải quyết", (0, 6))
    head((1, 3), "Tổng số", (2, 3))
    head((1, 4), "Trong kỳ", (1, 5))
    head((2, 4), "Trực tuyến")
    head((2, 5), "Trực tiếp, dịch vụ bưu chính")
    head((1, 6), "Từ kỳ trước", (2, 6))
    head((0, 7), "Số hồ sơ đã giải quyết", (0, 10))
    head((0, 11), "Số hồ sơ đang giải quyết", (0, 13))
    under = ("Tổng số", "Trước hạn", "Đúng hạn", "Quá hạn", "Tổng số", "Trong hạn", "Quá hạn")
    for column, text in enumerate(under, start=7):
        head((1, column), text, (2, column))
    sums = {3: "(3)=(4)+\n(5)+(6)", 7: "(7)=(8)+\n(9)+(10)", 11: "(11)=(12)\n+(13)"}
    for column in range(1, _LAST + 1):
        text = sums.get(column, f"({column})")
        _put(sheet, (_NUMBERS, column), text, _Look(italic=True, size=9, framed=True))
    for row, height in enumerate((20, 18, 42, 27), start=_HEAD):
        sheet.row_dimensions[row].height = height


def _write_body(sheet: Worksheet, form: Form06a) -> int:
    """The rows; returns the last one."""
    row = _NUMBERS
    bold = _Look(bold=True, framed=True)
    for number, block in enumerate(form.blocks):
        row += 1
        _write_row(sheet, row, (_ROMAN[number], block.title, block.counts), bold)
        for place, each in enumerate(block.rows, start=1):
            row += 1
            _write_row(sheet, row, (place, each.name, each.counts), _Look(framed=True))
    row += 1
    _write_row(sheet, row, ("", "TỔNG SỐ", form.total), replace(bold, shaded=True))
    return row


_LINE_LETTERS = 50


def _write_row(
    sheet: Worksheet, row: int, cells: tuple[int | str, str, FormCounts], look: _Look
) -> None:
    number, name, counts = cells
    _put(sheet, (row, 1), number, look)
    _put(sheet, (row, 2), name, replace(look, across="center" if look.shaded else "left"))
    for column, field in enumerate(fields(counts), start=3):
        _put(sheet, (row, column), getattr(counts, field.name), replace(look, across="right"))
    sheet.row_dimensions[row].height = 4 + 14 * (1 + (len(name) - 1) // _LINE_LETTERS)


_NOTE_LETTERS = 190


def _write_notes(sheet: Worksheet, form: Form06a, row: int) -> int:
    """Write the notes: origin of the figures, and whether they add up; returns the last row."""
    _put(sheet, (row, 1), "Ghi chú", replace(_SMALL, bold=True), (row, _LAST))
    for note in _notes(form):
        row += 1
        _put(sheet, (row, 1), f"• {note}", _SMALL, (row, _LAST))
        sheet.row_dimensions[row].height = 2 + 13 * (1 + len(note) // _NOTE_LETTERS)
    return row


def _notes(form: Form06a) -> Iterator[str]:
    stamp = form.published_at.strftime("%H:%M ngày %d/%m/%Y")
    source = "công bố lúc" if form.is_published else "đếm lại từ hồ sơ của lần công bố lúc"
    yield f"Số liệu đến hết ngày {day(form.as_of, 'vi')}, {source} {stamp}."
    yield (
        "Hạn và ngày kết thúc xử lý so theo ngày. Cột (9) gồm cả hồ sơ rút khi chưa quá hạn và"
        " không hẹn ngày trả, cột (10) gồm cả hồ sơ rút khi đã quá hạn; cột (12) gồm cả hồ sơ chờ"
        " bổ sung, chờ nghĩa vụ tài chính, tạm dừng; cột (5) gồm cả hồ sơ không rõ kênh."
    )
    if form.returned is not None:
        early, on_time, late = (whole(count, "vi") for count in form.returned)
        yield (
            "Hồ sơ trả lại xét theo ngày như mọi kết quả (Nghị định 61/2018/NĐ-CP, Điều 19.8):"
            f" {early} trong cột (8), {on_time} trong cột (9), {late} trong cột (10)."
        )
    identities = "đúng ở mọi dòng" if form.identities_hold else "KHÔNG ĐÚNG ở ít nhất một dòng"
    yield f"Đối chiếu: (3) = (4) + (5) + (6) = (7) + (11), (7) = (8) + (9) + (10): {identities}."
    if form.rows_add_up:
        yield "Đối chiếu: tổng các dòng bằng dòng tổng số."
    else:
        yield "Đối chiếu: tổng các dòng KHÁC dòng tổng số."
    for issue in form.known_issues:
        yield f"Lỗi dữ liệu đã biết: {issue.footnote_vi}."
    if form.before is not None:
        yield from _continuity_notes(form.total.carried_over, form.before)


#: How many dossiers a note names.
_NAMED = 20


def _continuity_notes(carried_over: int, before: LeftOpen) -> Iterator[str]:
    gap = carried_over - before.open_total
    comparison = "khớp" if not gap else f"lệch {whole(gap, 'vi')} (hồ sơ đến muộn hoặc được sửa)"
    yield (
        f"Từ kỳ trước (6) = {whole(carried_over, 'vi')}; kỳ trước còn lại (11) ="
        f" {whole(before.open_total, 'vi')} theo số công bố hết ngày {day(before.as_of, 'vi')}:"
        f" {comparison}."
    )
    for heading, codes in (("Có thêm", before.added), ("Không còn", before.gone)):
        if codes:
            more = len(codes) - _NAMED
            rest = f" và {whole(more, 'vi')} hồ sơ nữa" if more > 0 else ""
            yield f"{heading} trong (6) so với (11) kỳ trước: {', '.join(codes[:_NAMED])}{rest}."


def _write_signatures(sheet: Worksheet, row: int) -> int:
    """Write the places for signatures; returns the last row."""
    bold, small = _Look(bold=True), _Look(italic=True, size=10)
    _put(sheet, (row, 9), "………, ngày …… tháng …… năm ……", _Look(italic=True), (row, _LAST))
    _put(sheet, (row + 1, 1), "NGƯỜI LẬP BIỂU", bold, (row + 1, 2))
    _put(sheet, (row + 1, 9), "THỦ TRƯỞNG ĐƠN VỊ", bold, (row + 1, _LAST))
    _put(sheet, (row + 2, 1), "(Ký, ghi rõ họ tên)", small, (row + 2, 2))
    _put(sheet, (row + 2, 9), "(Ký, đóng dấu)", small, (row + 2, _LAST))
    return row + 5


def _same_bytes(content: bytes, stamp: dt.datetime) -> bytes:
    """The workbook with the publication's time in place of the current time."""
    moment = stamp.astimezone(dt.UTC)
    written = moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w") as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb">[\d-]+T[\d:]+Z<", b">" + written + b"<", data)
            member = zipfile.ZipInfo(name, max(moment.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, data)
    return result.getvalue()
