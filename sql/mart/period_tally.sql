-- mart.period_tally: mart.dossier_tally added up to units, levels and the city, and over fields.
--
-- Every unit has its row for all fields (`ALL`) in every period: one without dossiers has zeros.
with summed as (
    select
        case
            when grouping(t.unit_code) = 0 then t.unit_code
            when grouping(t.unit_level) = 0 then upper(t.unit_level)
            else 'CITY'
        end as unit_code,
        case when grouping(t.field_code) = 0 then t.field_code else 'ALL' end as field_code,
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
        sum(t.portal_in_time) as portal_in_time,
        sum(t.received_in_period) as received_in_period,
        sum(t.due_in_time) as due_in_time,
        sum(t.due_judged) as due_judged
    from mart.dossier_tally as t
    group by grouping sets (
        (t.period_type, t.period_basis, t.period_start, t.period_end, t.field_code, t.unit_level,
         t.unit_code),
        (t.period_type, t.period_basis, t.period_start, t.period_end, t.field_code, t.unit_level),
        (t.period_type, t.period_basis, t.period_start, t.period_end, t.field_code),
        (t.period_type, t.period_basis, t.period_start, t.period_end, t.unit_level, t.unit_code),
        (t.period_type, t.period_basis, t.period_start, t.period_end, t.unit_level),
        (t.period_type, t.period_basis, t.period_start, t.period_end)
    )
),

expected_row as (
    select u.unit_code, 'ALL' as field_code, p.period_type, p.period_basis, p.period_start, p.period_end
    from mart.unit as u
    cross join mart.period as p
    union
    select unit_code, field_code, period_type, period_basis, period_start, period_end
    from summed
),

period_tally as (
    select
        expected_row.unit_code,
        unit.unit_level,
        unit.unit_scope,
        expected_row.field_code,
        expected_row.period_type,
        expected_row.period_basis,
        expected_row.period_start,
        expected_row.period_end,
        cast(coalesce(summed.received_online, 0) as bigint) as received_online,
        cast(coalesce(summed.received_counter_post, 0) as bigint) as received_counter_post,
        cast(coalesce(summed.carried_over, 0) as bigint) as carried_over,
        cast(coalesce(summed.resolved_early, 0) as bigint) as resolved_early,
        cast(coalesce(summed.resolved_on_time, 0) as bigint) as resolved_on_time,
        cast(coalesce(summed.resolved_late, 0) as bigint) as resolved_late,
        cast(coalesce(summed.open_in_time, 0) as bigint) as open_in_time,
        cast(coalesce(summed.open_overdue, 0) as bigint) as open_overdue,
        cast(coalesce(summed.cohort_in_time, 0) as bigint) as cohort_in_time,
        cast(coalesce(summed.cohort_judged, 0) as bigint) as cohort_judged,
        cast(coalesce(summed.portal_in_time, 0) as bigint) as portal_in_time,
        cast(coalesce(summed.received_in_period, 0) as bigint) as received_in_period,
        cast(coalesce(summed.due_in_time, 0) as bigint) as due_in_time,
        cast(coalesce(summed.due_judged, 0) as bigint) as due_judged
    from expected_row
    inner join mart.unit as unit on expected_row.unit_code = unit.unit_code
    left join summed
        on
            expected_row.unit_code = summed.unit_code
            and expected_row.field_code = summed.field_code
            and expected_row.period_type = summed.period_type
            and expected_row.period_basis = summed.period_basis
            and expected_row.period_start = summed.period_start
)

select * from period_tally
