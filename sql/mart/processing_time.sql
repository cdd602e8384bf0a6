-- view
-- mart.processing_time: median, 75th and 90th percentile of the working days that dossiers took, of
-- those ended in each period; of each unit, level and the city, for all dossiers (field `ALL`,
-- procedure `ALL`), by field, and by procedure.
--
-- What counts: mart.duration_tally. `clock_code`: `elapsed`, from receipt to end; `office`, without
-- the days that the dossier waited or was suspended. Of these, `dossiers_seen_late` counts those
-- whose office clock rests on a first sight: whether they waited before it is unknown, and those
-- days count as the office's. A percentile p of n numbers of days is the one
-- at place p × (n - 1) of their order, counted from 0; between two places it is divided evenly (as
-- percentile_cont). Percentiles do not add up, so they are taken from the counts of each number.
with half_of_period as (
    select distinct period_type, period_basis, period_start, period_end, half_month
    from mart.period_day
),

breakdown as (
    select 'all' as breakdown_code
    union all
    select 'field'
    union all
    select 'procedure'
),

clock as (
    select 'elapsed' as clock_code
    union all
    select 'office'
),

-- added up by half-month first: there are far fewer of these than of dossiers
by_half as (
    select
        coalesce(roll_up.total_code, tally.unit_code) as unit_code,
        case breakdown.breakdown_code when 'field' then tally.field_code else 'ALL' end
            as field_code,
        case breakdown.breakdown_code when 'procedure' then tally.procedure_key else 'ALL' end
            as procedure_key,
        clock.clock_code,
        tally.half_month,
        case clock.clock_code
            when 'elapsed' then tally.workdays_taken
            else tally.workdays_taken - tally.workdays_paused
        end as workdays,
        cast(sum(tally.dossiers) as bigint) as dossiers,
        cast(
            sum(case clock.clock_code when 'office' then tally.dossiers_seen_late else 0 end)
            as bigint
        ) as dossiers_seen_late
    from mart.duration_tally as tally
    inner join mart.roll_up as roll_up on tally.unit_level = roll_up.unit_level
    cross join breakdown
    cross join clock
    group by
        coalesce(roll_up.total_code, tally.unit_code),
        case breakdown.breakdown_code when 'field' then tally.field_code else 'ALL' end,
        case breakdown.breakdown_code when 'procedure' then tally.procedure_key else 'ALL' end,
        clock.clock_code,
        tally.half_month,
        case clock.clock_code
            when 'elapsed' then tally.workdays_taken
            else tally.workdays_taken - tally.workdays_paused
        end
),

counted as (
    select
        by_half.unit_code,
        by_half.field_code,
        by_half.procedure_key,
        by_half.clock_code,
        half.period_type,
        half.period_basis,
        half.period_start,
        half.period_end,
        by_half.workdays,
        cast(sum(by_half.dossiers) as bigint) as dossiers,
        cast(sum(by_half.dossiers_seen_late) as bigint) as dossiers_seen_late
    from by_half
    inner join half_of_period as half on by_half.half_month = half.half_month
    group by
        by_half.unit_code,
        by_half.field_code,
        by_half.procedure_key,
        by_half.clock_code,
        half.period_type,
        half.period_basis,
        half.period_start,
        half.period_end,
        by_half.workdays
),

ordered as (
    select
        counted.*,
        sum(dossiers) over (
            partition by
                unit_code, field_code, procedure_key, clock_code,
                period_type, period_basis, period_start
            order by workdays
            rows between unbounded preceding and current row
        ) as up_to,
        sum(dossiers) over (
            partition by
                unit_code, field_code, procedure_key, clock_code,
                period_type, period_basis, period_start
        ) - 1 as steps
    from counted
),

-- the number at place p × steps of the order, and the next one: p = 1/2, 3/4, 9/10
summed as (
    select
        unit_code,
        field_code,
        procedure_key,
        clock_code,
        period_type,
        period_basis,
        period_start,
        period_end,
        cast(max(steps) as bigint) + 1 as dossiers,
        cast(sum(dossiers_seen_late) as bigint) as dossiers_seen_late,
        cast(max(steps) as bigint) as steps,
        cast(sum(workdays * dossiers) as bigint) as workdays_total,
        min(case when 2 * up_to > steps then workdays end) as median_from,
        min(case when 2 * (up_to - 1) >= steps then workdays end) as median_to,
        min(case when 4 * up_to > 3 * steps then workdays end) as p75_from,
        min(case when 4 * (up_to - 1) >= 3 * steps then workdays end) as p75_to,
        min(case when 10 * up_to > 9 * steps then workdays end) as p90_from,
        min(case when 10 * (up_to - 1) >= 9 * steps then workdays end) as p90_to
    from ordered
    group by
        unit_code,
        field_code,
        procedure_key,
        clock_code,
        period_type,
        period_basis,
        period_start,
        period_end
),

processing_time as (
    select
        :as_of_date as as_of_date,
        summed.unit_code,
        unit.unit_level,
        unit.unit_scope,
        summed.field_code,
        summed.procedure_key,
        summed.clock_code,
        summed.period_type,
        summed.period_basis,
        summed.period_start,
        summed.period_end,
        summed.dossiers,
        summed.dossiers_seen_late,
        summed.workdays_total,
        cast(
            summed.median_from
            + (summed.median_to - summed.median_from)
            * (summed.steps % 2) / cast(2 as double precision) as decimal(18, 4)
        ) as median_workdays,
        cast(
            summed.p75_from
            + (summed.p75_to - summed.p75_from)
            * (3 * summed.steps % 4) / cast(4 as double precision) as decimal(18, 4)
        ) as p75_workdays,
        cast(
            summed.p90_from
            + (summed.p90_to - summed.p90_from)
            * (9 * summed.steps % 10) / cast(10 as double precision) as decimal(18, 4)
        ) as p90_workdays
    from summed
    inner join mart.unit as unit on summed.unit_code = unit.unit_code
)

select * from processing_time
