-- counter_waiting_time (PL-17): average wait of one coming, seconds; the sum over the visits.
--
-- Weighted by visits, never a mean of means. `coverage` is the share of One-Stop desks that sent
-- tickets: the figure speaks for them only.
with counter_waiting_time as (
    select
        'counter_waiting_time' as indicator_code,
        'visit_mean' as method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        wait_seconds as numerator,
        visits_called as denominator,
        cast(
            100.0 * units_with_tickets / nullif(units_with_desk, 0) as decimal(18, 4)
        ) as coverage
    from mart.waiting_time
)

select * from counter_waiting_time
