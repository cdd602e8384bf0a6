-- mart.night_change, the rows of one publication: why each figure moved since the night published
-- before, as causes that add up to its change.
--
-- `later.item` has one row for each figure and item that counts differently. An item counts
-- at its unit, its level and the city; one that left a unit and came to another changes both.
-- `earlier` and `later.indicator_measure` are the figures of both nights; `:remaining_cause` is
-- the cause of what their difference has beyond the items: rules that are others than those of the
-- night before.
with summed as (
    select
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        unit_before,
        level_before,
        unit_after,
        level_after,
        is_in_city,
        cause_code,
        moved_code,
        sum(numerator_before) as numerator_before,
        sum(denominator_before) as denominator_before,
        sum(numerator_after) as numerator_after,
        sum(denominator_after) as denominator_after,
        count(case when was_counted then 1 end) as items_before,
        count(case when is_counted then 1 end) as items_after,
        count(
            case
                when
                    numerator_before <> numerator_after
                    or denominator_before <> denominator_after
                    then 1
            end
        ) as items_changed
    from later.item
    group by
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        unit_before,
        level_before,
        unit_after,
        level_after,
        is_in_city,
        cause_code,
        moved_code
),

scoped as (
    select
        summed.*,
        'CITY' as scope_before,
        'CITY' as scope_after
    from summed
    where is_in_city
    union all
    select summed.*, upper(level_before), upper(level_after) from summed
    union all
    select summed.*, unit_before, unit_after from summed
),

part as (
    select
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        scope_after as unit_code,
        cause_code,
        items_changed as item_count,
        numerator_after - numerator_before as numerator_change,
        denominator_after - denominator_before as denominator_change
    from scoped
    where scope_before = scope_after
    union all
    select
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        scope_before,
        moved_code,
        items_before,
        -numerator_before,
        -denominator_before
    from scoped
    where scope_before is distinct from scope_after
    union all
    select
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        scope_after,
        moved_code,
        items_after,
        numerator_after,
        denominator_after
    from scoped
    where scope_before is distinct from scope_after
),

caused as (
    select
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        unit_code,
        cause_code,
        cast(sum(item_count) as bigint) as item_count,
        cast(sum(numerator_change) as bigint) as numerator_change,
        cast(sum(denominator_change) as bigint) as denominator_change
    from part
    where unit_code is not null
    group by
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        unit_code,
        cause_code
    having sum(numerator_change) <> 0 or sum(denominator_change) <> 0
),

earlier_figure as (
    select measure.*
    from earlier.indicator_measure as measure
    inner join later.chosen_period as period
        on
            measure.period_type = period.period_type
            and measure.period_basis = period.period_basis
            and measure.period_start = period.period_start
),

later_figure as (
    select measure.*
    from later.indicator_measure as measure
    inner join later.chosen_period as period
        on
            measure.period_type = period.period_type
            and measure.period_basis = period.period_basis
            and measure.period_start = period.period_start
),

figure as (
    select
        coalesce(now.indicator_code, was.indicator_code) as indicator_code,
        coalesce(now.method_code, was.method_code) as method_code,
        coalesce(now.period_type, was.period_type) as period_type,
        coalesce(now.period_basis, was.period_basis) as period_basis,
        coalesce(now.period_start, was.period_start) as period_start,
        coalesce(now.unit_code, was.unit_code) as unit_code,
        coalesce(now.unit_level, was.unit_level) as unit_level,
        coalesce(now.unit_scope, was.unit_scope) as unit_scope,
        coalesce(was.numerator, 0) as numerator_before,
        coalesce(was.denominator, 0) as denominator_before,
        coalesce(now.numerator, 0) as numerator_after,
        coalesce(now.denominator, 0) as denominator_after
    from earlier_figure as was
    full join later_figure as now
        on
            was.indicator_code = now.indicator_code
            and was.method_code = now.method_code
            and was.period_type = now.period_type
            and was.period_basis = now.period_basis
            and was.period_start = now.period_start
            and was.unit_code = now.unit_code
),

-- what the items leave of the change of a figure
remaining as (
    select
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        unit_code,
        cast(sum(numerator_change) as bigint) as numerator_change,
        cast(sum(denominator_change) as bigint) as denominator_change
    from (
        select
            indicator_code,
            method_code,
            period_type,
            period_basis,
            period_start,
            unit_code,
            numerator_after - numerator_before as numerator_change,
            denominator_after - denominator_before as denominator_change
        from figure
        where numerator_after <> numerator_before or denominator_after <> denominator_before
        union all
        select
            indicator_code,
            method_code,
            period_type,
            period_basis,
            period_start,
            unit_code,
            -numerator_change,
            -denominator_change
        from caused
    ) as change_and_causes
    group by indicator_code, method_code, period_type, period_basis, period_start, unit_code
    having sum(numerator_change) <> 0 or sum(denominator_change) <> 0
),

each_cause as (
    select * from caused
    union all
    select
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        unit_code,
        :remaining_cause,
        cast(null as bigint),
        numerator_change,
        denominator_change
    from remaining
),

cause as (
    select
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        unit_code,
        cause_code,
        cast(sum(item_count) as bigint) as item_count,
        cast(sum(numerator_change) as bigint) as numerator_change,
        cast(sum(denominator_change) as bigint) as denominator_change
    from each_cause
    group by
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        unit_code,
        cause_code
    having sum(numerator_change) <> 0 or sum(denominator_change) <> 0
),

night_change as (
    select
        :as_of_date as as_of_date,
        :previous_night as previous_night,
        figure.indicator_code,
        figure.method_code,
        figure.unit_code,
        figure.unit_level,
        figure.unit_scope,
        figure.period_type,
        figure.period_basis,
        figure.period_start,
        cause.cause_code,
        cause.item_count,
        cause.numerator_change,
        cause.denominator_change,
        figure.numerator_before,
        figure.denominator_before,
        figure.numerator_after,
        figure.denominator_after
    from cause
    inner join figure
        on
            cause.indicator_code = figure.indicator_code
            and cause.method_code = figure.method_code
            and cause.period_type = figure.period_type
            and cause.period_basis = figure.period_basis
            and cause.period_start = figure.period_start
            and cause.unit_code = figure.unit_code
)

select * from night_change
