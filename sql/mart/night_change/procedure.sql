-- The procedures of the catalogue that count differently than on the night published before: one
-- row for each figure and procedure, with its contribution on both nights and the cause.
--
-- `earlier.procedure` and `later.procedure` are the step `marked` of mart.procedure_provision. A
-- procedure counts at its level, where the city has units of it, and in the city.
with earlier_level as (
    select distinct unit_level from earlier.unit
    where unit_scope = 'level'
),

later_level as (
    select distinct unit_level from later.unit
    where unit_scope = 'level'
),

earlier_procedure as (
    select p.*, earlier_level.unit_level as counted_level
    from earlier.procedure as p
    left join earlier_level on p.authority_level = earlier_level.unit_level
),

later_procedure as (
    select p.*, later_level.unit_level as counted_level
    from later.procedure as p
    left join later_level on p.authority_level = later_level.unit_level
),

beside as (
    select
        period.period_type,
        period.period_basis,
        period.period_start,
        period.measured_before,
        coalesce(was.procedure_key, now.procedure_key) as item_code,
        was.authority_level as authority_before,
        now.authority_level as authority_after,
        was.counted_level as level_before,
        now.counted_level as level_after,
        coalesce(was.is_counted_published, false) as is_counted_published_before,
        coalesce(was.is_counted, false) as is_counted_before,
        coalesce(was.is_internal_published, false) as is_internal_published_before,
        coalesce(was.is_internal, false) as is_internal_before,
        coalesce(was.is_eligible_at_level4, false) as is_eligible_at_level4_before,
        coalesce(was.is_eligible, false) as is_eligible_before,
        coalesce(was.is_online, false) as is_online_before,
        coalesce(was.is_online_used, false) as is_online_used_before,
        coalesce(was.publication_stated, 0) as publication_stated_before,
        coalesce(was.level_stated, 0) as level_stated_before,
        coalesce(now.is_counted_published, false) as is_counted_published_after,
        coalesce(now.is_counted, false) as is_counted_after,
        coalesce(now.is_internal_published, false) as is_internal_published_after,
        coalesce(now.is_internal, false) as is_internal_after,
        coalesce(now.is_eligible_at_level4, false) as is_eligible_at_level4_after,
        coalesce(now.is_eligible, false) as is_eligible_after,
        coalesce(now.is_online, false) as is_online_after,
        coalesce(now.is_online_used, false) as is_online_used_after,
        coalesce(now.publication_stated, 0) as publication_stated_after,
        coalesce(now.level_stated, 0) as level_stated_after
    from earlier_procedure as was
    full join later_procedure as now
        on
            was.procedure_key = now.procedure_key
            and was.period_type = now.period_type
            and was.period_basis = now.period_basis
            and was.period_start = now.period_start
    inner join later.chosen_period as period
        on
            coalesce(was.period_type, now.period_type) = period.period_type
            and coalesce(was.period_basis, now.period_basis) = period.period_basis
            and coalesce(was.period_start, now.period_start) = period.period_start
),

by_indicator as (
    select
        'procedures_published_rate' as indicator_code,
        is_counted_published_before as is_in_numerator_before,
        is_counted_before and publication_stated_before > 0 as is_in_denominator_before,
        is_counted_published_after as is_in_numerator_after,
        is_counted_after and publication_stated_after > 0 as is_in_denominator_after,
        beside.*
    from beside
    union all
    select
        'level4_provision_rate',
        is_eligible_at_level4_before,
        is_eligible_before and level_stated_before > 0,
        is_eligible_at_level4_after,
        is_eligible_after and level_stated_after > 0,
        beside.*
    from beside
    union all
    select
        'internal_procedures_published_rate',
        is_internal_published_before,
        is_internal_before and publication_stated_before > 0,
        is_internal_published_after,
        is_internal_after and publication_stated_after > 0,
        beside.*
    from beside
    union all
    select
        'online_procedure_share',
        is_online_before,
        is_counted_before and level_stated_before > 0,
        is_online_after,
        is_counted_after and level_stated_after > 0,
        beside.*
    from beside
    union all
    select
        'online_procedure_used_share',
        is_online_used_before,
        is_online_before,
        is_online_used_after,
        is_online_after,
        beside.*
    from beside
),

amount as (
    select
        by_indicator.*,
        case when is_in_numerator_before then 1 else 0 end as numerator_before,
        case when is_in_denominator_before then 1 else 0 end as denominator_before,
        case when is_in_numerator_after then 1 else 0 end as numerator_after,
        case when is_in_denominator_after then 1 else 0 end as denominator_after
    from by_indicator
),

item_change as (
    select
        indicator_code,
        'share' as method_code,
        period_type,
        period_basis,
        period_start,
        item_code,
        cast(null as varchar) as unit_before,
        level_before,
        cast(null as varchar) as unit_after,
        level_after,
        numerator_before,
        denominator_before,
        numerator_after,
        denominator_after,
        true as is_in_city,
        case
            when measured_before is null then 'day_passed'
            when
                indicator_code = 'online_procedure_used_share'
                and is_online_before
                and is_online_after
                then 'online_use_changed'
            else 'catalogue_changed'
        end as cause_code,
        case
            when measured_before is null then 'day_passed'
            when authority_before = authority_after then 'register_changed'
            else 'catalogue_changed'
        end as moved_code
    from amount
    where
        numerator_before <> numerator_after
        or denominator_before <> denominator_after
        or level_before is distinct from level_after
)

select * from item_change
