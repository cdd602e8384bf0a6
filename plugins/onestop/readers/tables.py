"""From the rows of a table, with titles and totals, to batches of mapped columns."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import operator
import re
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from onestop.readers.bulk_columns import Piece, split_columns
from onestop.readers.headers import Header, HeaderIndex, find_header, fold_row, is_number_row
from onestop.readers.json_chunks import first_filled
from onestop.readers.lines import Lines
from onestop.readers.reading import CODE_NUMBER_SIGNS, Batch, Cell, Reading, Row, Texts, listed
from onestop.readers.refusals import UnreadableError
from onestop.readers.spans import MOST_COLUMNS
from onestop.said import said, said_count
from onestop.schema.wording import fold_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from onestop.readers.bulk_columns import Mask, SplitLines
    from onestop.readers.limits import Limits
    from onestop.schema.mapping import FeedMapping

#: Number of first rows searched for the header.
LOOK_AHEAD = 60
_SECTION_CELLS = 2
_NARROW = 6
_FOOTER_CELLS = 3
_SHORTEST_CODE = 4
_TOTALS = ("tổngcộng", "tổngsố", "tổng", "cộng", "trongđó", "total", "grandtotal")
_TOTAL_INITIALS = frozenset("TtCcGg")
#: A possible key: printable, with a digit, so no total.
_PLAIN_KEY = "^(?:[0-9]|[{}].*[0-9])".format(
    "".join(re.escape(sign) for sign in map(chr, range(0x21, 0x7F)) if sign not in _TOTAL_INITIALS)
)
_DIGIT = re.compile(r"\d")
#: One word with a digit or a sign in it.
_CODE_LIKE = re.compile(r"(?=.*[\d._\-])[!-~]+")
#: A code that is certainly no name, telephone or identity number.
_CODE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])(?=.*[-.])[A-Za-z0-9.\-]{8,40}")
#: A number in a workbook keeps 15 digits.
_LARGEST_EXACT = 10**15
_POWER = re.compile(r"-?\d[.,]\d{14}E\+\d+")
_SERIAL = re.compile(r"\A\s*([1-9]\d{4})((?:[.,]\d+)?)\s*\Z")
_DAYS_TO_1904 = 1462
#: A cell with a date or a moment, as the readers of workbooks write it.
_CELL_OF_DATE = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?")
_DAY = len("2022-06-30")
#: Errors that spreadsheets show instead of a value.
_ERRORS = frozenset(
    [
        *("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA"),
        *("#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#UNKNOWN!", "#CONNECT!", "#BUSY!"),
        *("#EXTERNAL!", "#PYTHON!", "#FORMULA!"),
    ]
)


def cell_text(cell: Cell, decimal: str) -> str | None:  # noqa: PLR0911 - one return per type
    """The text of a spreadsheet cell as a person would type it; dates in ISO 8601."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float) and abs(cell) >= _LARGEST_EXACT:
        return f"{cell:.14E}"  # as the spreadsheet shows it; the further digits are gone
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell).replace(".", decimal)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return str(cell)


def is_total(text: str) -> bool:
    """Whether a cell's text introduces a total, a subtotal or its parts."""
    if not text or text[0] not in _TOTAL_INITIALS:
        return False
    folded = fold_header(text)
    return (
        folded in _TOTALS
        or any(folded.startswith(word) and not folded[len(word)].isalnum() for word in _TOTALS)
        or folded.startswith(("tổngcộng", "trongđó", "tổngsố"))
    )


def _since_1900(serial: re.Match[str]) -> str:
    """Convert a day number of the 1904 calendar to Excel's usual calendar."""
    return f"{int(serial[1]) + _DAYS_TO_1904}{serial[2]}"


def _note_errors(name: str, texts: Texts, problems: list[str | None]) -> None:
    """Note rows in which a spreadsheet could not compute or keep a column's value."""
    if isinstance(texts, pa.StringArray):
        data = texts.buffers()[2]
        signs = pc.match_substring_regex(texts, "#|E[+]") if data else None
        if signs is None or not pc.any(signs).as_py():
            return
    else:
        together = "".join(filter(None, texts))
        if "#" not in together and "E+" not in together:
            return
    for at, text in enumerate(listed(texts)):
        if text and problems[at] is None:
            if text[0] == "#" and text.strip().upper() in _ERRORS:
                problems[at] = f"error_value {name}"
            elif "E+" in text and _POWER.fullmatch(text):
                problems[at] = f"lost_digits {name}"


