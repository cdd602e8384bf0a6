-- result_digitisation_rate (II.1.c, results from 01/01/2022 on) and
-- digitisation_rollout_district, _commune (annex 16: One-Stop desks, not dossiers).
with digitisation_rates as (
    select
        'result_digitisation_rate' as indicator_code,
        'share' as method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        results_digitised as numerator,
        results_total as denominator,
        cast(null as decimal(18, 4)) as coverage
    from mart.digitisation
    where period_start >= date '2021-12-15'  -- the government year 2022 begins there
    union all
    select
        'digitisation_rollout_' || unit_level,
        'share',
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        desks_digitising,
        desks_total,
        cast(null as decimal(18, 4))
    from mart.digitisation
    where unit_scope = 'level' and unit_level in ('district', 'commune') and desks_total is not null
)

select * from digitisation_rates
