-- The One-Stop desks that count differently in the roll-out of digitisation (annex 16) than on the
-- night published before: one row for each figure and unit.
--
-- `earlier.desk` and `later.desk` are the step `registered` of mart.digitisation. A desk counts at
-- its level only.
with earlier_desk as (
    select
        period_type,
        period_basis,
        period_start,
        unit_code,
        unit_level,
        digitisation_date,
        desk_state,
        case when desk_state = 'digitising' then 1 else 0 end as numerator,
        case
            when desk_state in ('digitising', 'not_digitising') and units_with_date > 0 then 1
            else 0
        end as denominator
    from earlier.desk
    where unit_level in ('district', 'commune')
),

later_desk as (
    select
        period_type,
        period_basis,
        period_start,
        unit_code,
        unit_level,
        digitisation_date,
        desk_state,
        case when desk_state = 'digitising' then 1 else 0 end as numerator,
        case
            when desk_state in ('digitising', 'not_digitising') and units_with_date > 0 then 1
            else 0
        end as denominator
    from later.desk
    where unit_level in ('district', 'commune')
),

item_change as (
    select
        'digitisation_rollout_' || coalesce(now.unit_level, was.unit_level) as indicator_code,
        'share' as method_code,
        period.period_type,
        period.period_basis,
        period.period_start,
        coalesce(was.unit_code, now.unit_code) as item_code,
        cast(null as varchar) as unit_before,
        coalesce(was.unit_level, now.unit_level) as level_before,
        cast(null as varchar) as unit_after,
        coalesce(now.unit_level, was.unit_level) as level_after,
        coalesce(was.numerator, 0) as numerator_before,
        coalesce(was.denominator, 0) as denominator_before,
        coalesce(now.numerator, 0) as numerator_after,
        coalesce(now.denominator, 0) as denominator_after,
        false as is_in_city,
        case
            when period.measured_before is null then 'day_passed'
            when
                was.desk_state <> now.desk_state
                and coalesce(now.digitisation_date, date '9999-12-31')
                = coalesce(was.digitisation_date, date '9999-12-31')
                and 'no_one_stop' not in (was.desk_state, now.desk_state)
                then 'day_passed'
            else 'register_changed'
        end as cause_code,
        'register_changed' as moved_code
    from earlier_desk as was
    full join later_desk as now
        on
            was.unit_code = now.unit_code
            -- one that changes its level counts in another indicator
            and was.unit_level = now.unit_level
            and was.period_type = now.period_type
            and was.period_basis = now.period_basis
            and was.period_start = now.period_start
    inner join later.chosen_period as period
        on
            coalesce(was.period_type, now.period_type) = period.period_type
            and coalesce(was.period_basis, now.period_basis) = period.period_basis
            and coalesce(was.period_start, now.period_start) = period.period_start
    where
        coalesce(was.numerator, 0) <> coalesce(now.numerator, 0)
        or coalesce(was.denominator, 0) <> coalesce(now.denominator, 0)
)

select * from item_change
