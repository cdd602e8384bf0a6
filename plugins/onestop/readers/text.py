"""Bytes to text and lines, as a stream, refusing what is not Unicode."""

from __future__ import annotations

import codecs
from typing import IO, TYPE_CHECKING

from onestop.readers.refusals import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onestop.readers.limits import Limits

_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def sniff_encoding(head: bytes) -> str:
    """The encoding that a byte order mark states, else UTF-8."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")


def decode_head(head: bytes, encoding: str) -> str:
    """The first bytes as text; a character cut off at their end is left out.

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

    UTF-8 is passed on as it is; whoever decodes it must refuse what is not.
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


def line_blocks(chunks: Iterator[str], limits: Limits, newline: str = "\n") -> Iterator[list[str]]:
    r"""Lines without their ends, a chunk's worth at a time, cut at ``newline`` only.

    Args:
        chunks: pieces of text.
        limits: a longer line than these allow is refused before it is held in memory.
        newline: ``\n``, or ``\r`` for files of old Macintosh programs.
    """
    rest = ""
    number = 0
    for chunk in chunks:
        lines = (rest + chunk).split(newline)
        rest = lines.pop()
        longest = max(map(len, lines), default=0)
        if max(longest, len(rest)) > limits.line_chars:
            at = next((i for i, x in enumerate(lines) if len(x) > limits.line_chars), len(lines))
            raise UnreadableError(
                "FILE-F06",
                f"line {number + at + 1} is longer than {limits.line_chars} characters",
            )
        number += len(lines)
        if lines:
            yield lines
    if rest:
        yield [rest]
