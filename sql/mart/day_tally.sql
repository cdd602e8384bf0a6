-- mart.day_tally: what happened to a unit's dossiers on a day, counted.
--
-- On the day of receipt: due dates against the catalogue's durations (mart.deadline_check). On the
-- day of the end: results, and whether they are digitised (mart.digitisation). Procedures without a
-- result document are excluded. So are results of a source (a delivery's identifier begins with it)
-- that never states whether a result is digitised: they are `results_unstated`. If a source states
-- it for some dossiers, a missing value means no. On the day that decides whether a dossier is in
-- time (the end of one in time, the day after the due date of a late one): dossiers judged, and
-- those in time (mart.outlook).
with source_with_results as (
    select distinct source_code from mart.source_tally
    where dossiers_with_result_flag > 0
),

received as (
    select
        unit_code,
        unit_level,
        received_date as event_date,
        count(*) as received_in_period,
        count(deadline_difference_workdays) as deadlines_compared,
        count(case when has_unusual_deadline and deadline_difference_workdays > 0 then 1 end)
            as deadlines_longer,
        count(case when has_unusual_deadline and deadline_difference_workdays < 0 then 1 end)
            as deadlines_shorter,
        count(case when due_date is distinct from first_due_date then 1 end) as deadlines_moved,
        count(case when due_date is null then 1 end) as deadlines_missing
    from mart.counted_dossier
    where is_received and received_date is not null
    group by unit_code, unit_level, received_date
),

resolved as (
    select
        d.unit_code,
        d.unit_level,
        d.closed_date as event_date,
        count(source.source_code) as results_total,
        count(case when d.result_digitised then 1 end) as results_digitised,
        count(*) - count(source.source_code) as results_unstated
    from mart.counted_dossier as d
    left join mart.catalogue as c
        on
            d.procedure_key = c.procedure_key
            and d.closed_date >= c.holds_from
            and (c.valid_to is null or d.closed_date < c.valid_to)
    left join source_with_results as source
        on split_part(d.delivery_id, '.', 1) = source.source_code
    where
        d.is_received
        and d.closing_class = 'resolved'
        and d.closed_date is not null
        and coalesce(c.has_result, true)
    group by d.unit_code, d.unit_level, d.closed_date
),

judged as (
    select
        unit_code,
        unit_level,
        case when timeliness in ('late', 'open_overdue') then due_date + 1 else closed_date end
            as event_date,
        count(*) as dossiers_judged,
        count(case when timeliness in ('early', 'on_time') then 1 end) as dossiers_in_time
    from mart.counted_dossier
    where timeliness in ('early', 'on_time', 'late', 'open_overdue')
    group by
        unit_code,
        unit_level,
        case when timeliness in ('late', 'open_overdue') then due_date + 1 else closed_date end
),

event as (  -- noqa: ST03
    select
        unit_code,
        unit_level,
        event_date,
        received_in_period,
        deadlines_compared,
        deadlines_longer,
        deadlines_shorter,
        deadlines_moved,
        deadlines_missing,
        0 as results_total,
        0 as results_digitised,
        0 as results_unstated,
        0 as dossiers_judged,
        0 as dossiers_in_time
    from received
    union all
    select
        unit_code,
        unit_level,
        event_date,
        0, 0, 0, 0, 0, 0,
        results_total,
        results_digitised,
        results_unstated,
        0, 0
    from resolved
    union all
    select
        unit_code,
        unit_level,
        event_date,
        0, 0, 0, 0, 0, 0, 0, 0, 0,
        dossiers_judged,
        dossiers_in_time
    from judged
),

day_tally as (
    select
        unit_code,
        unit_level,
        event_date,
        cast(sum(received_in_period + results_total + results_unstated + dossiers_judged) as bigint)
            as dossiers,
        cast(sum(received_in_period) as bigint) as received_in_period,
        cast(sum(deadlines_compared) as bigint) as deadlines_compared,
        cast(sum(deadlines_longer) as bigint) as deadlines_longer,
        cast(sum(deadlines_shorter) as bigint) as deadlines_shorter,
        cast(sum(deadlines_moved) as bigint) as deadlines_moved,
        cast(sum(deadlines_missing) as bigint) as deadlines_missing,
        cast(sum(results_total) as bigint) as results_total,
        cast(sum(results_digitised) as bigint) as results_digitised,
        cast(sum(results_unstated) as bigint) as results_unstated,
        cast(sum(dossiers_judged) as bigint) as dossiers_judged,
        cast(sum(dossiers_in_time) as bigint) as dossiers_in_time
    from event
    group by unit_code, unit_level, event_date
)

select * from day_tally
