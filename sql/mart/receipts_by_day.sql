-- mart.receipts_by_day: dossiers received, by day, unit, channel and service level at receipt.
--
-- The dossier's own level counts; where the source gives none, the catalogue's on the day of
-- receipt. `service_level` is null where neither says. What the level is called depends on the
-- decree in force on that day (ref.service_level_map): NĐ 43/2011 until 14/08/2022, NĐ 42/2022
-- from then on. The plan speaks of levels 3 and 4 for all of 2022.
--
-- A delivery's identifier begins with its source. `is_channel_stated` is false for dossiers of a
-- source that gives the channel of none of its dossiers: whether they are online is not known.
with source_with_channel as (
    select distinct split_part(delivery_id, '.', 1) as source_code
    from mart.dossier
    where channel is not null
),

levelled as (
    select
        d.unit_code,
        d.unit_level,
        d.received_date,
        d.channel,
        source_with_channel.source_code is not null as is_channel_stated,
        coalesce(d.service_level, c.service_level) as service_level
    from mart.dossier as d
    left join mart.catalogue as c
        on
            d.procedure_key = c.procedure_key
            and d.received_date >= c.holds_from
            and (c.valid_to is null or d.received_date < c.valid_to)
    left join source_with_channel
        on split_part(d.delivery_id, '.', 1) = source_with_channel.source_code
    where d.is_received and d.received_date is not null
),

counted as (
    select
        unit_code,
        unit_level,
        received_date,
        channel,
        is_channel_stated,
        service_level,
        count(*) as dossiers
    from levelled
    group by unit_code, unit_level, received_date, channel, is_channel_stated, service_level
),

receipts_by_day as (
    select
        :as_of_date as as_of_date,
        counted.unit_code,
        counted.unit_level,
        counted.received_date,
        counted.channel,
        counted.is_channel_stated,
        counted.service_level,
        map.provision_code,
        counted.dossiers
    from counted
    left join ref.service_level_map as map
        on
            counted.service_level = map.service_level
            and (map.valid_from is null or map.valid_from <= counted.received_date)
            and (map.valid_to is null or map.valid_to > counted.received_date)
)

select * from receipts_by_day
