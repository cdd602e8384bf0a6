"""The year that the pages of units are about: the scorecard's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.figures.scorecard.values import ON_TIME

if TYPE_CHECKING:
    import datetime as dt

    from onestop.warehouse import Warehouse


@dataclass(frozen=True)
class ScorecardYear:
    """The year so far, or the plan's year once that is over.

    Attributes:
        period_type: ``year_to_date`` or ``year``.
        first: its first day.
        last: its last day, or the night.
    """

    period_type: str
    first: dt.date
    last: dt.date

    @property
    def months(self) -> list[dt.date]:
        """The first days of its months so far."""
        return [self.first.replace(month=month) for month in range(1, self.last.month + 1)]


def read_scorecard_year(warehouse: Warehouse, night: dt.date) -> ScorecardYear:
    """The year in which the scorecard of the last night shows the on-time rate.

    Args:
        warehouse: the published marts, open.
        night: the last published night.
    """
    rows = warehouse.rows(
        "select period_type, period_start, period_end from mart.scorecard"
        " where indicator_code = :indicator and unit_scope = 'city'",
        {"indicator": ON_TIME},
    )
    if not rows:
        return ScorecardYear("year_to_date", night.replace(month=1, day=1), night)
    return ScorecardYear(*rows[0].values())
