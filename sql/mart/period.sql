-- mart.period: the periods that figures are given for, one row each.
--
-- Calendar basis: the month, quarter, half-year, first nine months and year of the calendar.
-- Government basis (NĐ 09/2019/NĐ-CP Điều 12): a month runs from the 15th of the month before to
-- the 14th, the longer periods likewise. Figures are measured at the end of the period, or on the
-- as-of date while the period runs. The year of the as-of date and the year before are covered.
-- `tallied_as`: the period_type of its rows in mart.unit_tally. The year to date has those of the
-- `year` that runs, which is measured on the same day.
with month_of_day as (
    select
        calendar_date,
        'calendar' as period_basis,
        cast(extract(year from calendar_date) as integer) * 12
        + cast(extract(month from calendar_date) as integer) - 1 as month_index
    from core.calendar
    union all
    select
        calendar_date,
        'government' as period_basis,
        cast(extract(year from calendar_date) as integer) * 12
        + cast(extract(month from calendar_date) as integer) - 1
        + case when extract(day from calendar_date) >= 15 then 1 else 0 end as month_index
    from core.calendar
),

period_of_day as (
    select calendar_date, period_basis, 'month' as period_type, month_index as period_index
    from month_of_day
    union all
    select calendar_date, period_basis, 'quarter' as period_type, month_index - month_index % 3
    from month_of_day
    union all
    select calendar_date, period_basis, 'half_year' as period_type, month_index - month_index % 6
    from month_of_day
    union all
    select calendar_date, period_basis, 'nine_months' as period_type, month_index - month_index % 12
    from month_of_day
    where month_index % 12 < 9
    union all
    select calendar_date, period_basis, 'year' as period_type, month_index - month_index % 12
    from month_of_day
),

whole_period as (
    select
        period_type,
        period_basis,
        min(calendar_date) as period_start,
        max(calendar_date) as period_end
    from period_of_day
    group by period_type, period_basis, period_index
),

started_period as (
    select * from whole_period
    where
        period_start <= :as_of_date
        and period_end
        >= cast(date_trunc('year', cast(:as_of_date as timestamp)) - interval '1 year' as date)
    union all
    select 'year_to_date', period_basis, period_start, :as_of_date
    from whole_period
    where period_type = 'year' and :as_of_date between period_start and period_end
),

period as (
    select
        period_type,
        period_basis,
        period_start,
        period_end,
        least(period_end, :as_of_date) as measured_on,
        period_end <= :as_of_date as is_complete,
        case when period_type = 'year_to_date' then 'year' else period_type end as tallied_as,
        :as_of_date as as_of_date
    from started_period
)

select * from period
