-- mart.online_share: dossiers received in each period by service level at receipt and channel.
--
-- The channel decides whether a dossier is online, not the procedure's level: a level-4 procedure
-- submitted at the counter is not online (plan I.2.e). `provision_code` is the level's name on the
-- day of receipt, so a period across 15/08/2022 has rows with both names. An online dossier of
-- level 1 or 2 is an error of the source; it stays visible in its row. `received_channel_unstated`:
-- of a source that gives no channels at all (mart.receipt_tally).
with half_of_day as (
    select distinct calendar_date, half_month from mart.period_day
),

half_of_period as (
    select distinct period_type, period_basis, period_start, period_end, half_month
    from mart.period_day
),

-- added up by half-month first: each day is in a dozen periods
by_half as (
    select
        tally.unit_level,
        tally.unit_code,
        tally.service_level,
        tally.provision_code,
        day.half_month,
        sum(tally.dossiers) as received_total,
        sum(case when tally.channel = 'online' then tally.dossiers else 0 end) as received_online,
        sum(case when tally.channel = 'post' then tally.dossiers else 0 end) as received_post,
        sum(case when tally.is_channel_stated then 0 else tally.dossiers end)
            as received_channel_unstated
    from mart.receipts_by_day as tally
    inner join half_of_day as day on tally.received_date = day.calendar_date
    group by
        tally.unit_level,
        tally.unit_code,
        tally.service_level,
        tally.provision_code,
        day.half_month
),

counted as (
    select
        coalesce(roll_up.total_code, by_half.unit_code) as unit_code,
        by_half.service_level,
        by_half.provision_code,
        half.period_type,
        half.period_basis,
        half.period_start,
        half.period_end,
        cast(sum(by_half.received_total) as bigint) as received_total,
        cast(sum(by_half.received_online) as bigint) as received_online,
        cast(sum(by_half.received_post) as bigint) as received_post,
        cast(sum(by_half.received_channel_unstated) as bigint) as received_channel_unstated
    from by_half
    inner join half_of_period as half on by_half.half_month = half.half_month
    inner join mart.roll_up as roll_up on by_half.unit_level = roll_up.unit_level
    group by
        coalesce(roll_up.total_code, by_half.unit_code),
        by_half.service_level,
        by_half.provision_code,
        half.period_type,
        half.period_basis,
        half.period_start,
        half.period_end
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
        counted.received_total,
        counted.received_online,
        counted.received_post,
        counted.received_channel_unstated
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
)

select * from online_share
