"""Choosing the sheets or tables of a file that hold the list.

Every row of the file is accounted for: a sheet or table is read; or its rows are counted, and it
is named if it may hold records; or the file is refused.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from onestop.readers.refusals import UnreadableError
from onestop.readers.shown_names import shown_names
from onestop.readers.tables import LOOK_AHEAD
from onestop.said import said, said_count, said_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onestop.readers.headers import Header
    from onestop.readers.reading import Batch, Row
from onestop.readers.tables import TableReader

#: Added to the row numbers of the second table that holds records, twice for the third, …
TABLE_STEP = 10_000_000
_MOST_NAMED = 20


@dataclass(frozen=True)
class TableHead:
    """The first rows of a sheet or table.

    Attributes:
        name: as a person finds it.
        rows: its first rows, at most ``LOOK_AHEAD``.
        is_hidden: whether a spreadsheet program hides it from its user.
        inside: the tables that contain it.
    """

    name: str
    rows: list[Row]
    is_hidden: bool = False
    inside: frozenset[int] = frozenset()


class TableFile(Protocol):
    """A file of several sheets or tables; its methods are called once each, in this order."""

    #: ``sheet`` or ``table``
    kind: str

    def counts(self, tables: list[int]) -> list[int]:
        """Number of non-blank rows of each of these tables."""

    def rows(self, tables: list[int]) -> Iterator[tuple[int, Iterator[Row]]]:
        """The rows of the chosen tables, each to be exhausted before the next."""


def read_tables(file: TableFile, heads: Sequence[TableHead], table: TableReader) -> Iterator[Batch]:
    """Read the list in a file of several sheets or tables.

    All tables with every required column are read, else the one with the most columns; and tables
    without a header that continue one of them.

    Raises:
        UnreadableError: no table has a known header, or a table not read seems to be part of the
            list.
    """
    heads = _as_shown(file.kind, heads)
    headers = {at: table.header(head.rows) for at, head in enumerate(heads)}
    lists = _lists(heads, headers, table)
    if not lists:
        raise _no_list(file.kind, heads, headers)
    chosen = _with_continuations(heads, headers, lists, table)
    left = [at for at in range(len(heads)) if at not in chosen]
    rows_left = dict(zip(left, file.counts(left), strict=True))
    if all(map(table.is_complete, lists.values())):
        for at in left:
            _refuse_alike(file.kind, heads[at], headers[at], rows_left[at], lists)
    table.reading.dialect = _named([heads[at].name for at in chosen])
    for place, (at, rows) in enumerate(file.rows(list(chosen))):
        first = list(itertools.islice(rows, LOOK_AHEAD))
        offset = place * TABLE_STEP
        yield from table.batches(heads[at].name, chosen[at], first, rows, offset)
    _leave_out(file.kind, heads, headers, rows_left, table)


def _as_shown(kind: str, heads: Sequence[TableHead]) -> list[TableHead]:
    """The tables under masked names; a masked name is followed by the table's position."""
    shown = shown_names([head.name for head in heads])
    return [
        head if name == head.name else replace(head, name=f"{name} ({kind} {at})")
        for at, (head, name) in enumerate(zip(heads, shown, strict=True), start=1)
    ]


def _lists(
    heads: Sequence[TableHead], headers: dict[int, Header | None], table: TableReader
) -> dict[int, Header]:
    """The tables with every required column, else the best one.

    A pivot or a summary has some of the list's headers, never all.
    """
    visible = {at: header for at, header in headers.items() if header and not heads[at].is_hidden}
    complete = [at for at, header in visible.items() if table.is_complete(header)]
    chosen = complete or sorted(visible, key=lambda at: -visible[at].score)[:1]
    return {at: visible[at] for at in chosen if not heads[at].inside.intersection(chosen)}


def _with_continuations(
    heads: Sequence[TableHead],
    headers: dict[int, Header | None],
    lists: dict[int, Header],
    table: TableReader,
) -> dict[int, Header]:
    """The lists, and the tables without a header that continue one of them."""
    chosen: dict[int, Header] = {}
    header = next(iter(lists.values()))
    for at, head in enumerate(heads):
        if at in lists:
            header = chosen[at] = lists[at]
        elif (
            headers[at] is None
            and not head.is_hidden
            and not head.inside.intersection(lists)
            and table.continues(head.rows, header)
        ):
            chosen[at] = replace(header, row=0, height=0)
    return chosen


def _refuse_alike(
    kind: str, head: TableHead, header: Header | None, rows: int, lists: dict[int, Header]
) -> None:
    """Refuse a file with a table that has most of the list's columns but not the required ones."""
    if header is None or head.is_hidden:
        return
    titles = sum(1 for _, cells, _ in head.rows[: header.row + header.height] if any(cells))
    alike = any(
        2 * len(header.positions.keys() & one.positions.keys()) >= len(one.positions)
        for one in lists.values()
    )
    if alike and rows > titles:
        wanted = {name for one in lists.values() for name in one.positions}
        lacking = ", ".join(sorted(wanted - header.positions.keys())) or said_text(
            "a place of its own"
        )
        raise UnreadableError(
            "FILE-F13",
            said(
                "{kind} '{name}' ({rows}) has the columns of the list without {lacking}; name"
                " its columns as those of the list, or export it as a file of its own",
                kind=kind,
                name=head.name,
                rows=said_count(rows - titles, "row"),
                lacking=lacking,
            ),
        )


def _leave_out(
    kind: str,
    heads: Sequence[TableHead],
    headers: dict[int, Header | None],
    rows_left: dict[int, int],
    table: TableReader,
) -> None:
    reading = table.reading
    is_empty = reading.rows_read == reading.rows_blank
    for at, rows in rows_left.items():
        head, header = heads[at], headers[at]
        is_keyed = header is not None and table.has_key(header)
        may_hold = is_keyed or table.may_hold_records(head.rows)
        if is_empty and may_hold and header is None and not head.is_hidden:
            raise UnreadableError(
                "FILE-F13",
                said(
                    "the list has no rows under its column names, while {kind} '{name}' holds"
                    " {rows} without names; export both in one {kind}",
                    kind=kind,
                    name=head.name,
                    rows=said_count(rows, "row"),
                ),
            )
        reading.leave_out(head.name, rows, may_hold_records=may_hold)


def _no_list(
    kind: str, heads: Sequence[TableHead], headers: dict[int, Header | None]
) -> UnreadableError:
    hidden = [head.name for at, head in enumerate(heads) if headers[at] and head.is_hidden]
    if hidden:
        return UnreadableError(
            "FILE-F04",
            said(
                "the {kind} with the column names, '{name}', is hidden; show it",
                kind=kind,
                name=hidden[0],
            ),
        )
    return UnreadableError(
        "FILE-F04", said("no {kind} has a row of column names that the mapping knows", kind=kind)
    )


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (
        said(" and {more} more", more=more) if more > 0 else ""
    )
