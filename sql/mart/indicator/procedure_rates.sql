-- procedures_published_rate (I.2.đ), level4_provision_rate (I.2.e),
-- internal_procedures_published_rate (PL-18b), online_procedure_share and
-- online_procedure_used_share (QĐ 766/QĐ-TTg): shares of the catalogue's procedures.
--
-- While the catalogue says of none of them whether it is published, or at which level it is
-- provided, there is nothing to count.
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
        case when publication_stated > 0 then procedures else 0 end as denominator,
        cast(null as decimal(18, 4)) as coverage,
        cast(null as bigint) as pending
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
        case when level_stated > 0 then eligible_for_level4 else 0 end,
        cast(null as decimal(18, 4)),
        cast(null as bigint)
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
        case when publication_stated > 0 then internal_procedures else 0 end,
        cast(null as decimal(18, 4)),
        cast(null as bigint)
    from mart.procedure_provision
    union all
    select
        'online_procedure_share',
        'share',
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        at_level3 + at_level4,
        case when level_stated > 0 then procedures else 0 end,
        cast(null as decimal(18, 4)),
        cast(null as bigint)
    from mart.procedure_provision
    union all
    select
        'online_procedure_used_share',
        'share',
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        online_used,
        at_level3 + at_level4,
        cast(null as decimal(18, 4)),
        cast(null as bigint)
    from mart.procedure_provision
)

select * from procedure_rates
