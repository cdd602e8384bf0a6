"""The result of every reader: batches of text columns, and the account of the file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

#: The value of a spreadsheet cell.
Cell = str | int | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta | None
#: A row's number, its cells, and why it could not be split into cells, if so.
Row = tuple[int, Sequence[Cell], str | None]
#: Decimal signs of numbers in the place of a code. A procedure's code is never written with a
#: comma: a comma means that the cell was a number and lost the zeros at its end.
CODE_NUMBER_SIGNS = {"procedure_code": ","}
#: The texts of a column, blank ones None or empty.
Texts = Sequence[str | None] | pa.StringArray
_LONGEST_NAME = 60
_MOST_NAMES = 100


@dataclass
class Batch:
    """Some rows, by column.

    Attributes:
        sheet: the sheet or table they come from, for spreadsheets.
        row_numbers: each row's number, as a person finds it in the file.
        columns: text by canonical (or helper) column; a column that the file lacks is absent.
        problems: why a row could not be read, else None.
    """

    sheet: str | None
    row_numbers: list[int] | npt.NDArray[np.int64]
    columns: Mapping[str, Texts]
    problems: list[str | None]

    def distinct(self, name: str) -> Sequence[str | None]:
        """The texts of a column, without some repeats; empty if the file lacks it."""
        texts = self.columns.get(name, ())
        return listed(texts.unique() if isinstance(texts, pa.StringArray) else texts)

    def joined(self, other: Batch) -> Batch:
        """The rows of this batch and of another one with the same columns, by row number."""
        numbers = np.concatenate([self.row_numbers, other.row_numbers])
        order = np.argsort(numbers, kind="stable")
        columns = {
            name: [*listed(texts), *listed(other.columns[name])]
            for name, texts in self.columns.items()
        }
        problems = [*self.problems, *other.problems]
        return Batch(
            self.sheet,
            numbers[order],
            {name: [texts[at] for at in order] for name, texts in columns.items()},
            [problems[at] for at in order],
        )


def listed(texts: Texts) -> Sequence[str | None]:
    """The texts of a column as Python values."""
    return texts.to_pylist() if isinstance(texts, pa.StringArray) else texts


@dataclass
class Reading:
    """One file being read; its counts are final when ``batches`` is exhausted.

    Attributes:
        format: ``json``, ``jsonl``, ``csv``, ``xlsx``, ``xls``, ``ods``, ``xml`` (a workbook) or
            ``html``, with ``.gz`` or ``.zip`` when it came packed.
        encoding: of text files.
        dialect: the delimiter, or the names of the sheets that were read.
        batches: the rows.
        rows_read: rows of the file, of all kinds.
        rows_blank: blank, title, section and total rows among them.
        found: canonical and helper columns present in the file.
        unknown: source headers that the mapping does not list.
        dropped: source headers of personal columns, whose values were not read.
        left: sheets or tables that may hold records and were not read, each with its number of
            rows; those rows are among ``rows_read`` and ``rows_blank``. Also how many records a
            file lacks of those that it says there are.
    """

    format: str
    encoding: str | None = None
    dialect: str | None = None
    batches: Iterator[Batch] = field(default_factory=lambda: iter(()))
    rows_read: int = 0
    rows_blank: int = 0
    found: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def note_unknown(self, header: str) -> None:
        """Remember an unknown header, up to a limit."""
        _note(self.unknown, header)

    def note_dropped(self, header: str) -> None:
        """Remember the header of a personal column, up to a limit."""
        _note(self.dropped, header)

    def leave_out(self, table: str, rows: int, *, may_hold_records: bool) -> None:
        """Account for a sheet or table that is not read."""
        self.rows_read += rows
        self.rows_blank += rows
        if may_hold_records and rows:
            _note(self.left, f"{table[: _LONGEST_NAME - 15]}: {rows}")

    def note_lacking(self, stated: int) -> None:
        """Name the records that a file says there are and does not hold, if any."""
        if stated > self.rows_read:
            _note(self.left, f"of {stated} stated in the file: {stated - self.rows_read}")


def _note(names: list[str], header: str) -> None:
    name = header[:_LONGEST_NAME]
    if name and name not in names and len(names) < _MOST_NAMES:
        names.append(name)
