-- view
-- mart.indicator_variant: the on-time rate of each unit, level and the city by every reading of
-- ref.reading, in the periods that have a target.
--
-- A reading is a method of ref.method and the classes of ref.period_class that count otherwise: in
-- the numerator, in the denominator only, or not at all. Its figure is that of the method and, for
-- each of these classes, the dossiers of the class times what its role changes. They are counted in
-- mart.class_tally: for `cohort` and `qd_766` those received in the period, for `form_06` those
-- closed in it.
--
-- The verdict is that of the scorecard's method. A reading turns it if it gives the other one.
with class_of_reading as (
    select
        reading.reading_code,
        reading.method_code,
        class.class_at_end,
        class.valid_from,
        class.valid_to,
        case reading.method_code
            when 'form_06' then class.form_06_role
            when 'qd_766' then class.qd_766_role
            else class.cohort_role
        end as role_by_method,
        case
            when
                position(' ' || class.class_at_end || ' ' in ' ' || reading.as_numerator || ' ')
                > 0
                then 'numerator'
            when
                position(' ' || class.class_at_end || ' ' in ' ' || reading.as_denominator || ' ')
                > 0
                then 'denominator'
            when position(' ' || class.class_at_end || ' ' in ' ' || reading.as_left_out || ' ') > 0
                then 'left_out'
        end as role_by_reading
    from ref.reading as reading
    cross join ref.period_class as class
),

role_change as (
    select
        reading_code,
        method_code,
        class_at_end,
        valid_from,
        valid_to,
        case when role_by_reading = 'numerator' then 1 else 0 end
        - case when role_by_method = 'numerator' then 1 else 0 end as numerator_change,
        case when role_by_reading <> 'left_out' then 1 else 0 end
        - case when role_by_method <> 'left_out' then 1 else 0 end as denominator_change
    from class_of_reading
    where role_by_reading is not null
),

-- Here and in `counted` left joins, also where each row has its match: PostgreSQL takes an inner
-- join by so many columns for one of a few rows, and then compares all rows with all.
by_method as (
    select
        measure.*,
        target.target_numerator,
        target.target_denominator,
        indicator.scorecard_method
    from mart.indicator_measure as measure
    left join mart.target_in_force as target
        on
            measure.indicator_code = target.indicator_code
            and target.comparison = '>='
            and measure.unit_level = target.unit_level
            and target.measured_on = least(measure.period_end, :as_of_date)
    left join ref.indicator as indicator
        on
            measure.indicator_code = indicator.indicator_code
            and (indicator.valid_from is null or indicator.valid_from <= target.measured_on)
            and (indicator.valid_to is null or indicator.valid_to > target.measured_on)
    where
        measure.indicator_code = 'on_time_rate'
        and coalesce(target.target_denominator, 0) > 0
),

verdict as (
    select
        unit_code,
        period_type,
        period_basis,
        period_start,
        max(
            case
                when method_code <> scorecard_method then null
                when denominator = 0 then 'no_data'
                when numerator * target_denominator >= target_numerator * denominator then 'met'
                else 'not_met'
            end
        ) as verdict_status
    from by_method
    group by unit_code, period_type, period_basis, period_start
),

whole as (
    select
        tally.unit_code,
        tally.period_type,
        tally.period_basis,
        tally.period_start,
        true as is_tallied
    from mart.period_tally as tally
    where tally.field_code = 'ALL' and tally.procedure_key = 'ALL'
),

counted_otherwise as (
    select
        role_change.reading_code,
        role_change.numerator_change,
        role_change.denominator_change,
        class.unit_code,
        class.period_type,
        class.period_basis,
        class.period_start,
        case role_change.method_code
            when 'form_06' then class.dossiers_closed
            else class.dossiers_received
        end as dossiers
    from mart.class_tally as class
    inner join mart.period as period
        on
            class.period_type = period.period_type
            and class.period_basis = period.period_basis
            and class.period_start = period.period_start
    inner join role_change
        on
            class.class_at_end = role_change.class_at_end
            and (role_change.valid_from is null or role_change.valid_from <= period.measured_on)
            and (role_change.valid_to is null or role_change.valid_to > period.measured_on)
),

change as (
    select
        reading_code,
        unit_code,
        period_type,
        period_basis,
        period_start,
        cast(sum(dossiers * numerator_change) as bigint) as numerator_change,
        cast(sum(dossiers * denominator_change) as bigint) as denominator_change
    from counted_otherwise
    where dossiers <> 0
    group by reading_code, unit_code, period_type, period_basis, period_start
),

counted as (
    select
        by_method.indicator_code,
        reading.reading_code,
        reading.position,
        reading.method_code,
        by_method.unit_code,
        by_method.unit_level,
        by_method.unit_scope,
        by_method.period_type,
        by_method.period_basis,
        by_method.period_start,
        by_method.period_end,
        by_method.numerator + coalesce(change.numerator_change, 0) as numerator,
        by_method.denominator + coalesce(change.denominator_change, 0) as denominator,
        by_method.target_numerator,
        by_method.target_denominator,
        verdict.verdict_status
    from by_method
    inner join ref.reading as reading on by_method.method_code = reading.method_code
    left join verdict
        on
            by_method.unit_code = verdict.unit_code
            and by_method.period_type = verdict.period_type
            and by_method.period_basis = verdict.period_basis
            and by_method.period_start = verdict.period_start
    left join whole
        on
            by_method.unit_code = whole.unit_code
            and by_method.period_type = whole.period_type
            and by_method.period_basis = whole.period_basis
            and by_method.period_start = whole.period_start
    left join change
        on
            reading.reading_code = change.reading_code
            and by_method.unit_code = change.unit_code
            and by_method.period_type = change.period_type
            and by_method.period_basis = change.period_basis
            and by_method.period_start = change.period_start
    where coalesce(whole.is_tallied, false)
),

compared as (
    select
        counted.*,
        case
            when denominator = 0 then 'no_data'
            when numerator * target_denominator >= target_numerator * denominator then 'met'
            else 'not_met'
        end as status
    from counted
),

indicator_variant as (
    select
        :as_of_date as as_of_date,
        indicator_code,
        reading_code,
        position,
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
        cast(
            floor(cast(1000000 * numerator as double precision) / nullif(denominator, 0)) / 10000
            as decimal(18, 4)
        ) as value,
        status,
        verdict_status,
        verdict_status in ('met', 'not_met') and status in ('met', 'not_met')
        and status <> verdict_status as turns_verdict
    from compared
)

select * from indicator_variant
