-- on_time_rate (I.2.đ): share of dossiers resolved on time, by the methods of ref.method.
with on_time_rate as (
    select
        'on_time_rate' as indicator_code,
        method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        numerator,
        denominator,
        cast(null as decimal(18, 4)) as coverage
    from mart.on_time_detail
    where field_code = 'ALL' and procedure_key = 'ALL'
)

select * from on_time_rate
