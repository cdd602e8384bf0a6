-- The dossiers of the change set beside themselves: as they counted on :previous_night, as they
-- count on :as_of_date, and what the causes of a difference rest on.
--
-- `earlier.*` and `later.*` are the marts of the two nights, limited to these dossiers.
--
-- `identity_cause`: the dossier was not counted before, or no longer is. `file_kind`: the kind of
-- file that says what is new, unless it is one of its own night that came in time: one that came
-- after its night was published, one that replaced another, a row that was replayed.
-- `moved_cause`: why it counts at another unit or level.
with arrival as (
    select * from later.arrival
    where arrival_kind <> 'replaced'
),

stated as (
    select
        version.dossier_code,
        max(case when arrival.arrival_kind = 'in_time' then 1 else 0 end) as is_in_time,
        max(case when arrival.arrival_kind = 'correction' then 1 else 0 end) as is_correction,
        max(case when arrival.arrival_kind = 'replayed' then 1 else 0 end) as is_replayed,
        max(case when arrival.arrival_kind = 'late_file' then 1 else 0 end) as is_late_file
    from core.dossier_version as version
    inner join arrival on version.delivery_id = arrival.delivery_id
    where version.known_from > :previous_night and version.known_from <= :as_of_date
    group by version.dossier_code
),

ever_vanished as (
    select distinct dossier_code
    from later.dossier_version
    where is_vanished and known_from <= :previous_night
),

gone as (
    select was.dossier_code
    from earlier.counted_dossier as was
    left join later.counted_dossier as now on was.dossier_code = now.dossier_code
    where now.dossier_code is null
),

still_stated as (
    select distinct history.dossier_code
    from later.dossier_history as history
    inner join gone on history.dossier_code = gone.dossier_code
    where
        history.valid_from <= :as_of_date
        and (history.valid_to is null or history.valid_to > :as_of_date)
),

earlier_source as (
    select
        source_code,
        sum(dossiers_with_channel) > 0 as has_channels,
        sum(dossiers_with_result_flag) > 0 as has_results
    from earlier.source_tally
    group by source_code
),

later_source as (
    select
        source_code,
        sum(dossiers_with_channel) > 0 as has_channels,
        sum(dossiers_with_result_flag) > 0 as has_results
    from later.source_tally
    group by source_code
),

earlier_fact as (
    select
        d.*,
        coalesce(d.channel, '(none)') as counted_channel,
        coalesce(d.service_level, at_receipt.service_level, 0) as level_at_receipt,
        coalesce(at_end.has_result, true) as has_result,
        coalesce(source.has_channels, false) as has_channels,
        coalesce(source.has_results, false) as has_results
    from earlier.counted_dossier as d
    left join earlier.catalogue as at_receipt
        on
            d.procedure_key = at_receipt.procedure_key
            and d.received_date >= at_receipt.holds_from
            and (at_receipt.valid_to is null or d.received_date < at_receipt.valid_to)
    left join earlier.catalogue as at_end
        on
            d.procedure_key = at_end.procedure_key
            and d.closed_date >= at_end.holds_from
            and (at_end.valid_to is null or d.closed_date < at_end.valid_to)
    left join earlier_source as source on split_part(d.delivery_id, '.', 1) = source.source_code
),

later_fact as (
    select
        d.*,
        coalesce(d.channel, '(none)') as counted_channel,
        coalesce(d.service_level, at_receipt.service_level, 0) as level_at_receipt,
        coalesce(at_end.has_result, true) as has_result,
        coalesce(source.has_channels, false) as has_channels,
        coalesce(source.has_results, false) as has_results
    from later.counted_dossier as d
    left join later.catalogue as at_receipt
        on
            d.procedure_key = at_receipt.procedure_key
            and d.received_date >= at_receipt.holds_from
            and (at_receipt.valid_to is null or d.received_date < at_receipt.valid_to)
    left join later.catalogue as at_end
        on
            d.procedure_key = at_end.procedure_key
            and d.closed_date >= at_end.holds_from
            and (at_end.valid_to is null or d.closed_date < at_end.valid_to)
    left join later_source as source on split_part(d.delivery_id, '.', 1) = source.source_code
),

named_before as (
    select distinct alias_code from earlier_fact
    where alias_code is not null
),

