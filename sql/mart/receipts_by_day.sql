-- mart.receipts_by_day: dossiers received, by day, unit, channel and service level at receipt.
--
-- The dossier's own level counts; where the source gives none, the catalogue's on the day of
-- receipt. `service_level` is null where neither says. What the level is called depends on the
-- decree in force on that day (ref.service_level_map): NĐ 43/2011 until 14/08/2022, NĐ 42/2022
-- from then on. The plan speaks of levels 3 and 4 for all of 2022.
with levelled as (
    select
        d.unit_code,
        d.unit_level,
        d.received_date,
        d.channel,
        coalesce(d.service_level, c.service_level) as service_level
    from mart.dossier as d
    left join mart.catalogue as c
        on
            d.procedure_key = c.procedure_key
            and d.received_date >= c.holds_from
            and (c.valid_to is null or d.received_date < c.valid_to)
    where d.is_received and d.received_date is not null
),

counted as (
    select unit_code, unit_level, received_date, channel, service_level, count(*) as dossiers
    from levelled
    group by unit_code, unit_level, received_date, channel, service_level
),

receipts_by_day as (
    select
        :as_of_date as as_of_date,
        counted.unit_code,
        counted.unit_level,
        counted.received_date,
        counted.channel,
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
