"""Reading delimited text by columns gives the same result as reading it row by row."""

from __future__ import annotations

import pytest
from exported_files import ONE_STOP
from hypothesis import given, settings
from hypothesis import strategies as st

from onestop.readers import UnreadableError, delimited, open_reading, text
from onestop.readers.bulk_columns import find_sound
from onestop.readers.lines import Lines
from onestop.readers.reading import listed

HEADERS = ("MaHoSo", "MaTTHC", "TenTTHC", "DonViXuLy", "TrangThaiHoSo", "NgayTiepNhan", "GhiChu")
DELIMITERS = ";,\t|"
#: Cells of a row; ``{d}`` is the delimiter.
ROWS = (
    ("H24.{n}-1", "1.000001", "Cấp lại", "H24.31", "4", "01/06/2022", ""),
    ("H24.{n}-2", "1.000001", '"Cấp{d} lại"', '"H24.31"', '""', "01/06/2022", '"a ""b"""'),
    ("H24.{n}-3", "1.000001", "Cấp lại", "H24.31", "4", "01/06/2022"),
    ("H24.{n}-4", "1.000001", "Cấp lại"),
    ("H24.{n}-5", "1.000001", "Cấp lại", "H24.31", "4", "01/06/2022", "", "", ""),
    ("H24.{n}-6", "1.000001", "Cấp lại", "H24.31", "4", "01/06/2022", "", "more"),
    ("H24.{n}-15", "1.000001", "Cấp lại", "H24.31", "4", "01/06/2022", "", "", "more"),
    ("H24.{n}-7", "1.000001", '"two\nlines"', "H24.31", "4", "01/06/2022", ""),
    ("H24.{n}-8", "1.000001", '"never closed', "H24.31", "4", "01/06/2022", ""),
    ("H24.{n}-9", "1.000001", 'a "word" within', "H24.31", "4", "01/06/2022", ""),
    ("H24.{n}-10", "1.000001", '"half"way', "H24.31", "4", "01/06/2022", ""),
    ("H24.{n}-11", "#N/A", "1,23456789012345E+15", "H24.31", "4", "01/06/2022", ""),
    ("H24.{n}-12", "1.00\x000001", "Cấp lại", "H24.31", "4", "01/06/2022", ""),
    ("'H24.{n}-13", '="1.000001"', "Cấp lại", "H24.31", "4", "01/06/2022", ""),
    ("Tn{n}", "1.000001", "Cấp lại", "H24.31", "4", "01/06/2022", ""),
    ("", "1.000001", "Cấp lại", "H24.31", "4", "01/06/2022", ""),
    ("\ufeffH24.{n}-14", "1.000001", "Cấp lại", "H24.31", "4", "01/06/2022", ""),
    ("",),
    ("", "", "", "", "", "", ""),
    ("Tổng cộng", "", "", "12", "", "", ""),
    ("Lĩnh vực đất đai",),
    HEADERS,
)


def read(path, *, by_columns: bool) -> object:
    """All that the reader returns; it reads row by row if ``by_columns`` is false."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_CHUNK", 700)
        if not by_columns:
            patch.setattr(delimited, "find_sound", lambda lines, _: find_sound(lines, "|") & False)
        try:
            reading = open_reading(path, ONE_STOP.feeds["dossiers"])
            rows = {}
            for batch in reading.batches:
                columns = {name: listed(texts) for name, texts in batch.columns.items()}
                for at, number in enumerate(batch.row_numbers):
                    values = {name: texts[at] or None for name, texts in columns.items()}
                    assert number not in rows
                    rows[int(number)] = values, batch.problems[at]
        except UnreadableError as error:
            return error.code, error.detail
        return list(rows.items()), reading.rows_read, reading.rows_blank, reading.found


@given(
    st.sampled_from([0, 2, 4]),
    st.lists(st.integers(0, len(ROWS) - 1), min_size=1, max_size=4),
    st.lists(st.integers(0, 8), min_size=90, max_size=150),
    st.sampled_from(DELIMITERS),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_both_ways_of_reading_agree_on_every_row(
    tmp_path_factory, usual, others, kinds, delimiter, end, is_ended
):
    lines = [delimiter.join(HEADERS)]
    for number, kind in enumerate(kinds):
        row = ROWS[others[kind] if kind < len(others) else usual]
        text = delimiter.join(cell.format(n=number, d=delimiter) for cell in row)
        lines.append(text.replace("\n", end))
    path = tmp_path_factory.mktemp("both") / "dossiers_20220630.csv"
    path.write_bytes((end.join(lines) + (end if is_ended else "")).encode())
    assert read(path, by_columns=True) == read(path, by_columns=False)


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_a_line_is_well_formed_when_quotation_marks_enclose_whole_cells(delimiter):
    sound = ["a;b", "", ";", '"a";b', '"a ""b""";c', '"";";";"x"', '"a;b"']
    unsound = ['a"b;c', '"a;b', '"a"b;c', 'a";"b', 'a;"', '"a" ;b']
    texts = [line.replace(";", delimiter) for line in (*sound, *unsound)]
    expected = [True] * len(sound) + [False] * len(unsound)
    assert find_sound(Lines.of(texts), delimiter).tolist() == expected


