-- mart.unit: the units, their levels and the city; one row each.
--
-- A unit that has dossiers or tickets but is not in the register of offices is `unregistered`: it
-- counts in the city's figures and in no level of the plan. A level is kept after its last unit
-- left it, because earlier periods count its desks. Two units may have the same name:
-- `unit_label` adds the unit above or the code to it, so that grouping by it does not merge them.
with level_code as (
    select unit_code as reserved_code from ref.unit_level
),

level_ever as (
    select unit_level
    from core.unit_history
    where valid_from <= :as_of_date
),

ticket_unit as (
    select distinct unit_code
    from core.visit_history
    where valid_from <= :as_of_date and (valid_to is null or valid_to > :as_of_date)
),

unit_in_use as (
    select unit_code from mart.source_tally
    union
    select coalesce('(' || level_code.reserved_code || ')', ticket_unit.unit_code)
    from ticket_unit
    left join level_code on ticket_unit.unit_code = level_code.reserved_code
),

single_unit as (
    select unit_code, unit_name, unit_level, 'unit' as unit_scope, parent_unit_code
    from mart.registered_unit
    union all
    select u.unit_code, u.unit_code, 'unregistered', 'unit', cast(null as varchar)
    from unit_in_use as u
    left join mart.registered_unit as r on u.unit_code = r.unit_code
    where r.unit_code is null
),

labelled_unit as (
    select
        single_unit.*,
        case
            when count(*) over (partition by single_unit.unit_name) = 1 then single_unit.unit_name
            when
                parent.unit_name is not null
                and count(*) over (partition by single_unit.unit_name, parent.unit_name) = 1
                then single_unit.unit_name || ' (' || parent.unit_name || ')'
            else single_unit.unit_name || ' (' || single_unit.unit_code || ')'
        end as unit_label
    from single_unit
    left join mart.registered_unit as parent on single_unit.parent_unit_code = parent.unit_code
),

unit as (
    select
        unit_code,
        unit_name,
        unit_label,
        unit_level,
        unit_scope,
        parent_unit_code,
        :as_of_date as as_of_date
    from labelled_unit
    union all
    select
        unit_code, label_vi, label_vi, unit_level, unit_scope, cast(null as varchar), :as_of_date
    from ref.unit_level
    where
        unit_scope = 'city'
        or unit_level in (select unit_level from single_unit)
        or unit_level in (select unit_level from level_ever)
)

select * from unit
