-- view
-- mart.indicator_value: every indicator, unit and period, against the target that held then.
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
with indicator_value as (
    select
        figure.plan_code,
        figure.indicator_code,
        figure.method_code,
        figure.unit_code,
        figure.unit_level,
        figure.unit_scope,
        figure.period_type,
        figure.period_basis,
        figure.period_start,
        figure.period_end,
        :as_of_date as as_of_date,
        figure.numerator,
        figure.denominator,
        figure.value,
        figure.target,
        figure.comparison,
        figure.status,
        figure.firmness,
        figure.turned_by,
        figure.shortfall,
        figure.rate_lower,
        figure.rate_upper,
        figure.is_small,
        figure.known_issues,
        figure.coverage
    from mart.indicator_figure as figure
)

select * from indicator_value
