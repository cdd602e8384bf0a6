"""Tables: every row of every sheet and table is read or counted as not read."""

import datetime as dt
import io
import re
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace

import openpyxl
import pytest
from exported_files import (
    LIST_HEADERS,
    as_csv,
    as_html,
    as_xls,
    as_xlsx,
    list_row,
    stage,
    xls_record,
)
from hostile_files import TABLE, as_ods, as_spreadsheetml, zipped

from onestop.intake.delivery import RefusedDeliveryError
from onestop.readers import LIMITS
from onestop.readers.workbook_scan import Scan, ScanError, scan_workbook

HEADER = list(LIST_HEADERS)
CODE, STATUS, DUE = HEADER.index("Mã hồ sơ"), HEADER.index("Trạng thái"), 10


def codes(*numbers):
    return [f"H24.14-220601-{n:04d}" for n in numbers]


def table(*rows, attributes=""):
    """One HTML table."""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table {attributes}>{body}</table>"


def page(*parts):
    return f"<html><body>{''.join(parts)}</body></html>".encode()


def refused(tmp_path, data, code, message, **options):
    with pytest.raises(RefusedDeliveryError) as caught:
        stage(tmp_path, data, **options)
    assert caught.value.rule_code == code, str(caught.value)
    assert message in caught.value.reason


def accounted(staged):
    """Whether rows read = rows staged + rows counted as blank."""
    return staged.summary["rows_read"] == len(staged.rows) + staged.summary["rows_blank"]


# --- a file is read in the thread that owns its parser --------------------------------------


TWENTY = """
import gc, pathlib, sys, tempfile
sys.path.insert(0, sys.argv[1])
from exported_files import as_html, list_row, stage, LIST_HEADERS
pager = "<tr><td colspan=12><table><tr><td>1</td><td>2</td></tr></table></td></tr>"
rows = [list(LIST_HEADERS), *(list_row(n) for n in range(1, 1001))]
data = as_html(rows).replace(b"</table>", pager.encode() + b"</table>")
small = as_html(rows[:40]).replace(b"</table>", pager.encode() + b"</table>")
with tempfile.TemporaryDirectory() as folder:
    for n in range(20):
        one = pathlib.Path(folder, str(n))
        found = stage(one, data if n % 10 == 0 else small).summary
        assert found["rows_read"] in {1001, 40}, found
        gc.collect()
print("all read")
"""


def test_twenty_html_lists_are_read_in_one_process(request):
    """A parser that is used by several threads aborts the process after a few files."""
    tests = str(request.config.rootpath / "tests" / "support")
    done = subprocess.run(
        [sys.executable, "-c", TWENTY, tests], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "all read"), done.stderr[-500:]


# --- tables inside tables ---------------------------------------------------------------------


def test_a_table_inside_a_cell_of_the_list_is_that_cells_text(tmp_path):
    header = [*HEADER, "Thành phần hồ sơ"]
    inner = table(["Đơn", "Bản chính"], ["CCCD", "Bản sao"])
    rows = [header, *([*list_row(n), inner if n % 2 else "x"] for n in range(1, 7))]
    staged = stage(tmp_path, page(table(*rows)))
    assert staged.column("dossier_code") == codes(*range(1, 7))
    assert staged.summary["rows_read"] == 6
    assert staged.summary["tables_left"] == []


def test_a_value_inside_a_table_of_its_own_is_read(tmp_path):
    rows = [[table([name]) for name in HEADER]]
    rows += [[table([cell]) for cell in list_row(n)] for n in (1, 2)]
    staged = stage(tmp_path, page(table(*rows)))
    assert staged.column("dossier_code") == codes(1, 2)
    assert staged.column("due_at") == ["2022-06-08 17:00:00"] * 2


@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_pager_table_inside_the_list_loses_no_row(tmp_path, at):
    rows = [table(HEADER)[:-8], *(table(list_row(n))[8:-8] for n in range(1, 7))]
    pager = (
        "<tr><td colspan='12'><table><tr><td><span>1</span></td><td>2</td></tr></table></td></tr>"
    )
    rows.insert(at, pager if at else f"<table>{pager}")
    text = "".join(rows) + "</table>"
    text = text.replace(f"<table>{pager}<table >", f"<table>{pager}")
    staged = stage(tmp_path, page(text))
    assert staged.column("dossier_code") == codes(*range(1, 7))
    assert staged.summary["rows_read"] == 7 + (at == 0)
    assert accounted(staged)


def test_a_list_inside_a_cell_of_a_layout_table_is_read(tmp_path):
    layout = f"<table><tr><td>Menu</td><td>{table(*TABLE)}</td></tr><tr><td>x</td></tr></table>"
    staged = stage(tmp_path, page(f"<table><tr><td>{layout}</td></tr></table>"))
    assert staged.column("dossier_code") == codes(1, 2)
    assert staged.summary["dialect"] == "table 3"
    assert accounted(staged)