def _is_full(texts: Sequence[str], least: int) -> bool:
    return sum(1 for text in texts if text.strip()) >= least


def _is_code(texts: Sequence[str], position: int) -> bool:
    return position < len(texts) and bool(_CODE_LIKE.fullmatch(texts[position].strip()))


def is_long_code(texts: Sequence[str], position: int) -> bool:
    """Whether the cell at a position is a code, and longer than a number of a summary or note."""
    return _is_code(texts, position) and len(texts[position].strip()) >= _SHORTEST_CODE


class TableReader:
    """Turns one table's rows into batches; the first rows decide where the header is."""

    def __init__(
        self, reading: Reading, mapping: FeedMapping, limits: Limits, *, ragged: bool
    ) -> None:
        """Prepare.

        Args:
            reading: the account to keep.
            mapping: what headers mean, and the decimal sign.
            limits: for the size of batches.
            ragged: whether a row with more or fewer cells than the header may be broken, as in
                delimited text; in spreadsheets such rows are usual.
        """
        self.reading = reading
        self._mapping = mapping
        self._index = HeaderIndex(mapping)
        self._decimal = mapping.decimal
        columns = {column.name: column for column in mapping.schema.columns}
        #: columns of free text, which no rule of the gate can find unreadable
        self._free = {
            column.name
            for column in mapping.read_columns
            if column.name not in columns
            or (columns[column.name].type == "text" and not columns[column.name].codes)
        }
        self._codes = {name for name in self._free if name.endswith("_code")}
        self._dates = {
            name for name, column in columns.items() if column.type in {"timestamp", "date"}
        }
        #: whether dates that are bare numbers count from 1904
        self.is_1904 = False
        self._limits = limits
        self._ragged = ragged

    def find_header(self, rows: Iterable[Row]) -> tuple[Header | None, list[Row], Iterator[Row]]:
        """The header among the first rows, those rows, and the rest."""
        rest = iter(rows)
        first = list(itertools.islice(rest, LOOK_AHEAD))
        return self.header(first), first, rest

    def header(self, rows: Sequence[Row]) -> Header | None:
        """The header among the first rows of a table."""
        return find_header(self._texts(rows), self._index)

    def is_complete(self, header: Header) -> bool:
        """Whether a header has every column that the mapping requires."""
        given = self._mapping.given_by(header.positions)
        return all(any(name in given for name in group) for group in self._mapping.required)

    def has_key(self, header: Header) -> bool:
        """Whether a header has the key columns."""
        return all(name in header.positions for name in self._index.key)

    def may_hold_records(self, rows: Sequence[Row]) -> bool:
        """Whether some row has as many filled cells as a record needs."""
        return any(_is_full(texts, self._least) for texts in self._texts(rows))

    def continues(self, rows: Sequence[Row], header: Header) -> bool:
        """Whether rows without a header are as wide as a list and have codes where it has."""
        texts = self._texts(rows)
        full = [row for row in texts if _is_full(row, self._least)]
        keys = [p for name in self._index.key for p in header.positions.get(name, ())]
        keyed = [row for row in full if any(_is_code(row, p) for p in keys)]
        fits = all(not any(row[header.width :]) for row in texts)
        return fits and bool(keyed) and 2 * len(keyed) >= len(full)

    @property
    def _least(self) -> int:
        return max(2, len(self._mapping.required))

    def _texts(self, rows: Sequence[Row]) -> list[list[str]]:
        return [[self._text(cell) for cell in cells[:MOST_COLUMNS]] for _, cells, _ in rows]

    def batches(
        self,
        sheet: str | None,
        header: Header,
        first: list[Row],
        rest: Iterator[Row],
        offset: int = 0,
    ) -> Iterator[Batch]:
        """Batches of one table whose header is known.

        Args:
            sheet: its name, for spreadsheets.
            header: as found among ``first``.
            first: the examined rows.
            rest: the rows after them.
            offset: added to row numbers, so that those of several sheets differ.
        """
        reading = self.reading
        rows = itertools.chain(self._begin(header, first), rest)
        sorter = _RowSorter(header, self._index, self._text, ragged=self._ragged)
        ahead: list[Row] = []
        while chunk := [*ahead, *itertools.islice(rows, self._limits.batch_rows - len(ahead))]:
            ahead = list(itertools.islice(rows, 1))
            following = itertools.chain(chunk[1:], ahead or [None])
            kept = [row for row in map(sorter.sort, chunk, following) if row is not None]
            reading.rows_read += len(chunk)
            reading.rows_blank += len(chunk) - len(kept)
            if kept:
                yield self._batch(sheet, header, kept, offset)

    def bulk_batches(
        self, header: Header, first: list[Row], pieces: Iterable[Piece], delimiter: str
    ) -> Iterator[Batch]:
        """Batches of delimited text: plain lines by column, all other records row by row.

        Args:
            header: as found among ``first``.
            first: the examined rows.
            pieces: the text after them.
            delimiter: between the cells of the pieces' lines.
        """
        reading = self.reading
        sorter = _RowSorter(header, self._index, self._text, ragged=self._ragged)
        every = itertools.chain([Piece([], Lines(b""), self._begin(header, first))], pieces, [None])
        for piece, following in itertools.pairwise(every):
            if not piece:
                continue
            after = following.first_record(delimiter) if following else None
            plain, kept = self._sort_piece(header, sorter, piece, after, delimiter)
            rows = len(kept) + (len(plain.row_numbers) if plain else 0)
            reading.rows_read += len(piece)
            reading.rows_blank += len(piece) - rows
            if rows:
                batches = [plain] if plain else []
                if kept:
                    batches.append(self._batch(None, header, kept, 0))
                yield functools.reduce(Batch.joined, batches)

    def _sort_piece(
        self, header: Header, sorter: _RowSorter, piece: Piece, after: Row | None, delimiter: str
    ) -> tuple[Batch | None, list[Row]]:
        """The plain records of a piece by column, and the others that are kept."""
        plain, odd = None, piece
        if not sorter.is_after_total:
            plain, odd = self._plain_batch(header, sorter, piece, delimiter)
        kept = [
            row
            for one in odd.records(delimiter)
            if (row := sorter.sort(one, piece.record_after(one[0], delimiter) or after))
        ]
        if plain and sorter.is_after_total:  # what follows a total is looked at more closely
            sorter.is_after_total = False
            every = piece.records(delimiter)
            sorted_rows = map(sorter.sort, every, [*every[1:], after])
            return None, [row for row in sorted_rows if row]
        return plain, kept

    def _plain_batch(
        self, header: Header, sorter: _RowSorter, piece: Piece, delimiter: str
    ) -> tuple[Batch | None, Piece]:
        """The records of a piece that are certainly plain, and the rest of the piece."""
        wanted = {place for places in header.positions.values() for place in places}
        split = split_columns(piece.lines, delimiter, wanted, header.width) if piece.lines else None
        if split is None:
            return None, piece
        is_plain = sorter.plain_lines(split)
        if not is_plain.any():
            return None, piece
        lines = split.lines[is_plain]
        columns: dict[str, Texts] = {}
        for name, places in header.positions.items():
            texts = [split.columns[place].filter(pa.array(is_plain)) for place in places]
            several = len(texts) > 1
            columns[name] = first_filled([t.to_pylist() for t in texts]) if several else texts[0]
        problems: list[str | None] = [None] * len(lines)
        for name in self._free.intersection(columns):
            _note_errors(name.removeprefix("helpers__"), columns[name], problems)
        numbers = np.asarray(piece.numbers)[lines]
        return Batch(None, numbers, columns, problems), piece.without(lines)

    def _begin(self, header: Header, first: list[Row]) -> list[Row]:
        """Count a header and the rows above it; returns the examined rows below it."""
        reading = self.reading
        self._refuse_records_above(header, first)
        reading.found.update(header.positions)
        for name in header.unknown:
            reading.note_unknown(name)
        for name in header.personal:
            reading.note_dropped(name)
        reading.rows_read += header.row
        reading.rows_blank += header.row
        after = first[header.row + header.height :]
        while after and is_number_row([self._text(cell) for cell in after[0][1]]):
            del after[0]
            reading.rows_read += 1
            reading.rows_blank += 1
        return after

    def _refuse_records_above(self, header: Header, first: list[Row]) -> None:
        """Refuse a table with records above its header: sorted with it, or of another header."""
        above = first[: header.row]
        texts = self._texts(above)
        earlier = find_header(texts, self._index) if above else None
        if earlier and self.has_key(earlier) and 2 * earlier.score >= header.score:
            begin = earlier.row + earlier.height
            found = [at for at in range(begin, len(above)) if _is_full(texts[at], self._least)]
        else:
            keys = [header.positions.get(name, ()) for name in self._index.key]
            least = max(self._least, len(header.positions) // 2)
            found = [
                at
                for at, row in enumerate(texts)
                if _is_full(row, least)
                and all(any(is_long_code(row, p) for p in places) for places in keys)
                and not any(map(is_total, [text for text in row if text][:3]))
            ]
        if found:
            raise UnreadableError(
                "FILE-F13",
                said(
                    "{rows} above the column names in row {header} may be records, the first is"
                    " row {first}; put the column names above all rows, and export lists with"
                    " other columns as files of their own",
                    rows=said_count(len(found), "row"),
                    header=first[header.row][0],
                    first=above[found[0]][0],
                ),
            )

    def _batch(self, sheet: str | None, header: Header, rows: list[Row], offset: int) -> Batch:
        width = header.width
        by_row = [
            cells if len(cells) >= width else [*cells, *[None] * (width - len(cells))]
            for _, cells, _ in rows
        ]
        columns = {
            name: first_filled([self._column(by_row, name, position) for position in positions])
            for name, positions in header.positions.items()
        }
        problems = [problem for _, _, problem in rows]
        for name in self._free.intersection(columns):
            _note_errors(name.removeprefix("helpers__"), columns[name], problems)
        for name in () if self._ragged else self._codes.intersection(columns):
            for at, text in enumerate(listed(columns[name])):
                if text and len(text) >= _DAY and _CELL_OF_DATE.fullmatch(text):
                    problems[at] = problems[at] or f"date_for_code {name}"
        return Batch(sheet, [number + offset for number, _, _ in rows], columns, problems)

    def _column(self, rows: list[Sequence[Cell]], name: str, position: int) -> list[str | None]:
        cells = list(map(operator.itemgetter(position), rows))
        if set(map(type, cells)) <= {str, type(None)}:
            texts = cast("list[str | None]", cells)
        else:
            # A code that became a number keeps its point, or is marked as a number.
            sign = "." if name in self._free else self._decimal
            decimal = CODE_NUMBER_SIGNS.get(name, sign)
            texts = [cell_text(cell, decimal) for cell in cells]
        if self.is_1904 and name in self._dates:
            return [text and _SERIAL.sub(_since_1900, text, count=1) for text in texts]
        return texts

    def _text(self, cell: Cell) -> str:
        return cell_text(cell, self._decimal) or ""


class _RowSorter:
    """Distinguishes data rows from blank, section, total and repeated header rows."""

    def __init__(
        self, header: Header, index: HeaderIndex, text: Callable[[Cell], str], *, ragged: bool
    ) -> None:
        self._header = header
        self._index = index
        self._keys = [p for name in index.key for p in header.positions.get(name, ())]
        self._text = text
        self._ragged = ragged
        self._width = header.width
        self._read = header.read_width
        self._least = header.least_width(index.filled)
        self.is_after_total = False

    def sort(self, row: Row, following: Row | None = None) -> Row | None:
        """The row, emptied if it is broken, or None when it holds no record.

        Args:
            row: the row.
            following: the row after it, which may be the rest of this one after a stray line end.
        """
        number, cells, problem = row
        if problem is None and not cells:
            return None
        if problem is None and self._is_plain(cells):
            return row
        texts = [text.strip() for text in map(self._text, cells)]
        if problem is None and self._holds_no_record(texts):
            return None
        problem = problem or self._shape_problem(texts, following)
        return row if problem is None else (number, self._safe_cells(texts, problem), problem)

    def _is_plain(self, cells: Sequence[Cell]) -> bool:
        """Whether a row is certainly a record: with a key, as wide as the header, above totals."""
        if self.is_after_total:
            return False
        if self._ragged and len(cells) != self._width and not self._is_wide(cells):
            return False
        for position in self._keys:
            cell = cells[position] if position < len(cells) else None
            if isinstance(cell, str) and cell and cell[0] > " ":
                return (
                    cell[0] not in _TOTAL_INITIALS
                    and cell[0] < "\x7f"
                    and any(map(str.isdigit, cell))
                )
        return False

    def plain_lines(self, split: SplitLines) -> Mask:
        """Which lines are plain by :meth:`_is_plain`; may miss a few."""
        if not self._keys:
            return np.zeros(len(split.lines), dtype=np.bool_)
        plain = pc.match_substring_regex(split.columns[self._keys[0]], _PLAIN_KEY)
        for position in range(self._width, split.cells):
            plain = pc.and_(
                plain, pc.equal(pc.utf8_length(split.columns[position]), pa.scalar(0, pa.int32()))
            )
        return plain.to_numpy(zero_copy_only=False)

    def _holds_no_record(self, texts: list[str]) -> bool:
        distinct = {text for text in texts if text}
        if not distinct:
            return True
        leading = [text for text in texts if text][:3]
        if any(map(is_total, leading)) and not self._has_code(texts):
            self.is_after_total = True
            return True
        if fold_row(texts) in self._header.texts:
            return True
        if self._is_repeated_header(texts):
            return True
        if self.is_after_total and len(distinct) <= _FOOTER_CELLS and not self._has_code(texts):
            return True
        keyed = any(p < len(texts) and texts[p] for p in self._keys)
        return not keyed and len(distinct) <= _SECTION_CELLS and self._header.width >= _NARROW

    def _is_repeated_header(self, texts: list[str]) -> bool:
        """Whether a row is the header again, in other words.

        Raises:
            UnreadableError: it has other columns, or these in another order.
        """
        header = self._header
        if any(p < len(texts) and _DIGIT.search(texts[p]) for p in self._keys):
            return False
        found = {
            name: position
            for position, text in enumerate(texts)
            for name, _ in self._index.meaning(text) or ()
        }
        if 2 * len(found) < max(len(header.positions), _NARROW):
            return False
        if all(position in header.positions.get(name, ()) for name, position in found.items()):
            return True
        raise UnreadableError(
            "FILE-F13",
            "below the column names there is another row of column names, with other columns or in"
            " another order; export each list as a file of its own",
        )

    def _has_code(self, texts: list[str]) -> bool:
        """Whether a key cell may hold a code rather than a title, total or name."""
        return any(_is_code(texts, p) for p in self._keys)

    def _is_wide(self, cells: Sequence[Cell]) -> bool:
        """Whether a row has all cells that are read, and none beyond the header."""
        width = self._header.width
        return self._read <= len(cells) <= width or (len(cells) > width and not any(cells[width:]))

    def _shape_problem(self, texts: list[str], following: Row | None) -> str | None:
        """The problem of a broken row of delimited text, or None.

        Excel leaves out the delimiters of blank cells at the end of a row.
        """
        width = self._header.width
        if not self._ragged:
            return None
        if any(texts[width:]):
            return f"too_many_cells ({len(texts)}/{width})"
        is_whole = len(texts) >= self._least and not self._is_continued(texts, following)
        return None if is_whole else f"too_few_cells ({len(texts)}/{width})"

    def _is_continued(self, texts: list[str], following: Row | None) -> bool:
        """Whether a row lacks cells and the next line has exactly the missing ones."""
        if following is None or len(texts) >= self._read:
            return False
        rest = [text.strip() for text in map(self._text, following[1])]
        fits = len(texts) + len(rest) - 1 in {self._header.width, self._header.cells}
        return fits and any(rest) and not self._has_code(rest)

    def _safe_cells(self, texts: list[str], problem: str) -> list[Cell]:
        """A broken row reduced to its key, if that cannot be a personal value.

        Cells of a broken row may be shifted. The key is kept so that a snapshot's key does not
        seem to have vanished.
        """
        kept: list[Cell] = [None] * self._header.width
        if problem.startswith("too_") and all(p < self._header.width for p in self._keys):
            for position in self._keys:
                if position < len(texts) and _CODE.fullmatch(texts[position]):
                    kept[position] = texts[position]
        return kept
