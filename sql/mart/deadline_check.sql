-- mart.deadline_check: the sources' due dates against the catalogue's durations, by day of receipt.
--
-- A warning, not a figure of the plan: pauses, hours and decisions of the day make due dates differ
-- with good reason. `deadlines_moved` counts dossiers whose due date is no longer the first one.
with day_of_period as (
    select calendar.calendar_date, period.*
    from mart.period as period
    inner join core.calendar as calendar
        on calendar.calendar_date between period.period_start and period.measured_on
),

by_unit as (
    select
        tally.unit_level,
        tally.unit_code,
        day.period_type,
        day.period_basis,
        day.period_start,
        day.period_end,
        sum(tally.received_in_period) as received_in_period,
        sum(tally.deadlines_compared) as deadlines_compared,
        sum(tally.deadlines_longer) as deadlines_longer,
        sum(tally.deadlines_shorter) as deadlines_shorter,
        sum(tally.deadlines_moved) as deadlines_moved,
        sum(tally.deadlines_missing) as deadlines_missing
    from mart.day_tally as tally
    inner join day_of_period as day on tally.event_date = day.calendar_date
    where tally.received_in_period > 0
    group by
        tally.unit_level,
        tally.unit_code,
        day.period_type,
        day.period_basis,
        day.period_start,
        day.period_end
),

counted as (
    select
        case
            when grouping(unit_code) = 0 then unit_code
            when grouping(unit_level) = 0 then upper(unit_level)
            else 'CITY'
        end as unit_code,
        period_type,
        period_basis,
        period_start,
        period_end,
        cast(sum(received_in_period) as bigint) as received_in_period,
        cast(sum(deadlines_compared) as bigint) as deadlines_compared,
        cast(sum(deadlines_longer) as bigint) as deadlines_longer,
        cast(sum(deadlines_shorter) as bigint) as deadlines_shorter,
        cast(sum(deadlines_moved) as bigint) as deadlines_moved,
        cast(sum(deadlines_missing) as bigint) as deadlines_missing
    from by_unit
    group by grouping sets (
        (period_type, period_basis, period_start, period_end, unit_level, unit_code),
        (period_type, period_basis, period_start, period_end, unit_level),
        (period_type, period_basis, period_start, period_end)
    )
),

deadline_check as (
    select
        :as_of_date as as_of_date,
        counted.unit_code,
        unit.unit_level,
        unit.unit_scope,
        counted.period_type,
        counted.period_basis,
        counted.period_start,
        counted.period_end,
        counted.received_in_period,
        counted.deadlines_compared,
        counted.deadlines_longer,
        counted.deadlines_shorter,
        counted.deadlines_moved,
        counted.deadlines_missing
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
)

select * from deadline_check
