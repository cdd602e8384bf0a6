-- Indicators that no system can count: the latest figure declared in the year, with its document.
--
-- `declaration_state`: `replaced` by a later declaration of the same span, or withdrawn; `not_over`
-- and `before` by where the declared span lies in time; else `current`. Of the current ones, the
-- one of `state_rank` 1 gives the figure. A rank is declared as one value; any other declaration
-- without its two integers gives no figure.
with ordinal as (
    select distinct indicator_code from ref.indicator
    where unit_of_measure = 'rank'
),

stated as (
    select
        d.indicator_code,
        coalesce(d.unit_code, 'CITY') as unit_code,
        d.period_start as declared_start,
        d.period_end as declared_end,
        case
            when ordinal.indicator_code is null or d.numerator is not null then d.numerator
            when d.declared_value = floor(d.declared_value) then cast(d.declared_value as bigint)
        end as numerator,
        case
            when ordinal.indicator_code is null or d.numerator is not null then d.denominator
            when d.declared_value = floor(d.declared_value) then 1
        end as denominator,
        d.document_number,
        d.document_date,
        d.valid_from,
        d.valid_to,
        d.delivery_id,
        d.row_number,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        case
            when d.valid_to <= :as_of_date then 'replaced'
            when d.period_end > period.measured_on then 'not_over'
            when d.period_end >= period.period_start then 'current'
            else 'before'
        end as declaration_state
    from core.declaration_history as d
    cross join mart.period as period
    left join ordinal on d.indicator_code = ordinal.indicator_code
    where d.valid_from <= :as_of_date
),

ranked as (
    select
        stated.*,
        row_number() over (
            partition by
                indicator_code,
                unit_code,
                period_type,
                period_basis,
                period_start,
                declaration_state
            order by declared_end desc, document_date desc nulls last, document_number desc
        ) as state_rank
    from stated
),

reason as (
    select
        'declared' as reason_code,
        'numerator' as role,
        'Khai báo mới nhất trong kỳ, đến ngày {declared_end}' as reason_vi,
        'The latest declared within the span, up to {declared_end}' as reason_en
    union all
    select
        'declared_value_only',
        'numerator',
        'Khai báo mới nhất trong kỳ, nhưng không có tử số và mẫu số: chưa thành số liệu',
        'The latest declared within the span, but without numerator and denominator: no figure'
    union all
    select
        'superseded',
        'left_out',
        'Có khai báo mới hơn, đến ngày {latest_end}',
        'A later one was declared, up to {latest_end}'
    union all
    select
        'replaced',
        'left_out',
        'Đã được thay hoặc rút lại ngày {valid_to}',
        'Replaced or taken back on {valid_to}'
    union all
    select
        'not_over',
        'left_out',
        'Khai đến ngày {declared_end}: chưa hết vào cuối kỳ',
        'Declared up to {declared_end}: not over at the end of the span'
    union all
    select
        'before',
        'left_out',
        'Khai đến ngày {declared_end}: trước kỳ',
        'Declared up to {declared_end}: before the span'
),

named as (
    select
        ranked.*,
        case
            when declaration_state <> 'current' then declaration_state
            when state_rank > 1 then 'superseded'
            when numerator is null then 'declared_value_only'
            else 'declared'
        end as reason_code,
        max(case when declaration_state = 'current' then declared_end end) over (
            partition by indicator_code, unit_code
        ) as latest_end
    from ranked
),

item as (  -- noqa: ST03
    select
        named.indicator_code,
        'declared' as method_code,
        named.document_number,
        named.unit_code,
        -- a declaration is for exactly one unit, level or the city
        cast(null as varchar) as unit_level,
        reason.role,
        named.reason_code,
        reason.reason_vi,
        reason.reason_en,
        named.latest_end as reason_latest_end,
        named.valid_to as reason_valid_to,
        named.document_date,
        named.declared_start,
        named.declared_end,
        named.numerator as declared_numerator,
        named.denominator as declared_denominator,
        case reason.role when 'left_out' then 0 else named.numerator end as numerator,
        case reason.role when 'left_out' then 0 else named.denominator end as denominator,
        named.delivery_id,
        named.row_number
    from named
    inner join reason on named.reason_code = reason.reason_code
),

declared as (
    select
        ranked.indicator_code,
        'declared' as method_code,
        ranked.unit_code,
        unit.unit_level,
        unit.unit_scope,
        ranked.period_type,
        ranked.period_basis,
        ranked.period_start,
        ranked.period_end,
        ranked.numerator,
        ranked.denominator,
        cast(null as decimal(18, 4)) as coverage,
        cast(null as bigint) as pending
    from ranked
    inner join mart.unit as unit on ranked.unit_code = unit.unit_code
    where
        ranked.period_type in ('year_to_date', 'year')
        and ranked.period_basis = 'calendar'
        and ranked.declaration_state = 'current'
        and ranked.state_rank = 1
)

select * from declared
