-- mart.waiting_time: how long people waited at the One-Stop desks (annex 17, QĐ 468/QĐ-TTg).
--
-- mart.counted_visit defines a visit and its wait. Averages are sums over visits, never means of
-- means. A unit that sends no tickets has no row: no data, not no wait. The coverage of the figures
-- is given by `units_with_tickets` of `units_with_desk`, by `days_with_tickets` beside the working
-- days of the period so far, and by the visits beside the dossiers handed in at the counters
-- (`received_at_counter`). Percentiles: mart.wait_percentile.
--
-- A unit had a desk in a period if a visit began there, registered or not, or if, by the register
-- of the as-of date, it existed on a day of the period and is not known to lack a desk.
with half_of_day as (
    select distinct calendar_date, half_month from mart.period_day
),

half_of_period as (
    select distinct period_type, period_basis, period_start, period_end, half_month
    from mart.period_day
),

by_day as (
    select
        unit_level,
        unit_code,
        issued_date,
        count(case when visit_outcome <> 'reprinted' then 1 end) as visits_total,
        count(case when visit_outcome = 'called' then 1 end) as visits_called,
        count(case when visit_outcome = 'no_show' then 1 end) as visits_no_show,
        count(case when visit_outcome = 'not_called' then 1 end) as visits_not_called,
        count(case when visit_outcome = 'invalid' then 1 end) as visits_invalid,
        count(case when visit_outcome = 'reprinted' then 1 end) as tickets_reprinted,
        count(case when visit_outcome = 'called' and is_before_opening then 1 end)
            as visits_before_opening,
        sum(case when visit_outcome = 'called' then wait_seconds else 0 end) as wait_seconds,
        sum(case when visit_outcome = 'called' then wait_seconds_from_opening else 0 end)
            as wait_seconds_from_opening,
        count(case when visit_outcome = 'called' and wait_seconds <= 1800 then 1 end)
            as visits_within_30_minutes
    from mart.counted_visit
    group by unit_level, unit_code, issued_date
),

-- added up by half-month first: each day is in a dozen periods
by_half as (
    select
        v.unit_level,
        v.unit_code,
        day.half_month,
        cast(sum(v.visits_total) as bigint) as visits_total,
        cast(sum(v.visits_called) as bigint) as visits_called,
        cast(sum(v.visits_no_show) as bigint) as visits_no_show,
        cast(sum(v.visits_not_called) as bigint) as visits_not_called,
        cast(sum(v.visits_invalid) as bigint) as visits_invalid,
        cast(sum(v.tickets_reprinted) as bigint) as tickets_reprinted,
        cast(sum(v.visits_before_opening) as bigint) as visits_before_opening,
        cast(sum(v.wait_seconds) as bigint) as wait_seconds,
        cast(sum(v.wait_seconds_from_opening) as bigint) as wait_seconds_from_opening,
        cast(sum(v.visits_within_30_minutes) as bigint) as visits_within_30_minutes
    from by_day as v
    inner join half_of_day as day on v.issued_date = day.calendar_date
    group by v.unit_level, v.unit_code, day.half_month
),

by_unit as (
    select
        v.unit_level,
        v.unit_code,
        half.period_type,
        half.period_basis,
        half.period_start,
        half.period_end,
        cast(sum(v.visits_total) as bigint) as visits_total,
        cast(sum(v.visits_called) as bigint) as visits_called,
        cast(sum(v.visits_no_show) as bigint) as visits_no_show,
        cast(sum(v.visits_not_called) as bigint) as visits_not_called,
        cast(sum(v.visits_invalid) as bigint) as visits_invalid,
        cast(sum(v.tickets_reprinted) as bigint) as tickets_reprinted,
        cast(sum(v.visits_before_opening) as bigint) as visits_before_opening,
        cast(sum(v.wait_seconds) as bigint) as wait_seconds,
        cast(sum(v.wait_seconds_from_opening) as bigint) as wait_seconds_from_opening,
        cast(sum(v.visits_within_30_minutes) as bigint) as visits_within_30_minutes
    from by_half as v
    inner join half_of_period as half on v.half_month = half.half_month
    group by
        v.unit_level,
        v.unit_code,
        half.period_type,
        half.period_basis,
        half.period_start,
        half.period_end
),

summed as (
    select
        coalesce(roll_up.total_code, v.unit_code) as unit_code,
        v.period_type,
        v.period_basis,
        v.period_start,
        v.period_end,
        count(v.unit_code) as units_with_tickets,
        cast(sum(v.visits_total) as bigint) as visits_total,
        cast(sum(v.visits_called) as bigint) as visits_called,
        cast(sum(v.visits_no_show) as bigint) as visits_no_show,
        cast(sum(v.visits_not_called) as bigint) as visits_not_called,
        cast(sum(v.visits_invalid) as bigint) as visits_invalid,
        cast(sum(v.tickets_reprinted) as bigint) as tickets_reprinted,
        cast(sum(v.visits_before_opening) as bigint) as visits_before_opening,
        cast(sum(v.wait_seconds) as bigint) as wait_seconds,
        cast(sum(v.wait_seconds_from_opening) as bigint) as wait_seconds_from_opening,
        cast(sum(v.visits_within_30_minutes) as bigint) as visits_within_30_minutes
    from by_unit as v
    inner join mart.roll_up as roll_up on v.unit_level = roll_up.unit_level
    group by
        coalesce(roll_up.total_code, v.unit_code),
        v.period_type,
        v.period_basis,
        v.period_start,
        v.period_end
),

-- a day counts once for each level and the city, whichever of their units sent tickets
ticket_day as (
    select distinct
        coalesce(roll_up.total_code, v.unit_code) as unit_code,
        v.issued_date
    from by_day as v
    inner join mart.roll_up as roll_up on v.unit_level = roll_up.unit_level
),

