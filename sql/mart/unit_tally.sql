-- mart.unit_tally: dossiers counted by unit, level and the city, in each period, for every method.
--
-- For each of them: all dossiers together (field `ALL`, procedure `ALL`), by field, and by
-- procedure. Each dossier is counted once in its unit; levels and the city are sums of units. Every
-- unit has its row for all dossiers in every period: one without any has zeros. `dossiers` is how
-- many touch the period. What each method counts: ref.method. A field or a procedure that its
-- source calls `ALL` is `(ALL)` here: `ALL` is the sum of them.
with counted as (
    select
        unit_code,
        unit_level,
        case when field_code = 'ALL' then '(ALL)' else coalesce(field_code, '(none)') end
            as field_code,
        case
            when procedure_key = 'ALL' then '(ALL)' else coalesce(procedure_key, '(none)')
        end as procedure_key,
        period_type,
        period_basis,
        period_start,
        channel,
        is_received_in,
        is_carried_over,
        is_closed_in,
        is_open,
        is_due_in,
        class_at_end,
        class_at_end in ('early', 'on_time') as is_in_time,
        -- form II.06a as offices fill it: withdrawn, returned and undated ones are "đúng hạn"
        class_at_end in ('withdrawn', 'returned_unprocessed', 'resolved_no_due_date')
            as is_in_time_on_form
    from mart.dossier_period
),

by_unit as (
    select
        unit_level,
        unit_code,
        case when grouping(field_code) = 0 then field_code else 'ALL' end as field_code,
        case when grouping(procedure_key) = 0 then procedure_key else 'ALL' end as procedure_key,
        period_type,
        period_basis,
        period_start,
        count(*) as dossiers,
        count(case when is_received_in and channel = 'online' then 1 end) as received_online,
        count(case when is_received_in and channel is distinct from 'online' then 1 end)
            as received_counter_post,
        count(case when is_carried_over then 1 end) as carried_over,
        count(case when is_closed_in and class_at_end = 'early' then 1 end) as resolved_early,
        count(
            case when is_closed_in and (class_at_end = 'on_time' or is_in_time_on_form) then 1 end
        ) as resolved_on_time,
        count(case when is_closed_in and class_at_end = 'late' then 1 end) as resolved_late,
        count(case when is_open and class_at_end <> 'open_overdue' then 1 end) as open_in_time,
        count(case when is_open and class_at_end = 'open_overdue' then 1 end) as open_overdue,
        count(case when is_received_in and is_in_time then 1 end) as cohort_in_time,
        count(
            case
                when is_received_in and (is_in_time or class_at_end in ('late', 'open_overdue'))
                    then 1
            end
        ) as cohort_judged,
        count(case when is_received_in and class_at_end in ('open_in_time', 'paused') then 1 end)
            as cohort_open,
        count(
            case
                when
                    is_received_in
                    and (is_in_time or is_in_time_on_form or class_at_end = 'open_in_time')
                    then 1
            end
        ) as portal_in_time,
        count(case when is_received_in then 1 end) as received_in_period,
        count(case when is_due_in and is_in_time then 1 end) as due_in_time,
        count(
            case
                when
                    is_due_in
                    and class_at_end not in ('withdrawn', 'returned_unprocessed', 'paused')
                    then 1
            end
        ) as due_judged
    from counted
    group by grouping sets (
        (period_type, period_basis, period_start, unit_level, unit_code),
        (period_type, period_basis, period_start, unit_level, unit_code, field_code),
        (period_type, period_basis, period_start, unit_level, unit_code, procedure_key)
    )
),

added_up as (
    select
        unit_code,
        field_code,
        procedure_key,
        period_type,
        period_basis,
        period_start,
        dossiers,
        received_online,
        received_counter_post,
        carried_over,
        resolved_early,
        resolved_on_time,
        resolved_late,
        open_in_time,
        open_overdue,
        cohort_in_time,
        cohort_judged,
        cohort_open,
        portal_in_time,
        received_in_period,
        due_in_time,
        due_judged
    from by_unit
    union all
    select
        case when grouping(unit_level) = 0 then upper(unit_level) else 'CITY' end,
        field_code,
        procedure_key,
        period_type,
        period_basis,
        period_start,
        cast(sum(dossiers) as bigint),
        cast(sum(received_online) as bigint),
        cast(sum(received_counter_post) as bigint),
        cast(sum(carried_over) as bigint),
        cast(sum(resolved_early) as bigint),
        cast(sum(resolved_on_time) as bigint),
        cast(sum(resolved_late) as bigint),
        cast(sum(open_in_time) as bigint),
        cast(sum(open_overdue) as bigint),
        cast(sum(cohort_in_time) as bigint),
        cast(sum(cohort_judged) as bigint),
        cast(sum(cohort_open) as bigint),
        cast(sum(portal_in_time) as bigint),
        cast(sum(received_in_period) as bigint),
        cast(sum(due_in_time) as bigint),
        cast(sum(due_judged) as bigint)
    from by_unit
    group by grouping sets (
        (period_type, period_basis, period_start, field_code, procedure_key, unit_level),
        (period_type, period_basis, period_start, field_code, procedure_key)
    )
),

-- a unit or level whose dossiers touch no period has its rows, too
unit_tally as (
    select * from added_up
    union all
    select
        unit.unit_code,
        'ALL',
        'ALL',
        period.period_type,
        period.period_basis,
        period.period_start,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from mart.unit as unit
    cross join mart.period as period
    left join added_up
        on
            unit.unit_code = added_up.unit_code
            and added_up.field_code = 'ALL'
            and added_up.procedure_key = 'ALL'
            and period.period_type = added_up.period_type
            and period.period_basis = added_up.period_basis
            and period.period_start = added_up.period_start
    where added_up.unit_code is null
)

select * from unit_tally
