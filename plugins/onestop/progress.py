"""Progress of long work: reported by the code that does it, shown by a command on a terminal.

Without a listener (tasks of Airflow, pipes, tests) reporting does nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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


def counted_off(items: Iterable[Item]) -> Iterator[Item]:
    """The items; each one counts as done when the next is asked for."""
    for item in items:
        yield item
        advance()
