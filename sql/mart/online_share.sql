-- mart.online_share: dossiers received in each period by service level at receipt and channel.
--
-- The channel decides whether a dossier is online, not the procedure's level: a level-4 procedure
-- submitted at the counter is not online (plan I.2.e). `provision_code` is the level's name on the
-- day of receipt, so a period across 15/08/2022 has rows with both names. An online dossier of
-- level 1 or 2 is an error of the source; it stays visible in its row. `received_channel_unstated`:
-- of a source that gives no channels at all (mart.receipts_by_day).
with counted as (
    select
        case
            when grouping(received.unit_code) = 0 then received.unit_code
            when grouping(received.unit_level) = 0 then upper(received.unit_level)
            else 'CITY'
        end as unit_code,
        received.service_level,
        received.provision_code,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        sum(received.dossiers) as received_total,
        sum(case when received.channel = 'online' then received.dossiers else 0 end)
            as received_online,
        sum(case when received.channel = 'post' then received.dossiers else 0 end)
            as received_post,
        sum(case when received.is_channel_stated then 0 else received.dossiers end)
            as received_channel_unstated
    from mart.receipts_by_day as received
    inner join mart.period as period
        on received.received_date between period.period_start and period.measured_on
    group by grouping sets (
        (
            period.period_type, period.period_basis, period.period_start, period.period_end,
            received.service_level, received.provision_code, received.unit_level, received.unit_code
        ),
        (
            period.period_type, period.period_basis, period.period_start, period.period_end,
            received.service_level, received.provision_code, received.unit_level
        ),
        (
            period.period_type, period.period_basis, period.period_start, period.period_end,
            received.service_level, received.provision_code
        )
    )
),

online_share as (
    select
        :as_of_date as as_of_date,
        counted.unit_code,
        unit.unit_level,
        unit.unit_scope,
        counted.service_level,
        counted.provision_code,
        counted.period_type,
        counted.period_basis,
        counted.period_start,
        counted.period_end,
        cast(counted.received_total as bigint) as received_total,
        cast(counted.received_online as bigint) as received_online,
        cast(counted.received_post as bigint) as received_post,
        cast(counted.received_channel_unstated as bigint) as received_channel_unstated
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
)

select * from online_share
