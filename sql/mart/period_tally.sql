-- view
-- mart.period_tally: mart.unit_tally with what its units and periods are.
--
-- The year to date has the rows of the `year` that runs (`tallied_as` of mart.period).
with period_tally as (
    select
        tally.unit_code,
        unit.unit_level,
        unit.unit_scope,
        tally.field_code,
        tally.procedure_key,
        -- not `period.period_type`, on which DuckDB failed: docs/performance.md
        case
            when period.period_type = 'year_to_date' then 'year_to_date'
            else tally.period_type
        end as period_type,
        tally.period_basis,
        tally.period_start,
        period.period_end,
        tally.dossiers,
        tally.received_online,
        tally.received_counter_post,
        tally.carried_over,
        tally.resolved_early,
        tally.resolved_on_time,
        tally.resolved_late,
        tally.open_in_time,
        tally.open_overdue,
        tally.returned_early,
        tally.returned_on_time,
        tally.returned_late,
        tally.withdrawn_in_time,
        tally.withdrawn_late,
        tally.cohort_in_time,
        tally.cohort_judged,
        tally.cohort_open,
        tally.first_due_in_time,
        tally.first_due_judged,
        tally.portal_in_time,
        tally.received_in_period,
        tally.due_in_time,
        tally.due_judged
    from mart.unit_tally as tally
    inner join mart.unit as unit on tally.unit_code = unit.unit_code
    inner join mart.period as period
        on
            tally.period_type = period.tallied_as
            and tally.period_basis = period.period_basis
            and tally.period_start = period.period_start
)

select * from period_tally
