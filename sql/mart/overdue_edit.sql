-- mart.overdue_edit: signs that an overdue dossier was edited afterwards, dossier by dossier.
--
-- Two states that the record holds of one dossier, one after the other, and what changed between
-- them; one row for each kind of change:
--   due_moved_later    the due date moved later, or was removed
--   end_moved_earlier  the end date of a late dossier moved earlier
--   end_backdated      open at the end of a night, then ended on or before that day, in time
--   end_set_to_due     the end set to the very second of the due date (a bulk reset does this)
--   status_rewound     a late dossier opened again, or an overdue one not received any more
--   class_changed      a late dossier's closing turned into another class than resolved
--   closed_out_overdue an overdue dossier closed as returned or withdrawn after its due date
--   paused_overdue     an overdue dossier paused: it leaves the denominator of `cohort`
--   vanished           an overdue or late dossier no longer in the source's snapshot
-- A sign requires that the dossier was already overdue, as known then. A change in a night's export
-- was made after the source's previous export (`last_seen_night`), so a due date up to that night
-- had certainly passed. An extension before that is legal and no sign; `closed_out_overdue` is
-- shown by the dossier's own dates. If exports are days apart
-- and the due date is between them, the change may have been in time: `weak`. Also weak are an end
-- on the exact second of the due date without an earlier state, a pause, a backdated end, which
-- may be a late entry, and a dossier closed out that may have been paused in time: no export of
-- its due date or later, with the dossier not closed yet, shows it without a pause.
with candidate as (
    -- only these can be signs: exported after a due date, or ended on its exact second
    select dossier_code
    from core.dossier_history
    where valid_from <= :as_of_date
    group by dossier_code
    having
        min(due_date) < max(case when valid_to <= :as_of_date then valid_to else valid_from end)
        or max(case when resolved_at = due_at then 1 else 0 end) = 1
),

state as (
    select
        dossier_code,
        valid_from,
        case when valid_to <= :as_of_date then valid_to end as valid_to,
        delivery_id,
        row_number,
        coalesce(resolving_unit_code, receiving_unit_code) as unit_code,
        received_date,
        due_at,
        due_date,
        resolved_at,
        resolved_date,
        history.status,
        closing_class,
        status.is_closed,
        status.is_received,
        status.is_paused,
        coalesce(
            status.is_closed
            and closing_class in ('returned_unprocessed', 'withdrawn')
            and resolved_date > due_date,
            false
        ) as is_closed_out,
        lag(valid_from) over (partition by dossier_code order by valid_from) as before_from,
        -- the last export so far that shows it not paused; null where all show it paused
        max(
            case when not status.is_paused then coalesce(export_night.last_night, valid_to - 1) end
        ) over (
            partition by dossier_code
            order by valid_from
        ) as unpaused_night
    from core.dossier_history as history
    inner join ref.status as status on history.status = status.status
    -- the export that ended this state
    left join mart.export_night as export_night
        on
            split_part(history.delivery_id, '.', 1) = export_night.source_code
            and history.valid_to = export_night.night
    where
        valid_from <= :as_of_date
        and exists (
            select 1 from candidate
            where candidate.dossier_code = history.dossier_code
        )
),

-- Several files of a night may lack the same dossier: it vanished once.
gone as (
    select
        dossier_code,
        night,
        delivery_id,
        row_number,
        row_number() over (
            partition by dossier_code, night
            order by delivery_id desc
        ) as file_rank
    from core.dossier_version
    where is_vanished and known_from <= :as_of_date
),

