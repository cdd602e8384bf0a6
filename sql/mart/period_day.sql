-- view
-- mart.period_day: each period with each of its days up to the as-of date, so that dates find their
-- periods by equality. `half_month`: the half of the month that the day is in (1st to 14th, 15th to
-- the last day), by its first day; periods consist of such halves.
with period_day as (
    select
        day.calendar_date,
        cast(date_trunc('month', cast(day.calendar_date as timestamp)) as date)
        + case when extract(day from day.calendar_date) >= 15 then 14 else 0 end as half_month,
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
