from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import zipfile
from dataclasses import fields, replace

import duckdb
import pytest
from openpyxl import load_workbook
from published_marts import settings_in
from worked_dossiers import LATER, NIGHT, UNIT, publish_thirteen

from onestop.figures.form_06a import FormCounts, FormRow, read_form_06a, write_form_06a
from onestop.figures.form_06a.sheet import form_06a_bytes
from onestop.marts.published import NothingPublishedError, QuestionError

QUARTER = (dt.date(2022, 4, 1), dt.date(2022, 6, 30))
#: Columns (3) to (13) for the thirteen dossiers.
KNOWN = (12, 3, 8, 1, 8, 1, 5, 2, 4, 2, 2)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return publish_thirteen(settings_in(tmp_path_factory.mktemp("thirteen")))


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    return publish_thirteen(settings_in(tmp_path_factory.mktemp("later")), until=LATER)


@pytest.fixture
def sheet_of(tmp_path):
    def open_sheet(form):
        path = tmp_path / "form.xlsx"
        path.write_bytes(form_06a_bytes(form))
        return load_workbook(path)["II.06a"]

    return open_sheet


def counts(form) -> tuple[int, ...]:
    return tuple(getattr(form.total, field.name) for field in fields(FormCounts))


def texts(sheet) -> list[str]:
    return [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]


def test_the_thirteen_dossiers_fill_the_form_with_the_known_counts(settings):
    form = read_form_06a(settings, UNIT, *QUARTER)
    assert counts(form) == KNOWN
    assert form.is_published
    assert form.identities_hold
    assert form.rows_add_up


def test_a_period_that_ended_keeps_its_counts_when_its_dossiers_close_later(later):
    assert counts(read_form_06a(later, UNIT, *QUARTER)) == KNOWN


def test_an_earlier_night_is_reported_as_it_was_published(later):
    july = (dt.date(2022, 1, 1), dt.date(2022, 12, 31))
    now = read_form_06a(later, UNIT, *july)
    then = read_form_06a(later, UNIT, *july, NIGHT)
    assert (now.total.resolved_total, then.total.resolved_total) == (10, 8)
    assert then.as_of == NIGHT


def test_a_span_that_is_not_a_published_period_is_counted_from_the_record(settings):
    form = read_form_06a(settings, UNIT, dt.date(2022, 4, 10), dt.date(2022, 6, 20))
    assert not form.is_published
    # D2 was received before and closed within; D12 was received on the last day
    assert (form.total.received_total, form.total.carried_over) == (10, 1)
    assert form.identities_hold


def test_carried_over_is_compared_with_the_open_dossiers_of_the_period_before(settings):
    form = read_form_06a(settings, UNIT, *QUARTER)
    assert form.before.open_total == form.total.carried_over == 1
    assert form.before.added == form.before.gone == ()


@pytest.mark.parametrize("unit", ["CITY", "DISTRICT"])
def test_a_level_and_the_city_have_a_row_per_unit_in_blocks_by_level(settings, unit):
    form = read_form_06a(settings, unit, *QUARTER)
    assert [block.title for block in form.blocks] == ["Quận, huyện"]
    assert [row.name for row in form.blocks[0].rows] == ["Ủy ban nhân dân quận Hồng Bàng"]
    assert counts(form) == KNOWN


def test_the_sheet_holds_the_numbers_under_the_forms_column_numbers(settings, sheet_of):
    sheet = sheet_of(read_form_06a(settings, UNIT, *QUARTER))
    numbers = [sheet.cell(10, column).value.split("=")[0] for column in range(1, 14)]
    assert numbers == [f"({column})" for column in range(1, 14)]
    total = next(row for row in range(11, 30) if sheet.cell(row, 2).value == "TỔNG SỐ")
    assert tuple(sheet.cell(total, column).value for column in range(3, 14)) == KNOWN


def test_the_sheet_looks_like_the_form(settings, sheet_of):
    sheet = sheet_of(read_form_06a(settings, UNIT, *QUARTER))
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
    assert sheet.page_setup.fitToHeight == 0
    assert sheet.print_title_rows == "$7:$10"
    merged = {str(area) for area in sheet.merged_cells.ranges}
    assert {"C7:F7", "D8:E8", "G7:J7", "K7:M7", "A7:A9", "B7:B9", "F8:F9"} < merged
    assert {cell.font.name for row in sheet.iter_rows() for cell in row if cell.value} == {
        "Times New Roman"
    }
    found = texts(sheet)
    assert "Biểu số II.06a/VPCP/KSTT" in found
    assert "Kỳ báo cáo: Quý II/2022" in found
    assert "(Từ ngày 01/04/2022 đến ngày 30/06/2022)" in found
    assert any("Số liệu đến hết ngày 30/06/2022" in text for text in found)
    assert any("đúng ở mọi dòng" in text for text in found)


def test_the_sheet_states_the_returned_dossiers_by_their_date(settings, sheet_of):
    form = replace(read_form_06a(settings, UNIT, *QUARTER), returned=(3, 1, 2))
    expected = "3 trong cột (8), 1 trong cột (9), 2 trong cột (10)"
    assert any(expected in text for text in texts(sheet_of(form)))
    without = texts(sheet_of(replace(form, returned=None)))
    assert not any("trả lại xét theo ngày" in text for text in without)


def test_the_sheet_says_when_the_rows_do_not_add_up(settings, sheet_of):
    form = read_form_06a(settings, UNIT, *QUARTER)
    before = replace(form.before, open_total=5)
    wrong = replace(form, total=replace(form.total, resolved_late=3), before=before)
    found = texts(sheet_of(wrong))
    assert any("KHÔNG ĐÚNG ở ít nhất một dòng" in text for text in found)
    assert any("KHÁC dòng tổng số" in text for text in found)
    assert any("kỳ trước còn lại (11) = 5 theo" in text and "lệch -4" in text for text in found)