next_state as (
    select
        after.dossier_code,
        after.unit_code,
        before.received_date,
        after.valid_from as changed_night,
        before.delivery_id as delivery_before,
        before.row_number as row_before,
        after.delivery_id as delivery_after,
        after.row_number as row_after,
        before.due_at as due_at_before,
        before.due_date as due_date_before,
        before.resolved_at as resolved_at_before,
        before.resolved_date as resolved_date_before,
        before.status as status_before,
        before.closing_class as closing_class_before,
        before.is_closed as is_closed_before,
        before.is_received and not before.is_closed and not before.is_paused as is_open_before,
        before.unpaused_night,
        after.due_at as due_at_after,
        after.due_date as due_date_after,
        after.resolved_at as resolved_at_after,
        after.resolved_date as resolved_date_after,
        after.status as status_after,
        after.closing_class as closing_class_after,
        after.is_closed as is_closed_after,
        after.is_closed_out as is_closed_out_after,
        after.is_received as is_received_after,
        after.is_paused as is_paused_after,
        false as has_vanished
    from state as after
    inner join state as before
        on after.dossier_code = before.dossier_code and after.before_from = before.valid_from
    where
        before.due_date < after.valid_from
        or after.resolved_at = after.due_at
        or after.is_closed_out
    union all
    select
        first.dossier_code,
        first.unit_code,
        first.received_date,
        first.valid_from,
        null, null,
        first.delivery_id,
        first.row_number,
        null, null, null, null, null, null,
        false,
        false,
        null,
        first.due_at,
        first.due_date,
        first.resolved_at,
        first.resolved_date,
        first.status,
        first.closing_class,
        first.is_closed,
        first.is_closed_out,
        first.is_received,
        first.is_paused,
        false
    from state as first
    where
        first.before_from is null
        and (first.resolved_at = first.due_at or first.is_closed_out)
    union all
    select
        last.dossier_code,
        last.unit_code,
        last.received_date,
        last.valid_to,
        last.delivery_id,
        last.row_number,
        gone.delivery_id,
        gone.row_number,
        last.due_at,
        last.due_date,
        last.resolved_at,
        last.resolved_date,
        last.status,
        last.closing_class,
        last.is_closed,
        last.is_received and not last.is_closed and not last.is_paused,
        last.unpaused_night,
        null, null, null, null, null, null,
        false, false, false, false,
        true
    from state as last
    inner join gone
        on
            last.dossier_code = gone.dossier_code
            and last.valid_to = gone.night
            and gone.file_rank = 1
    left join state as back
        on last.dossier_code = back.dossier_code and last.valid_to = back.valid_from
    where last.due_date < last.valid_to and back.dossier_code is null
),

-- Was it overdue when it was changed? Open past its due date, or ended after it.
judged as (
    select
        next_state.*,
        coalesce(export_night.last_night, next_state.changed_night - 1) as last_seen_night,
        coalesce(
            next_state.is_open_before and next_state.due_date_before < next_state.changed_night,
            false
        ) as is_overdue_before,
        coalesce(
            next_state.is_closed_before
            and next_state.resolved_date_before > next_state.due_date_before,
            false
        ) as is_late_before,
        next_state.resolved_at_after = next_state.due_at_after
        -- a source that gives days only has no seconds
        and extract(hour from next_state.due_at_after)
        + extract(minute from next_state.due_at_after)
        > 0 as is_end_on_due_second
    from next_state
    left join mart.export_night as export_night
        on
            split_part(next_state.delivery_after, '.', 1) = export_night.source_code
            and next_state.changed_night = export_night.night
),

kind as (
    select 'due_moved_later' as change_kind, judged.*
    from judged
    where
        (is_overdue_before or is_late_before) and not has_vanished
        and (due_date_after > due_date_before or due_date_after is null)
    union all
    select 'end_moved_earlier', judged.*
    from judged
    where is_late_before and is_closed_after and resolved_date_after < resolved_date_before
    union all
    select 'end_backdated', judged.*
    from judged
    where
        is_overdue_before and is_closed_after
        and resolved_date_after <= due_date_before and resolved_date_after <= last_seen_night
        and not is_end_on_due_second
    union all
    select 'end_set_to_due', judged.*
    from judged
    where
        is_end_on_due_second
        and (
            resolved_at_before is null
            or resolved_at_before <> resolved_at_after
            or due_at_before is null
            or due_at_before <> due_at_after
        )
    union all
    select 'status_rewound', judged.*
    from judged
    where
        not has_vanished
        and (
            (is_late_before and not is_closed_after)
            or (is_overdue_before and not is_received_after)
        )
    union all
    select 'class_changed', judged.*
    from judged
    where
        is_late_before and is_closed_after
        and closing_class_after <> 'resolved'
        and closing_class_after <> closing_class_before
    union all
    select 'closed_out_overdue', judged.*
    from judged
    where
        not is_closed_before
        and (
            is_closed_out_after
            or (
                is_overdue_before
                and is_closed_after
                and closing_class_after in ('returned_unprocessed', 'withdrawn')
                and resolved_date_after > due_date_before
            )
        )
    union all
    select 'paused_overdue', judged.*
    from judged
    where is_overdue_before and is_paused_after
    union all
    select 'vanished', judged.*
    from judged
    where has_vanished and (is_overdue_before or is_late_before)
),

