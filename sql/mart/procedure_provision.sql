-- mart.procedure_provision: procedures in force at the end of each period, by level.
--
-- Counted by distinct procedure: one that 217 communes handle is one procedure (plan I.2.đ, I.2.e,
-- annex 18b). Internal procedures are apart. `at_level3`, `at_level4` are the plan's words for all
-- of 2022; `provided_partially`, `provided_fully` those of NĐ 42/2022 from 15/08/2022 on, by
-- ref.service_level_map. `online_used`: at level 3 or 4, and with a dossier received online in
-- the period. `publication_stated`, `level_stated`: the number of procedures of the whole catalogue
-- for which it states the publication, the level. There is no row before the first catalogue.
with in_force as (
    select
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        period.measured_on,
        c.procedure_key,
        c.procedure_code,
        c.procedure_name,
        c.valid_from,
        c.authority_level,
        c.is_internal,
        c.is_published,
        c.is_level4_eligible,
        coalesce(c.service_level, 0) as service_level,
        coalesce(map.provision_code, '') as provision_code,
        count(case when c.is_publication_stated then 1 end) over (
            partition by period.period_type, period.period_basis, period.period_start
        ) as publication_stated,
        count(c.service_level) over (
            partition by period.period_type, period.period_basis, period.period_start
        ) as level_stated
    from mart.catalogue as c
    inner join mart.period as period
        on
            c.valid_from <= period.measured_on
            and (c.valid_to is null or c.valid_to > period.measured_on)
    left join ref.service_level_map as map
        on
            c.service_level = map.service_level
            and (map.valid_from is null or map.valid_from <= period.measured_on)
            and (map.valid_to is null or map.valid_to > period.measured_on)
),

-- a procedure that the catalogue calls `ALL` is `(ALL)` in the tally
used as (
    select
        period_type,
        period_basis,
        period_start,
        case when procedure_key = '(ALL)' then 'ALL' else procedure_key end as procedure_key
    from mart.unit_tally
    where unit_code = 'CITY' and procedure_key <> 'ALL' and received_online > 0
),

marked as (
    select
        in_force.*,
        not is_internal as is_counted,
        not is_internal and is_published as is_counted_published,
        is_internal and is_published as is_internal_published,
        not is_internal and is_level4_eligible as is_eligible,
        not is_internal and is_level4_eligible and service_level = 4 as is_eligible_at_level4,
        not is_internal and service_level in (3, 4) as is_online,
        not is_internal and service_level in (3, 4) and used.procedure_key is not null
            as is_online_used
    from in_force
    left join used
        on
            in_force.procedure_key = used.procedure_key
            and in_force.period_type = used.period_type
            and in_force.period_basis = used.period_basis
            and in_force.period_start = used.period_start
),

counted as (
    select
        roll_up.total_code as unit_code,
        marked.period_type,
        marked.period_basis,
        marked.period_start,
        marked.period_end,
        count(case when marked.is_counted then 1 end) as procedures,
        count(case when marked.is_counted_published then 1 end) as procedures_published,
        count(case when marked.is_internal then 1 end) as internal_procedures,
        count(case when marked.is_internal_published then 1 end) as internal_procedures_published,
        count(case when marked.is_eligible then 1 end) as eligible_for_level4,
        count(case when marked.is_eligible_at_level4 then 1 end) as eligible_at_level4,
        count(case when marked.is_online and marked.service_level = 3 then 1 end) as at_level3,
        count(case when marked.is_online and marked.service_level = 4 then 1 end) as at_level4,
        count(case when marked.is_online and marked.provision_code = 'partial' then 1 end)
            as provided_partially,
        count(case when marked.is_online and marked.provision_code = 'full' then 1 end)
            as provided_fully,
        count(case when marked.is_online_used then 1 end) as online_used,
        max(marked.publication_stated) as publication_stated,
        max(marked.level_stated) as level_stated
    from marked
    -- a procedure that the catalogue gives no level counts in the city only
    inner join mart.roll_up as roll_up
        on
            coalesce(marked.authority_level, 'unregistered') = roll_up.unit_level
            and roll_up.total_code is not null
            and (marked.authority_level is not null or roll_up.unit_scope = 'city')
    group by
        roll_up.total_code,
        marked.period_type,
        marked.period_basis,
        marked.period_start,
        marked.period_end
),

procedure_provision as (
    select
        :as_of_date as as_of_date,
        counted.unit_code,
        unit.unit_level,
        unit.unit_scope,
        counted.period_type,
        counted.period_basis,
        counted.period_start,
        counted.period_end,
        counted.procedures,
        counted.procedures_published,
        counted.internal_procedures,
        counted.internal_procedures_published,
        counted.eligible_for_level4,
        counted.eligible_at_level4,
        counted.at_level3,
        counted.at_level4,
        counted.provided_partially,
        counted.provided_fully,
        counted.online_used,
        counted.publication_stated,
        counted.level_stated
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
)

select * from procedure_provision
