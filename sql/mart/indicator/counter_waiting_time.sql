-- counter_waiting_time (PL-17): average wait of one visit in seconds; the sum over the visits.
--
-- Weighted by visits, never a mean of means. `coverage` is the share of the period's One-Stop
-- desks (mart.waiting_time) that sent tickets; the figure covers only these.
-- `visit_mean_from_opening` is the variant that counts tickets issued before opening from the
-- opening on.
with by_method as (
    select 'visit_mean' as method_code, wait_seconds as numerator, waiting.*
    from mart.waiting_time as waiting
    union all
    select 'visit_mean_from_opening', wait_seconds_from_opening, waiting.*
    from mart.waiting_time as waiting
),

event as (  -- noqa: ST03
    select
        'counter_waiting_time' as indicator_code,
        unit_code,
        unit_level,
        issued_date as event_date,
        count(*) as arrived,
        count(*) as judged,
        cast(sum(wait_seconds) as bigint) as succeeded
    from mart.counted_visit
    where visit_outcome = 'called'
    group by unit_code, unit_level, issued_date
),

counter_waiting_time as (
    select
        'counter_waiting_time' as indicator_code,
        method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        numerator,
        visits_called as denominator,
        cast(
            100.0 * units_with_tickets / nullif(units_with_desk, 0) as decimal(18, 4)
        ) as coverage,
        cast(null as bigint) as pending
    from by_method
)

select * from counter_waiting_time
