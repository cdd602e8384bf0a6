-- national.indicator_value: the figures of one publication, by nation and level.
--
-- Only integers are added up, and only those of figures that are counted from cases. A rate comes
-- from the sums and is cut as a city's is. `oldest_as_of_date`: the earliest night among the
-- provinces counted.
with covered as (
    select province_code
    from national.coverage
    where publication_id = :publication and package_id is not null
),

stated as (
    select
        figure.indicator_code,
        figure.method_code,
        case figure.unit_scope when 'city' then 'NATION' else figure.unit_code end as unit_code,
        case figure.unit_scope when 'city' then 'nation' else figure.unit_level end as unit_level,
        figure.period_type,
        figure.period_basis,
        figure.period_start,
        figure.province_code,
        figure.as_of_date,
        figure.numerator,
        figure.denominator,
        figure.figure_status,
        figure.known_issues,
        coalesce(indicator.adds_up, false) and figure.method_code <> 'declared' as adds_up,
        indicator.value_scale
    from national.province_figure as figure
    inner join covered on figure.province_code = covered.province_code
    left join national.indicator as indicator on figure.indicator_code = indicator.indicator_code
    where figure.unit_scope in ('city', 'level')
),

added_up as (
    select
        indicator_code,
        method_code,
        unit_code,
        unit_level,
        period_type,
        period_basis,
        period_start,
        adds_up,
        cast(max(value_scale) as bigint) as value_scale,
        cast(case when adds_up then coalesce(sum(numerator), 0) end as bigint) as numerator,
        cast(case when adds_up then coalesce(sum(denominator), 0) end as bigint) as denominator,
        count(distinct province_code) as provinces_counted,
        count(case when figure_status = 'met' then 1 end) as provinces_met,
        count(case when figure_status = 'not_met' then 1 end) as provinces_not_met,
        count(case when known_issues is not null then 1 end) as provinces_with_issues,
        min(as_of_date) as oldest_as_of_date
    from stated
    group by
        indicator_code,
        method_code,
        unit_code,
        unit_level,
        period_type,
        period_basis,
        period_start,
        adds_up
),

indicator_value as (
    select
        :publication as publication_id,
        :night as as_of_date,
        indicator_code,
        method_code,
        unit_code,
        unit_level,
        period_type,
        period_basis,
        period_start,
        adds_up,
        numerator,
        denominator,
        cast(
            floor(
                cast(value_scale as double precision) * numerator * 10000
                / case when denominator > 0 then denominator end
            ) / 10000
            as decimal(18, 4)
        ) as value,
        provinces_counted,
        provinces_met,
        provinces_not_met,
        provinces_with_issues,
        oldest_as_of_date
    from added_up
)

select * from indicator_value
