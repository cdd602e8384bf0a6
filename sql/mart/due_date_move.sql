-- mart.due_date_move: each move of a dossier's due date that the record holds.
--
-- One row for each, numbered. What kind it is, by what was seen since the move before:
--   after_supplement  the dossier waited for a supplement: the time limit restarts when it is
--                     complete (NĐ 61/2018/NĐ-CP, Điều 19.4)
--   after_pause       it waited for a payment or was suspended
--   extension         neither, and the new date is later (Điều 19.9: once, with an apology)
--   brought_forward   the new date is earlier
--   removed           there is no due date any more
--   before_record     the first due date that the source states is another than the first one in
--                     the record; when and why it was moved is not known
-- A move that a night's export shows was made after the source's export before
-- (`last_seen_night`). `move_reason` is the reason that the source gives: the further column
-- `due_date_reason` of its mapping.
with moved_dossier as (
    select dossier_code
    from mart.dossier_state
    group by dossier_code
    having
        min(due_date) <> max(due_date)
        or (count(due_date) > 0 and count(due_date) < count(*))
    union
    select dossier_code
    from mart.counted_dossier
    where original_due_date <> due_date
),

state as (
    select
        history.dossier_code,
        history.valid_from,
        history.delivery_id,
        history.row_number,
        history.due_date,
        history.original_due_date,
        cast(history.extra as json) ->> 'due_date_reason' as move_reason,
        case
            when history.status = 'awaiting_supplement' then 2
            when status.is_paused then 1
            else 0
        end as waited,
        count(history.due_date) over by_night as due_number
    from core.dossier_history as history
    inner join moved_dossier on history.dossier_code = moved_dossier.dossier_code
    inner join ref.status as status on history.status = status.status
    where history.valid_from <= :as_of_date
    window by_night as (
        partition by history.dossier_code
        order by history.valid_from
    )
),

-- each state with the due date that was stated last
known as (
    select
        state.*,
        max(due_date) over (partition by dossier_code, due_number) as known_due_date,
        row_number() over (
            partition by dossier_code
            order by valid_from
        ) as state_number
    from state
),

beside_previous as (
    select
        known.*,
        lag(known_due_date) over by_night as due_date_before,
        lag(due_date) over by_night as stated_before,
        lag(delivery_id) over by_night as delivery_before,
        lag(row_number) over by_night as row_before
    from known
    window by_night as (
        partition by dossier_code
        order by valid_from
    )
),

flagged as (
    select
        beside_previous.*,
        case
            when due_date_before is null then 0
            when due_date is null and stated_before is not null then 1
            when due_date <> due_date_before then 1
            else 0
        end as is_move
    from beside_previous
),

numbered as (
    select
        flagged.*,
        sum(is_move) over (
            partition by dossier_code
            order by valid_from
        ) as moves
    from flagged
),

waiting as (
    select dossier_code, moves, max(waited) as waited
    from numbered
    group by dossier_code, moves
),

move as (
    select
        numbered.dossier_code,
        numbered.valid_from as moved_night,
        coalesce(export_night.last_night, numbered.valid_from - 1) as last_seen_night,
        numbered.due_date_before,
        numbered.due_date as due_date_after,
        case
            when numbered.due_date is null then 'removed'
            when numbered.due_date < numbered.due_date_before then 'brought_forward'
            when waiting.waited = 2 then 'after_supplement'
            when waiting.waited = 1 then 'after_pause'
            else 'extension'
        end as move_kind,
        numbered.move_reason,
        numbered.delivery_before,
        numbered.row_before,
        numbered.delivery_id as delivery_after,
        numbered.row_number as row_after
    from numbered
    inner join waiting
        on
            numbered.dossier_code = waiting.dossier_code
            and numbered.moves - 1 = waiting.moves
    left join mart.export_night as export_night
        on
            split_part(numbered.delivery_id, '.', 1) = export_night.source_code
            and numbered.valid_from = export_night.night
    where numbered.is_move = 1
    union all
    select
        dossier_code,
        valid_from,
        null,
        original_due_date,
        due_date,
        'before_record',
        move_reason,
        null,
        null,
        delivery_id,
        row_number
    from numbered
    where due_number = 1 and due_date is not null and original_due_date <> due_date
),

due_date_move as (
    select
        move.dossier_code,
        dossier.unit_code,
        dossier.unit_level,
        row_number() over (
            partition by move.dossier_code
            order by move.moved_night, case when move.move_kind = 'before_record' then 0 else 1 end
        ) as move_number,
        move.move_kind,
        move.moved_night,
        move.last_seen_night,
        dossier.received_date,
        move.due_date_before,
        move.due_date_after,
        move.move_reason,
        move.delivery_before,
        move.row_before,
        move.delivery_after,
        move.row_after
    from move
    inner join mart.counted_dossier as dossier on move.dossier_code = dossier.dossier_code
    where dossier.is_received
)

select * from due_date_move
