"""Fast path for delimited text: Arrow splits the sound lines, whole columns at a time.

Nearly all lines of a large file are sound, and Arrow splits them at a tenth of the cost of Python's
reader. A line counts as sound only if both readers give the same cells; all other lines are read
one by one.
"""

from __future__ import annotations

import bisect
import codecs
import csv
import io
import itertools
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from onestop.readers.lines import Lines
    from onestop.readers.reading import Row

    Mask = npt.NDArray[np.bool_]

#: Number of lines sampled to find how many cells the rows of a block have.
_SAMPLE = 16


def split_lines(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The cells of each record, by Python's own reader.

    Raises:
        csv.Error: a quotation mark is misplaced.
    """
    return csv.reader(lines, delimiter=delimiter, strict=True)


def find_sound(lines: Lines, delimiter: str) -> Mask:
    """Which lines are one record whose every cell is quoted from end to end or not at all."""
    if b'"' not in lines.data:
        return np.ones(len(lines), dtype=np.bool_)
    cell = f'(?:"(?:[^"]|"")*"|[^"{re.escape(delimiter)}]*)'
    shape = rf"^{cell}(?:{re.escape(delimiter)}{cell})*\n$"
    return pc.match_substring_regex(lines.as_array(), shape).to_numpy(zero_copy_only=False)


@dataclass(frozen=True)
class Piece:
    """A part of delimited text.

    Attributes:
        numbers: of each sound line, ascending.
        lines: the sound lines, each of which is one record.
        rows: the other records, in order.
    """

    numbers: Sequence[int]
    lines: Lines
    rows: Sequence[Row]

    def __len__(self) -> int:
        return len(self.lines) + len(self.rows)

    def records(self, delimiter: str) -> list[Row]:
        """All records in order, split into cells."""
        split = split_lines(self.lines.texts(), delimiter)
        sound: list[Row] = list(zip(self.numbers, split, itertools.repeat(None)))
        return sorted([*sound, *self.rows], key=_number) if self.rows else sound

    def first_record(self, delimiter: str) -> Row | None:
        """The first record."""
        return self.record_after(0, delimiter)

    def record_after(self, number: int, delimiter: str) -> Row | None:
        """The record after the one with a number, if the piece has it."""
        sound = bisect.bisect_right(self.numbers, number)
        other = bisect.bisect_right(self.rows, number, key=_number)
        row = self.rows[other] if other < len(self.rows) else None
        if sound == len(self.numbers) or (row and row[0] < self.numbers[sound]):
            return row
        return self.numbers[sound], next(split_lines([self.lines[sound]], delimiter), []), None

    def without(self, lines: npt.NDArray[np.int64]) -> Piece:
        """The piece without some of its sound lines."""
        left = np.delete(np.arange(len(self.lines)), lines).tolist()
        return Piece([self.numbers[at] for at in left], self.lines.pick(left), self.rows)


def _number(row: Row) -> int:
    return row[0]


@dataclass(frozen=True)
class SplitLines:
    """Sound lines by column.

    Attributes:
        cells: number of cells of each of these lines: the most frequent number.
        columns: the texts of the wanted columns, and of those beyond the header, by position.
        lines: indexes of these lines.
    """

    cells: int
    columns: dict[int, pa.StringArray]
    lines: npt.NDArray[np.int64]


def split_columns(
    lines: Lines, delimiter: str, wanted: Iterable[int], width: int
) -> SplitLines | None:
    """Split sound lines, except those with an unusual number of cells.

    Args:
        lines: from :func:`find_sound`.
        delimiter: between cells.
        wanted: positions of the columns that are read.
        width: columns of the header; columns beyond it are returned too.

    Returns:
        The columns; None where lines lack columns that are read.
    """
    sample = [lines[at] for at in range(0, len(lines), max(1, len(lines) // _SAMPLE))]
    [(cells, _)] = Counter(map(len, split_lines(sample, delimiter))).most_common(1)
    positions = sorted({*wanted, *range(width, cells)})
    if positions[-1] >= cells or lines.data.startswith(codecs.BOM_UTF8):
        return None
    other: list[int] = []

    def leave_out(row: arrow_csv.InvalidRow) -> Literal["skip"]:
        other.append(cast("int", row.number))
        return "skip"

    names = [str(position) for position in positions]
    table = arrow_csv.read_csv(
        io.BytesIO(lines.data),
        arrow_csv.ReadOptions(
            use_threads=False,
            block_size=len(lines.data) + 1,
            column_names=[str(position) for position in range(cells)],
        ),
        arrow_csv.ParseOptions(
            delimiter=delimiter, ignore_empty_lines=False, invalid_row_handler=leave_out
        ),
        arrow_csv.ConvertOptions(
            check_utf8=False,
            include_columns=names,
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
        ),
    )
    kept = np.delete(np.arange(len(lines)), np.array(other, dtype=np.int64) - 1)
    columns = {
        position: cast("pa.StringArray", pa.concat_arrays(column.chunks))
        for position, column in zip(positions, table.columns, strict=True)
    }
    return SplitLines(cells, columns, kept)
