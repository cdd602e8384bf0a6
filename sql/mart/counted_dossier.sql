-- mart.counted_dossier: every dossier at the end of the as-of date, without personal data; the rows
-- of mart.dossier, without the columns that change every night.
--
-- A dossier is counted at the unit that resolves it (form II.06a, VPCP/KSTT: "cơ quan, đơn vị
-- trực tiếp giải quyết"), at the receiving unit where the source names no other. One that its
-- source also sends under another code is counted once, under the code that names the other.
--
-- The source's current due date decides timeliness, of a returned dossier as of a resolved one
-- (NĐ 61/2018/NĐ-CP, Điều 19.8). A withdrawn one is `not_counted`, or `late` if it was withdrawn
-- after its due date. `first_due_date` is the first one that the source states, else the first one
-- in the record. The due date by the catalogue's duration, the first day not counted (Bộ luật Dân
-- sự 2015, Điều 147), is compared with it, and a difference above `deadline_tolerance_workdays` is
-- marked. A due date that core.calendar does not reach counts as the calendar's first or last day,
-- so that the differences of such dates are at least those given.
--
-- A dossier without a procedure code is identified by its procedure's name: it gets the key of the
-- catalogue's only procedure of that name; if there is none, or more than one, the name is the key.
with current_dossier as (
    select *
    from core.dossier_history
    where valid_from <= :as_of_date and (valid_to is null or valid_to > :as_of_date)
),

alias_of_another as (
    select distinct other.alias_code as dossier_code
    from current_dossier as other
    inner join current_dossier as this on other.alias_code = this.dossier_code
    where
        other.dossier_code <> this.dossier_code
        -- two codes that name each other: the first in order stays
        and (
            this.alias_code is distinct from other.dossier_code
            or other.dossier_code < this.dossier_code
        )
),

stated_due_date as (
    select
        dossier_code,
        due_date,
        row_number() over (
            partition by dossier_code
            order by stated_from
        ) as statement_number
    from mart.dossier_state
    -- the last state has the current due date
    where stated_until is not null and due_date is not null
),

counted_once as (
    select
        current_dossier.*,
        -- a unit named as a level or the city: mart.registered_unit
        coalesce(
            '(' || level.unit_code || ')',
            current_dossier.resolving_unit_code,
            current_dossier.receiving_unit_code
        ) as unit_code,
        case when status.is_closed then current_dossier.resolved_date end as closed_date,
        status.is_received,
        status.is_paused,
        coalesce(
            current_dossier.original_due_date, stated_due_date.due_date, current_dossier.due_date
        ) as first_due_date
    from current_dossier
    inner join ref.status as status on current_dossier.status = status.status
    left join stated_due_date
        on
            current_dossier.dossier_code = stated_due_date.dossier_code
            and stated_due_date.statement_number = 1
    left join ref.unit_level as level
        on
            coalesce(current_dossier.resolving_unit_code, current_dossier.receiving_unit_code)
            = level.unit_code
    left join alias_of_another
        on current_dossier.dossier_code = alias_of_another.dossier_code
    where alias_of_another.dossier_code is null
),

named_procedure as (
    select lower(procedure_name) as procedure_name, min(procedure_key) as procedure_key
    from mart.catalogue
    group by lower(procedure_name)
    having count(distinct procedure_key) = 1
),

keyed as (
    select
        counted_once.*,
        case
            when counted_once.procedure_code like '%.%'
                then
                    split_part(counted_once.procedure_code, '.', 1)
                    || '.'
                    || split_part(counted_once.procedure_code, '.', 2)
            else
                coalesce(
                    counted_once.procedure_code,
                    named_procedure.procedure_key,
                    counted_once.procedure_name
                )
        end as procedure_key
    from counted_once
    left join named_procedure
        on lower(counted_once.procedure_name) = named_procedure.procedure_name
),

classified as (
    select
        keyed.*,
        case
            when not is_received then 'not_counted'
            when
                closed_date is not null
                and closing_class = 'withdrawn'
                and (due_date is null or closed_date <= due_date)
                then 'not_counted'
            when closed_date is null and is_paused then 'paused'
            when due_date is null then 'no_due_date'
            when closed_date < due_date then 'early'
            when closed_date = due_date then 'on_time'
            when closed_date > due_date then 'late'
            when due_date < :as_of_date then 'open_overdue'
            else 'open_in_time'
        end as timeliness
    from keyed
),

tolerance as (
    select max(rule_value) as workdays
    from ref.counting_rule
    where
        rule_code = 'deadline_tolerance_workdays'
        and (valid_from is null or valid_from <= :as_of_date)
        and (valid_to is null or valid_to > :as_of_date)
),

reach as (
    select min(calendar_date) as first_day, max(calendar_date) as last_day
    from core.calendar
),

counted_dossier as (
    select
        d.dossier_code,
        d.alias_code,
        d.procedure_code,
        d.procedure_key,
        d.field_code,
        d.unit_code,
        coalesce(unit.unit_level, 'unregistered') as unit_level,
        d.receiving_unit_code,
        d.resolving_unit_code,
        d.channel,
        d.service_level,
        d.received_date,
        d.due_date,
        d.original_due_date,
        d.first_due_date,
        d.closed_date,
        d.resolved_date,
        d.status,
        d.closing_class,
        d.timeliness,
        d.source_timeliness,
        d.is_received,
        d.is_paused,
        due.workday_number - received.workday_number as workdays_allowed,
        closed.workday_number - received.workday_number as workdays_taken,
        c.duration_workdays,
        recomputed.calendar_date as recomputed_due_date,
        first_due.workday_number - received.workday_number - c.duration_workdays
            as deadline_difference_workdays,
        coalesce(
            abs(first_due.workday_number - received.workday_number - c.duration_workdays)
            > tolerance.workdays,
            false
        ) as has_unusual_deadline,
        d.result_digitised,
        d.documents_digitised,
        d.extra,
        d.delivery_id,
        d.row_number
    from classified as d
    cross join tolerance
    cross join reach
    left join mart.registered_unit as unit on d.unit_code = unit.unit_code
    left join core.calendar as received on d.received_date = received.calendar_date
    left join core.calendar as due
        on
            case when d.due_date > reach.last_day then reach.last_day else d.due_date end
            = due.calendar_date
    left join core.calendar as closed on d.closed_date = closed.calendar_date
    left join core.calendar as first_due
        on
            case
                when d.first_due_date < reach.first_day then reach.first_day
                when d.first_due_date > reach.last_day then reach.last_day
                else d.first_due_date
            end
            = first_due.calendar_date
    left join mart.catalogue as c
        on
            d.procedure_key = c.procedure_key
            and d.received_date >= c.holds_from
            and (c.valid_to is null or d.received_date < c.valid_to)
    left join core.calendar as recomputed
        on
            received.workday_number + c.duration_workdays = recomputed.workday_number
            and recomputed.is_workday
)

select * from counted_dossier
