-- view
-- mart.target_in_force: the target of each indicator and level on each day on which a figure is
-- measured: the end of a period, the as-of date, the last day of the plan.
--
-- A target of its own has precedence over one for all levels. Whether it is met is decided on the
-- integers: value_scale × target_numerator / target_denominator is only shown.
with measuring_day as (
    select measured_on from mart.period
    union
    select valid_to - 1 from ref.indicator
    where valid_to <= :as_of_date
),

scale_of_indicator as (
    select indicator_code, max(value_scale) as value_scale
    from ref.indicator
    group by indicator_code
),

in_force as (
    select
        target.*,
        level.unit_level as level_of_unit,
        day.measured_on,
        row_number() over (
            partition by target.indicator_code, level.unit_level, day.measured_on
            order by case when target.unit_level = 'all' then 1 else 0 end
        ) as precedence
    from ref.target as target
    inner join ref.unit_level as level on target.unit_level in ('all', level.unit_level)
    inner join measuring_day as day
        on
            (target.valid_from is null or target.valid_from <= day.measured_on)
            and (target.valid_to is null or target.valid_to > day.measured_on)
),

target_in_force as (
    select
        in_force.indicator_code,
        in_force.level_of_unit as unit_level,
        in_force.measured_on,
        in_force.comparison,
        in_force.target_numerator,
        in_force.target_denominator,
        scale.value_scale,
        cast(
            scale.value_scale * in_force.target_numerator
            / cast(in_force.target_denominator as double precision) as decimal(18, 4)
        ) as target,
        in_force.source_clause,
        in_force.verified,
        in_force.note_vi,
        in_force.note_en
    from in_force
    inner join scale_of_indicator as scale on in_force.indicator_code = scale.indicator_code
    where in_force.precedence = 1
)

select * from target_in_force
