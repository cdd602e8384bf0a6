-- mart.dossier_state: pause and due date of each dossier, by spans of days.
--
-- A state is valid until the next one: while a dossier is absent from a snapshot its last state is
-- valid, and before its first export its first: `stated_from` of the first state is 1900-01-01,
-- `seen_from` the night that first states it. A version that changes neither adds no row. The table
-- is published because mart.dossier_period reads it: the record changes with every loaded file, and
-- readers see the published night only.
with stated as (
    select
        history.dossier_code,
        history.valid_from,
        history.due_date,
        status.is_paused
    from core.dossier_history as history
    inner join ref.status as status on history.status = status.status
    where history.valid_from <= :as_of_date
),

beside_previous as (
    select
        dossier_code,
        valid_from,
        due_date,
        is_paused,
        row_number() over by_night as statement_number,
        lag(due_date) over by_night as due_date_before,
        lag(is_paused) over by_night as is_paused_before
    from stated
    window by_night as (
        partition by dossier_code
        order by valid_from
    )
),

changed as (
    select
        dossier_code,
        due_date,
        is_paused,
        case when statement_number = 1 then date '1900-01-01' else valid_from end as stated_from,
        valid_from as seen_from
    from beside_previous
    where
        statement_number = 1
        or due_date is distinct from due_date_before
        or is_paused is distinct from is_paused_before
),

dossier_state as (
    select
        dossier_code,
        is_paused,
        due_date,
        stated_from,
        seen_from,
        lead(stated_from) over (
            partition by dossier_code
            order by stated_from
        ) as stated_until
    from changed
)

select * from dossier_state
