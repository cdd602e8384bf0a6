-- mart.decree_check_count: what mart.decree_check found, by unit, level and the city, and period.
--
-- The day of the act decides the period. Units without a finding have no row. These counts stand
-- beside the rates and are in none of them.
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
        tally.check_code,
        day.period_type,
        day.period_basis,
        day.period_start,
        day.period_end,
        sum(case when tally.strength = 'strong' then tally.dossiers else 0 end) as found_strong,
        sum(case when tally.strength = 'weak' then tally.dossiers else 0 end) as found_weak
    from mart.decree_tally as tally
    inner join day_of_period as day on tally.event_date = day.calendar_date
    group by
        tally.unit_level,
        tally.unit_code,
        tally.check_code,
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
        check_code,
        period_type,
        period_basis,
        period_start,
        period_end,
        cast(sum(found_strong) as bigint) as found_strong,
        cast(sum(found_weak) as bigint) as found_weak
    from by_unit
    group by grouping sets (
        (check_code, period_type, period_basis, period_start, period_end, unit_level, unit_code),
        (check_code, period_type, period_basis, period_start, period_end, unit_level),
        (check_code, period_type, period_basis, period_start, period_end)
    )
),

decree_check_count as (
    select
        :as_of_date as as_of_date,
        counted.unit_code,
        unit.unit_level,
        unit.unit_scope,
        counted.check_code,
        counted.period_type,
        counted.period_basis,
        counted.period_start,
        counted.period_end,
        counted.found_strong,
        counted.found_weak
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
)

select * from decree_check_count