beside as (
    select
        coalesce(was.dossier_code, now.dossier_code) as dossier_code,
        was.dossier_code as code_before,
        now.dossier_code as code_after,
        was.unit_code as unit_before,
        now.unit_code as unit_after,
        was.unit_level as level_before,
        now.unit_level as level_after,
        was.procedure_key as procedure_before,
        now.procedure_key as procedure_after,
        was.service_level as service_level_before,
        now.service_level as service_level_after,
        was.counted_channel as channel_before,
        now.counted_channel as channel_after,
        was.received_date as received_before,
        now.received_date as received_after,
        was.closed_date as closed_before,
        now.closed_date as closed_after,
        was.closing_class as closing_before,
        now.closing_class as closing_after,
        was.due_date as due_before,
        now.due_date as due_after,
        was.first_due_date as first_due_before,
        now.first_due_date as first_due_after,
        was.level_at_receipt as level_at_receipt_before,
        now.level_at_receipt as level_at_receipt_after,
        was.delivery_id as delivery_before,
        now.delivery_id as delivery_after,
        was.row_number as row_before,
        now.row_number as row_after,
        coalesce(was.is_received, false) as is_received_before,
        coalesce(now.is_received, false) as is_received_after,
        coalesce(was.result_digitised, false) as digitised_before,
        coalesce(now.result_digitised, false) as digitised_after,
        coalesce(was.has_result, true) as has_result_before,
        coalesce(now.has_result, true) as has_result_after,
        coalesce(was.has_channels, false) as has_channels_before,
        coalesce(now.has_channels, false) as has_channels_after,
        coalesce(was.has_results, false) as has_results_before,
        coalesce(now.has_results, false) as has_results_after,
        (
            was.delivery_id is distinct from now.delivery_id
            or was.row_number is distinct from now.row_number
        ) as has_other_row,
        replaced.dossier_code is not null as is_other_code,
        named_before.alias_code is not null as was_other_code
    from earlier_fact as was
    full join later_fact as now on was.dossier_code = now.dossier_code
    left join earlier_fact as replaced on now.alias_code = replaced.dossier_code
    left join named_before on now.dossier_code = named_before.alias_code
),

fact as (
    select
        beside.*,
        -- the kind of file, unless it is one of its own night that came in time
        case
            when beside.has_other_row and arrival.delivery_id is not null
                then nullif(arrival.arrival_kind, 'in_time')
            when replaced.delivery_id is not null then 'correction'
            when beside.code_after is null and stated.is_in_time = 1 then null
            when stated.is_correction = 1 then 'correction'
            when stated.is_replayed = 1 then 'replayed'
            when stated.is_late_file = 1 then 'late_file'
        end as file_kind,
        case
            when beside.code_before is null and (beside.is_other_code or beside.was_other_code)
                then 'alias'
            when beside.code_after is null and still_stated.dossier_code is not null then 'alias'
            when beside.code_before is null and ever_vanished.dossier_code is not null
                then 'reappeared'
            when beside.code_before is null and beside.received_after <= :previous_night
                then 'received_earlier'
            when beside.code_before is null then 'newly_received'
            when beside.code_after is null then 'vanished'
        end as identity_code,
        case
            when beside.unit_before <> beside.unit_after then 'unit_changed'
            else 'register_changed'
        end as moved_code
    from beside
    left join arrival on beside.delivery_after = arrival.delivery_id
    left join later.arrival as replaced
        on beside.delivery_before = replaced.delivery_id and replaced.arrival_kind = 'replaced'
    left join stated on beside.dossier_code = stated.dossier_code
    left join ever_vanished on beside.dossier_code = ever_vanished.dossier_code
    left join still_stated on beside.dossier_code = still_stated.dossier_code
),

dossier_fact as (
    select
        fact.*,
        case
            when identity_code is null or identity_code = 'alias' then identity_code
            else coalesce(file_kind, identity_code)
        end as identity_cause,
        case
            when moved_code = 'unit_changed' then coalesce(file_kind, moved_code)
            else moved_code
        end as moved_cause,
        (
            is_received_before <> is_received_after
            or received_before is distinct from received_after
        ) as has_other_receipt
    from fact
)

select * from dossier_fact
