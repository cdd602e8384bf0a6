-- view
-- mart.dossier_period: what each dossier counts as in each period that it touches.
--
-- Two times are kept apart. The figures of a period describe the state at its end: a dossier
-- closed later was still open in it, and whether an open one was paused, and what its due date
-- was, is taken from what was known on that day. All of it as known on the as-of date.
with counted as (
    select * from mart.dossier where is_received
),

touched as (
    select
        counted.dossier_code,
        counted.unit_code,
        counted.unit_level,
        counted.field_code,
        counted.procedure_key,
        counted.channel,
        counted.received_date,
        counted.closed_date,
        counted.closing_class,
        counted.due_date as current_due_date,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        period.measured_on,
        case when counted.closed_date <= period.measured_on then counted.closed_date end
            as closed_by_end_date
    from counted
    inner join mart.period as period
        on
            counted.received_date <= period.measured_on
            and (
                counted.closed_date is null
                or counted.closed_date >= period.period_start
                -- closed before the period, due in it: counts for the method `due`
                or counted.due_date between period.period_start and period.measured_on
            )
),

first_sight as (
    select dossier_code, status, due_date
    from (
        select
            dossier_code,
            status,
            due_date,
            row_number() over (partition by dossier_code order by valid_from) as place
        from core.dossier_history
    ) as ranked
    where place = 1
),

at_period_end as (
    select
        touched.*,
        case
            when touched.closed_by_end_date is not null then touched.current_due_date
            when then_known.dossier_code is not null then then_known.due_date
            -- first exported after the period's end: as it was when first seen
            else first_sight.due_date
        end as due_date,
        coalesce(
            touched.closed_by_end_date is null
            and coalesce(then_known.status, first_sight.status)
            in ('awaiting_supplement', 'awaiting_payment', 'suspended'),
            false
        ) as is_paused
    from touched
    left join core.dossier_history as then_known
        on
            touched.dossier_code = then_known.dossier_code
            and touched.closed_by_end_date is null
            and then_known.valid_from <= touched.measured_on
            and (then_known.valid_to is null or then_known.valid_to > touched.measured_on)
    left join first_sight
        on
            touched.dossier_code = first_sight.dossier_code
            and touched.closed_by_end_date is null
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
        case
            when closed_by_end_date is null and is_paused then 'paused'
            when closed_by_end_date is not null and closing_class <> 'resolved' then closing_class
            when closed_by_end_date is not null and due_date is null then 'resolved_no_due_date'
            when closed_by_end_date < due_date then 'early'
            when closed_by_end_date = due_date then 'on_time'
            when closed_by_end_date > due_date then 'late'
            when due_date < measured_on then 'open_overdue'
            else 'open_in_time'
        end as class_at_end
    from at_period_end
)

select * from dossier_period
