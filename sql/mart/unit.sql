-- mart.unit: the units, their levels and the city; one row each.
--
-- A unit that has dossiers or tickets but is not in the register of offices is `unregistered`: it
-- counts in the city's figures and in no level of the plan. A unit whose code is that of a level or
-- the city is written in brackets, here and in all marts: `(CITY)`. A level is kept after its last
-- unit left it, because earlier periods count its desks.
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
),

level_ever as (
    select unit_level
    from core.unit_history
    where valid_from <= :as_of_date
),

code_in_use as (
    select coalesce(resolving_unit_code, receiving_unit_code) as unit_code
    from core.dossier_history
    where valid_from <= :as_of_date and (valid_to is null or valid_to > :as_of_date)
    union
    select unit_code
    from core.visit_history
    where valid_from <= :as_of_date and (valid_to is null or valid_to > :as_of_date)
),

unit_in_use as (
    select coalesce('(' || reserved_code || ')', unit_code) as unit_code
    from code_in_use
    left join level_code on unit_code = reserved_code
),

single_unit as (
    select unit_code, unit_name, unit_level, 'unit' as unit_scope, parent_unit_code
    from registered_unit
    union all
    select u.unit_code, u.unit_code, 'unregistered', 'unit', cast(null as varchar)
    from unit_in_use as u
    left join registered_unit as r on u.unit_code = r.unit_code
    where r.unit_code is null
),

unit as (
    select
        unit_code,
        unit_name,
        unit_level,
        unit_scope,
        parent_unit_code,
        :as_of_date as as_of_date
    from single_unit
    union all
    select unit_code, label_vi, unit_level, unit_scope, cast(null as varchar), :as_of_date
    from ref.unit_level
    where
        unit_scope = 'city'
        or unit_level in (select unit_level from single_unit)
        or unit_level in (select unit_level from level_ever)
)

select * from unit