weighed as (
    select
        kind.*,
        case
            when
                change_kind = 'closed_out_overdue'
                and unpaused_night >= coalesce(due_date_before, due_date_after)
                then 'strong'
            when change_kind in ('closed_out_overdue', 'paused_overdue', 'end_backdated')
                then 'weak'
            when not is_overdue_before and not is_late_before then 'weak'
            when is_overdue_before and due_date_before > last_seen_night then 'weak'
            else 'strong'
        end as strength,
        case
            when is_late_before then cast(resolved_date_before - due_date_before as bigint)
            when is_overdue_before then cast(changed_night - due_date_before as bigint)
            when is_closed_out_after then cast(resolved_date_after - due_date_after as bigint)
        end as days_overdue,
        coalesce(
            (is_overdue_before or is_late_before)
            and is_closed_after
            and closing_class_after <> 'withdrawn'
            and resolved_date_after <= due_date_after,
            false
        ) as has_turned_on_time
    from kind
),

-- The present count of the dossier in its unit's cohort of the year.
counted_now as (
    select
        dossier.dossier_code,
        dossier.period_start,
        dossier.unit_code,
        case when dossier.cohort_role = 'numerator' then 1 else 0 end as in_time,
        case when dossier.cohort_role in ('numerator', 'denominator') then 1 else 0 end as judged
    from mart.dossier_period as dossier
    inner join (select distinct dossier_code from weighed) as changed
        on dossier.dossier_code = changed.dossier_code
    where
        dossier.period_type = 'year'
        and dossier.period_basis = 'calendar'
        and dossier.is_received_in
),

overdue_edit as (
    select
        weighed.dossier_code,
        weighed.change_kind,
        weighed.strength,
        weighed.changed_night,
        -- a dossier whose first row shows the sign stood in no export before
        case when weighed.delivery_before is not null then weighed.last_seen_night end
            as last_seen_night,
        weighed.received_date,
        weighed.due_at_before,
        weighed.due_at_after,
        weighed.resolved_at_before,
        weighed.resolved_at_after,
        weighed.status_before,
        weighed.status_after,
        weighed.closing_class_before,
        weighed.closing_class_after,
        cast(weighed.days_overdue as integer) as days_overdue,
        weighed.has_turned_on_time,
        weighed.delivery_before,
        weighed.row_before,
        weighed.delivery_after,
        weighed.row_after,
        -- a unit named as a level or the city: mart.registered_unit
        coalesce(now.unit_code, '(' || level.unit_code || ')', weighed.unit_code) as unit_code,
        cast(date_trunc('year', cast(weighed.received_date as timestamp)) as date) as year_start,
        coalesce(now.in_time, 0) as in_time,
        1 - coalesce(now.judged, 0) as not_judged,
        row_number() over (
            partition by weighed.dossier_code, weighed.strength
            order by weighed.changed_night, weighed.change_kind
        ) as change_number
    from weighed
    left join ref.unit_level as level on weighed.unit_code = level.unit_code
    left join counted_now as now
        on
            weighed.dossier_code = now.dossier_code
            and now.period_start
            = cast(date_trunc('year', cast(weighed.received_date as timestamp)) as date)
)

select * from overdue_edit
