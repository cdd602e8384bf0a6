"""The periods that pages list: the months of the trends, and the year of the pages of units.

None begins before the plan. Of earlier periods the record has only the dossiers that were still
open later, so that their figures would mislead; the page of a figure shows them on request.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestop.figures.scorecard.values import ON_TIME

if TYPE_CHECKING:
    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

#: The steps with the items of indicators that describe the state at the end of a period. All others
#: count what happened in it, so that their months add up to the year.
STATE_STEPS = {"indicator/on_time_rate.item", "procedure_provision.item", "digitisation.item"}
#: These indicators, where a table has others too.
STATE_INDICATORS: dict[Language, str] = {
    "vi": "Tỷ lệ đúng hạn, tỷ lệ thủ tục và việc triển khai số hóa",
    "en": "On-time rate, shares of procedures and use of digitisation",
}
#: What is said beside the months of such an indicator.
STATE_AT_END: dict[Language, str] = {
    "vi": "Mỗi tháng xét theo tình trạng cuối tháng (tháng chưa hết: đến đêm công bố); vì vậy các"
    " tháng không cộng thành lũy kế năm.",
    "en": "Each month shows the state at its end (a running one: on the published night), so the"
    " months do not add up to the year to date.",
}


def reads_state(warehouse: Warehouse) -> set[str]:
    """The indicators that describe the state at the end of a period."""
    rows = warehouse.rows("select distinct indicator_code, item_step from ref.indicator")
    return {row["indicator_code"] for row in rows if row["item_step"] in STATE_STEPS}


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


#: Months of the trends.
MONTHS = 12


def read_months(warehouse: Warehouse, night: dt.date) -> list[dt.date]:
    """The first days of the last twelve months up to that of the night, from the plan's first on.

    Args:
        warehouse: the published marts, open.
        night: the last published night.
    """
    first = warehouse.value("select min(valid_from) from ref.indicator")
    count = night.year * 12 + night.month - 1
    months = [
        dt.date(number // 12, number % 12 + 1, 1) for number in range(count - MONTHS + 1, count + 1)
    ]
    return [month for month in months if first is None or month >= first] or months[-1:]
