"""How provisional a report is: how far such figures of earlier periods moved after the same time.

A report is issued before or soon after the end of its period; late files and corrections move its
figures. What is known is what the earlier periods of the same length show: their figures as many
days before (or after) their end, and those that the night of issue states for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from onestop.schema.number_text import counted, decimal_text, duration, raised, whole

if TYPE_CHECKING:
    import datetime as dt

    from onestop.schema.number_text import Language
    from onestop.warehouse import Warehouse

_CITY = "CITY"
_QUERY = """
select
    indicator.indicator_code,
    indicator.title_vi,
    indicator.title_en,
    indicator.unit_of_measure,
    count(*) as periods,
    percentile_cont(0.5) within group (
        order by cast(abs(stated.value - issued.value) as double precision)
    ) as median_revision,
    max(abs(stated.value - issued.value)) as largest_revision
from mart.indicator_history as issued
inner join mart.indicator_history as stated
    on issued.indicator_code = stated.indicator_code
    and issued.method_code = stated.method_code
    and issued.unit_code = stated.unit_code
    and issued.period_type = stated.period_type
    and issued.period_basis = stated.period_basis
    and issued.period_start = stated.period_start
    and stated.valid_from <= :night and (stated.valid_to is null or stated.valid_to > :night)
inner join ref.indicator as indicator
    on issued.indicator_code = indicator.indicator_code
    and issued.method_code = indicator.scorecard_method
where issued.unit_code = :city
    and issued.period_type = :period_type
    and issued.period_basis = :period_basis
    and issued.period_start < :period_start
    and issued.period_end < :night
    and issued.valid_from - issued.period_end <= :age
    and (issued.valid_to is null or issued.valid_to - issued.period_end > :age)
    and issued.denominator > 0 and stated.denominator > 0
group by
    indicator.indicator_code, indicator.title_vi, indicator.title_en, indicator.unit_of_measure,
    indicator.position
order by indicator.position
"""
_WORDS: dict[str, dict[Language, str]] = {
    "unknown": {
        "vi": "Chưa biết số liệu như vậy thay đổi bao nhiêu về sau: chưa có kỳ trước nào được công"
        " bố vào thời điểm này so với cuối kỳ ({when}).",
        "en": "How far such figures move later is not known yet: no earlier period was published at"
        " this time of it ({when}).",
    },
    "known": {
        "vi": "Số liệu của các kỳ trước, vào thời điểm này so với cuối kỳ ({when}), về sau đã thay"
        " đổi:",
        "en": "Figures of earlier periods, at this time of them ({when}), moved later:",
    },
    "line": {
        "vi": "{title}: {periods} kỳ, trung vị {median}, lớn nhất {largest}",
        "en": "{title}: earlier periods {periods}, median {median}, largest {largest}",
    },
    "before": {"vi": "{days} ngày trước khi hết kỳ", "en": "{days} before its end"},
    "after": {"vi": "{days} ngày sau khi hết kỳ", "en": "{days} after its end"},
    "points": {"vi": "{number} điểm phần trăm", "en": "{number} percentage points"},
}


@dataclass(frozen=True)
class UsualRevision:
    """How far a figure of the city moved after the time of issue, in earlier periods.

    Attributes:
        indicator_code: the indicator, by the scorecard's method.
        title_vi: its title in Vietnamese.
        title_en: its title in English.
        unit_of_measure: ``percent``, ``seconds``, …
        periods: number of earlier periods of the same length that are known.
        median_revision: median of their revisions without sign, in the unit of the value.
        largest_revision: the largest of them.
    """

    indicator_code: str
    title_vi: str
    title_en: str
    unit_of_measure: str
    periods: int
    median_revision: Decimal
    largest_revision: Decimal


def read_usual_revisions(
    warehouse: Warehouse,
    period: tuple[str, str, dt.date, dt.date],
    night: dt.date,
) -> tuple[UsualRevision, ...]:
    """The revisions of earlier periods after the time at which a report is issued.

    Args:
        warehouse: from :func:`onestop.marts.published.open_published`.
        period: type, basis, first and last day of the report's period.
        night: the night of issue; nothing that became known later is used.
    """
    period_type, period_basis, first, last = period
    rows = warehouse.rows(
        _QUERY,
        {
            "city": _CITY,
            "period_type": period_type,
            "period_basis": period_basis,
            "period_start": first,
            "night": night,
            "age": (night - last).days,
        },
    )
    return tuple(
        UsualRevision(
            **row
            | {
                name: Decimal(str(row[name])).quantize(Decimal("0.0001"))
                for name in ("median_revision", "largest_revision")
            }
        )
        for row in rows
    )


def revision_sentences(
    revisions: tuple[UsualRevision, ...], age_days: int, lang: Language
) -> list[str]:
    """What is known about later changes, for people.

    Args:
        revisions: from :func:`read_usual_revisions`.
        age_days: days from the end of the report's period to the night of issue.
        lang: of the sentences.

    Returns:
        One sentence that nothing is known, or a heading and one line for each figure.
    """
    side = "before" if age_days < 0 else "after"
    distance = abs(age_days)
    days = counted(distance, "day") if lang == "en" else whole(distance, lang)
    when = _WORDS[side][lang].format(days=days)
    if not revisions:
        return [_WORDS["unknown"][lang].format(when=when)]
    return [
        _WORDS["known"][lang].format(when=when),
        *(
            _WORDS["line"][lang].format(
                title=revision.title_vi if lang == "vi" else revision.title_en,
                periods=whole(revision.periods, lang),
                median=_amount(revision.median_revision, revision.unit_of_measure, lang),
                largest=_amount(revision.largest_revision, revision.unit_of_measure, lang),
            )
            for revision in revisions
        ),
    ]


def _amount(number: Decimal, unit_of_measure: str, lang: Language) -> str:
    if unit_of_measure == "seconds":
        return duration(number, lang)
    text = decimal_text(raised(number), lang)
    return _WORDS["points"][lang].format(number=text) if unit_of_measure == "percent" else text
