-- view
-- mart.indicator_value: every indicator, unit and period, against the target that held then.
-- The rows of mart.indicator_figure, which says how they are counted, with their night.
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
