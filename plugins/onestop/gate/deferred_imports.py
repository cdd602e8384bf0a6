"""Importing a large library without those of its own imports that are not used here."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import LazyLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


@contextmanager
def deferring(names: Collection[str]) -> Iterator[None]:
    """Inside the block, modules of these names are executed only when something of them is used.

    They are in ``sys.modules`` as :class:`importlib.util.LazyLoader` leaves them: the first access
    to an attribute executes them. Modules that are imported already, or not installed, are as they
    are. The garbage collector rests meanwhile: what a large import makes stays.

    Args:
        names: full names, such as ``scipy.stats``.
    """
    finder = _Deferring(names)
    was_collecting = gc.isenabled()
    gc.disable()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if was_collecting:
            gc.enable()


class _Deferring:
    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec
