-- mart.waiting_time: how long people waited at the One-Stop desks (annex 17, QĐ 468/QĐ-TTg).
--
-- mart.counted_visit defines a visit and its wait. Averages are sums over visits, never means of
-- means. A unit that sends no tickets has no row: no data, not no wait. The coverage of the figures
-- is given by `units_with_tickets` of `units_with_desk`, by `days_with_tickets` beside the working
-- days of the period so far, and by the visits beside the dossiers handed in at the counters
-- (`received_at_counter`). Percentiles: mart.wait_percentile.
with by_day as (
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

counted as (
    select
        coalesce(roll_up.total_code, v.unit_code) as unit_code,
        day.period_type,
        day.period_basis,
        day.period_start,
        day.period_end,
        count(distinct v.unit_code) as units_with_tickets,
        count(distinct v.issued_date) as days_with_tickets,
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
    inner join mart.period_day as day on v.issued_date = day.calendar_date
    inner join mart.roll_up as roll_up on v.unit_level = roll_up.unit_level
    group by
        coalesce(roll_up.total_code, v.unit_code),
        day.period_type,
        day.period_basis,
        day.period_start,
        day.period_end
),

desk as (
    select
        roll_up.total_code as unit_code,
        count(*) as desks
    from core.unit_history as unit
    inner join mart.roll_up as roll_up
        on unit.unit_level = roll_up.unit_level and roll_up.total_code is not null
    where
        unit.valid_from <= :as_of_date
        and (unit.valid_to is null or unit.valid_to > :as_of_date)
        and coalesce(unit.has_one_stop, true)
        and (unit.valid_from_date is null or unit.valid_from_date <= :as_of_date)
        and (unit.valid_to_date is null or unit.valid_to_date > :as_of_date)
    group by roll_up.total_code
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

received as (
    select
        tally.unit_level,
        tally.unit_code,
        day.period_type,
        day.period_basis,
        day.period_start,
        sum(tally.dossiers) as dossiers
    from mart.receipt_tally as tally
    inner join mart.period_day as day on tally.received_date = day.calendar_date
    where tally.channel = 'counter'
    group by
        tally.unit_level,
        tally.unit_code,
        day.period_type,
        day.period_basis,
        day.period_start
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
        case when unit.unit_scope = 'unit' then 1 else coalesce(desk.desks, 0) end
            as units_with_desk,
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
    left join mart.wait_percentile as percentile
        on
            counted.unit_code = percentile.unit_code
            and period.tallied_as = percentile.period_type
            and counted.period_basis = percentile.period_basis
            and counted.period_start = percentile.period_start
    left join desk on counted.unit_code = desk.unit_code
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
