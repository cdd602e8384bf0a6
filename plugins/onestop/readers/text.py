"""Bytes to text and lines, as a stream, refusing what is not Unicode."""

from __future__ import annotations

import codecs
from typing import IO, TYPE_CHECKING, AnyStr

from onestop.readers.refusals import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHUNK = 1 << 20
#: At least one character in four is plain, …
_UTF16_SHARE = 4
#: … and at most one zero byte in twenty is on the other side.
_UTF16_SIDES = 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def sniff_encoding(head: bytes) -> str:
    """The encoding: from a byte order mark, UTF-16 by its zero bytes, else UTF-8."""
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    return marked or _unmarked_utf16(head) or "utf-8"


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 by its zero bytes: each digit, delimiter and plain letter has one, on one side."""
    first, second = head[0::2].count(0), head[1::2].count(0)
    fewer, more = sorted((first, second))
    if more * _UTF16_SHARE < len(head) // 2 or fewer * _UTF16_SIDES > more:
        return None
    return "utf-16-le" if second > first else "utf-16-be"


def decode_head(head: bytes, encoding: str) -> str:
    """The first bytes as text, without a character cut off at their end.

    Raises:
        UnreadableError: they are not in that encoding.
    """
    return _decode(codecs.getincrementaldecoder(encoding)(), head, final=False)


def _decode(decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool) -> str:
    try:
        return decoder.decode(data, final)
    except UnicodeDecodeError as error:
        raise UnreadableError(
            "FILE-F03",
            "the text is not Unicode (UTF-8), as in files with the old fonts .VnTime or VNI;"
            " export it again as Unicode UTF-8",
        ) from error


def text_chunks(stream: IO[bytes], encoding: str) -> Iterator[str]:
    """The stream's text in pieces of about a million characters."""
    decoder = codecs.getincrementaldecoder(encoding)()
    while data := stream.read(_CHUNK):
        if text := _decode(decoder, data, final=False):
            yield text
    if text := _decode(decoder, b"", final=True):
        yield text


def utf8_chunks(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    """The stream's text as pieces of UTF-8 bytes, without a byte order mark.

    UTF-8 is passed on unchecked; the caller that decodes it must refuse invalid bytes.
    """
    if not encoding.startswith("utf-8"):
        for text in text_chunks(stream, encoding):
            yield text.encode("utf-8", "surrogatepass")
        return
    first = stream.read(_CHUNK)
    if encoding == "utf-8-sig":
        first = first.removeprefix(codecs.BOM_UTF8)
    if first:
        yield first
    while data := stream.read(_CHUNK):
        yield data


def utf8_text(
    data: bytes, decoder: codecs.IncrementalDecoder | None = None, *, final: bool = True
) -> str:
    """UTF-8 bytes as text.

    Raises:
        UnreadableError: they are not UTF-8.
    """
    return _decode(decoder or codecs.getincrementaldecoder("utf-8")(), data, final=final)


def unify_line_ends(
    chunks: Iterable[AnyStr], carriage_return: AnyStr, line_feed: AnyStr
) -> Iterator[AnyStr]:
    r"""The same text with ``\n`` for every ``\r\n`` and every lone ``\r``."""
    both = carriage_return + line_feed
    held = carriage_return[:0]
    for chunk in chunks:
        text = held + chunk
        held = text[-1:] if text.endswith(carriage_return) else text[:0]
        if carriage_return in text:
            text = text.removesuffix(carriage_return) if held else text
            text = text.replace(both, line_feed).replace(carriage_return, line_feed)
        if text:
            yield text
    if held:
        yield line_feed
