"""Names in the reference files that only the record can know: source systems and units.

``sql/reference`` is checked when it is read (:mod:`onestop.schema.reference`); whether a source
delivers anything, and whether a unit exists, is known to the mappings and the warehouse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.said import said, said_text
from onestop.schema.reference import REFERENCE_FOLDER, read_reference
from onestop.warehouse.staged_names import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from onestop.warehouse import Warehouse

#: Reference file, the column that identifies its rows for readers, and its columns with such names.
_NAMED = (
    ("known_issue", "issue_code", ("source", "unit_code")),
    ("volume_exception", "night", ("source",)),
)
_SOURCES = "select distinct source as name from audit.delivery"
_UNITS = "select distinct unit_code as name from core.unit_version"
UNKNOWN_NAME_REMEDY = said_text("correct the name, or remove the row")


def unknown_names(
    warehouse: Warehouse, sources: Collection[str], folder: Path = REFERENCE_FOLDER
) -> list[str]:
    """The sources and units named in reference files that do not exist.

    A known issue or a volume exception with such a name has no effect. Known are the sources with
    a mapping and those that ever delivered a file, and the units that the register ever had or
    that have figures.

    Args:
        warehouse: open, with the published marts.
        sources: the source systems that have a mapping.
        folder: the reference files.

    Returns:
        One sentence for each, with file, row and name; :data:`UNKNOWN_NAME_REMEDY` says what to do.
    """
    reference = read_reference(folder)
    named = [
        (f"{file}.csv", row[key], column, str(row[column]))
        for file, key, columns in _NAMED
        for row in reference[file]
        for column in columns
        if row[column] is not None
    ]
    if not named:
        return []
    query = _UNITS
    if "unit" in warehouse.tables(PUBLISHED):
        query += f" union select unit_code from {PUBLISHED}.unit"
    known: dict[str, set[str]] = {
        "source": {*sources, *_names(warehouse, _SOURCES)},
        "unit_code": {str(row["unit_code"]) for row in reference["unit_level"]}
        | _names(warehouse, query),
    }
    return [
        said(
            "sql/reference/{file}, row {row}: there is no {column} {name}",
            file=file,
            row=row,
            column=column,
            name=name,
        )
        for file, row, column, name in named
        if name not in known[column]
    ]


def _names(warehouse: Warehouse, query: str) -> set[str]:
    return {row["name"] for row in warehouse.rows(query)}
