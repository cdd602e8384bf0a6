"""Tables that are cards on a phone: each of their cells is named after its column."""

from __future__ import annotations

import re
from functools import partial
from itertools import count

_TABLE = re.compile(r'<table class="(?:[^"]* )?cards">.*?</table>', re.DOTALL)
_HEADING = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<(t[hd])\b(?![^>]*\bcolspan)")
_TAG = re.compile(r"<[^>]*>")


def name_cells(page: str) -> str:
    """A page whose tables of class ``cards`` have in each data cell the heading of its column.

    A narrow window shows a row as a card, with the heading before each cell, so that it needs to
    hide no column.

    Args:
        page: HTML of our templates: each table has one row of headings, without spans.
    """
    return _TABLE.sub(lambda found: _name_table(found[0]), page)


def _name_table(table: str) -> str:
    head, end, body = table.partition("</thead>")
    headings = [" ".join(_TAG.sub("", text).split()) for text in _HEADING.findall(head)]
    return head + end + _ROW.sub(lambda found: _name_row(found[0], headings), body)


def _name_row(row: str, headings: list[str]) -> str:
    return _CELL.sub(partial(_named, headings=headings, places=count()), row)


def _named(cell: re.Match[str], headings: list[str], places: count[int]) -> str:
    place = next(places)
    if cell[1] == "th" or place >= len(headings) or not headings[place]:
        return cell[0]
    return f'<td data-label="{headings[place].replace(chr(34), "&quot;")}"'
