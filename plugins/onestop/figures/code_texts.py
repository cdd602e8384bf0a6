"""Texts of codes: as published, else of this release's reference file, else the code itself."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from onestop.schema.reference import read_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from onestop.said import Language


class CodeTexts(dict[str, "Mapping[str, Any]"]):
    """Rows of a reference table by code; every code has one.

    A release may know codes that the rows published before it lack, until the next night is
    published. Such a code has the row of the release's own file. A code that is unknown there, too,
    stands for its own texts. Iteration, ``in`` and ``get`` know only the published codes.

    Args:
        table: the reference file, without ``ref.``.
        key: its column of the code.
        rows: as published, with that column.
    """

    def __init__(self, table: str, key: str, rows: Iterable[Mapping[str, Any]]) -> None:
        super().__init__((row[key], row) for row in rows)
        self._table, self._key = table, key

    def __missing__(self, code: str) -> Mapping[str, Any]:
        """The row of a code that is not among the published ones."""
        return _of_release(self._table, self._key).get(code) or _Unknown(code)

    def text(self, code: str, column: str) -> str:
        """A text of a code; empty where it has none.

        Args:
            code: the code.
            column: such as ``label_vi``.
        """
        return str(self[code][column] or "")


class _Unknown(dict[str, Any]):
    """The row of a code that nothing is known of: its names are the code, the rest is empty."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    def __missing__(self, column: str) -> str | None:
        return self._code if column.startswith(("label_", "title_")) else None


@cache
def _of_release(table: str, key: str) -> dict[str, Mapping[str, Any]]:
    return {str(row[key]): row for row in read_reference().get(table, [])}


def code_names(kind: str, lang: Language) -> dict[str, str]:
    """The names of a kind of codes that the SELECTs give themselves, in the order of their list.

    Args:
        kind: of ``sql/reference/code_label.csv``, such as ``change_kind``.
        lang: of the names.
    """
    rows = read_reference()["code_label"]
    return {str(row["code"]): str(row[f"label_{lang}"]) for row in rows if row["code_kind"] == kind}