@pytest.mark.parametrize("at", [1, 30, 57, 58, 59, 60, 61, 90])
def test_no_row_is_lost_where_a_quotation_mark_is_never_closed(tmp_path, at):
    lines = [";".join(HEADERS)]
    for number in range(150):
        row = ROWS[0] if number != at else ("H24.{n}-8", "1.000001", '"never closed', *ROWS[0][3:])
        lines.append(";".join(row).format(n=number))
    path = tmp_path / "dossiers_20220630.csv"
    path.write_bytes(("\n".join(lines) + "\n").encode())
    rows, read_rows, blank, _ = read(path, by_columns=True)
    assert (len(rows), read_rows, blank) == (150, 150, 0)
    assert [number for number, _ in rows] == list(range(2, 152))


NOTED = ("GhiChu", *HEADERS[:-1])


def lines_of(headers, *rows):
    """A text of these rows, each a number and the cells that differ from those of a usual row."""
    usual = dict(zip(HEADERS, ROWS[0], strict=True))
    cells = [[{**usual, **given}[name].format(n=n) for name in headers] for n, given in rows]
    return "\n".join([";".join(headers), *map(";".join, cells)]) + "\n"


@pytest.mark.parametrize("headers", [HEADERS, NOTED])
@pytest.mark.parametrize("column", ["TenTTHC", "GhiChu"])
@pytest.mark.parametrize("between", [0, 1, 2])
def test_rows_between_two_stray_quotation_marks_in_one_column_are_read(
    tmp_path, headers, column, between
):
    path = tmp_path / "dossiers_20220630.csv"
    inner = [(2 + n, {}) for n in range(between)]
    path.write_text(
        lines_of(headers, (0, {}), (1, {column: '"a'}), *inner, (8, {column: 'b"'}), (9, {}))
    )
    rows, read_rows, blank, _ = read(path, by_columns=True)
    broken = [number for number, (_, problem) in rows if problem == "broken_quotes"]
    assert (len(rows), read_rows, blank) == (4 + between, 4 + between, 0)
    assert broken == [3, 4 + between]
    assert all(values["dossier_code"] for number, (values, _) in rows if number not in broken)


@pytest.mark.parametrize("headers", [HEADERS, NOTED])
@pytest.mark.parametrize(
    "text", ["a\nb", "a\nb;c\nd", "\n", 'a\n""b""', "H24.1-1\nH24.1-2", "a;b\nc;d"]
)
def test_a_cell_of_several_lines_is_one_row(tmp_path, headers, text):
    path = tmp_path / "dossiers_20220630.csv"
    path.write_text(
        lines_of(headers, (0, {}), (1, {"GhiChu": f'"{text}"'}), (2, {"TenTTHC": f'"{text}"'}))
    )
    rows, *_ = read(path, by_columns=True)
    assert [values["dossier_code"] for _, (values, _) in rows] == ["H24.0-1", "H24.1-1", "H24.2-1"]
    assert [problem for _, (_, problem) in rows] == [None] * 3


@pytest.mark.parametrize("end", [" ", "\x1a", "  \x1a"])
def test_blanks_after_the_last_row_are_not_a_row(tmp_path, end):
    path = tmp_path / "dossiers_20220630.csv"
    path.write_text(lines_of(HEADERS, (0, {}), (1, {})) + end)
    rows, read_rows, blank, _ = read(path, by_columns=True)
    assert (len(rows), read_rows - blank) == (2, 2)
