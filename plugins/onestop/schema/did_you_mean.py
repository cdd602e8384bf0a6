"""What to use in the place of a name that does not exist."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from onestop.said import Said, said, said_begun, said_either, said_text

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Up to this number of names, a message lists all of them.
_FEW = 12
_CLOSE = 3
#: Letters of a part of a name that are worth looking for.
_PART = 3
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
#: Where all names are listed, in remedies.
CODES = said_text("all are listed in docs/dictionary.md")
UNITS = said_text(
    "all are in mart.unit; use CITY, DEPARTMENT, DISTRICT or COMMUNE for more than one"
)


def did_you_mean(asked: str, known: Iterable[str], *, see: str = "", most: int = _FEW) -> Said:
    """The names that are close to the one asked for, else all names if they are few.

    Args:
        asked: the name that does not exist.
        known: the names that exist.
        see: where all of them are listed, for the case that they are many.
        most: up to this number of names, all are listed.
    """
    names = list(dict.fromkeys(known))
    by_fold = {name.lower(): name for name in reversed(names)}
    found = [by_fold[name] for name in _close(asked.lower(), list(by_fold))]
    further = (
        said("there are {names}", names=", ".join(names))
        if names and len(names) <= most
        else said_text(see)
    )
    if not found:
        return further
    meant = said("did you mean {names}?", names=said_either(found))
    return said("{meant} {further}", meant=meant, further=said_begun(further)) if further else meant


def _close(asked: str, names: list[str]) -> list[str]:
    """The names with the same numbers, else those with few other letters, then longer ones."""
    if same := [name for name in names if _numbers_alike(name) == _numbers_alike(asked)]:
        return same[:_CLOSE]
    similar = difflib.get_close_matches(asked, names, n=_CLOSE, cutoff=0.72)
    longer = [name for name in names if len(asked) >= _PART and asked in name]
    longer.sort(key=lambda name: (not name.startswith(asked), len(name)))
    return list(dict.fromkeys([*similar, *longer]))[:_CLOSE]


def _numbers_alike(name: str) -> str:
    """A name whose numbers have no leading zeros: ``DOS-R01`` is asked for as ``DOS-R1``."""
    return _LEADING_ZEROS.sub("", name)
