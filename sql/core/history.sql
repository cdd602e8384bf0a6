-- core.{entity}_history: what the sources said of each {entity}, night by night.
--
-- A pure function of core.{entity}_version and audit.delivery: the order in which deliveries were
-- loaded does not matter. One text serves all entities: entity, key, columns and precedence (which
-- of two rows of one night counts: the later change, else the later file) come from the canonical
-- schema; it may be limited to the keys that a delivery touched. Where rows say when they were last
-- changed, a row of the same content and a later change is a new one: of two rows of a later night
-- the change decides again.
with standing_delivery as (
    -- A corrected file replaces, whole, the earlier file of its name and night.
    select delivery_id, file_name
    from (
        select
            delivery_id,
            file_name,
            row_number() over (
                partition by source, feed, night, file_name
                order by file_modified_at desc, sha256 desc
            ) as place
        from (
            select distinct delivery_id, source, feed, night, file_name, file_modified_at, sha256
            from audit.delivery
            where state = 'loaded' and feed = '{feed}' and known_from <= {known_on}
        ) as loaded
    ) as ranked
    where place = 1
),

standing_version as (
    select version.*, standing_delivery.file_name
    from core.{entity}_version as version
    inner join standing_delivery on version.delivery_id = standing_delivery.delivery_id
    {touched}
    where version.known_from <= {known_on}
),

last_of_night as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by {key}, night
                order by {precedence}file_name desc, row_number desc nulls last
            ) as place
        from standing_version
    ) as ranked
    where place = 1
),

sighting as (
    select
        *,
        {saying} as saying,
        lag({saying}) over (partition by {key} order by night) as previous_saying
    from last_of_night
),

change as (
    select
        *,
        lead(night) over (partition by {key} order by night) as next_night
    from sighting
    where previous_saying is distinct from saying
),

{entity}_history as (
    select
        night as valid_from,
        next_night as valid_to,
        delivery_id,
        row_number,
        content_hash,
        {columns}
    from change
    where not is_vanished
)

select * from {entity}_history
