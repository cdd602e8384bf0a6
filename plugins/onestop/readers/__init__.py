"""Reading exported files: the real format is found in the content, never in the name.

:func:`open_reading` sniffs a landed file and gives its rows as batches of text columns that
already bear canonical names; whatever the mapping calls personal is left out before that.
"""

from __future__ import annotations

from onestop.readers.limits import LIMITS, Limits
from onestop.readers.opening import open_reading
from onestop.readers.reading import Batch, Reading
from onestop.readers.refusals import FILE_RULES, DamagedError, FileRule, UnreadableError

__all__ = [
    "FILE_RULES",
    "LIMITS",
    "Batch",
    "DamagedError",
    "FileRule",
    "Limits",
    "Reading",
    "UnreadableError",
    "open_reading",
]
