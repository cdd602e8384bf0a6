"""Reading exported files: the format is detected from the content, never from the name.

:func:`open_reading` detects a landed file's format and returns its rows as batches of text columns
under their canonical names. Columns that the mapping lists as personal are never read.
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
