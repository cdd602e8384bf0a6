-- view
-- mart.receipts_by_day: dossiers received, by day, unit, channel and service level at receipt.
--
-- `service_level` and `channel` are null where nothing says them. What the level is called depends
-- on the decree in force on that day (ref.service_level_map): NĐ 43/2011 until 14/08/2022,
-- NĐ 42/2022 from then on. The plan speaks of levels 3 and 4 for all of 2022.
with receipts_by_day as (
    select
        :as_of_date as as_of_date,
        tally.unit_code,
        tally.unit_level,
        tally.received_date,
        nullif(tally.channel, '(none)') as channel,
        tally.is_channel_stated,
        nullif(tally.service_level, 0) as service_level,
        map.provision_code,
        tally.dossiers
    from mart.receipt_tally as tally
    left join ref.service_level_map as map
        on
            tally.service_level = map.service_level
            and (map.valid_from is null or map.valid_from <= tally.received_date)
            and (map.valid_to is null or map.valid_to > tally.received_date)
)

select * from receipts_by_day