def test_a_list_whose_inner_table_is_not_closed_is_refused(tmp_path):
    broken = "<tr><td colspan=12><table><tr><td>1</td></tr></td></tr>"
    rows = "".join(table(list_row(n))[8:-8] for n in (2, 3))
    data = page(table(HEADER, list_row(1))[:-8], broken, rows, "</table>")
    refused(tmp_path, data, "FILE-F13", "as wide as the list")


def test_rows_and_cells_without_their_tags_are_found(tmp_path):
    text = "<table>" + "".join(
        ("<tr>" if at else "") + "".join(f"<td>{cell}" for cell in row)
        for at, row in enumerate(TABLE)
    )
    assert stage(tmp_path, page(text)).column("dossier_code") == codes(1, 2)


def test_markup_inside_a_word_does_not_split_it_but_a_line_break_does(tmp_path):
    code = "H24.14-<b>220601</b>-<span>00</span>01"
    row = list_row(1, **{"Mã hồ sơ": code, "Ngày nhận": "01/06/2022<br>08:30:00"})
    staged = stage(tmp_path, page(table(HEADER, row)))
    assert staged.column("dossier_code") == codes(1)
    assert staged.column("received_at") == ["2022-06-01 08:30:00"]


def test_a_cell_without_end_is_refused_within_little_memory(tmp_path):
    data = page(table(HEADER, list_row(1)), "<table><tr><td>", "x" * 200_000)
    limits = replace(LIMITS, record_chars=50_000)
    row = list_row(2, **{"Tên thủ tục hành chính": "y" * 100_000})
    refused(tmp_path, page(table(HEADER, row)), "FILE-F06", "row 2", limits=limits)
    assert stage(tmp_path, data, limits=limits).column("dossier_code") == codes(1)


def test_a_page_of_too_many_tables_is_refused(tmp_path):
    limits = replace(LIMITS, tables=50)
    refused(tmp_path, page(*[table(["x"])] * 60), "FILE-F05", "50 tables", limits=limits)


@pytest.mark.parametrize(
    "opening",
    [
        *("<center>", "<h3>Danh sách</h3>", "<font size=2>", "<thead>", "<br/>", "<p>", "<span>"),
        *("<b>x</b>", "<!-- x --><tbody>", "<form>", "<script>x</script>", "<title>x</title>"),
        *("<link rel=x>", "<hr>", "<TR>", "<caption>x</caption>", "<!DOCTYPE html><nav>"),
        *("<?xml version='1.0'?><!-- x --><html xmlns='x'>", "<marquee>x</marquee>"),
    ],
)
def test_an_html_page_may_begin_with_any_element(tmp_path, opening):
    staged = stage(tmp_path, f"{opening}{table(*TABLE)}".encode())
    assert staged.column("dossier_code") == codes(1, 2)
    assert staged.summary["format"] == "html"


def test_rows_outside_any_table_are_read(tmp_path):
    rows = table(*TABLE).removeprefix("<table >").removesuffix("</table>")
    for opening in ("", "<thead>", "<center>"):
        assert stage(tmp_path, f"{opening}{rows}".encode()).column("dossier_code") == codes(1, 2)


@pytest.mark.parametrize("opening", ["<HoSo>", "<?xml version='1.0'?><data>", "<soap:Envelope>"])
def test_xml_is_not_read_as_an_html_page(tmp_path, opening):
    refused(tmp_path, f"{opening}<MaHoSo>1</MaHoSo>".encode(), "FILE-F07", "XML")


# --- several sheets or tables -----------------------------------------------------------------


def of_tables(*tables):
    return page(*(table(*rows) for rows in tables))


BOTH = pytest.mark.parametrize("make", [of_tables, as_xlsx], ids=["html", "xlsx"])


@BOTH
def test_a_table_without_a_header_continues_the_one_before(tmp_path, make):
    more = [list_row(n) for n in (3, 4)]
    staged = stage(tmp_path, make(TABLE, more, [list_row(5)]))
    assert staged.column("dossier_code") == codes(*range(1, 6))
    assert staged.summary["tables_left"] == []
    assert accounted(staged)


@BOTH
def test_a_header_and_its_rows_may_be_in_two_tables(tmp_path, make):
    staged = stage(tmp_path, make([HEADER], [list_row(n) for n in range(1, 7)]))
    assert staged.column("dossier_code") == codes(*range(1, 7))


@BOTH
def test_rows_of_another_width_under_a_lone_header_refuse_the_file(tmp_path, make):
    rows = [["", "x", *list_row(n)] for n in (1, 2)]
    refused(tmp_path, make([HEADER], rows), "FILE-F13", "2 rows without names")


