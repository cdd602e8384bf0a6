"""The readings of the on-time rate: a method, and the classes of dossiers that count otherwise.

They come from ``ref.reading``; their figures are in ``mart.indicator_variant``. A reading in which
nothing counts otherwise has the code of its method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.figures.explain.items import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onestop.figures.explain.items import Question, Role
    from onestop.marts.earlier_nights import NightMarts
    from onestop.warehouse import Warehouse


@dataclass(frozen=True)
class Reading:
    """One reading.

    Attributes:
        method: the method that it starts from.
        roles: the role of each class of ``ref.period_class`` that counts otherwise.
    """

    method: str
    roles: Mapping[str, Role]

    def role(self, class_at_end: str, by_method: Role) -> Role:
        """The role of a dossier of a class, with its role by the method."""
        return self.roles.get(class_at_end, by_method)


def read_readings(warehouse: Warehouse, marts: NightMarts) -> dict[str, Reading]:
    """The readings of a night by code, in order.

    None while an earlier release, which had none, has published last.
    """
    if "reading" not in warehouse.tables("ref"):
        return {}
    return {
        row["reading_code"]: Reading(
            row["method_code"],
            {name: role for role in ROLES for name in (row[f"as_{role}"] or "").split()},
        )
        for row in warehouse.rows(
            "select reading_code, method_code, as_numerator, as_denominator, as_left_out"
            f" from {marts.relation('ref.reading')} order by position"
        )
    }


def published_reading(question: Question) -> tuple[int, int] | None:
    """The figure of the reading for exactly this span, if the last published night gives one."""
    rows = question.warehouse.rows(
        "select numerator, denominator from mart.indicator_variant"
        " where indicator_code = :indicator and reading_code = :reading and unit_code = :unit"
        " and period_start = :first and period_end = :last and as_of_date = :night",
        {
            "indicator": question.indicator,
            "reading": question.method,
            "unit": question.unit.unit_code,
            "first": question.first,
            "last": question.last,
            "night": question.night,
        },
    )
    return (rows[0]["numerator"], rows[0]["denominator"]) if rows else None
