-- digitisation_rollout_district, _commune (annex 16: One-Stop desks, not dossiers).
--
-- Excluded: all desks while the register has no go-live date at all.
with digitisation_rollout as (
    select
        'digitisation_rollout_' || unit_level as indicator_code,
        'share' as method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        desks_digitising as numerator,
        case when units_with_date > 0 then desks_total else 0 end as denominator,
        cast(null as decimal(18, 4)) as coverage,
        cast(null as bigint) as pending
    from mart.digitisation
    where unit_scope = 'level' and unit_level in ('district', 'commune') and desks_total is not null
)

select * from digitisation_rollout
