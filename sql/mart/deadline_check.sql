-- mart.deadline_check: the sources' due dates against the catalogue's durations, by day of receipt.
--
-- A warning, not a figure of the plan: pauses, hours and decisions of the day make due dates differ
-- with good reason. `deadlines_moved` counts dossiers whose due date is no longer the first one.
with by_unit as (
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
    inner join mart.period_day as day on tally.event_date = day.calendar_date
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
        coalesce(roll_up.total_code, by_unit.unit_code) as unit_code,
        by_unit.period_type,
        by_unit.period_basis,
        by_unit.period_start,
        by_unit.period_end,
        cast(sum(by_unit.received_in_period) as bigint) as received_in_period,
        cast(sum(by_unit.deadlines_compared) as bigint) as deadlines_compared,
        cast(sum(by_unit.deadlines_longer) as bigint) as deadlines_longer,
        cast(sum(by_unit.deadlines_shorter) as bigint) as deadlines_shorter,
        cast(sum(by_unit.deadlines_moved) as bigint) as deadlines_moved,
        cast(sum(by_unit.deadlines_missing) as bigint) as deadlines_missing
    from by_unit
    inner join mart.roll_up as roll_up on by_unit.unit_level = roll_up.unit_level
    group by
        coalesce(roll_up.total_code, by_unit.unit_code),
        by_unit.period_type,
        by_unit.period_basis,
        by_unit.period_start,
        by_unit.period_end
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
