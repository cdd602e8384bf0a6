-- on_time_rate (I.2.đ): share of dossiers resolved on time, by the methods of ref.method.
--
-- A reading (ref.reading) is a method in which some classes of dossiers count otherwise.
with counting as (
    select
        method_code as counting_code,
        method_code,
        '' as as_numerator,
        '' as as_denominator,
        '' as as_left_out
    from ref.method
    union all
    select
        reading.reading_code,
        reading.method_code,
        ' ' || coalesce(reading.as_numerator, '') || ' ',
        ' ' || coalesce(reading.as_denominator, '') || ' ',
        ' ' || coalesce(reading.as_left_out, '') || ' '
    from ref.reading as reading
    left join ref.method as method on reading.reading_code = method.method_code
    where method.method_code is null
),

by_method as (
    select
        dossier.*,
        counting.counting_code,
        counting.as_numerator,
        counting.as_denominator,
        counting.as_left_out,
        case counting.method_code
            when 'cohort' then dossier.cohort_role
            when 'cohort_first_due' then dossier.cohort_first_due_role
            when 'form_06' then dossier.form_06_role
            when 'form_06_thanh_hoa' then dossier.form_06_thanh_hoa_role
            when 'qd_766' then dossier.qd_766_role
            when 'load' then dossier.load_role
            when 'due' then dossier.due_role
        end as role_by_method,
        case counting.method_code
            when 'cohort_first_due' then dossier.class_by_first_due else dossier.class_at_end
        end as reason_code,
        case counting.method_code
            when 'cohort_first_due' then dossier.first_due_date else dossier.due_date
        end as judged_date
    from mart.dossier_period as dossier
    cross join counting
),

-- submitted or refused within the period and never received
unreceived as (
    select
        dossier.dossier_code,
        dossier.unit_code,
        dossier.unit_level,
        dossier.status as reason_code,
        dossier.received_date,
        dossier.due_date,
        dossier.resolved_date as closed_date,
        dossier.delivery_id,
        dossier.row_number
    from mart.counted_dossier as dossier
    inner join core.dossier_history as history
        on
            dossier.dossier_code = history.dossier_code
            and history.valid_from <= :as_of_date
            and (history.valid_to is null or history.valid_to > :as_of_date)
    inner join mart.period as period
        on
            cast(
                coalesce(history.received_at, history.submitted_at, history.resolved_at) as date
            ) between period.period_start and period.period_end
    where not dossier.is_received
),

item as (  -- noqa: ST03
    select
        'on_time_rate' as indicator_code,
        by_method.counting_code as method_code,
        by_method.dossier_code,
        by_method.unit_code,
        by_method.unit_level,
        case
            when position(' ' || by_method.reason_code || ' ' in by_method.as_numerator) > 0
                then 'numerator'
            when position(' ' || by_method.reason_code || ' ' in by_method.as_denominator) > 0
                then 'denominator'
            when position(' ' || by_method.reason_code || ' ' in by_method.as_left_out) > 0
                then 'left_out'
            else by_method.role_by_method
        end as role,
        by_method.reason_code,
        class.reason_vi,
        class.reason_en,
        by_method.received_date,
        by_method.judged_date as due_date,
        by_method.closed_by_end_date as closed_date,
        evidence.delivery_id,
        evidence.row_number
    from by_method
    inner join mart.counted_dossier as evidence
        on by_method.dossier_code = evidence.dossier_code
    left join ref.period_class as class
        on
            by_method.reason_code = class.class_at_end
            and (
                class.valid_from is null
                or class.valid_from <= least(by_method.period_end, :as_of_date)
            )
            and (
                class.valid_to is null
                or class.valid_to > least(by_method.period_end, :as_of_date)
            )
    where by_method.role_by_method is not null
    union all
    select
        'on_time_rate',
        cast(null as varchar),
        dossier_code,
        unit_code,
        unit_level,
        'left_out',
        reason_code,
        case reason_code
            when 'refused_at_intake' then 'Không được tiếp nhận: không tính ở mọi cách đếm'
            else 'Mới đăng ký, chưa được tiếp nhận: không tính ở mọi cách đếm'
        end,
        case reason_code
            when 'refused_at_intake' then 'Refused at intake: counted by no method'
            else 'Registered, not yet received: counted by no method'
        end,
        received_date,
        due_date,
        closed_date,
        delivery_id,
        row_number
    from unreceived
),

event as (  -- noqa: ST03
    select
        'on_time_rate' as indicator_code,
        unit_code,
        unit_level,
        received_date as event_date,
        dossiers as arrived,
        0 as judged,
        0 as succeeded
    from mart.receipt_tally
    union all
    select
        'on_time_rate',
        unit_code,
        unit_level,
        event_date,
        0,
        dossiers_judged,
        dossiers_in_time
    from mart.day_tally
),

on_time_rate as (
    select
        'on_time_rate' as indicator_code,
        method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        numerator,
        denominator,
        cast(null as decimal(18, 4)) as coverage,
        pending
    from mart.on_time_detail
    where field_code = 'ALL' and procedure_key = 'ALL'
)

select * from on_time_rate