days_by_half as (
    select
        ticket_day.unit_code,
        day.half_month,
        count(*) as days
    from ticket_day
    inner join half_of_day as day on ticket_day.issued_date = day.calendar_date
    group by ticket_day.unit_code, day.half_month
),

days_by_period as (
    select
        v.unit_code,
        half.period_type,
        half.period_basis,
        half.period_start,
        cast(sum(v.days) as bigint) as days_with_tickets
    from days_by_half as v
    inner join half_of_period as half on v.half_month = half.half_month
    group by v.unit_code, half.period_type, half.period_basis, half.period_start
),

counted as (
    select
        summed.*,
        days_by_period.days_with_tickets
    from summed
    inner join days_by_period
        on
            summed.unit_code = days_by_period.unit_code
            and summed.period_type = days_by_period.period_type
            and summed.period_basis = days_by_period.period_basis
            and summed.period_start = days_by_period.period_start
),

-- the level is that of the as-of date, as in mart.counted_visit; `union` keeps each unit once
desk as (
    select unit_level, unit_code, period_type, period_basis, period_start
    from by_unit
    union
    select
        unit.unit_level,
        -- a unit named as a level or the city: mart.registered_unit
        coalesce('(' || level.unit_code || ')', unit.unit_code),
        period.period_type,
        period.period_basis,
        period.period_start
    from core.unit_history as unit
    left join ref.unit_level as level on unit.unit_code = level.unit_code
    inner join mart.period as period
        on
            (unit.valid_from_date is null or unit.valid_from_date <= period.measured_on)
            and (unit.valid_to_date is null or unit.valid_to_date > period.period_start)
    where
        unit.valid_from <= :as_of_date
        and (unit.valid_to is null or unit.valid_to > :as_of_date)
        and coalesce(unit.has_one_stop, true)
        -- one that ended on its first day did not exist on any
        and coalesce(unit.valid_from_date < unit.valid_to_date, true)
),

desk_count as (
    select
        coalesce(roll_up.total_code, desk.unit_code) as unit_code,
        desk.period_type,
        desk.period_basis,
        desk.period_start,
        count(desk.unit_code) as desks
    from desk
    inner join mart.roll_up as roll_up on desk.unit_level = roll_up.unit_level
    group by
        coalesce(roll_up.total_code, desk.unit_code),
        desk.period_type,
        desk.period_basis,
        desk.period_start
),

workday as (
    select
        period.period_type,
        period.period_basis,
        period.period_start,
        count(*) as workdays
    from mart.period_day as period
    inner join core.calendar as day on period.calendar_date = day.calendar_date
    where day.is_workday
    group by period.period_type, period.period_basis, period.period_start
),

received_by_half as (
    select
        tally.unit_level,
        tally.unit_code,
        day.half_month,
        sum(tally.dossiers) as dossiers
    from mart.receipt_tally as tally
    inner join half_of_day as day on tally.received_date = day.calendar_date
    where tally.channel = 'counter'
    group by tally.unit_level, tally.unit_code, day.half_month
),

received as (
    select
        tally.unit_level,
        tally.unit_code,
        half.period_type,
        half.period_basis,
        half.period_start,
        sum(tally.dossiers) as dossiers
    from received_by_half as tally
    inner join half_of_period as half on tally.half_month = half.half_month
    group by
        tally.unit_level,
        tally.unit_code,
        half.period_type,
        half.period_basis,
        half.period_start
),

at_counter as (
    select
        coalesce(roll_up.total_code, received.unit_code) as unit_code,
        received.period_type,
        received.period_basis,
        received.period_start,
        cast(sum(received.dossiers) as bigint) as dossiers
    from received
    inner join mart.roll_up as roll_up on received.unit_level = roll_up.unit_level
    group by
        coalesce(roll_up.total_code, received.unit_code),
        received.period_type,
        received.period_basis,
        received.period_start
),

waiting_time as (
    select
        :as_of_date as as_of_date,
        counted.unit_code,
        unit.unit_level,
        unit.unit_scope,
        counted.period_type,
        counted.period_basis,
        counted.period_start,
        counted.period_end,
        counted.visits_total,
        counted.visits_called,
        counted.visits_no_show,
        counted.visits_not_called,
        counted.visits_invalid,
        counted.tickets_reprinted,
        counted.wait_seconds,
        counted.visits_before_opening,
        counted.wait_seconds_from_opening,
        counted.visits_within_30_minutes,
        percentile.median_wait_seconds,
        percentile.p90_wait_seconds,
        counted.units_with_tickets,
        desk_count.desks as units_with_desk,
        counted.days_with_tickets,
        coalesce(workday.workdays, 0) as workdays_in_period,
        coalesce(at_counter.dossiers, 0) as received_at_counter
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
    inner join mart.period as period
        on
            counted.period_type = period.period_type
            and counted.period_basis = period.period_basis
            and counted.period_start = period.period_start
    inner join desk_count
        on
            counted.unit_code = desk_count.unit_code
            and counted.period_type = desk_count.period_type
            and counted.period_basis = desk_count.period_basis
            and counted.period_start = desk_count.period_start
    left join mart.wait_percentile as percentile
        on
            counted.unit_code = percentile.unit_code
            and period.tallied_as = percentile.period_type
            and counted.period_basis = percentile.period_basis
            and counted.period_start = percentile.period_start
    left join workday
        on
            counted.period_type = workday.period_type
            and counted.period_basis = workday.period_basis
            and counted.period_start = workday.period_start
    left join at_counter
        on
            counted.unit_code = at_counter.unit_code
            and counted.period_type = at_counter.period_type
            and counted.period_basis = at_counter.period_basis
            and counted.period_start = at_counter.period_start
)

select * from waiting_time
