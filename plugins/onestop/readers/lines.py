"""Lines of text, a block at a time, decoded only when read."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

from onestop.readers.refusals import UnreadableError
from onestop.readers.text import unify_line_ends, utf8_chunks, utf8_text
from onestop.said import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from onestop.readers.limits import Limits

_LINE_END = b"\n"
#: Ctrl-Z, with which DOS programs end a text.
_DOS_END = b"\x1a"


@dataclass(frozen=True)
class Lines:
    r"""Some lines.

    Attributes:
        data: their bytes, each line ended by ``\n``.
        is_unended: the text ended within the last one.
    """

    data: bytes
    is_unended: bool = False

    @classmethod
    def of(cls, texts: Iterable[str]) -> Lines:
        """Lines from their texts."""
        return cls("".join(f"{text}\n" for text in texts).encode())

    @functools.cached_property
    def ends(self) -> npt.NDArray[np.int64]:
        """The end position of each line, line end included."""
        return np.flatnonzero(np.frombuffer(self.data, np.uint8) == _LINE_END[0]) + 1

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, at: int) -> str:
        """The text of a line, without its end."""
        start = self.ends[at - 1] if at else 0
        return self.data[start : self.ends[at] - 1].decode()

    def texts(self) -> list[str]:
        """The texts of all lines."""
        return self.data.decode().split("\n")[:-1]

    def part(self, first: int, end: int) -> Lines:
        """The lines from ``first`` up to and without ``end``."""
        start = self.ends[first - 1] if first else 0
        return Lines(self.data[start : self.ends[end - 1]] if end > first else b"")

    def pick(self, places: Sequence[int]) -> Lines:
        """Some of the lines."""
        return Lines.of(self[at] for at in places)

    def as_array(self) -> pa.StringArray:
        r"""The lines as an Arrow array; each value ends with ``\n``."""
        offsets = np.concatenate([[0], self.ends]).astype(np.int32)
        return pa.StringArray.from_buffers(
            len(self), pa.py_buffer(offsets.tobytes()), pa.py_buffer(self.data)
        )


def line_blocks(stream: IO[bytes], encoding: str, limits: Limits) -> Iterator[Lines]:
    r"""The lines of a text, cut at ``\n``, ``\r\n`` and ``\r``.

    Args:
        stream: the text.
        encoding: from :func:`~onestop.readers.text.sniff_encoding`.
        limits: a longer line than these allow is refused before it is held in memory.

    Raises:
        UnreadableError: a line is too long, or the text is not Unicode.
    """
    rest = b""
    number = 0
    for chunk in unify_line_ends(utf8_chunks(stream, encoding), b"\r", _LINE_END):
        data = rest + chunk
        cut = data.rfind(_LINE_END) + 1
        block, rest = Lines(data[:cut]), data[cut:]
        utf8_text(block.data)
        lengths = [*np.diff(block.ends, prepend=0), len(rest)]
        if max(lengths) > limits.line_chars:
            _refuse_long(block, lengths, rest, number, limits.line_chars)
        number += len(block)
        if block:
            yield block
    if rest := rest.rstrip(_DOS_END):
        utf8_text(rest)
        yield Lines(rest + _LINE_END, is_unended=True)


def _refuse_long(block: Lines, lengths: Sequence[int], rest: bytes, number: int, most: int) -> None:
    """Refuse a line of too many characters; many bytes may be few characters."""
    for at in np.flatnonzero(np.array(lengths) > most).tolist():
        text = block[at] if at < len(block) else rest.decode("utf-8", "ignore")
        if len(text) > most:
            raise UnreadableError(
                "FILE-F06",
                said(
                    "line {number} is longer than {most} characters",
                    number=number + at + 1,
                    most=most,
                ),
            )
