-- view
-- mart.dossier_period: the class of each dossier in each period that it concerns.
--
-- Two times are distinguished. The figures of a period describe the state at its end: a dossier
-- closed later was still open in it, and the pause and due date of an open one are those of that
-- day. All states are taken as known on the as-of date.
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
        due_date
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
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        period.measured_on,
        case
            when known.is_paused then 'paused'
            when known.due_date < known.measured_on then 'open_overdue'
            else 'open_in_time'
        end as class_at_end
    from open_as_known as known
    inner join mart.period as period on known.measured_on = period.measured_on
),

closed as (
    select
        counted.*,
        case
            when closing_class <> 'resolved' then closing_class
            when due_date is null then 'resolved_no_due_date'
            when closed_date < due_date then 'early'
            when closed_date = due_date then 'on_time'
            else 'late'
        end as class_at_end
    from counted
    where closed_date is not null
),

-- each period with each of its days, so that dates find their periods by equality
day_of_period as (
    select day.calendar_date, period.*
    from mart.period as period
    inner join core.calendar as day
        on day.calendar_date between period.period_start and period.measured_on
),

closed_at_end as (
    select closed.*, period.*
    from closed
    inner join day_of_period as period on closed.closed_date = period.calendar_date
    where closed.received_date <= period.measured_on
    union all
    -- closed before the period, due in it: counts for the method `due`
    select closed.*, period.*
    from closed
    inner join day_of_period as period on closed.due_date = period.calendar_date
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
        period_type,
        period_basis,
        period_start,
        period_end,
        measured_on,
        class_at_end
    from closed_at_end
),

dossier_period as (
    select
        dossier_code,
        unit_code,
        unit_level,
        field_code,
        procedure_key,
        channel,
        received_date,
        closed_by_end_date,
        due_date,
        period_type,
        period_basis,
        period_start,
        period_end,
        received_date >= period_start as is_received_in,
        received_date < period_start
        and (closed_by_end_date is null or closed_by_end_date >= period_start) as is_carried_over,
        coalesce(closed_by_end_date >= period_start, false) as is_closed_in,
        closed_by_end_date is null as is_open,
        coalesce(due_date between period_start and measured_on, false) as is_due_in,
        class_at_end
    from at_period_end
)

select * from dossier_period
