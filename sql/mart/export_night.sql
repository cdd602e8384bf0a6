-- mart.export_night: the nights that each source exported dossiers for, each with the one before.
--
-- What changed in a night's export was changed after the export before it. A delivery's identifier
-- begins with its source.
with loaded as (
    select distinct source, night
    from audit.delivery
    where feed = 'dossiers' and state = 'loaded' and known_from <= :as_of_date
),

export_night as (
    select
        source as source_code,
        night,
        lag(night) over (
            partition by source
            order by night
        ) as last_night
    from loaded
)

select * from export_night
