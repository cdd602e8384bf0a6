-- online_share_level3, _level4, _level34, _all (I.2.e): online among the dossiers received.
--
-- `channel` is the share among all channels; `channel_without_post` excludes dossiers by post, as
-- some offices do. Both exclude dossiers of a source that gives no channels at all, since it may
-- have online ones. `coverage` is then the share of the others.
with level_of_indicator as (
    select 3 as service_level, 'online_share_level3' as indicator_code
    union all
    select 4, 'online_share_level4'
    union all
    select 3, 'online_share_level34'
    union all
    select 4, 'online_share_level34'
),

by_indicator as (
    select level_of_indicator.indicator_code, share.*
    from mart.online_share as share
    inner join level_of_indicator on share.service_level = level_of_indicator.service_level
    union all
    select 'online_share_all' as indicator_code, share.*
    from mart.online_share as share
),

summed as (
    select
        indicator_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        cast(sum(received_online) as bigint) as received_online,
        cast(sum(received_total - received_channel_unstated) as bigint) as received_stated,
        cast(sum(received_total - received_channel_unstated - received_post) as bigint)
            as received_without_post,
        cast(
            case
                when sum(received_channel_unstated) > 0
                    then
                        100.0 * sum(received_total - received_channel_unstated)
                        / sum(received_total)
            end as decimal(18, 4)
        ) as coverage
    from by_indicator
    group by
        indicator_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end
),

online_share as (
    select
        indicator_code,
        'channel' as method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        received_online as numerator,
        received_stated as denominator,
        coverage
    from summed
    union all
    select
        indicator_code,
        'channel_without_post',
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        received_online,
        received_without_post,
        coverage
    from summed
)

select * from online_share
