-- national.indicator_value: the figures of one publication, by nation and level.
--
-- Only integers are added up, and only those of figures that are counted from cases. A rate comes
-- from the sums and is cut as a city's is. `oldest_as_of_date`: the earliest night among the
-- provinces counted.
--
-- The nation has no target of its own: its verdict is how many provinces meet theirs, and it is as
-- firm as theirs are. `met_at_least`: those that meet their target under every reading, with
-- figures that are not provisional. `met_at_most`: also those whose verdict depends on the
-- reading or is provisional, and those without a verdict that may still get one: provinces that
-- are missing, and late ones without a case so far. A figure of a late province is provisional
-- where its period was not over by the province's last night.
with covered as (
    select province_code, coverage_state
    from national.coverage
    where publication_id = :publication and package_id is not null
),

late as (
    select province_as_of_date
    from national.coverage
    where publication_id = :publication and coverage_state = 'late'
),

missing as (
    select count(*) as provinces
    from national.coverage
    where publication_id = :publication and coverage_state = 'missing'
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
        figure.period_end,
        figure.province_code,
        figure.as_of_date,
        figure.numerator,
        figure.denominator,
        figure.figure_status,
        figure.known_issues,
        figure.figure_status in ('met', 'not_met') as has_verdict,
        coalesce(figure.firmness, '') = 'depends' as depends,
        covered.coverage_state = 'late'
        and (figure.period_type = 'year_to_date' or figure.period_end > figure.as_of_date)
            as is_provisional,
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
        count(case when has_verdict and depends then 1 end) as provinces_depending,
        count(case when has_verdict and is_provisional then 1 end) as provinces_provisional,
        count(
            case when figure_status = 'met' and not depends and not is_provisional then 1 end
        ) as met_firmly,
        count(
            case when has_verdict and (depends or is_provisional) then 1 end
        ) as provinces_unsettled,
        count(case when is_provisional and figure_status <> 'no_data' then 1 end) as late_counted,
        count(case when known_issues is not null then 1 end) as provinces_with_issues,
        min(as_of_date) as oldest_as_of_date,
        case period_type
            when 'year_to_date' then cast(:night as date) else max(period_end)
        end as period_end
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

-- late provinces whose figure of the period may still come
awaited as (
    select
        added_up.*,
        (select provinces from missing)
        + (
            select count(*)
            from late
            where late.province_as_of_date < added_up.period_end
        )
        - late_counted as provinces_awaited
    from added_up
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
        oldest_as_of_date,
        provinces_depending,
        provinces_provisional,
        case when provinces_met + provinces_not_met > 0 then met_firmly end as met_at_least,
        case
            when provinces_met + provinces_not_met > 0
                then met_firmly + provinces_unsettled + provinces_awaited
        end as met_at_most
    from awaited
)

select * from indicator_value
