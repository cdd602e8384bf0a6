-- mart.period_tally: mart.dossier_tally added up to units, levels and the city.
--
-- For each of them: all dossiers together (field `ALL`, procedure `ALL`), by field, and by
-- procedure. Every unit has its row for all dossiers in every period: one without any has zeros.
with summed as (
    select
        case
            when grouping(t.unit_code) = 0 then t.unit_code
            when grouping(t.unit_level) = 0 then upper(t.unit_level)
            else 'CITY'
        end as unit_code,
        case when grouping(t.field_code) = 0 then t.field_code else 'ALL' end as field_code,
        case when grouping(t.procedure_key) = 0 then t.procedure_key else 'ALL' end
            as procedure_key,
        t.period_type,
        t.period_basis,
        t.period_start,
        t.period_end,
        sum(t.received_online) as received_online,
        sum(t.received_counter_post) as received_counter_post,
        sum(t.carried_over) as carried_over,
        sum(t.resolved_early) as resolved_early,
        sum(t.resolved_on_time) as resolved_on_time,
        sum(t.resolved_late) as resolved_late,
        sum(t.open_in_time) as open_in_time,
        sum(t.open_overdue) as open_overdue,
        sum(t.cohort_in_time) as cohort_in_time,
        sum(t.cohort_judged) as cohort_judged,
        sum(t.cohort_open) as cohort_open,
        sum(t.portal_in_time) as portal_in_time,
        sum(t.received_in_period) as received_in_period,
        sum(t.due_in_time) as due_in_time,
        sum(t.due_judged) as due_judged
    from mart.dossier_tally as t
    group by grouping sets (
        (
            t.period_type, t.period_basis, t.period_start, t.period_end,
            t.unit_level, t.unit_code
        ),
        (
            t.period_type, t.period_basis, t.period_start, t.period_end,
            t.unit_level
        ),
        (t.period_type, t.period_basis, t.period_start, t.period_end),
        (
            t.period_type, t.period_basis, t.period_start, t.period_end, t.field_code,
            t.unit_level, t.unit_code
        ),
        (
            t.period_type, t.period_basis, t.period_start, t.period_end, t.field_code,
            t.unit_level
        ),
        (t.period_type, t.period_basis, t.period_start, t.period_end, t.field_code),
        (
            t.period_type, t.period_basis, t.period_start, t.period_end, t.procedure_key,
            t.unit_level, t.unit_code
        ),
        (
            t.period_type, t.period_basis, t.period_start, t.period_end, t.procedure_key,
            t.unit_level
        ),
        (t.period_type, t.period_basis, t.period_start, t.period_end, t.procedure_key)
    )
),

counted as (
    select * from summed
    union all
    select
        unit.unit_code,
        'ALL' as field_code,
        'ALL' as procedure_key,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        0 as received_online,
        0 as received_counter_post,
        0 as carried_over,
        0 as resolved_early,
        0 as resolved_on_time,
        0 as resolved_late,
        0 as open_in_time,
        0 as open_overdue,
        0 as cohort_in_time,
        0 as cohort_judged,
        0 as cohort_open,
        0 as portal_in_time,
        0 as received_in_period,
        0 as due_in_time,
        0 as due_judged
    from mart.unit as unit
    cross join mart.period as period
    left join summed
        on
            unit.unit_code = summed.unit_code
            and summed.field_code = 'ALL'
            and summed.procedure_key = 'ALL'
            and period.period_type = summed.period_type
            and period.period_basis = summed.period_basis
            and period.period_start = summed.period_start
    where summed.unit_code is null
),

period_tally as (
    select
        counted.unit_code,
        unit.unit_level,
        unit.unit_scope,
        counted.field_code,
        counted.procedure_key,
        counted.period_type,
        counted.period_basis,
        counted.period_start,
        counted.period_end,
        cast(counted.received_online as bigint) as received_online,
        cast(counted.received_counter_post as bigint) as received_counter_post,
        cast(counted.carried_over as bigint) as carried_over,
        cast(counted.resolved_early as bigint) as resolved_early,
        cast(counted.resolved_on_time as bigint) as resolved_on_time,
        cast(counted.resolved_late as bigint) as resolved_late,
        cast(counted.open_in_time as bigint) as open_in_time,
        cast(counted.open_overdue as bigint) as open_overdue,
        cast(counted.cohort_in_time as bigint) as cohort_in_time,
        cast(counted.cohort_judged as bigint) as cohort_judged,
        cast(counted.cohort_open as bigint) as cohort_open,
        cast(counted.portal_in_time as bigint) as portal_in_time,
        cast(counted.received_in_period as bigint) as received_in_period,
        cast(counted.due_in_time as bigint) as due_in_time,
        cast(counted.due_judged as bigint) as due_judged
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
)

select * from period_tally
