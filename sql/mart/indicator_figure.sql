-- mart.indicator_figure: the rows of mart.indicator_value without the night, which is another in
-- each row every night: so a night writes those alone whose figure changes.
--
-- Rates are from 0 to 100 and cut, never rounded up: 97.99999 is not 98. Whether a target is met
-- is decided on the integers. Nothing to count (denominator zero) is `no_data`, never 0 or 100.
-- `firmness`, of the on-time rate by the scorecard's method: whether its verdict is that of every
-- reading (mart.indicator_variant); `turned_by` names those that give the other one.
-- `rate_lower`, `rate_upper`: the interval of a rate that is counted from cases. A declared one has
-- none: its two numbers may be sums of money, and more than 100 %. `is_small`: few cases, of a mean
-- wait few visits.
-- `shortfall`: how many more of those counted would have had to succeed to meet the target.
-- `known_issues`: the issues of ref.known_issue that affect the figure in the period.
with scale_of_indicator as (
    select
        indicator_code,
        max(value_scale) as value_scale,
        max(unit_of_measure) as unit_of_measure
    from ref.indicator
    group by indicator_code
),

measured as (
    select
        indicator.plan_code,
        measure.*,
        scale.value_scale,
        indicator.scorecard_method,
        least(measure.period_end, :as_of_date) as measured_on,
        case when measure.denominator > 0 then measure.denominator end as divisor,
        -- declared figures are not counts of cases
        numerator as rate_numerator,
        case
            when scale.value_scale = 100 and measure.method_code <> 'declared' then denominator
        end as rate_denominator,
        -- a mean wait is one of its visits
        case
            when
                measure.method_code <> 'declared'
                and scale.unit_of_measure in ('percent', 'seconds')
                then denominator
        end as case_count
    from mart.indicator_measure as measure
    inner join scale_of_indicator as scale on measure.indicator_code = scale.indicator_code
    left join ref.indicator as indicator
        on
            measure.indicator_code = indicator.indicator_code
            and (
                indicator.valid_from is null
                or indicator.valid_from <= least(measure.period_end, :as_of_date)
            )
            and (
                indicator.valid_to is null
                or indicator.valid_to > least(measure.period_end, :as_of_date)
            )
),

targeted as (
    select
        measured.*,
        target.comparison,
        target.target,
        target.target_numerator,
        target.target_denominator,
        measured.numerator * target.target_denominator as achieved,
        target.target_numerator * measured.divisor as target_compared
    from measured
    left join mart.target_in_force as target
        on
            measured.indicator_code = target.indicator_code
            and measured.unit_level = target.unit_level
            and measured.measured_on = target.measured_on
),

compared as (
    select
        targeted.*,
        case
            when divisor is null or numerator is null then 'no_data'
            when comparison is null then 'no_target'
            when comparison = '>=' and achieved >= target_compared then 'met'
            when comparison = '<=' and achieved <= target_compared then 'met'
            when comparison = '=' and achieved = target_compared then 'met'
            when comparison = '>' and achieved > target_compared then 'met'
            when comparison = '<' and achieved < target_compared then 'met'
            else 'not_met'
        end as status
    from targeted
),

turned as (
    select
        indicator_code,
        unit_code,
        period_type,
        period_basis,
        period_start,
        string_agg(reading_code, ' ' order by position) as turned_by
    from mart.indicator_variant
    where turns_verdict
    group by indicator_code, unit_code, period_type, period_basis, period_start
),

issue_of_period as (
    select
        affected.indicator_code,
        affected.unit_code,
        period.period_type,
        period.period_basis,
        period.period_start,
        string_agg(affected.issue_code, ' ' order by affected.issue_code) as known_issues
    from mart.known_issue_unit as affected
    inner join mart.period as period
        on
            affected.first_date <= period.measured_on
            and (affected.last_date is null or affected.last_date >= period.period_start)
    group by
        affected.indicator_code,
        affected.unit_code,
        period.period_type,
        period.period_basis,
        period.period_start
),

-- with what is said beside a figure
annotated as (
    select
        compared.*,
        compared.indicator_code = 'on_time_rate'
        and compared.method_code = compared.scorecard_method
        and compared.status in ('met', 'not_met') as has_readings,
        turned.turned_by,
        issue_of_period.known_issues
    from compared
    left join turned
        on
            compared.indicator_code = turned.indicator_code
            and compared.method_code = compared.scorecard_method
            and compared.unit_code = turned.unit_code
            and compared.period_type = turned.period_type
            and compared.period_basis = turned.period_basis
            and compared.period_start = turned.period_start
    left join issue_of_period
        on
            compared.indicator_code = issue_of_period.indicator_code
            and compared.unit_code = issue_of_period.unit_code
            and compared.period_type = issue_of_period.period_type
            and compared.period_basis = issue_of_period.period_basis
            and compared.period_start = issue_of_period.period_start
),

indicator_figure as (
    select
        plan_code,
        indicator_code,
        method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        numerator,
        denominator,
        cast(
            floor(cast(value_scale * numerator * 10000 as double precision) / divisor) / 10000
            as decimal(18, 4)
        ) as value,
        target,
        comparison,
        status,
        case
            when has_readings and turned_by is not null then 'depends'
            when has_readings and status = 'met' then 'met_by_all'
            when has_readings then 'met_by_none'
        end as firmness,
        turned_by,
        :shortfall,
        :rate_interval,
        known_issues,
        coverage
    from annotated
)

select * from indicator_figure
