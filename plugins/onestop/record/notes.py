"""Notes: small files in which steps that run side by side leave what the record has to hold.

The step that owns the warehouse enters them and removes them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_notes(folder: Path) -> Iterator[tuple[Path, str]]:
    """The notes in a folder with their texts, without those that another run removes meanwhile."""
    for note in sorted(folder.glob("*.json")):
        with suppress(FileNotFoundError):
            text = note.read_text(encoding="utf-8")
            yield note, text
