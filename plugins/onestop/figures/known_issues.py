"""The known faults of the data (``ref.known_issue``) that affect a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

    from onestop.marts.earlier_nights import NightMarts
    from onestop.warehouse import Warehouse


@dataclass(frozen=True)
class KnownIssue:
    """A known issue, as a footnote.

    Attributes:
        issue_code: as in ``ref.known_issue``.
        footnote_vi: what is wrong, where and when, in Vietnamese.
        footnote_en: the same in English.
    """

    issue_code: str
    footnote_vi: str
    footnote_en: str


def read_known_issues(
    warehouse: Warehouse,
    marts: NightMarts,
    indicator: str,
    unit_code: str,
    span: tuple[dt.date, dt.date],
) -> tuple[KnownIssue, ...]:
    """The issues that affect an indicator of a unit, level or the city in a span of days.

    Args:
        warehouse: from :func:`onestop.marts.published.open_published`.
        marts: of the night; its reference rows are read.
        indicator: as in ``ref.indicator``.
        unit_code: of the unit, the level or the city.
        span: its first and last day.

    Returns:
        The issues in order of their codes; none while an earlier release has published last.
    """
    if "known_issue" not in warehouse.tables("ref"):
        return ()
    # without issues, the units that they affect need not be found for an earlier night
    if not warehouse.value(f"select count(*) from {marts.relation('ref.known_issue')}"):
        return ()
    rows = warehouse.rows(
        "select issue.issue_code, issue.footnote_vi, issue.footnote_en"
        f" from {marts.relation('mart.known_issue')} as issue"
        f" inner join {marts.relation('mart.known_issue_unit')} as affected"
        " on issue.issue_code = affected.issue_code"
        " where affected.indicator_code = :indicator and affected.unit_code = :unit"
        " and issue.first_date <= :last and (issue.last_date is null or issue.last_date >= :first)"
        " order by issue.issue_code",
        {"indicator": indicator, "unit": unit_code, "first": span[0], "last": span[1]},
    )
    return tuple(KnownIssue(**row) for row in rows)