@BOTH
def test_rows_of_another_width_beside_a_list_are_counted_and_named(tmp_path, make):
    rows = [["", "x", *list_row(n)] for n in (3, 4)]
    staged = stage(tmp_path, make(TABLE, rows))
    name = "table 2" if make is of_tables else "Sheet2"
    assert staged.summary["tables_left"] == [f"{name}: 2"]
    assert (staged.summary["rows_read"], staged.summary["rows_blank"]) == (4, 2)


@BOTH
def test_a_table_with_one_column_named_otherwise_refuses_the_file(tmp_path, make):
    other = ["Ngày phải trả" if name == "Ngày hẹn trả" else name for name in HEADER]
    data = make(TABLE, [["Tháng 10"], other, list_row(3), list_row(4)])
    refused(tmp_path, data, "FILE-F13", "(2 rows) has the columns of the list without due_at")


@BOTH
def test_a_table_about_something_else_is_counted_and_not_refused(tmp_path, make):
    summary = [["Đơn vị tiếp nhận", "Trạng thái", "Số lượng"], ["H24.14", "Đang xử lý", 2]]
    staged = stage(tmp_path, make([["DANH SÁCH"]], TABLE, summary))
    assert staged.column("dossier_code") == codes(1, 2)
    assert staged.summary["tables_left"] == []
    assert (staged.summary["rows_read"], staged.summary["rows_blank"]) == (5, 3)


@BOTH
def test_a_short_list_of_some_dossiers_beside_the_list_is_named(tmp_path, make):
    late = [["Mã hồ sơ", "Ngày hẹn trả", "Lý do"], [*codes(1), "08/06/2022", "Chờ thẩm định"]]
    staged = stage(tmp_path, make(TABLE, late))
    assert [left.partition(": ")[2] for left in staged.summary["tables_left"]] == ["2"]


def hidden(data, name, state="hidden"):
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    workbook[name].sheet_state = state
    saved = io.BytesIO()
    workbook.save(saved)
    return saved.getvalue()


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_counted_and_named(tmp_path, state):
    data = as_xlsx(TABLE, [HEADER, list_row(3)], names=("Tháng 11", "Tháng 10"))
    staged = stage(tmp_path, hidden(data, "Tháng 10", state))
    assert staged.column("dossier_code") == codes(1, 2)
    assert staged.summary["tables_left"] == ["Tháng 10: 2"]
    assert accounted(staged)


def test_a_workbook_whose_only_list_is_hidden_is_refused(tmp_path):
    data = hidden(as_xlsx([["Bìa"]], TABLE, names=("Bìa", "Quận")), "Quận")
    refused(tmp_path, data, "FILE-F04", "'Quận', is hidden")


PERSON = "Nguyễn Văn NHANTRANG"
MASKED = "xxxxxx xxx xxxxxxxxx"
SHORT = [["Mã hồ sơ", "Ngày hẹn trả", "Lý do"], [*codes(1), "08/06/2022", "Chờ thẩm định"]]


LEFT_OUT = f"{MASKED} (sheet 2)"


def named(*sheets, make):
    """A workbook whose second sheet is named after a person."""
    names = ("Đơn vị", PERSON)
    if make is as_xlsx:
        return as_xlsx(*sheets, names=names)
    return as_spreadsheetml(*((name, rows, "") for name, rows in zip(names, sheets, strict=True)))


WORKBOOKS = pytest.mark.parametrize("make", [as_xlsx, as_spreadsheetml])


@WORKBOOKS
@pytest.mark.parametrize(
    ("other", "shown"),
    [(SHORT, f"{LEFT_OUT}: 2"), ([HEADER, list_row(3)], f"Đơn vị, {LEFT_OUT}")],
    ids=["left out", "read"],
)
def test_a_sheet_named_after_a_person_is_named_by_its_position(tmp_path, make, other, shown):
    staged = stage(tmp_path, named(TABLE, other, make=make))
    assert shown in [*staged.summary["tables_left"], staged.summary["dialect"]]
    assert "NHANTRANG" not in str([staged.rows, staged.summary])


@WORKBOOKS
def test_a_refusal_names_a_sheet_named_after_a_person_by_its_position(tmp_path, make):
    other = [["", "x", *list_row(n)] for n in (1, 2)]
    refused(tmp_path, named([HEADER], other, make=make), "FILE-F13", f"'{LEFT_OUT}' holds 2 rows")


def test_a_thousand_tables_of_one_row_are_one_list(tmp_path):
    tables = [table(list_row(n)) for n in range(1, 1001)]
    staged = stage(tmp_path, page(table(HEADER), *tables))
    assert staged.column("dossier_code") == codes(*range(1, 1001))
    assert staged.summary["dialect"].endswith("and 981 more")


# --- cells that a spreadsheet could not fill ----------------------------------------------------


