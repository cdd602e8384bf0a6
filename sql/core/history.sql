-- core.{entity}_history: the values of each {entity} with their validity, night by night.
--
-- A pure function of core.{entity}_version and audit: the order of loading does not matter. The
-- template serves all entities: entity, key, columns and precedence (which of two rows of one night
-- counts: the one changed later, else the later path) come from the canonical schema; it may be
-- limited to the keys that a delivery touched. For feeds with a time of change, a row with the same
-- content and a later change is a new row, since the change decides between rows of a later night.
--
-- The snapshot files of one night, source and feed are parts of one snapshot. A version with
-- is_vanished means, in a snapshot, that the file lacks the key; in a delta, that the key has
-- ended. A key vanishes when no file of the night has it, no rejected row of those snapshots may be
-- it, and one of them covers the whole source or the unit of the key's last row
-- (audit.snapshot_scope).
--
-- Rows are ordered without their values, which are joined last: sorting whole rows costs most of
-- the time of a large delivery.
with current_delivery as (
    -- A corrected file replaces the whole earlier file of its path and night.
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
        version.delivery_id,
        version.row_number,
        version.night,
        version.content_hash,
        version.is_vanished,
        {ordered_columns}
        current_delivery.file_name,
        current_delivery.source,
        current_delivery.kind
    from {versions} as version
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
        -- a delta that ends a key states it
        where not is_vanished or kind = 'delta'
    ) as ranked
    where row_rank = 1
),

-- Rejected rows of the night's snapshots; their keys may be unknown.
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

vanished_key as (
    select distinct {key}, absent_night as night
    from absence_of_statement as absent
    where {is_covered}
),

observation as (
    select
        *,
        lag(content) over (partition by {key} order by night) as previous_content
    from (
        select
            night, delivery_id, row_number, content_hash, is_vanished,
            case when is_vanished then 'vanished' else {content} end as content,
            {key}
        from statement
        union all
        select
            night, null, null, null, true,
            'vanished',
            {key}
        from vanished_key
    ) as observed
),

change as (
    select
        *,
        lead(night) over (partition by {key} order by night) as next_night
    from observation
    where previous_content is distinct from content
),

{entity}_history as (
    select
        change.night as valid_from,
        change.next_night as valid_to,
        version.delivery_id,
        version.row_number,
        version.content_hash,
        {columns}
    from change
    inner join {versions} as version
        on
            {version_of_change}
            and change.delivery_id = version.delivery_id
            and change.row_number is not distinct from version.row_number
    where not change.is_vanished and not version.is_vanished
)

select * from {entity}_history
