"""Which reference rows differ between two nights, or from the files of this installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.record.reference_versions import replaced_since
from onestop.said import Language, said_text, translated
from onestop.schema.reference import reference_files
from onestop.warehouse.staged_names import REFERENCE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

    from onestop.schema.reference import ReferenceFile
    from onestop.warehouse import Warehouse

_LONGEST = 40


@dataclass(frozen=True)
class ReferenceChange:
    """A row of a reference file that was added, removed or changed.

    Attributes:
        file_name: such as ``target.csv``.
        row: what identifies it, as text.
        before: the cells that differ, as text; None for an added row.
        after: likewise; None for a removed row.
    """

    file_name: str
    row: str
    before: Mapping[str, str] | None
    after: Mapping[str, str] | None

    def __str__(self) -> str:
        """Such as ``target.csv, on_time_rate all 2022-01-01: target_numerator 98 → 95``."""
        return self.in_language("en")

    def in_language(self, lang: Language) -> str:
        """The same in a language."""
        place = f"{self.file_name}, {self.row}"
        if self.before is None or self.after is None:
            how = said_text("added") if self.before is None else said_text("removed")
            return f"{place}: {how.in_language(lang)}"
        return f"{place}: " + ", ".join(
            f"{name} {_short(old, lang)} → {_short(self.after[name], lang)}"
            for name, old in self.before.items()
        )


def _short(cell: str, lang: Language) -> str:
    shown = cell if len(cell) <= _LONGEST else f"{cell[:_LONGEST]}…"
    return shown or translated("(empty)", lang)


def reference_on(warehouse: Warehouse, night: dt.date) -> dict[str, pa.Table]:
    """The rows of each reference file on a published night, by the file's name without suffix.

    Args:
        warehouse: from :func:`onestop.marts.published.open_published`.
        night: a published night.
    """
    return _rows_of(warehouse, replaced_since(warehouse, night), reference_files())


def _rows_of(
    warehouse: Warehouse, replaced: Mapping[str, pa.Table], names: Iterable[str]
) -> dict[str, pa.Table]:
    published = set(warehouse.tables(REFERENCE))
    return {
        name: replaced[table] if table in replaced else warehouse.arrow(f"select * from {table}")
        for name in names
        for table in [f"{REFERENCE}.{name}"]
        if name in published
    }


def reference_changes_between(
    warehouse: Warehouse, previous: dt.date, as_of: dt.date
) -> list[ReferenceChange]:
    """The rows that differ between two published nights: :func:`reference_changes`.

    Args:
        warehouse: from :func:`onestop.marts.published.open_published`.
        previous: the earlier night.
        as_of: the later night.
    """
    before, after = (replaced_since(warehouse, night) for night in (previous, as_of))
    # a table that was replaced since neither night has the same rows on both
    names = [n for n in reference_files() if f"{REFERENCE}.{n}" in before.keys() | after.keys()]
    if not names:
        return []
    return reference_changes(*(_rows_of(warehouse, side, names) for side in (before, after)))


def reference_changes(
    before: Mapping[str, pa.Table], after: Mapping[str, pa.Table]
) -> list[ReferenceChange]:
    """The rows that differ, in the order of the files and of their keys.

    Args:
        before: rows by file; of a file that only one side has, nothing is compared.
        after: likewise.
    """
    found = []
    for name, file in reference_files().items():
        if name in before and name in after:
            old, new = (_rows_by_key(file, side[name]) for side in (before, after))
            found += [
                change
                for key in sorted(old.keys() | new.keys())
                if (change := _changed(file.name, key, old.get(key), new.get(key)))
            ]
    return found


def _rows_by_key(file: ReferenceFile, table: pa.Table) -> dict[str, dict[str, str]]:
    key = (*file.key, *(["valid_from"] if file.is_dated else []))
    rows = [{name: _text(cell) for name, cell in row.items()} for row in table.to_pylist()]
    return {" ".join(filter(None, (row.get(name, "") for name in key))): row for row in rows}


def _text(cell: object) -> str:
    if cell is None:
        return ""
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _changed(
    name: str, key: str, old: dict[str, str] | None, new: dict[str, str] | None
) -> ReferenceChange | None:
    if old is None or new is None:
        return ReferenceChange(f"{name}.csv", key, old, new)
    # a column that only one side has is of another release, which its SELECTs go with
    differing = [column for column in old if column in new and old[column] != new[column]]
    if not differing:
        return None
    return ReferenceChange(
        f"{name}.csv",
        key,
        {column: old[column] for column in differing},
        {column: new[column] for column in differing},
    )
