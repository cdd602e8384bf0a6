"""A thread that reads a file for a consumer with several threads.

DuckDB pulls the batches it inserts from its own threads. Libraries such as lxml keep memory per
thread; a parser used in one thread and freed in another corrupts it. So one thread reads a file
from beginning to end, and DuckDB takes the batches from a queue.
"""

from __future__ import annotations

import queue
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")

#: Length of the queue, so that reading and inserting run in parallel.
_WAITING = 4


class ReadingThread(Generic[T]):
    """An iterator over the items of a generator that runs in another thread.

    Leaving the ``with`` block closes the generator in its thread and ends the thread.

    Attributes:
        error: what the generator raised.
    """

    def __init__(self, start: Callable[[], Generator[T]]) -> None:
        """Prepare.

        Args:
            start: called in the thread; makes the generator.
        """
        self.error: Exception | None = None
        self._start = start
        self._queue: queue.Queue[T | None] = queue.Queue(_WAITING)
        self._is_left = threading.Event()
        self._thread = threading.Thread(target=self._read, name="onestop-reading", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_left.set()
        while self._thread.is_alive():
            while not self._queue.empty():
                self._queue.get_nowait()
            self._thread.join(0.01)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        """The next item; raises what the generator raised."""
        item = self._queue.get()
        if item is None:
            self._queue.put(None)
            if self.error:
                raise self.error
            raise StopIteration
        return item

    def _read(self) -> None:
        try:
            with closing(self._start()) as items:
                for item in items:
                    self._queue.put(item)
                    if self._is_left.is_set():
                        return
        except Exception as error:  # noqa: BLE001 - raised again where it is consumed
            self.error = error
        finally:
            self._queue.put(None)
