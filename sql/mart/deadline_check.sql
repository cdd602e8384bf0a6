-- mart.deadline_check: the sources' due dates against the catalogue's durations, by day of receipt.
--
-- A warning, not a figure of the plan: pauses, hours and decisions of the day make due dates differ
-- with good reason. `deadlines_moved` counts dossiers whose due date is no longer the first one.
with by_day as (
    select
        unit_code,
        unit_level,
        received_date,
        count(*) as dossiers,
        count(deadline_difference_workdays) as deadlines_compared,
        count(case when has_unusual_deadline and deadline_difference_workdays > 0 then 1 end)
            as deadlines_longer,
        count(case when has_unusual_deadline and deadline_difference_workdays < 0 then 1 end)
            as deadlines_shorter,
        count(case when due_date <> original_due_date then 1 end) as deadlines_moved,
        count(case when due_date is null then 1 end) as deadlines_missing
    from mart.dossier
    where is_received
    group by unit_code, unit_level, received_date
),

counted as (
    select
        case
            when grouping(by_day.unit_code) = 0 then by_day.unit_code
            when grouping(by_day.unit_level) = 0 then upper(by_day.unit_level)
            else 'CITY'
        end as unit_code,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        cast(sum(by_day.dossiers) as bigint) as received_in_period,
        cast(sum(by_day.deadlines_compared) as bigint) as deadlines_compared,
        cast(sum(by_day.deadlines_longer) as bigint) as deadlines_longer,
        cast(sum(by_day.deadlines_shorter) as bigint) as deadlines_shorter,
        cast(sum(by_day.deadlines_moved) as bigint) as deadlines_moved,
        cast(sum(by_day.deadlines_missing) as bigint) as deadlines_missing
    from by_day
    inner join mart.period as period
        on by_day.received_date between period.period_start and period.measured_on
    group by grouping sets (
        (
            period.period_type, period.period_basis, period.period_start, period.period_end,
            by_day.unit_level, by_day.unit_code
        ),
        (
            period.period_type, period.period_basis, period.period_start, period.period_end,
            by_day.unit_level
        ),
        (period.period_type, period.period_basis, period.period_start, period.period_end)
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
