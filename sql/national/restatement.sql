-- national.restatement: figures of levels and cities that a package states otherwise than the
-- package of the same province that it replaces.
--
-- Of a later night only figures of periods that were over by the earlier one; of the same night
-- all.
with earlier as (
    select *
    from national.province_figure
    where province_code = :province and unit_scope in ('city', 'level')
),

later as (
    select *
    from incoming_figure
    where unit_scope in ('city', 'level')
),

compared as (
    select
        coalesce(earlier.indicator_code, later.indicator_code) as indicator_code,
        coalesce(earlier.method_code, later.method_code) as method_code,
        coalesce(earlier.unit_code, later.unit_code) as unit_code,
        coalesce(earlier.unit_level, later.unit_level) as unit_level,
        coalesce(earlier.period_type, later.period_type) as period_type,
        coalesce(earlier.period_basis, later.period_basis) as period_basis,
        coalesce(earlier.period_start, later.period_start) as period_start,
        coalesce(earlier.period_end, later.period_end) as period_end,
        earlier.numerator as numerator_before,
        earlier.denominator as denominator_before,
        later.numerator as numerator_after,
        later.denominator as denominator_after
    from earlier
    full outer join later
        on
            earlier.indicator_code = later.indicator_code
            and earlier.method_code = later.method_code
            and earlier.unit_code = later.unit_code
            and earlier.period_type = later.period_type
            and earlier.period_basis = later.period_basis
            and earlier.period_start = later.period_start
),

restatement as (
    select
        :package as package_id,
        :replaced_package as replaces_package_id,
        :moment as restated_at,
        :province as province_code,
        :earlier_night as previous_night,
        :night as as_of_date,
        indicator_code,
        method_code,
        unit_code,
        unit_level,
        period_type,
        period_basis,
        period_start,
        numerator_before,
        denominator_before,
        numerator_after,
        denominator_after
    from compared
    where
        (
            numerator_before is distinct from numerator_after
            or denominator_before is distinct from denominator_after
        )
        and (
            :earlier_night = :night
            or (period_type <> 'year_to_date' and period_end <= :earlier_night)
        )
)

select * from restatement
