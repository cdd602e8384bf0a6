-- mart.registered_unit: the units of the register of offices, one row each.
--
-- A unit whose code is that of a level or the city is written in brackets, here and in all marts:
-- `(CITY)`.
with level_code as (
    select unit_code as reserved_code from ref.unit_level
),

registered_unit as (
    select
        coalesce('(' || reserved_code || ')', unit_code) as unit_code,
        unit_name,
        unit_level,
        parent_unit_code
    from core.unit_history
    left join level_code on unit_code = reserved_code
    where valid_from <= :as_of_date and (valid_to is null or valid_to > :as_of_date)
)

select * from registered_unit
