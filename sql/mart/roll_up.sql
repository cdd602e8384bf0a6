-- view
-- mart.roll_up: what the units of a level count in: themselves (`total_code` is null), their level,
-- and the city.
--
-- All marts add up by it: they join it by the level of what they count, and count for
-- coalesce(total_code, unit_code).
with roll_up as (
    select unit_level, cast(null as varchar) as total_code, 'unit' as unit_scope
    from ref.unit_level
    where unit_scope = 'level'
    union all
    select unit_level, unit_code, unit_scope
    from ref.unit_level
    where unit_scope = 'level'
    union all
    select level.unit_level, city.unit_code, city.unit_scope
    from ref.unit_level as level
    cross join ref.unit_level as city
    where level.unit_scope = 'level' and city.unit_scope = 'city'
)

select * from roll_up