def patched(data, part, *changes):
    """A workbook with text of one of its parts replaced; every replacement must be found."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    for old, new in changes:
        assert re.search(old, parts[part]), old
        parts[part] = re.sub(old, new, parts[part], count=1)
    return zipped(*parts.items())


SHEET = "xl/worksheets/sheet1.xml"
BOOK = "xl/workbook.xml"


def with_cell(reference, written):
    """The list as .xlsx with one cell in another notation."""
    cell = rb'<c r="%b"[^>]*>.*?</c>' % reference.encode()
    return patched(as_xlsx(TABLE), SHEET, (cell, written.encode()))


DUE_CELL, CODE_CELL, NAME_CELL = "K2", "D2", "C2"


@pytest.mark.parametrize(
    "written",
    [
        '<c r="K2" t="e"><v>#N/A</v></c>',
        "<c r='K2' t='e'><f>VLOOKUP(1,A1,2)</f><v>#REF!</v></c>",
        '<c t = "e" r="K2"><v>#VALUE!</v></c>',
        '<c r="K2"><f>DATE(2022,11,5)</f></c>',
        '<c r="K2"><f>DATE(2022,11,5)</f><v/></c>',
        '<c r="K2"><f t="shared" si="0"/><v></v></c>',
        '<c r="K2" t="str"><f>A1</f></c>',
        "<c r='K2'><f>A1</f><v> </v></c>",
    ],
)
def test_an_error_or_a_formula_without_value_is_unreadable_and_not_blank(tmp_path, written):
    staged = stage(tmp_path, with_cell(DUE_CELL, written))
    assert staged.column("due_at") == [None, "2022-06-08 17:00:00"]
    assert staged.column("due_at_text")[0].startswith("#")


@pytest.mark.parametrize(
    ("written", "due"),
    [
        ('<c r="K2"><f>A1</f><v>44720</v></c>', "2022-06-08 00:00:00"),
        ('<c r="K2" t="str"><f>A1</f><v>08/06/2022</v></c>', "2022-06-08 00:00:00"),
        ('<c r="K2" t="str"><f>IF(A1,B1,"")</f><v></v></c>', None),
        ('<c r="K2"/>', None),
    ],
)
def test_a_formula_with_its_value_is_read_as_that_value(tmp_path, written, due):
    staged = stage(tmp_path, with_cell(DUE_CELL, written))
    assert staged.rows[0]["due_at"] == due
    assert staged.rows[0]["due_at_text"] is None or due


@pytest.mark.parametrize("reference", [CODE_CELL, NAME_CELL])
@pytest.mark.parametrize("make", ["csv", "html", "xlsx", "xls"])
def test_an_error_in_a_column_of_free_text_rejects_the_row_in_every_format(
    tmp_path, make, reference
):
    column = "dossier_code" if reference == CODE_CELL else "procedure_name"
    header = "Mã hồ sơ" if reference == CODE_CELL else "Tên thủ tục hành chính"
    rows = [HEADER, list_row(1, **{header: "#N/A"}), list_row(2)]
    data = {
        "csv": lambda: as_csv(rows),
        "html": lambda: as_html(rows),
        "xlsx": lambda: with_cell(reference, f'<c r="{reference}" t="e"><v>#N/A</v></c>'),
        "xls": lambda: as_xls(rows),
    }[make]()
    staged = stage(tmp_path, data)
    assert [row["read_problem"] for row in staged.rows] == [f"error_value {column}", None]


def test_an_error_in_the_column_that_decides_how_a_dossier_was_closed_rejects_it(tmp_path):
    rows = [[*HEADER, "Loại kết quả"], [*list_row(1), "#VALUE!"], [*list_row(2), "Trả lại"]]
    staged = stage(tmp_path, as_csv(rows))
    assert [row["read_problem"] for row in staged.rows] == ["error_value result_kind", None]


NUMERIC = 221101000000000097


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_a_code_of_more_than_fifteen_digits_stored_as_a_number_rejects_its_row(tmp_path, kind):
    rows = [HEADER, *(list_row(n, **{"Mã hồ sơ": NUMERIC + n}) for n in (1, 2))]
    rows.append(list_row(3, **{"Mã hồ sơ": 123456789012345}))
    staged = stage(tmp_path, as_xlsx(rows) if kind == "xlsx" else as_xls(rows))
    problems = ["lost_digits dossier_code"] * 2 + [None]
    assert [row["read_problem"] for row in staged.rows] == problems
    assert staged.column("dossier_code")[2] == "123456789012345"
    assert not any(code.startswith("2211010") for code in staged.column("dossier_code"))


@pytest.mark.parametrize(
    ("feed", "headers", "row"),
    [
        ("visits", ["Mã phiếu", "Mã đơn vị", "Giờ lấy số", "Giờ gọi"], [NUMERIC, "H24.14", "", ""]),
        ("procedures", ["Mã thủ tục", "Tên thủ tục"], [NUMERIC, "Cấp bản sao"]),
        ("units", ["Mã đơn vị", "Tên đơn vị"], [NUMERIC, "Sở Tư pháp"]),
    ],
)
def test_a_code_that_lost_digits_rejects_its_row_in_the_other_feeds(tmp_path, feed, headers, row):
    staged = stage(tmp_path, as_xlsx([headers, row]), feed=feed)
    assert [one["read_problem"].split()[0] for one in staged.rows] == ["lost_digits"]


def test_a_code_that_became_a_number_keeps_its_point_and_gets_its_zeros_back(tmp_path):
    rows = [[*HEADER, "Mã TTHC"], [*list_row(1), 1.01081], [*list_row(2), 2.000889]]
    assert stage(tmp_path, as_xlsx(rows)).column("procedure_code") == ["1.010810", "2.000889"]


# --- merged cells, dates, durations ---------------------------------------------------------------


def test_cells_merged_over_rows_are_read_alike_from_a_page_and_a_workbook(tmp_path):
    rows = [list_row(n) for n in range(1, 4)]
    lower = [row[:STATUS] + row[STATUS + 1 : DUE] + row[DUE + 1 :] for row in rows[1:]]
    text = table(HEADER, rows[0], *lower)
    for column in (STATUS, DUE):
        text = text.replace(f"<td>{rows[0][column]}</td>", f"<td rowspan=3>{rows[0][column]}</td>")
    from_page = stage(tmp_path / "page", page(text))
    workbook = openpyxl.Workbook()
    for row in [HEADER, *rows]:
        workbook.active.append(row)
    workbook.active.merge_cells("E2:E4")
    workbook.active.merge_cells("K2:K4")
    data = io.BytesIO()
    workbook.save(data)
    from_workbook = stage(tmp_path / "workbook", data.getvalue())
    read = ("dossier_code", "status", "due_at", "received_at")
    assert [from_page.column(name) for name in read] == [from_workbook.column(n) for n in read]
    assert from_workbook.column("due_at") == ["2022-06-08 17:00:00"] * 3


def test_serial_dates_of_a_1904_workbook_are_read_as_the_right_days(tmp_path):
    serial = (dt.date(2022, 6, 1) - dt.date(1904, 1, 1)).days
    day = dt.datetime(2022, 6, 8, 17)  # noqa: DTZ001 - a spreadsheet has no zone
    received = {"Ngày nhận": serial + 0.5, "Ngày hẹn trả": day}
    late = {"Ngày nhận": str(serial), "Ngày hẹn trả": "08/06/2022"}
    workbook = openpyxl.Workbook()
    workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for row in [HEADER, list_row(1, **received), list_row(2, **late)]:
        workbook.active.append(row)
    data = io.BytesIO()
    workbook.save(data)
    staged = stage(tmp_path, data.getvalue())
    assert staged.column("received_at") == ["2022-06-01 12:00:00", "2022-06-01 00:00:00"]
    assert staged.column("due_at") == ["2022-06-08 17:00:00", "2022-06-08 00:00:00"]


def xls_of_1904(serial, day):
    """A binary .xls with a plain number and one that is formatted as a date and time."""
    mode = xls_record(0x22, struct.pack("<H", 1))
    formats = b"".join(xls_record(0xE0, struct.pack("<HH", 0, n).ljust(20, b"\0")) for n in (0, 22))
    dated = xls_record(0x0203, struct.pack("<HHHd", 1, DUE, 1, day))
    rows = [HEADER, list_row(1, **{"Ngày nhận": serial, "Ngày hẹn trả": ""})]
    return as_xls(rows, dated, mode + formats)


def xml_of_1904(serial, day):
    """An XML workbook; it writes dates in full under either calendar."""
    epoch = dt.datetime(1904, 1, 1)  # noqa: DTZ001 - a spreadsheet has no zone
    text = (epoch + dt.timedelta(days=day)).isoformat()
    dated = f'<Cell><Data ss:Type="DateTime">{text}.000</Data></Cell>'
    rows = [HEADER, list_row(1, **{"Ngày nhận": serial, "Ngày hẹn trả": dated})]
    options = '<ExcelWorkbook xmlns="urn:schemas-microsoft-com:office:excel"><Date1904/>'
    return as_spreadsheetml(("Quận", rows, ""), options=f"{options}</ExcelWorkbook>")


def ods_of_1904(serial, _):
    """A LibreOffice sheet whose calendar begins in 1904."""
    row = list_row(1, **{"Ngày nhận": serial, "Ngày hẹn trả": "08/06/2022 17:00"})
    settings = '<table:calculation-settings><table:null-date table:date-value="1904-01-01"/>'
    return as_ods([HEADER, row], before=f"{settings}</table:calculation-settings>")


@pytest.mark.parametrize("make", [xls_of_1904, xml_of_1904, ods_of_1904])
def test_serial_dates_counted_from_1904_are_right_in_every_workbook_format(tmp_path, make):
    first = dt.date(1904, 1, 1)
    received = (dt.date(2022, 6, 1) - first).days + 0.5
    staged = stage(tmp_path, make(received, (dt.date(2022, 6, 8) - first).days + 17 / 24))
    assert staged.column("received_at") == ["2022-06-01 12:00:00"]
    assert staged.column("due_at") == ["2022-06-08 17:00:00"]


def test_a_date_formatted_as_elapsed_hours_is_read_as_a_date(tmp_path):
    workbook = openpyxl.Workbook()
    for row in [[*HEADER, "Thủ tục"], [*list_row(1, **{"Ngày nhận": 44713.354166667}), 1.25]]:
        workbook.active.append(row)
    for reference in ("J2", "M2"):
        workbook.active[reference].number_format = "[h]:mm:ss"
    data = io.BytesIO()
    workbook.save(data)
    staged = stage(tmp_path, data.getvalue())
    assert staged.column("received_at") == ["2022-06-01 08:30:00"]


def test_an_xml_workbook_is_read(tmp_path):
    hidden = "<WorksheetOptions><Visible>SheetHidden</Visible></WorksheetOptions>"
    due = '<Cell ss:MergeDown="1"><Data ss:Type="DateTime">2022-06-08T17:00:00.000</Data></Cell>'
    note = "<Comment><Data>x</Data></Comment>"
    status = f'<Cell><Data ss:Type="String">Đã xử lý xong</Data>{note}</Cell>'
    first = list_row(1, **{"Ngày hẹn trả": due, "Trạng thái": status})
    second = list_row(2)[:DUE]
    second.append('<Cell ss:Index="12"><Data ss:Type="String">07/06/2022</Data></Cell>')
    rows = [["DANH SÁCH"], HEADER, first, second]
    sheets = [("Quận", rows, ""), ("Phường", [list_row(3)], ""), ("Cũ", TABLE, hidden)]
    staged = stage(tmp_path, as_spreadsheetml(*sheets), "dossiers_20220630.xls")
    assert staged.summary["format"] == "xml"
    assert staged.column("dossier_code") == codes(1, 2, 3)
    assert staged.column("row_number") == [3, 4, 10_000_001]
    assert staged.column("status") == ["resolved"] * 3
    assert staged.column("due_at") == ["2022-06-08 17:00:00"] * 3
    assert staged.column("resolved_at")[1] == "2022-06-07 00:00:00"
    assert staged.summary["tables_left"] == ["Cũ: 3"]
    assert accounted(staged)


def test_odd_cells_of_an_xml_workbook_are_unreadable_and_not_blank(tmp_path):
    error = '<Cell ss:Formula="=A1"><Data ss:Type="Error">#N/A</Data></Cell>'
    rows = [
        HEADER,
        list_row(1, **{"Ngày hẹn trả": error}),
        list_row(2, **{"Ngày hẹn trả": '<Cell ss:Formula="=TODAY()"/>'}),
        list_row(3, **{"Mã hồ sơ": NUMERIC}),
    ]
    staged = stage(tmp_path, as_spreadsheetml(("Quận", rows, "")))
    assert staged.column("due_at")[:2] == [None, None]
    assert staged.column("due_at_text")[:2] == ["#N/A", "#FORMULA!"]
    assert staged.rows[2]["read_problem"] == "lost_digits dossier_code"


@pytest.mark.parametrize("damage", ["cut", "doctype"])
def test_a_damaged_xml_workbook_is_refused(tmp_path, damage):
    data = as_spreadsheetml(("Quận", TABLE, ""))
    if damage == "cut":
        refused(tmp_path, data[:-40], "FILE-F02", "damaged at line 3")
    else:
        data = data.replace(b"<Workbook", b"<!DOCTYPE x [<!ENTITY a 'b'>]><Workbook")
        refused(tmp_path, data, "FILE-F02", "document type")


def test_a_sheet_of_libreoffice_is_read_and_refused_where_it_shows_errors(tmp_path):
    staged = stage(tmp_path, as_ods(TABLE))
    assert staged.summary["format"] == "ods"
    assert staged.column("dossier_code") == codes(1, 2)
    refused(tmp_path, as_ods(TABLE, "error"), "FILE-F02", "errors such as #N/A")


def test_an_error_in_a_true_xls_is_unreadable_and_not_blank(tmp_path):
    rows = [HEADER, list_row(1), list_row(2)]
    error = struct.pack("<HHHHHBB", 0x0205, 8, 1, DUE, 0, 0x2A, 1)
    formula = struct.pack("<HHHHH8sHIH", 0x0006, 22, 2, DUE, 0, b"\2\0\x17\0\0\0\xff\xff", 0, 0, 0)
    staged = stage(tmp_path, as_xls([[*row] for row in rows], error + formula))
    assert staged.column("due_at_text") == ["#N/A", "#REF!"]
    assert staged.column("due_at") == [None, None]


@pytest.mark.parametrize(
    "beside", ["README.txt", "Hướng dẫn.txt", "list.sha256", "a.pdf", "a.docx"]
)
def test_an_archive_may_hold_documents_beside_the_list(tmp_path, beside):
    staged = stage(tmp_path, zipped((beside, b"x"), ("dossiers.csv", as_csv(TABLE))))
    assert staged.column("dossier_code") == codes(1, 2)


# --- memory and time of a workbook ---------------------------------------------------------------


def scan(data, cells=1_000_000):
    return scan_workbook(data, cells, 1 << 30, 1000)


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="XFD1048576"><v>1</v></c>',
        "<c r='XFD1048576'><v>1</v></c>",
        '<c s="0" r = "XFD1048576"><v>1</v></c>',
        '<c r="&#88;FD1048576"><v>1</v></c>',
        '<c t=">" r="XFD1048576"><v>1</v></c>',
        '<x:c xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" r="XFD1048576"/>',
    ],
)
@pytest.mark.parametrize("sheet", [SHEET, "xl/other.xml"])
def test_the_used_range_is_found_in_any_notation_of_cells(cell, sheet):
    data = as_xlsx(TABLE)
    row = rf"<row r='1048576'>{cell}</row></sheetData>".encode()
    data = patched(data, SHEET, (b"</sheetData>", row))
    data = patched(data, "[Content_Types].xml", (SHEET.encode(), sheet.encode()))
    data = patched(
        data, "xl/_rels/workbook.xml.rels", (b"/xl/worksheets/sheet1.xml", f"/{sheet}".encode())
    )
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        parts = {(sheet if name == SHEET else name): book.read(name) for name in book.namelist()}
    with pytest.raises(ScanError, match="cells"):
        scan(zipped(*parts.items()))


def test_cells_without_references_are_counted():
    cells = b"<row><c/></row>" * 3000
    data = patched(as_xlsx(TABLE), SHEET, (b"</sheetData>", cells + b"</sheetData>"))
    with pytest.raises(ScanError, match="cells"):
        scan(data, cells=20_000)
    assert isinstance(scan(data, cells=60_000), Scan)


def test_a_sheet_in_two_byte_characters_is_scanned():
    data = as_xlsx(TABLE)
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    text = parts[SHEET].decode().replace('r="A2"', 'r="XFD1048576"')
    parts[SHEET] = ("<?xml version='1.0' encoding='UTF-16'?>" + text).encode("utf-16")
    with pytest.raises(ScanError, match="cells"):
        scan(zipped(*parts.items()))


def test_a_lower_memory_limit_does_not_make_a_workbook_look_damaged(tmp_path):
    """The parser's process keeps a limit that it was started with."""
    path = tmp_path / "list.xlsx"
    path.write_bytes(as_xlsx(TABLE))
    code = (
        "import pathlib, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (300, 300))\n"
        "from onestop.schema.mapping_files import load_mappings\n"
        "from onestop.readers import open_reading\n"
        "feed = load_mappings(None)['one_stop'].feeds['dossiers']\n"
        "reading = open_reading(pathlib.Path(sys.argv[1]), feed)\n"
        "print(sum(len(batch.row_numbers) for batch in reading.batches))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "2", done.stderr[-500:]


def test_a_workbook_that_needs_more_memory_than_allowed_says_so(tmp_path):
    limits = replace(LIMITS, workbook_memory_bytes=40 << 20)
    rows = [[n * 1.5 + column for column in range(60)] for n in range(5_000)]
    refused(tmp_path, as_xlsx([HEADER, *rows]), "FILE-F05", "memory", limits=limits)


# --- several lists in one table -----------------------------------------------------------------


def wider(*numbers):
    """A list with one more column."""
    return [["Loại kết quả", *HEADER], *(["", *list_row(n)] for n in numbers)]


def swapped(row):
    """A row whose last two columns have changed places."""
    return [*row[:-2], row[-1], row[-2]]


@pytest.mark.parametrize("make", [as_csv, as_xlsx, as_html])
@pytest.mark.parametrize(
    "rows",
    [
        [*map(list_row, (1, 2)), HEADER],
        [HEADER, *map(list_row, (1, 2)), *wider(3, 4)],
        [["Nơi trả", *HEADER[:-1]], *(["", *list_row(n)[:-1]] for n in (1, 2)), *wider(3)],
    ],
    ids=["sorted together with the header", "a wider list below", "a shifted wider list below"],
)
def test_records_above_the_column_names_refuse_the_file(tmp_path, make, rows):
    refused(tmp_path, make(rows), "FILE-F13", "2 rows above the column names")


@pytest.mark.parametrize("make", [as_csv, as_xlsx, as_html])
@pytest.mark.parametrize("above", [1, 70])
def test_a_list_that_continues_with_another_order_of_columns_refuses_the_file(
    tmp_path, make, above
):
    rows = [HEADER, *map(list_row, range(above)), swapped(HEADER), swapped(list_row(99))]
    refused(tmp_path, make(rows), "FILE-F13", "another row of column names")


@pytest.mark.parametrize("make", [as_csv, as_xlsx, as_html])
def test_column_names_repeated_under_other_aliases_are_not_a_row(tmp_path, make):
    again = ["MaHoSo" if name == "Mã hồ sơ" else name for name in HEADER]
    staged = stage(tmp_path, make([HEADER, list_row(1), again, list_row(2)]))
    assert staged.column("dossier_code") == codes(1, 2)
    assert (staged.summary["rows_read"], staged.summary["rows_blank"]) == (3, 1)


@pytest.mark.parametrize("make", [as_csv, as_xlsx, as_html])
def test_a_summary_above_the_list_is_not_a_record(tmp_path, make):
    summary = [["Tổng số", *map(str, range(1200, 1211))], ["TT", *map(str, range(11))]]
    staged = stage(tmp_path, make([*summary, HEADER, list_row(1)]))
    assert staged.column("dossier_code") == codes(1)


def test_a_page_cut_short_within_the_list_is_refused(tmp_path):
    whole = as_html([HEADER, *map(list_row, (1, 2, 3))])
    for cut in (whole[: whole.rindex(b"<td>0")], whole[: whole.rindex(b"</td>")]):
        refused(tmp_path, cut, "FILE-F02", "cut short")


def test_a_page_without_its_last_end_tags_is_read(tmp_path):
    whole = as_html([HEADER, *map(list_row, (1, 2))])
    staged = stage(tmp_path, whole.removesuffix(b"</body></html>"))
    assert staged.column("dossier_code") == codes(1, 2)


def test_a_cell_may_span_more_than_a_thousand_rows(tmp_path):
    rows = [[f"<td>{cell}</td>" for cell in list_row(n)] for n in range(1, 1202)]
    for row in rows[1:]:
        del row[1]
    rows[0][1] = '<td rowspan="1201">H24.14</td>'
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    head = "".join(f"<th>{name}</th>" for name in HEADER)
    staged = stage(tmp_path, page(f"<table><tr>{head}</tr>{body}</table>"))
    assert staged.column("dossier_code") == codes(*range(1, 1202))
    assert set(staged.column("receiving_unit_code")) == {"H24.14"}


def ods_cells(*rows):
    """A sheet of LibreOffice; a cell that begins with < is written as it is."""
    marked = [[cell if str(cell).startswith("<") else f"@{cell}@" for cell in row] for row in rows]
    data = as_ods(marked)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = archive.read("content.xml").decode()
        others = [(name, archive.read(name)) for name in archive.namelist()[:-1]]
    whole = r"<table:table-cell [^>]*><text:p>(<table:[^@]*?)</text:p></table:table-cell>"
    content = re.sub(whole, r"\1", content).replace("@", "")
    return zipped(*others, ("content.xml", content.encode()))


def test_cells_merged_over_rows_of_an_ods_are_filled_down(tmp_path):
    first, second = list_row(1), list_row(2)
    first[DUE] = (
        '<table:table-cell office:value-type="string" table:number-rows-spanned="2"><text:p>'
        "08/06/2022</text:p></table:table-cell>"
    )
    second[DUE] = "<table:covered-table-cell/>"
    staged = stage(tmp_path, ods_cells(["DANH SÁCH"], HEADER, first, second, list_row(3)))
    assert staged.column("due_at") == [*["2022-06-08 00:00:00"] * 2, "2022-06-08 17:00:00"]


def test_a_formula_of_an_ods_without_its_value_refuses_it(tmp_path):
    row = list_row(1)
    row[DUE] = '<table:table-cell table:formula="of:=[.A1]"/>'
    refused(tmp_path, ods_cells(HEADER, row), "FILE-F02", "show errors")


def test_a_list_named_like_a_note_makes_an_archive_of_two(tmp_path):
    lists = [as_csv([HEADER, list_row(n)]) for n in (1, 2)]
    data = zipped(("license-list.csv", lists[0]), ("dossiers.csv", lists[1]))
    refused(tmp_path, data, "FILE-F05", "holds 2 files")


def test_a_code_that_became_a_date_rejects_its_row(tmp_path):
    moment = dt.datetime(2022, 5, 1, 3)  # noqa: DTZ001 - a cell has no zone
    days = [dt.date(2022, 5, 1), moment, "05-2022"]
    rows = [list_row(n, **{"Mã hồ sơ": day}) for n, day in enumerate(days)]
    staged = stage(tmp_path, as_xlsx([HEADER, *rows, list_row(4)]))
    assert staged.column("read_problem") == [*["date_for_code dossier_code"] * 2, None, None]
