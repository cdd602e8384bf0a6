-- view
-- mart.on_time_detail: the on-time rate (I.2.đ) by the five methods in use and two readings of them
-- (by the first due date; returned and withdrawn ones all on time), in every breakdown:
-- all dossiers (field `ALL`, procedure `ALL`), by field, and by procedure; of each unit, level and
-- the city, in every period.
--
-- What each method counts, and who uses it: ref.method. The plan's own wording ("tiếp nhận trong
-- năm giải quyết đúng hạn") is `cohort`; there, an open dossier past its due date is not on time.
-- The target is compared on the integers; nothing to count is `no_data`.
with by_method as (
    select
        'cohort' as method_code,
        cohort_in_time as numerator,
        cohort_judged as denominator,
        tally.*
    from mart.period_tally as tally
    union all
    select
        'form_06',
        resolved_early + resolved_on_time,
        resolved_early + resolved_on_time + resolved_late,
        tally.*
    from mart.period_tally as tally
    union all
    select 'cohort_first_due', first_due_in_time, first_due_judged, tally.*
    from mart.period_tally as tally
    union all
    select
        'form_06_thanh_hoa',
        resolved_early + resolved_on_time + returned_late + withdrawn_late,
        resolved_early + resolved_on_time + resolved_late,
        tally.*
    from mart.period_tally as tally
    union all
    select 'qd_766', portal_in_time, received_in_period, tally.*
    from mart.period_tally as tally
    union all
    select
        'load',
        received_online + received_counter_post + carried_over - resolved_late - open_overdue,
        received_online + received_counter_post + carried_over,
        tally.*
    from mart.period_tally as tally
    union all
    select 'due', due_in_time, due_judged, tally.*
    from mart.period_tally as tally
),

counted as (
    select
        by_method.*,
        numerator as rate_numerator,
        denominator as rate_denominator
    from by_method
),

on_time_detail as (
    select
        :as_of_date as as_of_date,
        by_method.method_code,
        by_method.unit_code,
        by_method.unit_level,
        by_method.unit_scope,
        by_method.field_code,
        by_method.procedure_key,
        by_method.period_type,
        by_method.period_basis,
        by_method.period_start,
        by_method.period_end,
        by_method.numerator,
        by_method.denominator,
        case when by_method.method_code = 'cohort' then by_method.cohort_open end as pending,
        cast(
            floor(
                cast(1000000 * by_method.numerator as double precision)
                / nullif(by_method.denominator, 0)
            ) / 10000
            as decimal(18, 4)
        ) as value,
        case
            when by_method.denominator = 0 then 'no_data'
            when target.indicator_code is null then 'no_target'
            when
                by_method.numerator * target.target_denominator
                >= target.target_numerator * by_method.denominator
                then 'met'
            else 'not_met'
        end as status,
        :rate_interval
    from counted as by_method
    left join mart.target_in_force as target
        on
            target.indicator_code = 'on_time_rate'
            and target.comparison = '>='
            and by_method.unit_level = target.unit_level
            and target.measured_on = least(by_method.period_end, :as_of_date)
)

select * from on_time_detail
