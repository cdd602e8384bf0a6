-- view
-- mart.on_time_detail: the on-time rate (I.2.đ) by the five methods in use and two readings of them
-- (by the first due date; returned and withdrawn ones all on time), in every breakdown:
-- all dossiers (field `ALL`, procedure `ALL`), by field, and by procedure; of each unit, level and
-- the city, in every period.
--
-- What each method counts, and who uses it: ref.method. The plan's own wording ("tiếp nhận trong
-- năm giải quyết đúng hạn") is `cohort`; there, an open dossier past its due date is not on time.
-- The target is compared on the integers; nothing to count is `no_data`.
with method as (
    select 'cohort' as method_code
    union all
    select 'form_06'
    union all
    select 'cohort_first_due'
    union all
    select 'form_06_thanh_hoa'
    union all
    select 'qd_766'
    union all
    select 'load'
    union all
    select 'due'
),

-- the target of a unit's level is the same for all methods
with_target as (
    select
        tally.*,
        target.indicator_code is not null as has_target,
        target.target_numerator,
        target.target_denominator
    from mart.period_tally as tally
    left join mart.target_in_force as target
        on
            target.indicator_code = 'on_time_rate'
            and target.comparison = '>='
            and tally.unit_level = target.unit_level
            and target.measured_on = least(tally.period_end, :as_of_date)
),

-- the tally is read once, not once for each method
by_method as (
    select
        method.method_code,
        case method.method_code
            when 'cohort' then cohort_in_time
            when 'form_06' then resolved_early + resolved_on_time
            when 'cohort_first_due' then first_due_in_time
            when 'form_06_thanh_hoa'
                then resolved_early + resolved_on_time + returned_late + withdrawn_late
            when 'qd_766' then portal_in_time
            when 'load'
                then
                    received_online
                    + received_counter_post
                    + carried_over
                    - resolved_late
                    - open_overdue
            when 'due' then due_in_time
        end as numerator,
        case method.method_code
            when 'cohort' then cohort_judged
            when 'form_06' then resolved_early + resolved_on_time + resolved_late
            when 'cohort_first_due' then first_due_judged
            when 'form_06_thanh_hoa' then resolved_early + resolved_on_time + resolved_late
            when 'qd_766' then received_in_period
            when 'load' then received_online + received_counter_post + carried_over
            when 'due' then due_judged
        end as denominator,
        tally.*
    from with_target as tally
    cross join method
),

counted as (
    select
        by_method.*,
        numerator as rate_numerator,
        denominator as rate_denominator,
        denominator as case_count
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
            when not by_method.has_target then 'no_target'
            when
                by_method.numerator * by_method.target_denominator
                >= by_method.target_numerator * by_method.denominator
                then 'met'
            else 'not_met'
        end as status,
        :rate_interval
    from counted as by_method
)

select * from on_time_detail
