"""Chance, drawn from a seeded source so that it comes out the same every time.

Millions of dossiers need many draws; these take a third of the time of the library's own.
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

T = TypeVar("T")


def comes_up(rng: random.Random, share: float) -> bool:
    """True in that share of the cases."""
    return rng.random() < share


def between(rng: random.Random, least: int, most: int) -> int:
    """A whole number from ``least`` to ``most``, both included."""
    return least + int(rng.random() * (most - least + 1))


class Lots(Generic[T]):
    """Things to draw from, each with its weight."""

    __slots__ = ("_cumulative", "_last", "things", "total")

    def __init__(self, things: Sequence[T], weights: Iterable[float]) -> None:
        self.things = tuple(things)
        self._cumulative = tuple(accumulate(weights))
        self._last = len(self.things) - 1
        self.total = self._cumulative[-1] if self._cumulative else 0.0

    def draw(self, rng: random.Random) -> T:
        """One of the things by chance."""
        place = bisect(self._cumulative, rng.random() * self.total, 0, self._last)
        return self.things[place]
