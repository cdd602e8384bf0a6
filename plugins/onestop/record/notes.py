"""Notes: small files by which steps that run in parallel pass entries for the record.

The step that writes the warehouse enters and removes them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_notes(folder: Path) -> Iterator[tuple[Path, str]]:
    """The notes in a folder with their texts; skips those that another run removes meanwhile."""
    for note in sorted(folder.glob("*.json")):
        with suppress(FileNotFoundError):
            text = note.read_text(encoding="utf-8")
            yield note, text
