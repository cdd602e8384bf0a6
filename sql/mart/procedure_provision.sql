-- mart.procedure_provision: procedures in force at the end of each period, by level.
--
-- Counted by distinct code: one that 217 communes handle is one procedure (plan I.2.đ, I.2.e,
-- annex 18b). Internal procedures are apart. Before the first catalogue was exported nothing is
-- known, and there is no row.
with in_force as (
    select distinct
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        p.procedure_code,
        p.authority_level,
        coalesce(p.is_internal, false) as is_internal,
        coalesce(p.is_published, false) as is_published,
        coalesce(p.is_level4_eligible, false) as is_level4_eligible,
        coalesce(p.service_level, 0) as service_level
    from core.procedure_history as p
    inner join mart.period as period
        on
            p.valid_from <= period.measured_on
            and (p.valid_to is null or p.valid_to > period.measured_on)
),

counted as (
    select
        case when grouping(authority_level) = 0 then upper(authority_level) else 'CITY' end
            as unit_code,
        period_type,
        period_basis,
        period_start,
        period_end,
        count(case when not is_internal then 1 end) as procedures,
        count(case when not is_internal and is_published then 1 end) as procedures_published,
        count(case when is_internal then 1 end) as internal_procedures,
        count(case when is_internal and is_published then 1 end)
            as internal_procedures_published,
        count(case when not is_internal and is_level4_eligible then 1 end) as eligible_for_level4,
        count(case when not is_internal and is_level4_eligible and service_level = 4 then 1 end)
            as eligible_at_level4,
        count(case when not is_internal and service_level = 3 then 1 end) as at_level3,
        count(case when not is_internal and service_level = 4 then 1 end) as at_level4
    from in_force
    group by grouping sets (
        (period_type, period_basis, period_start, period_end, authority_level),
        (period_type, period_basis, period_start, period_end)
    )
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
        counted.at_level4
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
)

select * from procedure_provision
