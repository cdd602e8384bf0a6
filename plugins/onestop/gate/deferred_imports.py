"""Importing a large library without those of its own imports that are not used here."""

from __future__ import annotations

import atexit
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
def deferring(names: Collection[str], hidden: Collection[str] = ()) -> Iterator[None]:
    """Inside the block, modules of these names are executed only when something of them is used.

    They are in ``sys.modules`` as :class:`importlib.util.LazyLoader` leaves them: the first access
    to an attribute executes them. Modules that are imported already, or not installed, are as they
    are. The garbage collector rests meanwhile, and never looks at what was there at the end of the
    block: what a large import makes stays, and a look at all of it takes a third of a second. At
    the end of the process it looks at it again: DuckDB reports what nobody freed as leaked.

    Args:
        names: full names, such as ``scipy.stats``.
        hidden: packages that a library imports only where they are installed. Inside the block
            they cannot be imported, so that the library does without them; later imports find them.
    """
    finder = _Deferring(names, hidden)
    was_collecting = gc.isenabled()
    gc.disable()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        gc.freeze()
        atexit.register(gc.unfreeze)
        if was_collecting:
            gc.enable()


class _Deferring:
    def __init__(self, names: Collection[str], hidden: Collection[str]) -> None:
        self._names = frozenset(names)
        self._hidden = frozenset(hidden)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in self._hidden:
            raise ModuleNotFoundError(f"{fullname} is hidden here", name=fullname)
        if fullname not in self._names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec
