"""Lines of the scorecard whose verdict, or its firmness, differs between two published nights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt

    from onestop.warehouse import Warehouse

_TURNED = """
with line as (
    select
        i.indicator_code,
        i.title_vi,
        i.title_en,
        i.unit_of_measure,
        i.scorecard_method,
        i.position,
        level.unit_code,
        level.label_vi,
        level.label_en,
        level.position as level_position,
        case when i.valid_to <= :night then 'year' else 'year_to_date' end as period_type,
        cast(
            date_trunc('year', cast(
                case when i.valid_to <= :night then i.valid_to - 1 else :night end as timestamp
            )) as date
        ) as period_start
    from ref.indicator as i
    inner join ref.unit_level as level
        on
            (i.scope = 'every_level' and level.unit_level <> 'unregistered')
            or i.scope = level.unit_level
)

select
    line.indicator_code,
    line.title_vi,
    line.title_en,
    line.unit_of_measure,
    line.unit_code,
    line.label_vi,
    line.label_en,
    before.numerator as numerator_before,
    before.denominator as denominator_before,
    before.value as value_before,
    before.status as status_before,
    before.firmness as firmness_before,
    after.numerator as numerator_after,
    after.denominator as denominator_after,
    after.value as value_after,
    after.status as status_after,
    after.firmness as firmness_after,
    after.target,
    after.comparison
from line
inner join mart.indicator_history as before
    on
        line.indicator_code = before.indicator_code
        and line.scorecard_method = before.method_code
        and line.unit_code = before.unit_code
        and line.period_type = before.period_type
        and line.period_start = before.period_start
        and before.period_basis = 'calendar'
        and before.valid_from <= :before
        and (before.valid_to is null or before.valid_to > :before)
inner join mart.indicator_history as after
    on
        line.indicator_code = after.indicator_code
        and line.scorecard_method = after.method_code
        and line.unit_code = after.unit_code
        and line.period_type = after.period_type
        and line.period_start = after.period_start
        and after.period_basis = 'calendar'
        and after.valid_from <= :night
        and (after.valid_to is null or after.valid_to > :night)
where before.status <> after.status or before.firmness <> after.firmness
order by line.position, line.level_position
"""


def read_turned(warehouse: Warehouse, before: dt.date, night: dt.date) -> list[dict[str, Any]]:
    """The lines with another verdict or firmness, in the scorecard's order.

    Args:
        warehouse: open.
        before: the earlier published night.
        night: the later one; its scorecard's period is compared.

    Returns:
        Names of the indicator and of the unit in both languages; numerator, denominator, value,
        ``status`` and ``firmness`` of each night (``_before``, ``_after``); the target.
    """
    return warehouse.rows(_TURNED, {"night": night, "before": before})
