"""Detecting a file's format from its content, and opening the right reader."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml.html import defs

from onestop.readers.content import is_zip, read_content
from onestop.readers.delimited import read_delimited
from onestop.readers.html_tables import read_html
from onestop.readers.legacy import looks_legacy
from onestop.readers.limits import LIMITS
from onestop.readers.records import read_json
from onestop.readers.refusals import DamagedError, UnreadableError
from onestop.readers.text import decode_head, sniff_encoding
from onestop.readers.workbooks import read_workbook
from onestop.readers.xml_workbooks import NAMESPACE, read_xml_workbook
from onestop.said import said, said_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from onestop.readers.content import Content
    from onestop.readers.limits import Limits
    from onestop.readers.reading import Batch, Reading
    from onestop.schema.mapping import ColumnMapping, FeedMapping

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: The first tag of a text, after blank space, an XML declaration, comments and a doctype.
_FIRST_TAG = re.compile(
    r"\s*(<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*(?:(<!doctype\s+html)[^>]*>\s*)?(?:<!--.*?-->\s*)*"
    r"<([a-z][a-z0-9]*)[\s/>]",
    re.IGNORECASE | re.DOTALL,
)
#: Elements with which other kinds of XML may begin too.
_PAGE = frozenset({"html", "head", "body", "meta", "table", "style", "div"})
#: Text holds fewer NULs than one in so many bytes; a row with one is rejected.
_NUL_SHARE = 50
#: First bytes of formats that are not supported, with what to send instead.
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", said_text("a PDF; export the list as Excel or CSV")),
    (b"Rar!", said_text("a RAR archive; pack it as zip")),
    (b"7z\xbc\xaf", said_text("a 7z archive; pack it as zip")),
    (b"SQLite format 3", said_text("a SQLite database; export the list as CSV")),
    (b"PAR1", said_text("a Parquet file; export the list as CSV")),
    (b"{\\rtf", said_text("a Word text; export the list as Excel or CSV")),
)


def open_reading(path: Path, mapping: FeedMapping, limits: Limits = LIMITS) -> Reading:
    """Detect a file's format and begin to read it.

    Args:
        path: the landed file.
        mapping: how to read its columns.
        limits: bounds on its size.

    Raises:
        UnreadableError: it cannot be read; also while the batches are consumed.
    """
    try:
        reading = _open_content(read_content(path, limits), mapping, limits)
    except (UnreadableError, OSError):
        raise
    except Exception as error:
        raise _given_up(error) from error
    reading.batches = _without_surprises(_without_legacy(reading.batches, mapping))
    return reading


def _without_surprises(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches; an unexpected error of a reader also refuses the file."""
    try:
        yield from batches
    except (UnreadableError, OSError):
        raise
    except Exception as error:
        raise _given_up(error) from error


def _given_up(error: Exception) -> UnreadableError:
    """The refusal for an unexpected error of a parser.

    It names only the error's class: its text may quote personal data of the file.
    """
    return DamagedError(
        said(
            "the file is damaged in a way that stops its reader ({name}); export and send it again",
            name=type(error).__name__,
        )
    )


def _without_legacy(batches: Iterator[Batch], mapping: FeedMapping) -> Iterator[Batch]:
    """The batches; a file whose texts are in an old font encoding is refused."""
    worded = [c.name for c in mapping.read_columns if _is_worded(mapping, c)]
    for batch in batches:
        for name in worded:
            if looks_legacy(batch.distinct(name)):
                raise UnreadableError(
                    "FILE-F03",
                    said(
                        "the texts of {name} are in an old font encoding (TCVN3 or VNI);"
                        " convert the"
                        " export to Unicode UTF-8",
                        name=name,
                    ),
                )
        yield batch


def _is_worded(mapping: FeedMapping, column: ColumnMapping) -> bool:
    return column.name.endswith(("_name", "note")) or column in mapping.helpers


def _is_binary(head: bytes) -> bool:
    """Whether bytes with NULs are binary; a text may have a single one by accident."""
    if b"\x00" not in head:
        return False
    try:
        decode_head(head, "utf-8")
    except UnreadableError:
        return True
    return head.count(0) * _NUL_SHARE > len(head)


def _open_content(content: Content, mapping: FeedMapping, limits: Limits) -> Reading:
    head = content.head
    if is_zip(head) or head.startswith(_OLE):
        return read_workbook(content, mapping, limits)
    for sign, what in _FOREIGN:
        if head.startswith(sign):
            raise UnreadableError("FILE-F07", said("it is {what}", what=what))
    encoding = sniff_encoding(head)
    if encoding.startswith("utf-8") and _is_binary(head):
        raise UnreadableError(
            "FILE-F07", "it is neither text nor a workbook; export it as JSON, CSV or Excel"
        )
    text = decode_head(head, encoding)
    if not text.strip():
        raise UnreadableError("FILE-F01", "the file holds nothing but blank space")
    if text.lstrip()[0] in "[{":
        return read_json(content, mapping, limits)
    if _is_page(text):
        return read_html(content, mapping, limits)
    if text.lstrip().startswith("<") and NAMESPACE in text:
        return read_xml_workbook(content, mapping, limits)
    if text.lstrip().startswith("<"):
        raise UnreadableError("FILE-F07", "it is XML; export the list as JSON, CSV or Excel")
    return read_delimited(content, mapping, limits)


def _is_page(text: str) -> bool:
    """Whether the first tag of a text is an HTML element; in XML, one that begins a page."""
    match = _FIRST_TAG.match(text)
    if not match:
        return False
    is_xml, doctype, name = match.groups()
    return bool(doctype) or name.lower() in (_PAGE if is_xml else defs.tags | defs.html5_tags)
