-- mart.duration_tally: how many working days dossiers took, counted by unit, field, procedure and
-- half-month of their end (1st to 14th, 15th to the last day: periods consist of such halves).
--
-- `workdays_taken`: working days from receipt to end (`closed_date`); the day of receipt does not
-- count (Bộ luật Dân sự 2015, Điều 147), the day of the end does. `workdays_paused`: those of them
-- at whose end the dossier waited for a supplement or payment, or was suspended (ref.status). The
-- day on which a supplement is asked for counts; the day on which work is taken up again does not.
-- After a supplement the time limit restarts (NĐ 61/2018/NĐ-CP, Điều 19.4), so those days are not
-- the office's. Resolved and returned dossiers count; withdrawn ones have no result.
--
-- What a dossier did before the first export that states it is unknown: no state is taken to have
-- been there before it was seen, so those days are not paused and count as the office's.
-- `dossiers_seen_late` counts the dossiers that this concerns: working days passed between their
-- receipt and the night that first states them.
-- Left joins of the calendar, also where each day has its row: DuckDB would else begin with all
-- pairs of two days.
with paused as (
    select
        state.dossier_code,
        sum(last_day.workday_number - day_before.workday_number) as workdays_paused
    from mart.dossier_state as state
    inner join mart.counted_dossier as dossier on state.dossier_code = dossier.dossier_code
    left join core.calendar as day_before
        on greatest(dossier.received_date, state.seen_from - 1) = day_before.calendar_date
    left join core.calendar as last_day
        on
            least(dossier.closed_date, coalesce(state.stated_until - 1, dossier.closed_date))
            = last_day.calendar_date
    where state.is_paused and day_before.calendar_date < last_day.calendar_date
    group by state.dossier_code
),

taken as (
    select
        dossier.unit_code,
        dossier.unit_level,
        case
            when dossier.field_code = 'ALL' then '(ALL)' else coalesce(dossier.field_code, '(none)')
        end as field_code,
        case
            when dossier.procedure_key = 'ALL' then '(ALL)'
            else coalesce(dossier.procedure_key, '(none)')
        end as procedure_key,
        cast(date_trunc('month', cast(dossier.closed_date as timestamp)) as date)
        + case when extract(day from dossier.closed_date) >= 15 then 14 else 0 end as half_month,
        dossier.workdays_taken,
        cast(coalesce(paused.workdays_paused, 0) as bigint) as workdays_paused,
        last_unseen.workday_number > received.workday_number as is_seen_late
    from mart.counted_dossier as dossier
    left join mart.dossier_state as first_state
        on
            dossier.dossier_code = first_state.dossier_code
            and first_state.stated_from = date '1900-01-01'
    left join core.calendar as received on dossier.received_date = received.calendar_date
    left join core.calendar as last_unseen
        on least(dossier.closed_date, first_state.seen_from - 1) = last_unseen.calendar_date
    left join paused on dossier.dossier_code = paused.dossier_code
    where
        dossier.is_received
        and dossier.closed_date >= dossier.received_date
        and coalesce(dossier.closing_class, 'resolved') <> 'withdrawn'
        and dossier.closed_date >= (select min(period.period_start) from mart.period as period)
),

duration_tally as (
    select
        unit_code,
        unit_level,
        field_code,
        procedure_key,
        half_month,
        workdays_taken,
        workdays_paused,
        count(*) as dossiers,
        count(case when is_seen_late then 1 end) as dossiers_seen_late
    from taken
    group by
        unit_code,
        unit_level,
        field_code,
        procedure_key,
        half_month,
        workdays_taken,
        workdays_paused
)

select * from duration_tally
