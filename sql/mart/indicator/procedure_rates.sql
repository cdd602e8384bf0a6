-- procedures_published_rate (I.2.đ), level4_provision_rate (I.2.e) and
-- internal_procedures_published_rate (PL-18b): shares of the catalogue's procedures.
with procedure_rates as (
    select
        'procedures_published_rate' as indicator_code,
        'share' as method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        procedures_published as numerator,
        procedures as denominator,
        cast(null as decimal(18, 4)) as coverage
    from mart.procedure_provision
    union all
    select
        'level4_provision_rate',
        'share',
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        eligible_at_level4,
        eligible_for_level4,
        cast(null as decimal(18, 4))
    from mart.procedure_provision
    union all
    select
        'internal_procedures_published_rate',
        'share',
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        internal_procedures_published,
        internal_procedures,
        cast(null as decimal(18, 4))
    from mart.procedure_provision
)

select * from procedure_rates
