-- mart.decree_check: what the decrees forbid and the record shows, by dossier and clause; beside
-- the rates, never in them.
--
-- One row per dossier and check (ref.decree_check: the clause, the limit, the days on which it
-- holds; the day of the act decides):
--   supplement_late       a supplement was asked for more working days after receipt than allowed
--   extended_twice        the due date was extended (mart.due_date_move) more often than allowed
--   extended_late         it was extended later than the allowed days before it passed, or after
--   closed_out_overdue    returned or withdrawn after the due date (mart.overdue_edit)
--   code_date_differs     the date within the dossier code is not the date of receipt
--   counted_from_same_day received after the hour from which the time counts from the next working
--                         day, but due as if it counted from the same day
-- An act that a night's export shows happened after the source's export before. `strong`: forbidden
-- on each of these days. `weak`, with what makes it so (`doubt_code`):
--   export_gap       forbidden on the last of these days only
--   first_seen       the dossier waited for a supplement when it was first exported
--   second_request   a second supplement: the first one may stand for the receipt
--   was_waiting      closed out; it was paused, or may have been, since before its due date
--   by_catalogue     rests on the time limit in the catalogue of procedures
-- `event_date` is the last day on which the act can have happened, `limit_date` the last one on
-- which it was allowed.
with rule as (
    select
        check_code,
        limit_value,
        coalesce(valid_from, date '1900-01-01') as holds_from,
        coalesce(valid_to, date '9999-12-31') as holds_until
    from ref.decree_check
),

dossier as (
    select
        dossier_code,
        unit_code,
        unit_level,
        received_date,
        due_date,
        closed_date,
        closing_class,
        deadline_difference_workdays,
        delivery_id,
        row_number
    from mart.counted_dossier
    where is_received
),

-- supplements ------------------------------------------------------------------------------------

asking_dossier as (
    select distinct dossier_code
    from core.dossier_history
    where status = 'awaiting_supplement' and valid_from <= :as_of_date
),

beside_previous as (
    select
        history.dossier_code,
        history.valid_from,
        history.delivery_id,
        history.row_number,
        history.status,
        lag(history.status) over by_night as status_before,
        lag(history.valid_from) over by_night as before_from
    from core.dossier_history as history
    inner join asking_dossier on history.dossier_code = asking_dossier.dossier_code
    where history.valid_from <= :as_of_date
    window by_night as (
        partition by history.dossier_code
        order by history.valid_from
    )
),

asked as (
    select
        asked.dossier_code,
        dossier.received_date,
        asked.valid_from as event_date,
        case
            when asked.before_from is not null
                then coalesce(export_night.last_night, asked.valid_from - 1)
        end as last_seen_night,
        asked.delivery_id,
        asked.row_number,
        row_number() over (
            partition by asked.dossier_code
            order by asked.valid_from
        ) as request_number
    from beside_previous as asked
    inner join dossier on asked.dossier_code = dossier.dossier_code
    left join mart.export_night as export_night
        on
            split_part(asked.delivery_id, '.', 1) = export_night.source_code
            and asked.valid_from = export_night.night
    where
        asked.status = 'awaiting_supplement'
        and asked.status_before is distinct from 'awaiting_supplement'
),

supplement as (
    select
        rule.check_code,
        asked.dossier_code,
        asked.event_date,
        last_allowed.calendar_date as limit_date,
        asked.last_seen_night,
        case
            when asked.request_number > 1 then 'second_request'
            when asked.last_seen_night is null then 'first_seen'
            when first_day.workday_number > last_allowed.workday_number then null
            else 'export_gap'
        end as doubt_code,
        asked.delivery_id,
        asked.row_number
    from asked
    inner join rule
        on
            rule.check_code = 'supplement_late'
            and asked.event_date >= rule.holds_from
            and asked.event_date < rule.holds_until
    inner join core.calendar as received on asked.received_date = received.calendar_date
    inner join core.calendar as last_allowed
        on
            received.workday_number + rule.limit_value = last_allowed.workday_number
            and last_allowed.is_workday
    inner join core.calendar as last_day
        on
            asked.event_date = last_day.calendar_date
            and last_day.workday_number > last_allowed.workday_number
    left join core.calendar as first_day on asked.last_seen_night + 1 = first_day.calendar_date
),

-- extensions -------------------------------------------------------------------------------------

extension as (
    select
        due_date_move.*,
        row_number() over (
            partition by dossier_code
            order by move_number
        ) as extension_number
    from mart.due_date_move as due_date_move
    where move_kind = 'extension'
),

extended_twice as (
    select
        rule.check_code,
        extension.dossier_code,
        extension.moved_night as event_date,
        cast(null as date) as limit_date,
        extension.last_seen_night,
        cast(null as varchar) as doubt_code,
        extension.delivery_after as delivery_id,
        extension.row_after as row_number
    from extension
    inner join rule
        on
            rule.check_code = 'extended_twice'
            and extension.moved_night >= rule.holds_from
            and extension.moved_night < rule.holds_until
            and extension.extension_number > rule.limit_value
),

