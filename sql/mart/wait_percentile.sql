-- mart.wait_percentile: the median and the 90th percentile of the waits of called visits, of each
-- unit, level and the city, in each period.
--
-- Percentiles do not add up: they are computed from the waits themselves, so a night computes
-- those of the periods in which a visit changed. Visits are grouped three times instead of joined
-- with mart.roll_up, which would treble them. The year to date has no rows of its own (`tallied_as`
-- of mart.period). mart.counted_visit defines a visit and its wait.
with percentile as (
    select
        v.unit_level,
        v.unit_code,
        day.period_type,
        day.period_basis,
        day.period_start,
        grouping(v.unit_code) as is_total,
        grouping(v.unit_level) as is_city,
        cast(percentile_cont(0.5) within group (order by v.wait_seconds) as bigint)
            as median_wait_seconds,
        cast(percentile_cont(0.9) within group (order by v.wait_seconds) as bigint)
            as p90_wait_seconds
    from mart.counted_visit as v
    inner join mart.period_day as day on v.issued_date = day.calendar_date
    where v.visit_outcome = 'called' and day.period_type <> 'year_to_date'
    group by grouping sets (
        (day.period_type, day.period_basis, day.period_start, v.unit_level, v.unit_code),
        (day.period_type, day.period_basis, day.period_start, v.unit_level),
        (day.period_type, day.period_basis, day.period_start)
    )
),

wait_percentile as (
    select
        case when percentile.is_total = 0 then percentile.unit_code else total.unit_code end
            as unit_code,
        percentile.period_type,
        percentile.period_basis,
        percentile.period_start,
        percentile.median_wait_seconds,
        percentile.p90_wait_seconds
    from percentile
    left join ref.unit_level as total
        on
            percentile.is_total = 1
            and case when percentile.is_city = 1 then 'city' else 'level' end = total.unit_scope
            and coalesce(percentile.unit_level, total.unit_level) = total.unit_level
)

select * from wait_percentile
