-- core.{entity}_history: what the sources said of each {entity}, night by night.
--
-- A pure function of core.{entity}_version and audit: the order in which deliveries were loaded
-- does not matter. One text serves all entities: entity, key, columns and precedence (which of two
-- rows of one night counts: the later change, else the later path) come from the canonical schema;
-- it may be limited to the keys that a delivery touched. Where rows say when they were last
-- changed, a row of the same content and a later change is a new one: of two rows of a later night
-- the change decides again.
--
-- The snapshot files of one night, source and feed are parts of one snapshot. Of a snapshot, a
-- version with is_vanished says that the file does not hold the key; of a delta, that it has ended. The key vanishes when no file of the night
-- states it, none of those snapshots has a rejected row that may be it, and one of them covers the
-- whole source or the unit that the key was last stated with (audit.snapshot_scope).
with current_delivery as (
    -- A corrected file replaces, whole, the earlier file of its path and night.
    select delivery_id, source, night, kind, file_name
    from (
        select
            *,
            row_number() over (
                partition by source, feed, night, file_name
                order by file_modified_at desc, sha256 desc
            ) as file_rank
        from (
            select distinct
                delivery_id, source, feed, night, kind, file_name, file_modified_at, sha256
            from audit.delivery
            where state = 'loaded' and feed = '{feed}' and known_from <= {known_on}
        ) as loaded
    ) as ranked
    where file_rank = 1
),

current_version as (
    select
        version.*, current_delivery.file_name, current_delivery.source, current_delivery.kind
    from core.{entity}_version as version
    inner join current_delivery on version.delivery_id = current_delivery.delivery_id
    {touched}
    where version.known_from <= {known_on}
),

statement as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by {key}, night
                order by {precedence}file_name desc, row_number desc nulls last
            ) as row_rank
        from current_version
        -- a delta that says that a key has ended states it
        where not is_vanished or kind = 'delta'
    ) as ranked
    where row_rank = 1
),

-- Rows of the night's snapshots that say nothing: which key they hold may be unknown.
unread_row as (
    select distinct current_delivery.source, current_delivery.night, rejected.key_text
    from current_delivery
    inner join audit.rejected_row as rejected
        on current_delivery.delivery_id = rejected.delivery_id
    left join audit.delivery as replay
        on rejected.delivery_id = replay.delivery_id
        and rejected.replayed_attempt = replay.attempt
    where
        current_delivery.kind = 'snapshot'
        and (replay.delivery_id is null or replay.known_from > {known_on})
),

absence as (
    select distinct {key}, night, source
    from current_version as version
    where
        is_vanished
        and kind = 'snapshot'
        and not exists (
            select 1 from statement
            where {statement_of_version} and statement.night = version.night
        )
        and not exists (
            select 1 from unread_row
            where
                unread_row.source = version.source
                and unread_row.night = version.night
                and unread_row.key_text = {key_text}
        )
        and not exists (
            select 1 from unread_row
            where
                unread_row.source = version.source
                and unread_row.night = version.night
                and unread_row.key_text is null
        )
),

scope as (
    select distinct
        current_delivery.source,
        current_delivery.night,
        snapshot_scope.column_name,
        snapshot_scope.value
    from current_delivery
    inner join audit.snapshot_scope as snapshot_scope
        on current_delivery.delivery_id = snapshot_scope.delivery_id
    where snapshot_scope.known_from <= {known_on}
),

-- Each absence with the last statement before it.
absence_of_statement as (
    select *
    from (
        select
            {statement_columns}
            absence.night as absent_night,
            absence.source as absent_source,
            statement.source as stated_source,
            row_number() over (
                partition by {absence_key}, absence.night, absence.source
                order by statement.night desc
            ) as statement_rank
        from absence
        inner join statement on {statement_of_absence} and statement.night < absence.night
    ) as ranked
    where statement_rank = 1 and absent_source = stated_source
),

vanishing as (
    select distinct {key}, absent_night as night
    from absence_of_statement as absent
    where {is_covered}
),

sighting as (
    select
        *,
        lag(saying) over (partition by {key} order by night) as previous_saying
    from (
        select
            night, delivery_id, row_number, content_hash, is_vanished,
            case when is_vanished then 'vanished' else {saying} end as saying,
            {columns}
        from statement
        union all
        select
            night, null, null, null, true,
            'vanished',
            {vanished_columns}
        from vanishing
    ) as seen
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
