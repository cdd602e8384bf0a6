-- view
-- mart.usual_revision: how far the figures of ended periods moved from a number of days after (or
-- before) the period's end to the latest ones: number of periods, median and largest revision.
--
-- A period counts at the ages at which its figure was published.
with age as (
    select -30 as age_days
    union all
    select -21
    union all
    select -14
    union all
    select -7
    union all
    select 0
    union all
    select 1
    union all
    select 7
    union all
    select 14
    union all
    select 30
    union all
    select 60
    union all
    select 90
    union all
    select 180
    union all
    select 365
),

at_age as (
    select
        revised.*,
        age.age_days
    from mart.figure_revision as revised
    inner join age
        on
            revised.days_from <= age.age_days
            and (revised.days_to is null or revised.days_to > age.age_days)
            and :as_of_date - revised.period_end >= age.age_days
    where revised.is_over and revised.denominator > 0 and revised.latest_denominator > 0
),

usual_revision as (
    select
        indicator_code,
        method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        age_days,
        count(*) as periods,
        -- a median of whole ten-thousandths, rounded down: exact on every engine
        cast(
            cast(
                floor(
                    percentile_cont(0.5) within group (
                        order by cast(cast(10000 * abs(revision) as bigint) as double precision)
                    )
                ) as decimal(18, 4)
            ) / 10000
            as decimal(18, 4)
        ) as median_revision,
        cast(max(abs(revision)) as decimal(18, 4)) as largest_revision
    from at_age
    group by
        indicator_code,
        method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        age_days
)

select * from usual_revision
