-- view
-- mart.indicator_as_of: every figure as each published night stated it: mart.indicator_history, one
-- row for each night on which it held. Ask for few nights: `where as_of_date in (…)`.
with indicator_as_of as (
    select
        publication.as_of_date,
        history.plan_code,
        history.indicator_code,
        history.method_code,
        history.unit_code,
        history.unit_level,
        history.unit_scope,
        history.period_type,
        history.period_basis,
        history.period_start,
        history.period_end,
        history.numerator,
        history.denominator,
        history.value,
        history.target,
        history.comparison,
        history.status,
        history.firmness,
        history.turned_by,
        history.rate_lower,
        history.rate_upper,
        history.is_small,
        history.known_issues,
        history.coverage
    from audit.publication as publication
    inner join mart.indicator_history as history
        on
            publication.as_of_date >= history.valid_from
            and (history.valid_to is null or publication.as_of_date < history.valid_to)
    where publication.as_of_date <= :as_of_date
)

select * from indicator_as_of