extended_late as (
    select
        rule.check_code,
        extension.dossier_code,
        extension.moved_night as event_date,
        extension.due_date_before - cast(rule.limit_value as integer) as limit_date,
        extension.last_seen_night,
        case
            when
                extension.last_seen_night
                < extension.due_date_before - cast(rule.limit_value as integer)
                then 'export_gap'
        end as doubt_code,
        extension.delivery_after as delivery_id,
        extension.row_after as row_number
    from extension
    inner join rule
        on
            rule.check_code = 'extended_late'
            and extension.moved_night >= rule.holds_from
            and extension.moved_night < rule.holds_until
            and extension.moved_night
            > extension.due_date_before - cast(rule.limit_value as integer)
),

-- what the dossier itself shows ------------------------------------------------------------------

closed_out as (
    select
        rule.check_code,
        dossier.dossier_code,
        dossier.closed_date as event_date,
        dossier.due_date as limit_date,
        edit.last_seen_night,
        -- without such a sign no export shows that it was not paused when it was closed out
        case when edit.strength = 'strong' then null else 'was_waiting' end as doubt_code,
        dossier.delivery_id,
        dossier.row_number
    from dossier
    inner join rule
        on
            rule.check_code = 'closed_out_overdue'
            and dossier.closed_date >= rule.holds_from
            and dossier.closed_date < rule.holds_until
    left join (
        select
            dossier_code,
            last_seen_night,
            strength,
            row_number() over (
                partition by dossier_code
                order by changed_night desc
            ) as edit_number
        from mart.overdue_edit
        where change_kind = 'closed_out_overdue'
    ) as edit
        on dossier.dossier_code = edit.dossier_code and edit.edit_number = 1
    where
        dossier.closed_date > dossier.due_date
        and dossier.closing_class in ('returned_unprocessed', 'withdrawn')
),

coded as (
    select
        dossier.*,
        split_part(dossier_code, '-', 2) as date_part,
        substr(cast(received_date as varchar), 3, 2)
        || substr(cast(received_date as varchar), 6, 2)
        || substr(cast(received_date as varchar), 9, 2) as received_part
    from dossier
),

code_date as (
    select
        rule.check_code,
        coded.dossier_code,
        coded.received_date as event_date,
        cast(null as date) as limit_date,
        cast(null as date) as last_seen_night,
        cast(null as varchar) as doubt_code,
        coded.delivery_id,
        coded.row_number
    from coded
    inner join rule
        on
            rule.check_code = 'code_date_differs'
            and coded.received_date >= rule.holds_from
            and coded.received_date < rule.holds_until
    where
        coded.date_part <> coded.received_part
        -- six digits that can be a date
        and length(coded.date_part) = 6
        and translate(coded.date_part, '0123456789', '') = ''
        and substr(coded.date_part, 3, 2) between '01' and '12'
        and substr(coded.date_part, 5, 2) between '01' and '31'
),

same_day as (
    select
        rule.check_code,
        dossier.dossier_code,
        dossier.received_date as event_date,
        cast(null as date) as limit_date,
        cast(null as date) as last_seen_night,
        'by_catalogue' as doubt_code,
        dossier.delivery_id,
        dossier.row_number
    from dossier
    inner join rule
        on
            rule.check_code = 'counted_from_same_day'
            and dossier.received_date >= rule.holds_from
            and dossier.received_date < rule.holds_until
    inner join core.dossier_history as history
        on
            dossier.dossier_code = history.dossier_code
            and history.valid_from <= :as_of_date
            and (history.valid_to is null or history.valid_to > :as_of_date)
    where
        dossier.deadline_difference_workdays = 0
        and extract(hour from history.received_at) * 3600
        + extract(minute from history.received_at) * 60
        + floor(extract(second from history.received_at))
        > rule.limit_value * 60
),

found as (
    select * from supplement
    union all
    select * from extended_twice
    union all
    select * from extended_late
    union all
    select * from closed_out
    union all
    select * from code_date
    union all
    select * from same_day
),

ranked as (
    select
        found.*,
        row_number() over (
            partition by dossier_code, check_code
            order by case when doubt_code is null then 0 else 1 end, event_date
        ) as rank_of_check
    from found
),

decree_check as (
    select
        ranked.dossier_code,
        ranked.check_code,
        case when ranked.doubt_code is null then 'strong' else 'weak' end as strength,
        ranked.doubt_code,
        dossier.unit_code,
        dossier.unit_level,
        dossier.received_date,
        ranked.event_date,
        ranked.limit_date,
        ranked.last_seen_night,
        ranked.delivery_id,
        ranked.row_number
    from ranked
    inner join dossier on ranked.dossier_code = dossier.dossier_code
    where ranked.rank_of_check = 1
)

select * from decree_check
