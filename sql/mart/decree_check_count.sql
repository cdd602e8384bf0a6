-- mart.decree_check_count: what mart.decree_check found, by unit, level and the city, and period.
--
-- The day of the act decides the period. Units without a finding have no row. These counts stand
-- beside the rates and are in none of them.
with by_unit as (
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
    inner join mart.period_day as day on tally.event_date = day.calendar_date
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
        coalesce(roll_up.total_code, by_unit.unit_code) as unit_code,
        by_unit.check_code,
        by_unit.period_type,
        by_unit.period_basis,
        by_unit.period_start,
        by_unit.period_end,
        cast(sum(by_unit.found_strong) as bigint) as found_strong,
        cast(sum(by_unit.found_weak) as bigint) as found_weak
    from by_unit
    inner join mart.roll_up as roll_up on by_unit.unit_level = roll_up.unit_level
    group by
        coalesce(roll_up.total_code, by_unit.unit_code),
        by_unit.check_code,
        by_unit.period_type,
        by_unit.period_basis,
        by_unit.period_start,
        by_unit.period_end
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