def test_a_running_period_is_called_provisional_at_the_top_of_the_first_page(settings, sheet_of):
    sheet = sheet_of(read_form_06a(settings, UNIT, dt.date(2022, 1, 1), dt.date(2022, 12, 31)))
    heading = [cell.value for row in sheet.iter_rows(max_row=6) for cell in row if cell.value]
    assert "Số liệu tạm tính đến hết ngày 30/06/2022: kỳ chưa kết thúc" in heading


def test_an_ended_period_is_not_called_provisional(settings, sheet_of):
    sheet = sheet_of(read_form_06a(settings, UNIT, *QUARTER))
    assert not [text for text in texts(sheet) if "tạm tính" in text]


@pytest.mark.parametrize(
    "name", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", '\x01=HYPERLINK("x")']
)
def test_a_name_that_looks_like_a_formula_is_text(settings, sheet_of, name):
    form = read_form_06a(settings, UNIT, *QUARTER)
    row = FormRow(name, form.total)
    hostile = replace(
        form,
        unit=replace(form.unit, name=name),
        blocks=(replace(form.blocks[0], rows=(row,)),),
    )
    sheet = sheet_of(hostile)
    for cell in (sheet["B12"], sheet["K2"]):
        assert cell.data_type == "s"
        assert cell.value.startswith("'")


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("2022-05-01", "2022-05-31", "Tháng 5/2022"),
        ("2021-12-15", "2022-03-14", "Quý I/2022"),
        ("2022-01-01", "2022-06-30", "6 tháng đầu năm 2022"),
        ("2022-06-15", "2022-12-14", "6 tháng cuối năm 2022"),
        ("2021-12-15", "2022-12-14", "Năm 2022"),
        ("2022-02-01", "2022-04-30", "từ 01/02/2022 đến 30/04/2022"),
        ("2022-04-10", "2022-06-20", "từ 10/04/2022 đến 20/06/2022"),
    ],
)
def test_a_period_has_its_name_in_reports(settings, sheet_of, first, last, name):
    form = read_form_06a(settings, UNIT, *QUARTER)
    span = replace(form, first=dt.date.fromisoformat(first), last=dt.date.fromisoformat(last))
    assert f"Kỳ báo cáo: {name}" in texts(sheet_of(span))


def test_the_same_figures_give_the_same_bytes(settings, tmp_path):
    digests = set()
    for name in ("one.xlsx", "two.xlsx"):
        write_form_06a(settings, UNIT, *QUARTER, None, "calendar", tmp_path / "new" / name)
        digests.add(hashlib.sha256((tmp_path / "new" / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["one.xlsx", "two.xlsx"]


def test_the_file_carries_the_time_of_publication_and_not_of_writing(settings):
    content = form_06a_bytes(read_form_06a(settings, UNIT, *QUARTER))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        stamps = re.findall(rb">([\d-]+T[\d:]+Z)<", archive.read("docProps/core.xml"))
        times = {member.date_time for member in archive.infolist()}
    assert set(stamps) == {b"2022-06-29T17:00:00Z"}
    assert times == {(2022, 6, 29, 17, 0, 0)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("H24.99", *QUARTER), "no unit H24.99"),
        ((UNIT, *reversed(QUARTER)), "before it begins"),
        ((UNIT, *QUARTER, None, "lunar"), "no period basis lunar; there are calendar, government"),
        ((UNIT, dt.date(2022, 7, 1), dt.date(2022, 9, 30)), "after night 2022-06-30"),
    ],
)
def test_an_unknown_unit_period_or_basis_is_refused_with_the_valid_choices(
    settings, arguments, message
):
    with pytest.raises(QuestionError, match=message):
        read_form_06a(settings, *arguments)


def test_a_night_that_is_not_published_cannot_be_reported(settings):
    with pytest.raises(NothingPublishedError):
        read_form_06a(settings, UNIT, *QUARTER, dt.date(2022, 6, 1))


def test_a_gap_to_the_open_dossiers_of_the_period_before_names_its_dossiers(tmp_path, sheet_of):
    late = publish_thirteen(settings_in(tmp_path), until=LATER, with_late_file=True)
    form = read_form_06a(late, UNIT, dt.date(2022, 7, 1), dt.date(2022, 9, 30))
    # D9 was open when the second quarter was published; a late file closed it before that
    assert (form.before.as_of, form.before.open_total, form.total.carried_over) == (NIGHT, 4, 3)
    assert (form.before.added, form.before.gone) == ((), ("D9",))
    notes = [text for text in texts(sheet_of(form)) if text.startswith("•")]
    assert any("(11) = 4 theo số công bố hết ngày 30/06/2022: lệch -1" in text for text in notes)
    assert "• Không còn trong (6) so với (11) kỳ trước: D9." in notes


def test_a_span_of_what_an_earlier_release_published_is_counted_after_the_next_night(tmp_path):
    settings = publish_thirteen(settings_in(tmp_path))
    settings.published.chmod(0o644)
    with duckdb.connect(settings.published) as copy:
        copy.execute("drop table audit.reference_version")
    with pytest.raises(QuestionError, match="an earlier release published the last night"):
        read_form_06a(settings, UNIT, dt.date(2022, 4, 2), dt.date(2022, 6, 29))
    assert counts(read_form_06a(settings, UNIT, *QUARTER)) == KNOWN
