-- view
-- mart.dossier_period: the class of each dossier in each period that it concerns, and its role in
-- the on-time rate by each method.
--
-- Two times are distinguished. The figures of a period describe the state at its end: a dossier
-- closed later was still open in it, and the pause and due date of an open one are those of that
-- day. All states are taken as known on the as-of date.
--
-- A dossier that was returned is judged by its date like a resolved one (NĐ 61/2018/NĐ-CP,
-- Điều 19.8). A withdrawn one is `withdrawn` if it was not overdue yet, else `withdrawn_late`.
-- `class_by_first_due` is the class by the first due date in the place of the current one.
--
-- A paused dossier is not judged, and is `paused_overdue` if its due date has passed.
--
-- The methods stand here and in ref.period_class, and nowhere else. A role (`numerator`,
-- `denominator` only, `left_out`) is null where the dossier does not concern the method in that
-- period.
with counted as (
    select
        dossier_code,
        unit_code,
        unit_level,
        field_code,
        procedure_key,
        channel,
        received_date,
        closed_date,
        closing_class,
        due_date,
        first_due_date
    from mart.counted_dossier
    where is_received
),

measuring_day as (
    select distinct measured_on from mart.period
),

still_open as (
    select counted.*, measuring_day.measured_on
    from counted
    inner join measuring_day
        on
            counted.received_date <= measuring_day.measured_on
            and (counted.closed_date is null or counted.closed_date > measuring_day.measured_on)
),

open_as_known as (
    select
        still_open.dossier_code,
        still_open.unit_code,
        still_open.unit_level,
        still_open.field_code,
        still_open.procedure_key,
        still_open.channel,
        still_open.received_date,
        still_open.first_due_date,
        still_open.measured_on,
        known.due_date,
        known.is_paused
    from still_open
    inner join mart.dossier_state as known
        on
            still_open.dossier_code = known.dossier_code
            and known.stated_from <= still_open.measured_on
            and (known.stated_until is null or known.stated_until > still_open.measured_on)
),

open_at_end as (
    select
        known.dossier_code,
        known.unit_code,
        known.unit_level,
        known.field_code,
        known.procedure_key,
        known.channel,
        known.received_date,
        cast(null as date) as closed_by_end_date,
        known.due_date,
        known.first_due_date,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        period.measured_on,
        case
            when known.is_paused and known.due_date < known.measured_on then 'paused_overdue'
            when known.is_paused then 'paused'
            when known.due_date is null then 'open_no_due_date'
            when known.due_date < known.measured_on then 'open_overdue'
            else 'open_in_time'
        end as class_at_end,
        case
            when known.is_paused and known.first_due_date < known.measured_on
                then 'paused_overdue'
            when known.is_paused then 'paused'
            when known.first_due_date is null then 'open_no_due_date'
            when known.first_due_date < known.measured_on then 'open_overdue'
            else 'open_in_time'
        end as class_by_first_due
    from open_as_known as known
    inner join mart.period as period on known.measured_on = period.measured_on
),

compared as (
    select
        counted.*,
        case
            when due_date is null then 'no_due_date'
            when closed_date < due_date then 'early'
            when closed_date = due_date then 'on_time'
            else 'late'
        end as by_due,
        case
            when first_due_date is null then 'no_due_date'
            when closed_date < first_due_date then 'early'
            when closed_date = first_due_date then 'on_time'
            else 'late'
        end as by_first_due
    from counted
    where closed_date is not null
),

closed as (
    select
        compared.*,
        case
            when closing_class = 'withdrawn' and by_due = 'late' then 'withdrawn_late'
            when closing_class = 'withdrawn' then 'withdrawn'
            when closing_class = 'returned_unprocessed' then 'returned_' || by_due
            when by_due = 'no_due_date' then 'resolved_no_due_date'
            else by_due
        end as class_at_end,
        case
            when closing_class = 'withdrawn' and by_first_due = 'late' then 'withdrawn_late'
            when closing_class = 'withdrawn' then 'withdrawn'
            when closing_class = 'returned_unprocessed' then 'returned_' || by_first_due
            when by_first_due = 'no_due_date' then 'resolved_no_due_date'
            else by_first_due
        end as class_by_first_due
    from compared
),

closed_at_end as (
    select closed.*, period.*
    from closed
    inner join mart.period_day as period on closed.closed_date = period.calendar_date
    where closed.received_date <= period.measured_on
    union all
    -- closed before the period, due in it: counts for the method `due`
    select closed.*, period.*
    from closed
    inner join mart.period_day as period on closed.due_date = period.calendar_date
    where closed.closed_date < period.period_start and closed.received_date <= period.measured_on
),

at_period_end as (
    select * from open_at_end
    union all
    select
        dossier_code,
        unit_code,
        unit_level,
        field_code,
        procedure_key,
        channel,
        received_date,
        closed_date,
        due_date,
        first_due_date,
        period_type,
        period_basis,
        period_start,
        period_end,
        measured_on,
        class_at_end,
        class_by_first_due
    from closed_at_end
),

flagged as (
    select
        at_period_end.*,
        received_date >= period_start as is_received_in,
        received_date < period_start
        and (closed_by_end_date is null or closed_by_end_date >= period_start) as is_carried_over,
        coalesce(closed_by_end_date >= period_start, false) as is_closed_in,
        closed_by_end_date is null as is_open,
        coalesce(due_date between period_start and measured_on, false) as is_due_in
    from at_period_end
),

dossier_period as (
    select
        flagged.dossier_code,
        flagged.unit_code,
        flagged.unit_level,
        flagged.field_code,
        flagged.procedure_key,
        flagged.channel,
        flagged.received_date,
        flagged.closed_by_end_date,
        flagged.due_date,
        flagged.first_due_date,
        flagged.period_type,
        flagged.period_basis,
        flagged.period_start,
        flagged.period_end,
        flagged.is_received_in,
        flagged.is_carried_over,
        flagged.is_closed_in,
        flagged.is_open,
        flagged.is_due_in,
        flagged.class_at_end,
        flagged.class_by_first_due,
        class.closing_class,
        class.form_06a_column,
        case when flagged.is_received_in then class.cohort_role end as cohort_role,
        case when flagged.is_received_in then first_class.cohort_role end as cohort_first_due_role,
        case when flagged.is_open or flagged.is_closed_in then class.form_06_role end
            as form_06_role,
        case
            when flagged.is_open then 'left_out'
            when
                flagged.is_closed_in
                and class.form_06a_column = 'resolved_late'
                and class.closing_class = 'resolved'
                then 'denominator'
            when flagged.is_closed_in then 'numerator'
        end as form_06_thanh_hoa_role,
        case when flagged.is_received_in then class.qd_766_role end as qd_766_role,
        case
            when not (flagged.is_received_in or flagged.is_carried_over) then null
            when class.form_06a_column in ('resolved_late', 'open_overdue') then 'denominator'
            else 'numerator'
        end as load_role,
        case when flagged.is_due_in then class.due_role end as due_role
    from flagged
    left join ref.period_class as class
        on
            flagged.class_at_end = class.class_at_end
            and (class.valid_from is null or class.valid_from <= flagged.measured_on)
            and (class.valid_to is null or class.valid_to > flagged.measured_on)
    left join ref.period_class as first_class
        on
            flagged.class_by_first_due = first_class.class_at_end
            and (first_class.valid_from is null or first_class.valid_from <= flagged.measured_on)
            and (first_class.valid_to is null or first_class.valid_to > flagged.measured_on)
)

select * from dossier_period
