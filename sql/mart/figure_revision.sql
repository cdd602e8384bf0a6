-- view
-- mart.figure_revision: each figure of a period by days since the end of the period, and how far it
-- moved from there to the latest one (a revision triangle).
--
-- A row holds from `days_from` up to, not including, `days_to` days after the end; negative before
-- it. The figure at an age of 7 days: `days_from <= 7 and (days_to is null or days_to > 7)`. The
-- year to date, which has no end of its own, is left out.
with figure_revision as (
    select
        indicator_code,
        method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        valid_from,
        valid_to,
        cast(valid_from - period_end as bigint) as days_from,
        cast(valid_to - period_end as bigint) as days_to,
        numerator,
        denominator,
        value,
        last_value(numerator) over figure as latest_numerator,
        last_value(denominator) over figure as latest_denominator,
        cast(last_value(value) over figure as decimal(18, 4)) as latest_value,
        cast(last_value(value) over figure - value as decimal(18, 4)) as revision,
        period_end < :as_of_date as is_over
    from mart.indicator_history
    where period_end is not null
    window figure as (
        partition by
            indicator_code, method_code, unit_code, period_type, period_basis, period_start
        order by valid_from
        rows between unbounded preceding and unbounded following
    )
)

select * from figure_revision
