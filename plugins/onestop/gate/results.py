"""Validation results as write-once files; the same content is not written twice."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from onestop.files import READABLE, write_new
from onestop.storage import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NUMBERED = re.compile(r"^(?P<name>.+)\.(?P<number>\d+)\.json$")


def write_result(folder: Path, name: str, document: dict[str, Any]) -> Path:
    """Write a result as ``<name>.<n>.json``.

    A result equal to the last one of that name is not written again. The file appears whole or
    not at all, and never changes.

    Returns:
        The file that holds the document.
    """
    content = json.dumps(document, ensure_ascii=False, indent=1).encode()
    while True:
        number, last = max(_versions(folder, name), default=(0, None))
        if last is not None and last.read_bytes() == content:
            return last
        target = folder / f"{name}.{number + 1}.json"
        try:
            write_new(target, content, mode=READABLE)
        except FileExistsError:
            continue  # another process wrote this number first: compare with its result
        return target


def result_files(results: Path) -> list[Path]:
    """All results, oldest night first, within a night by name and number."""
    found = []
    for path in results.glob("*/*.json"):
        matched = _NUMBERED.match(path.name)
        if matched:
            found.append((path.parent.name, matched["name"], int(matched["number"]), path))
    return [path for *_, path in sorted(found)]


def latest_result(folder: Path, name: str) -> Path | None:
    """The last result of a name, if there is one."""
    return max(_versions(folder, name), default=(0, None))[1]


def read_result(path: Path) -> dict[str, Any]:
    """One result, as it was written."""
    document = json.loads(path.read_bytes())
    if not isinstance(document, dict):
        raise TypeError(f"{path.name} is not a validation result")
    return document


def _versions(folder: Path, name: str) -> Iterator[tuple[int, Path]]:
    for found in names_in(folder, beginning=f"{name}."):
        matched = _NUMBERED.match(found)
        if matched and matched["name"] == name:
            yield int(matched["number"]), folder / found
