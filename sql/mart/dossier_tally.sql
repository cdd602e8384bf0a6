-- mart.dossier_tally: dossiers counted once per unit, field, procedure, period, for every method.
--
-- Only whole dossiers are counted here and only sums are taken from here, so that units add up to
-- levels and levels to the city. What each method counts: ref.method. A field or a procedure that
-- its source calls `ALL` is `(ALL)` here: `ALL` is the sum of them.
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
        period_end,
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

dossier_tally as (
    select
        unit_code,
        unit_level,
        field_code,
        procedure_key,
        period_type,
        period_basis,
        period_start,
        period_end,
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
    group by
        unit_code,
        unit_level,
        field_code,
        procedure_key,
        period_type,
        period_basis,
        period_start,
        period_end
)

select * from dossier_tally
