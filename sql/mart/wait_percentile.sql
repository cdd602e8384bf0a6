-- mart.wait_percentile: the median and the 90th percentile of the waits of called visits, of each
-- unit, level and the city, in each period.
--
-- Percentiles do not add up: they are computed from the waits themselves, so a night computes
-- those of the periods in which a visit changed. They are continuous: with n waits in order, the
-- one at place p (n - 1), between two of them by its fraction, rounded to the second, half to even.
-- `until` counts the waits up to each length, so that no engine holds all waits of a group in
-- memory. First those up to each whole minute are counted: only within the few minutes that hold a
-- place are the waits put in order by seconds. The year to date has no rows of its own
-- (`tallied_as` of mart.period). mart.counted_visit defines a visit and its wait.
with half_of_day as (
    select distinct calendar_date, half_month from mart.period_day
),

half_of_period as (
    select distinct period_type, period_basis, period_start, half_month
    from mart.period_day
    where period_type <> 'year_to_date'
),

of_unit as (
    select
        v.unit_level,
        v.unit_code,
        day.half_month,
        v.wait_seconds,
        count(*) as visits
    from mart.counted_visit as v
    inner join half_of_day as day on v.issued_date = day.calendar_date
    where v.visit_outcome = 'called'
    group by v.unit_level, v.unit_code, day.half_month, v.wait_seconds
),

of_level as (
    select unit_level, half_month, wait_seconds, sum(visits) as visits
    from of_unit
    group by unit_level, half_month, wait_seconds
),

by_half as (
    select
        unit_code,
        half_month,
        wait_seconds - wait_seconds % 60 as minute_start,
        wait_seconds,
        visits
    from of_unit
    union all
    select
        roll_up.total_code,
        v.half_month,
        v.wait_seconds - v.wait_seconds % 60,
        v.wait_seconds,
        cast(sum(v.visits) as bigint)
    from of_level as v
    inner join mart.roll_up as roll_up
        on v.unit_level = roll_up.unit_level and roll_up.total_code is not null
    group by roll_up.total_code, v.half_month, v.wait_seconds
),

minute_of_half as (
    select unit_code, half_month, minute_start, cast(sum(visits) as bigint) as visits
    from by_half
    group by unit_code, half_month, minute_start
),

minute_of_period as (
    select
        v.unit_code,
        half.period_type,
        half.period_basis,
        half.period_start,
        v.minute_start,
        cast(sum(v.visits) as bigint) as visits
    from minute_of_half as v
    inner join half_of_period as half on v.half_month = half.half_month
    group by
        v.unit_code, half.period_type, half.period_basis, half.period_start, v.minute_start
),

minute_in_order as (
    select
        unit_code,
        period_type,
        period_basis,
        period_start,
        minute_start,
        cast(
            sum(visits) over (
                partition by unit_code, period_type, period_basis, period_start
                order by minute_start
                rows between unbounded preceding and current row
            ) as bigint
        ) as until,
        visits,
        cast(0.5 as double precision) * (sum(visits) over of_group - 1) as median_place,
        cast(0.9 as double precision) * (sum(visits) over of_group - 1) as p90_place
    from minute_of_period
    window of_group as (partition by unit_code, period_type, period_basis, period_start)
),

-- the minutes that hold one of the four waits
chosen as (
    select minute_in_order.*, until - visits as before_minute
    from minute_in_order
    where
        (until > floor(median_place) and until - visits <= ceil(median_place))
        or (until > floor(p90_place) and until - visits <= ceil(p90_place))
),

-- left joins: PostgreSQL would else begin with all waits of all periods
by_second as (
    select
        chosen.unit_code,
        chosen.period_type,
        chosen.period_basis,
        chosen.period_start,
        chosen.minute_start,
        chosen.before_minute,
        chosen.median_place,
        chosen.p90_place,
        v.wait_seconds,
        cast(sum(v.visits) as bigint) as visits
    from chosen
    left join half_of_period as half
        on
            chosen.period_type = half.period_type
            and chosen.period_basis = half.period_basis
            and chosen.period_start = half.period_start
    left join by_half as v
        on
            chosen.unit_code = v.unit_code
            and half.half_month = v.half_month
            and chosen.minute_start = v.minute_start
    where coalesce(v.visits, 0) > 0
    group by
        chosen.unit_code,
        chosen.period_type,
        chosen.period_basis,
        chosen.period_start,
        chosen.minute_start,
        chosen.before_minute,
        chosen.median_place,
        chosen.p90_place,
        v.wait_seconds
),

in_order as (
    select
        unit_code,
        period_type,
        period_basis,
        period_start,
        wait_seconds,
        before_minute
        + cast(
            sum(visits) over (
                partition by unit_code, period_type, period_basis, period_start, minute_start
                order by wait_seconds
                rows between unbounded preceding and current row
            ) as bigint
        ) as until,
        median_place,
        p90_place
    from by_second
),

neighbour as (
    select
        unit_code,
        period_type,
        period_basis,
        period_start,
        min(case when until > floor(median_place) then wait_seconds end) as median_below,
        min(case when until > ceil(median_place) then wait_seconds end) as median_above,
        max(median_place - floor(median_place)) as median_part,
        min(case when until > floor(p90_place) then wait_seconds end) as p90_below,
        min(case when until > ceil(p90_place) then wait_seconds end) as p90_above,
        max(p90_place - floor(p90_place)) as p90_part
    from in_order
    group by unit_code, period_type, period_basis, period_start
),

exact as (
    select
        unit_code,
        period_type,
        period_basis,
        period_start,
        median_below + (median_above - median_below) * median_part as median_wait,
        p90_below + (p90_above - p90_below) * p90_part as p90_wait
    from neighbour
),

wait_percentile as (
    select
        unit_code,
        period_type,
        period_basis,
        period_start,
        cast(floor(median_wait) as bigint)
        + case
            when median_wait - floor(median_wait) > 0.5 then 1
            when median_wait - floor(median_wait) = 0.5 then cast(floor(median_wait) as bigint) % 2
            else 0
        end as median_wait_seconds,
        cast(floor(p90_wait) as bigint)
        + case
            when p90_wait - floor(p90_wait) > 0.5 then 1
            when p90_wait - floor(p90_wait) = 0.5 then cast(floor(p90_wait) as bigint) % 2
            else 0
        end as p90_wait_seconds
    from exact
)

select * from wait_percentile
