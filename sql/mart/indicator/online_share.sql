-- online_share_level3, _level4, _level34, _all (I.2.e): online among the dossiers received.
--
-- `channel` is the share among all channels; `channel_without_post` leaves out what came by post,
-- as some offices do.
with wanted as (
    select 3 as service_level, 'online_share_level3' as indicator_code
    union all
    select 4, 'online_share_level4'
    union all
    select 3, 'online_share_level34'
    union all
    select 4, 'online_share_level34'
),

by_indicator as (
    select wanted.indicator_code, share.*
    from mart.online_share as share
    inner join wanted on share.service_level = wanted.service_level
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
        cast(sum(received_total) as bigint) as received_total,
        cast(sum(received_total - received_post) as bigint) as received_without_post
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
        received_total as denominator,
        cast(null as decimal(18, 4)) as coverage
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
        cast(null as decimal(18, 4))
    from summed
)

select * from online_share
