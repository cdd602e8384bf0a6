-- result_digitisation_rate (II.1.c, results from 01/01/2022 on) and
-- digitisation_rollout_district, _commune (annex 16: One-Stop desks, not dossiers).
--
-- Excluded: results of a source without such a flag (`coverage` is then the share of the others),
-- and all desks while the register has no go-live date at all.
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
        cast(
            case
                when results_unstated > 0
                    then 100.0 * results_total / (results_total + results_unstated)
            end as decimal(18, 4)
        ) as coverage
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
        case when units_with_date > 0 then desks_total else 0 end,
        cast(null as decimal(18, 4))
    from mart.digitisation
    where unit_scope = 'level' and unit_level in ('district', 'commune') and desks_total is not null
)

select * from digitisation_rates
