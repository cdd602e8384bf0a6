-- Indicators that no system can count: the latest figure declared in the year, with its document.
with standing as (
    select
        indicator_code,
        coalesce(unit_code, 'CITY') as unit_code,
        numerator,
        denominator,
        row_number() over (
            partition by indicator_code, coalesce(unit_code, 'CITY')
            order by period_end desc, document_date desc, document_number desc
        ) as place
    from core.declaration_history
    where
        valid_from <= :as_of_date
        and (valid_to is null or valid_to > :as_of_date)
        and period_end <= :as_of_date
        and period_end >= cast(date_trunc('year', cast(:as_of_date as timestamp)) as date)
),

declared as (
    select
        standing.indicator_code,
        'declared' as method_code,
        standing.unit_code,
        unit.unit_level,
        unit.unit_scope,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        standing.numerator,
        standing.denominator,
        cast(null as decimal(18, 4)) as coverage
    from standing
    inner join mart.unit as unit on standing.unit_code = unit.unit_code
    inner join mart.period as period
        on period.period_type = 'year_to_date' and period.period_basis = 'calendar'
    where standing.place = 1
)

select * from declared
