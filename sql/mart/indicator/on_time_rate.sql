-- on_time_rate (I.2.đ): share of dossiers resolved on time, by the five methods in use.
--
-- What each method counts, and who uses it: ref.method. The plan's own wording ("tiếp nhận trong
-- năm giải quyết đúng hạn") is `cohort`; there, an open dossier past its due date is not on time.
with all_fields as (
    select * from mart.period_tally where field_code = 'ALL'
),

by_method as (
    select
        'cohort' as method_code,
        cohort_in_time as numerator,
        cohort_judged as denominator,
        all_fields.*
    from all_fields
    union all
    select
        'form_06',
        resolved_early + resolved_on_time,
        resolved_early + resolved_on_time + resolved_late,
        all_fields.*
    from all_fields
    union all
    select 'qd_766', portal_in_time, received_in_period, all_fields.*
    from all_fields
    union all
    select
        'load',
        received_online + received_counter_post + carried_over - resolved_late - open_overdue,
        received_online + received_counter_post + carried_over,
        all_fields.*
    from all_fields
    union all
    select 'due', due_in_time, due_judged, all_fields.*
    from all_fields
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
        cast(null as decimal(18, 4)) as coverage
    from by_method
)

select * from on_time_rate
