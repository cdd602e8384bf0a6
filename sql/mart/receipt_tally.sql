-- mart.receipt_tally: dossiers received, by day, unit, channel and service level at receipt.
--
-- The dossier's own level counts; where the source gives none, the catalogue's on the day of
-- receipt; 0 where neither says. Channel `(none)`: the dossier has none. `is_channel_stated` is
-- false for dossiers of a source that gives the channel of none of its dossiers: whether they are
-- online is not known.
with source_with_channel as (
    select distinct source_code from mart.source_tally
    where dossiers_with_channel > 0
),

levelled as (
    select
        d.unit_code,
        d.unit_level,
        d.received_date,
        coalesce(d.channel, '(none)') as channel,
        source_with_channel.source_code is not null as is_channel_stated,
        coalesce(d.service_level, c.service_level, 0) as service_level
    from mart.counted_dossier as d
    left join mart.catalogue as c
        on
            d.procedure_key = c.procedure_key
            and d.received_date >= c.holds_from
            and (c.valid_to is null or d.received_date < c.valid_to)
    left join source_with_channel
        on split_part(d.delivery_id, '.', 1) = source_with_channel.source_code
    where d.is_received and d.received_date is not null
),

receipt_tally as (
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
)

select * from receipt_tally
