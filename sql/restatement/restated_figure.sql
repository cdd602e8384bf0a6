-- Figures of periods that were over on the night published before, and that the night published
-- now says otherwise. Read from the histories, where the figures said before end, and those said
-- now begin, on the same night. A unit that had no row had nothing to count.
with indicator_before as (
    select
        indicator_code, method_code, 'ALL' as field_code, unit_code, unit_level, unit_scope,
        period_type, period_basis, period_start, period_end, numerator, denominator, status
    from mart.indicator_history
    where valid_to = :as_of_date and period_end <= :previous_night
),

indicator_after as (
    select
        indicator_code, method_code, 'ALL' as field_code, unit_code, unit_level, unit_scope,
        period_type, period_basis, period_start, period_end, numerator, denominator, status
    from mart.indicator_history
    where valid_from = :as_of_date and period_end <= :previous_night
),

form_column as (
{form_columns}
),

form_before as (
    select
        'form_06a' as indicator_code, form_column.method_code, field_code, unit_code, unit_level,
        unit_scope, period_type, period_basis, period_start, period_end,
        {form_value} as numerator,
        cast(null as bigint) as denominator, cast(null as varchar) as status
    from mart.form_06a_history
    cross join form_column
    where valid_to = :as_of_date and period_end <= :previous_night
),

form_after as (
    select
        'form_06a' as indicator_code, form_column.method_code, field_code, unit_code, unit_level,
        unit_scope, period_type, period_basis, period_start, period_end,
        {form_value} as numerator,
        cast(null as bigint) as denominator, cast(null as varchar) as status
    from mart.form_06a_history
    cross join form_column
    where valid_from = :as_of_date and period_end <= :previous_night
)
select 1
