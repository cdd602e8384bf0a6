"""What to use in the place of a name that does not exist."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Up to this number of names, a message lists all of them.
_FEW = 12
_CLOSE = 3
#: Letters of a part of a name that are worth looking for.
_PART = 3
#: Where all names are listed, in remedies.
CODES = "all are listed in docs/dictionary.md"
UNITS = "all are in mart.unit; use CITY, DEPARTMENT, DISTRICT or COMMUNE for more than one"


def did_you_mean(asked: str, known: Iterable[str], *, see: str = "") -> str:
    """The names that are close to the one asked for, else all names if they are few.

    Args:
        asked: the name that does not exist.
        known: the names that exist.
        see: where all of them are listed, for the case that they are many.
    """
    names = list(dict.fromkeys(known))
    by_fold = {name.lower(): name for name in reversed(names)}
    found = [by_fold[name] for name in _close(asked.lower(), list(by_fold))]
    further = f"there are {', '.join(names)}" if names and len(names) <= _FEW else see
    if not found:
        return further
    return f"did you mean {_either(found)}? {further[:1].upper()}{further[1:]}".rstrip()


def _close(asked: str, names: list[str]) -> list[str]:
    """Names with few other letters, then those that contain the one asked for."""
    similar = difflib.get_close_matches(asked, names, n=_CLOSE, cutoff=0.72)
    longer = [name for name in names if len(asked) >= _PART and asked in name]
    longer.sort(key=lambda name: (not name.startswith(asked), len(name)))
    return list(dict.fromkeys([*similar, *longer]))[:_CLOSE]


def _either(names: list[str]) -> str:
    return ", ".join(names[:-1]) + (" or " if len(names) > 1 else "") + names[-1]
