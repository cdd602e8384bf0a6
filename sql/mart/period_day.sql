-- view
-- mart.period_day: each period with each of its days up to the as-of date, so that dates find their
-- periods by equality.
with period_day as (
    select
        day.calendar_date,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        period.measured_on
    from mart.period as period
    inner join core.calendar as day
        on day.calendar_date between period.period_start and period.measured_on
)

select * from period_day
