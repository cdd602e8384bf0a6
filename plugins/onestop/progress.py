"""Progress of long work: reported by the code that does it, shown by a command on a terminal.

Without a listener (tasks of Airflow, pipes, tests) reporting does nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    Item = TypeVar("Item")


class Listener(Protocol):
    """Shows work that has begun."""

    def begin(self, work: str, subject: str, unit: str, total: int | None) -> None:
        """Work begins.

        Args:
            work: what is done: ``reading``, ``loading``, …
            subject: with what, such as a file's name; may be empty.
            unit: of what is counted, such as ``rows``; empty when nothing is.
            total: how many there are; None when unknown.
        """

    def advance(self, count: int) -> None:
        """So many more are done of the work that began last."""

    def end(self) -> None:
        """The work that began last has ended."""


_MIB = 1 << 20
#: Bytes of a file whose reading or copying is reported as work of its own.
_LARGE = 64 * _MIB
#: How many rows are reported at once, for ``every`` of :func:`counted_off`.
BATCH = 1000
_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Report the progress of this process to a listener."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def working(
    work: str, subject: str = "", *, unit: str = "", total: int | None = None
) -> Iterator[None]:
    """Report that work is done in this block; the arguments are those of :meth:`Listener.begin`."""
    listeners = tuple(_listeners)
    for listener in listeners:
        listener.begin(work, subject, unit, total)
    try:
        yield
    finally:
        for listener in listeners:
            listener.end()


def advance(count: int = 1) -> None:
    """Report that so many more are done of the work that began last."""
    for listener in _listeners:
        listener.advance(count)


@contextmanager
def working_on_bytes(work: str, name: str, size: int) -> Iterator[Callable[[int], None]]:
    """Report work on the bytes of a large file, in MiB; that on a small one takes no time.

    Args:
        work: as of :meth:`Listener.begin`.
        name: of the file.
        size: how many bytes it has.

    Yields:
        Takes how many more bytes are done.
    """
    if size < _LARGE:
        yield lambda _: None
        return
    done = 0

    def count(more: int) -> None:
        nonlocal done
        before, done = done, done + more
        if whole := done // _MIB - before // _MIB:
            advance(whole)

    with working(work, name, unit="MiB", total=size // _MIB):
        yield count


def counted_off(items: Iterable[Item], *, every: int = 1) -> Iterator[Item]:
    """The items; each one counts as done when the next is asked for.

    Args:
        items: what is counted.
        every: how many are reported at once; reporting each of a million takes longer than they.
    """
    done = 0
    for item in items:
        yield item
        done += 1
        if done == every:
            advance(done)
            done = 0
    if done:
        advance(done)
