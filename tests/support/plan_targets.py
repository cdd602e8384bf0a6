"""The targets of ``sql/reference/target.csv``, read without the library."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

_FILE = Path(__file__).parents[2] / "sql" / "reference" / "target.csv"


@dataclass(frozen=True)
class Target:
    """A target in force: ``numerator / denominator``, and how a figure is compared with it."""

    comparison: str
    numerator: int
    denominator: int

    def is_met(self, numerator: int, denominator: int) -> bool:
        """Whether a figure meets it, compared as integers."""
        achieved, needed = numerator * self.denominator, self.numerator * denominator
        return {
            ">=": achieved >= needed,
            "<=": achieved <= needed,
            "=": achieved == needed,
        }[self.comparison]


@cache
def target_of(indicator: str, day: dt.date, level: str | None = None) -> Target | None:
    """The target of an indicator on a day, for all levels or for this one."""
    for row in _rows():
        is_in_force = row["valid_from"] <= day.isoformat() < (row["valid_to"] or "9999")
        if (
            row["indicator_code"] == indicator
            and row["unit_level"] in {"all", level}
            and is_in_force
        ):
            return Target(
                row["comparison"], int(row["target_numerator"]), int(row["target_denominator"])
            )
    return None


@cache
def _rows() -> list[dict[str, str]]:
    with _FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
