"""Recognising the header row, and the canonical column of each header."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.readers.legacy import as_unicode
from onestop.readers.refusals import UnreadableError
from onestop.readers.shown_names import shown_names
from onestop.said import said, said_text
from onestop.schema.wording import fold_header, tidy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onestop.schema.mapping import FeedMapping

_TALLEST = 3
_CONVERT = said_text("convert the export to Unicode UTF-8")
#: Excel turns a typed (1) into -1.
_NUMBERED = re.compile(r"[-(]?(\d{1,3})\)?(?:\s*=.*)?")
_LETTERED = re.compile(r"\(?[A-ZĐ]\)?")


class HeaderIndex:
    """Looks up source headers in one mapping."""

    def __init__(self, mapping: FeedMapping) -> None:
        self.personal = {fold_header(text) for text in mapping.personal}
        self._unused = {fold_header(text) for text in mapping.unused}
        #: folded header -> its columns, each with the header's rank among that column's aliases
        self.targets: dict[str, list[tuple[str, int]]] = {}
        for column in mapping.read_columns:
            for place, source in enumerate(column.sources):
                self.targets.setdefault(fold_header(source), []).append((column.name, place))
        self.key = mapping.key_columns
        #: groups of columns; a complete row fills at least one column of each
        self.filled = _filled(mapping)
        self.nested = sorted(
            {s for column in mapping.read_columns for s in column.sources if "." in s}
        )

    def meaning(self, header: str) -> list[tuple[str, int]] | None:
        """Its columns with its rank among their aliases; empty if personal; None if unknown."""
        folded = fold_header(header)
        return self.targets.get(folded, [] if folded in self.personal else None)

    def is_key(self, header: str) -> bool:
        """Whether a header belongs to a column of the key."""
        return any(column in self.key for column, _ in self.meaning(header) or ())

    def is_unused(self, header: str) -> bool:
        """Whether the mapping lists the header as unused."""
        return fold_header(header) in self._unused

    def place(self, column: str, header: str) -> int:
        """The header's rank among the column's aliases."""
        return next(place for name, place in self.meaning(header) or () if name == column)


def _filled(mapping: FeedMapping) -> list[tuple[str, ...]]:
    needed = {column.name: [one.name for one in column.needed] for column in mapping.columns}
    groups: list[tuple[str, ...]] = []
    for group in mapping.schema.filled:
        names = [name for column in group for name in needed.get(column, ())]
        groups += [(name,) for name in names] if len(group) == 1 else [tuple(names)]
    return groups


@dataclass(frozen=True)
class Header:
    """A recognised header.

    Attributes:
        row: index of its first row among the examined ones.
        height: number of its rows.
        width: columns up to the last one that has a name.
        cells: cells of its widest row, nameless ones at the end included.
        positions: per canonical or helper column the positions of its cells, preferred first.
        unknown: headers the mapping does not know.
        personal: headers of personal columns.
        personal_from: position of the first personal column, or the width.
        texts: the folded cells of its rows and of the titles above, which printed lists repeat on
            every page.
    """

    row: int
    height: int
    width: int
    cells: int
    positions: dict[str, tuple[int, ...]]
    unknown: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    personal_from: int = 0
    texts: frozenset[tuple[str, ...]] = frozenset()

    @property
    def read_width(self) -> int:
        """Columns up to the last one that is read."""
        return 1 + max(map(max, self.positions.values()))

    def least_width(self, filled: Sequence[Sequence[str]]) -> int:
        """Least number of cells of a row that has all columns which complete rows fill.

        Args:
            filled: groups of columns; a complete row fills at least one of each.
        """
        groups = [[p for name in group for p in self.positions.get(name, ())] for group in filled]
        return 1 + max((min(group) for group in groups if group), default=self.width - 1)

    @property
    def score(self) -> int:
        """Number of its canonical columns."""
        return len(self.positions)

    @property
    def rank(self) -> tuple[int, int]:
        """Sort key: more columns are better, then fewer rows."""
        return len(self.positions), -self.height


def find_header(rows: Sequence[Sequence[str]], index: HeaderIndex) -> Header | None:
    """The best header among the first rows of a table, or None.

    A header may have up to three rows with merged cells. A column's name is the text of all its
    rows together; else that of the lowest row; else that of the highest.

    Raises:
        UnreadableError: two columns have the same mapped header, or it is in an old encoding.
    """
    best = _best_header(rows, index)
    if best is None:
        _refuse_legacy(rows, index)
        return None
    _refuse_twins(rows, best, index)
    return best


def _best_header(rows: Sequence[Sequence[str]], index: HeaderIndex) -> Header | None:
    best: Header | None = None
    for row in range(len(rows)):
        if not any(rows[row]):
            continue
        for height in range(1, min(_TALLEST, len(rows) - row) + 1):
            header = _read_header(rows, row, height, index)
            # A title above or a record below adds nothing: the lowest header wins.
            if header and (best is None or header.rank > best.rank):
                best = header
    return best if best and best.score >= min(2, len(index.targets)) else None


def _refuse_legacy(rows: Sequence[Sequence[str]], index: HeaderIndex) -> None:
    """Refuse a file whose header matches when its text is read in an old encoding."""
    converted = [[as_unicode(text) for text in row] for row in rows]
    for which, name in enumerate(("TCVN3 (.VnTime)", "VNI")):
        if _best_header([[texts[which] for texts in row] for row in converted], index):
            raise UnreadableError(
                "FILE-F03",
                said(
                    "the text is in the old font encoding {name}; {convert}",
                    name=name,
                    convert=_CONVERT,
                ),
            )


def _read_header(
    rows: Sequence[Sequence[str]], row: int, height: int, index: HeaderIndex
) -> Header | None:
    block = [list(map(tidy, one)) for one in rows[row : row + height]]
    width = max(map(len, block))
    for one in block:
        one.extend([""] * (width - len(one)))
    names = _names(block, width)
    places: dict[str, list[tuple[int, int]]] = {}
    unknown: list[str] = []
    personal: list[str] = []
    personal_from = width
    for position, candidates in enumerate(names):
        folded = next(
            (f for f in map(fold_header, candidates) if f in index.targets or f in index.personal),
            None,
        )
        if folded is None:
            if not any(map(index.is_unused, candidates)):
                unknown.extend(candidates[:1])
        elif folded in index.personal:
            personal.append(candidates[0])
            personal_from = min(personal_from, position)
        else:
            for column, place in index.targets[folded]:
                places.setdefault(column, []).append((place, position))
    if not places:
        return None
    return Header(
        row=row,
        height=height,
        width=max(position for position, found in enumerate(names, start=1) if found),
        cells=width,
        positions={name: tuple(p for _, p in sorted(found)) for name, found in places.items()},
        unknown=tuple(unknown),
        personal=tuple(personal),
        personal_from=personal_from,
        texts=frozenset(map(fold_row, [*rows[:row], *block])),
    )


def _names(block: list[list[str]], width: int) -> list[list[str]]:
    """Per column its possible names, the longest first."""
    filled = [list(one) for one in block]
    for above, one in enumerate(filled[:-1]):
        for position in range(1, width):
            # A merged cell's text stands in its first column only.
            if not one[position] and any(lower[position] for lower in block[above + 1 :]):
                one[position] = one[position - 1]
    names = []
    for position in range(width):
        own = [one[position] for one in block if one[position]]
        parts = list(dict.fromkeys(one[position] for one in filled if one[position]))
        candidates = [" ".join(parts), *reversed(own)] if own else []
        names.append(list(dict.fromkeys(candidates)))
    return names


def _refuse_twins(rows: Sequence[Sequence[str]], header: Header, index: HeaderIndex) -> None:
    block = [list(map(tidy, one)) for one in rows[header.row : header.row + header.height]]
    for one in block:
        one.extend([""] * (header.width - len(one)))
    names = [fold_header(found[0]) if found else "" for found in _names(block, header.width)]
    for positions in header.positions.values():
        same = [names[p] for p in positions if names[p] in index.targets]
        twice = next((name for name in same if same.count(name) > 1), None)
        if twice:
            position = next(p for p in positions if names[p] == twice)
            name = next(one[position] for one in reversed(block) if one[position])
            (shown,) = shown_names([name])
            raise UnreadableError(
                "FILE-F04",
                said(
                    "the column '{shown}' is there twice; leave one of them in the export",
                    shown=shown,
                ),
            )


def fold_row(texts: Sequence[str]) -> tuple[str, ...]:
    """The form in which a repeated header row equals the first, without blank cells at its end."""
    folded = list(map(fold_header, texts))
    while folded and not folded[-1]:
        folded.pop()
    return tuple(folded)


def is_number_row(cells: Sequence[str]) -> bool:
    """Whether a row only numbers the columns: ``(1) (2) (3) …`` or ``A B 1 2=3+4``."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    if len(texts) < 2:  # noqa: PLR2004 - one number alone says nothing
        return False
    numbers = [int(m.group(1)) for text in texts if (m := _NUMBERED.fullmatch(text))]
    letters = sum(1 for text in texts if _LETTERED.fullmatch(text))
    if len(numbers) + letters != len(texts) or not numbers:
        return False
    steps = all(b == a + 1 for a, b in itertools.pairwise(numbers))
    return steps and numbers[0] <= 2  # noqa: PLR2004 - the first may stand in an empty column
