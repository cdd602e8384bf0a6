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

method as (
    select 'channel' as method_code
    union all
    select 'channel_without_post'
),

reason as (
    select
        'by_online' as reason_code,
        'Nộp trực tuyến' as reason_vi,
        'Submitted online' as reason_en
    union all
    select 'by_counter', 'Nộp trực tiếp tại quầy', 'Handed in at the counter'
    union all
    select 'by_post', 'Nộp qua dịch vụ bưu chính', 'Sent by post'
    union all
    select 'by_other', 'Nộp qua kênh khác hoặc không rõ kênh', 'By another or an unknown channel'
    union all
    select
        'level_' || cast(level.service_level as varchar),
        'Mức độ ' || cast(level.service_level as varchar) || ': không thuộc chỉ tiêu',
        'Level ' || cast(level.service_level as varchar) || ': not part of the target'
    from (select distinct service_level from ref.service_level_map) as level
    union all
    select 'level_unknown', 'Không rõ mức độ', 'Its service level is not known'
    union all
    select
        'channel_unstated',
        'Nguồn {source} không ghi kênh nộp ở hồ sơ nào: không có số liệu',
        'Source {source} states no channel for any dossier: no data'
    union all
    select
        'refused_at_intake',
        'Không được tiếp nhận: không tính ở mọi cách đếm',
        'Refused at intake: counted by no method'
    union all
    select
        'registered',
        'Mới đăng ký, chưa được tiếp nhận: không tính ở mọi cách đếm',
        'Registered, not yet received: counted by no method'
),

source_with_channel as (
    select distinct source_code from mart.source_tally
    where dossiers_with_channel > 0
),

-- the level as in mart.receipt_tally
received as (
    select
        dossier.*,
        coalesce(dossier.service_level, catalogue.service_level) as level_at_receipt,
        source_with_channel.source_code is not null as is_channel_stated
    from mart.counted_dossier as dossier
    inner join mart.period_day as day on dossier.received_date = day.calendar_date
    left join mart.catalogue as catalogue
        on
            dossier.procedure_key = catalogue.procedure_key
            and dossier.received_date >= catalogue.holds_from
            and (catalogue.valid_to is null or dossier.received_date < catalogue.valid_to)
    left join source_with_channel
        on split_part(dossier.delivery_id, '.', 1) = source_with_channel.source_code
    where dossier.is_received
),

shared as (
    select
        indicator.indicator_code,
        method.method_code,
        received.*,
        case
            when
                indicator.indicator_code <> 'online_share_all'
                and level.service_level is null
                then
                    coalesce(
                        'level_' || cast(received.level_at_receipt as varchar), 'level_unknown'
                    )
            when not received.is_channel_stated then 'channel_unstated'
            else 'by_' || coalesce(received.channel, 'other')
        end as reason_code
    from received
    cross join method
    cross join (
        select listed.indicator_code from level_of_indicator as listed
        union
        select 'online_share_all'
    ) as indicator
    left join level_of_indicator as level
        on
            indicator.indicator_code = level.indicator_code
            and received.level_at_receipt = level.service_level
),

-- submitted or refused within the period and never received
unreceived as (
    select
        dossier.dossier_code,
        dossier.unit_code,
        dossier.unit_level,
        dossier.status as reason_code,
        dossier.received_date,
        dossier.due_date,
        dossier.resolved_date as closed_date,
        dossier.delivery_id,
        dossier.row_number
    from mart.counted_dossier as dossier
    inner join core.dossier_history as history
        on
            dossier.dossier_code = history.dossier_code
            and history.valid_from <= :as_of_date
            and (history.valid_to is null or history.valid_to > :as_of_date)
    inner join mart.period as period
        on
            cast(
                coalesce(history.received_at, history.submitted_at, history.resolved_at) as date
            ) between period.period_start and period.period_end
    where not dossier.is_received
),

judged as (
    select
        indicator_code,
        method_code,
        dossier_code,
        unit_code,
        unit_level,
        case
            when reason_code = 'by_online' then 'numerator'
            when reason_code = 'by_post' and method_code = 'channel_without_post' then 'left_out'
            when substr(reason_code, 1, 3) = 'by_' then 'denominator'
            else 'left_out'
        end as role,
        reason_code,
        received_date,
        due_date,
        closed_date,
        delivery_id,
        row_number
    from shared
    union all
    select
        cast(null as varchar),
        cast(null as varchar),
        dossier_code,
        unit_code,
        unit_level,
        'left_out',
        reason_code,
        received_date,
        due_date,
        closed_date,
        delivery_id,
        row_number
    from unreceived
),

item as (  -- noqa: ST03
    select
        judged.indicator_code,
        judged.method_code,
        judged.dossier_code,
        judged.unit_code,
        judged.unit_level,
        judged.role,
        judged.reason_code,
        reason.reason_vi,
        reason.reason_en,
        split_part(judged.delivery_id, '.', 1) as reason_source,
        judged.received_date,
        judged.due_date,
        judged.closed_date,
        judged.delivery_id,
        judged.row_number
    from judged
    left join reason on judged.reason_code = reason.reason_code
),

event as (  -- noqa: ST03
    select
        online.indicator_code,
        tally.unit_code,
        tally.unit_level,
        tally.received_date as event_date,
        tally.dossiers as arrived,
        tally.dossiers as judged,
        case when tally.channel = 'online' then tally.dossiers else 0 end as succeeded
    from mart.receipt_tally as tally
    inner join level_of_indicator as online on tally.service_level = online.service_level
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
        coverage,
        cast(null as bigint) as pending
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
        coverage,
        cast(null as bigint)
    from summed
)

select * from online_share
