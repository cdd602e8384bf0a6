-- mart.unit_tally: dossiers counted by unit, level and the city, in each period, for every method.
--
-- For each of them: all dossiers together (field `ALL`, procedure `ALL`), by field, and by
-- procedure. Each dossier is counted once in its unit; levels and the city are sums of units. Every
-- unit has its row for all dossiers in every period: one without any has zeros. `dossiers` is how
-- many touch the period. What each method counts: mart.dossier_period and ref.period_class. The
-- returned (`returned_*`; those without a due date in `returned_on_time`) and the withdrawn are
-- also in `resolved_*`. A field or a procedure that its source calls `ALL` is `(ALL)` here: `ALL`
-- is the sum of them. The same dossiers by their class: mart.class_tally. The year to date has no
-- rows of its own (`tallied_as` of mart.period).
with counted as (
    select
        unit_code,
        unit_level,
        case when field_code = 'ALL' then '(ALL)' else coalesce(field_code, '(none)') end
            as field_code,
        case
            when procedure_key = 'ALL' then '(ALL)' else coalesce(procedure_key, '(none)')
        end as procedure_key,
        period_type,
        period_basis,
        period_start,
        channel,
        is_received_in,
        is_carried_over,
        is_closed_in,
        is_open,
        class_at_end,
        closing_class,
        form_06a_column,
        cohort_role,
        cohort_first_due_role,
        qd_766_role,
        due_role
    from mart.dossier_period
    where period_type <> 'year_to_date'
),

-- once over the dossiers: the three groupings then add up far fewer rows
by_procedure_and_field as (
    select
        unit_level,
        unit_code,
        field_code,
        procedure_key,
        period_type,
        period_basis,
        period_start,
        count(*) as dossiers,
        count(case when is_received_in and channel = 'online' then 1 end) as received_online,
        count(case when is_received_in and channel is distinct from 'online' then 1 end)
            as received_counter_post,
        count(case when is_carried_over then 1 end) as carried_over,
        count(case when is_closed_in and form_06a_column = 'resolved_early' then 1 end)
            as resolved_early,
        count(case when is_closed_in and form_06a_column = 'resolved_on_time' then 1 end)
            as resolved_on_time,
        count(case when is_closed_in and form_06a_column = 'resolved_late' then 1 end)
            as resolved_late,
        count(case when is_open and form_06a_column = 'open_in_time' then 1 end) as open_in_time,
        count(case when is_open and form_06a_column = 'open_overdue' then 1 end) as open_overdue,
        count(case when is_closed_in and class_at_end = 'returned_early' then 1 end)
            as returned_early,
        count(
            case
                when
                    is_closed_in
                    and closing_class = 'returned_unprocessed'
                    and form_06a_column = 'resolved_on_time'
                    then 1
            end
        ) as returned_on_time,
        count(case when is_closed_in and class_at_end = 'returned_late' then 1 end)
            as returned_late,
        count(case when is_closed_in and class_at_end = 'withdrawn' then 1 end)
            as withdrawn_in_time,
        count(case when is_closed_in and class_at_end = 'withdrawn_late' then 1 end)
            as withdrawn_late,
        count(case when cohort_role = 'numerator' then 1 end) as cohort_in_time,
        count(case when cohort_role in ('numerator', 'denominator') then 1 end) as cohort_judged,
        count(case when cohort_role = 'left_out' and is_open then 1 end) as cohort_open,
        count(case when cohort_first_due_role = 'numerator' then 1 end) as first_due_in_time,
        count(case when cohort_first_due_role in ('numerator', 'denominator') then 1 end)
            as first_due_judged,
        count(case when qd_766_role = 'numerator' then 1 end) as portal_in_time,
        count(case when is_received_in then 1 end) as received_in_period,
        count(case when due_role = 'numerator' then 1 end) as due_in_time,
        count(case when due_role in ('numerator', 'denominator') then 1 end) as due_judged
    from counted
    group by
        unit_level,
        unit_code,
        field_code,
        procedure_key,
        period_type,
        period_basis,
        period_start
),

by_unit as (
    select
        unit_level,
        unit_code,
        case when grouping(field_code) = 0 then field_code else 'ALL' end as field_code,
        case when grouping(procedure_key) = 0 then procedure_key else 'ALL' end as procedure_key,
        period_type,
        period_basis,
        period_start,
        cast(sum(dossiers) as bigint) as dossiers,
        cast(sum(received_online) as bigint) as received_online,
        cast(sum(received_counter_post) as bigint) as received_counter_post,
        cast(sum(carried_over) as bigint) as carried_over,
        cast(sum(resolved_early) as bigint) as resolved_early,
        cast(sum(resolved_on_time) as bigint) as resolved_on_time,
        cast(sum(resolved_late) as bigint) as resolved_late,
        cast(sum(open_in_time) as bigint) as open_in_time,
        cast(sum(open_overdue) as bigint) as open_overdue,
        cast(sum(returned_early) as bigint) as returned_early,
        cast(sum(returned_on_time) as bigint) as returned_on_time,
        cast(sum(returned_late) as bigint) as returned_late,
        cast(sum(withdrawn_in_time) as bigint) as withdrawn_in_time,
        cast(sum(withdrawn_late) as bigint) as withdrawn_late,
        cast(sum(cohort_in_time) as bigint) as cohort_in_time,
        cast(sum(cohort_judged) as bigint) as cohort_judged,
        cast(sum(cohort_open) as bigint) as cohort_open,
        cast(sum(first_due_in_time) as bigint) as first_due_in_time,
        cast(sum(first_due_judged) as bigint) as first_due_judged,
        cast(sum(portal_in_time) as bigint) as portal_in_time,
        cast(sum(received_in_period) as bigint) as received_in_period,
        cast(sum(due_in_time) as bigint) as due_in_time,
        cast(sum(due_judged) as bigint) as due_judged
    from by_procedure_and_field
    group by grouping sets (
        (period_type, period_basis, period_start, unit_level, unit_code),
        (period_type, period_basis, period_start, unit_level, unit_code, field_code),
        (period_type, period_basis, period_start, unit_level, unit_code, procedure_key)
    )
),

added_up as (
    select
        unit_code,
        field_code,
        procedure_key,
        period_type,
        period_basis,
        period_start,
        dossiers,
        received_online,
        received_counter_post,
        carried_over,
        resolved_early,
        resolved_on_time,
        resolved_late,
        open_in_time,
        open_overdue,
        returned_early,
        returned_on_time,
        returned_late,
        withdrawn_in_time,
        withdrawn_late,
        cohort_in_time,
        cohort_judged,
        cohort_open,
        first_due_in_time,
        first_due_judged,
        portal_in_time,
        received_in_period,
        due_in_time,
        due_judged
    from by_unit
    union all
    select
        roll_up.total_code,
        by_unit.field_code,
        by_unit.procedure_key,
        by_unit.period_type,
        by_unit.period_basis,
        by_unit.period_start,
        cast(sum(by_unit.dossiers) as bigint),
        cast(sum(by_unit.received_online) as bigint),
        cast(sum(by_unit.received_counter_post) as bigint),
        cast(sum(by_unit.carried_over) as bigint),
        cast(sum(by_unit.resolved_early) as bigint),
        cast(sum(by_unit.resolved_on_time) as bigint),
        cast(sum(by_unit.resolved_late) as bigint),
        cast(sum(by_unit.open_in_time) as bigint),
        cast(sum(by_unit.open_overdue) as bigint),
        cast(sum(by_unit.returned_early) as bigint),
        cast(sum(by_unit.returned_on_time) as bigint),
        cast(sum(by_unit.returned_late) as bigint),
        cast(sum(by_unit.withdrawn_in_time) as bigint),
        cast(sum(by_unit.withdrawn_late) as bigint),
        cast(sum(by_unit.cohort_in_time) as bigint),
        cast(sum(by_unit.cohort_judged) as bigint),
        cast(sum(by_unit.cohort_open) as bigint),
        cast(sum(by_unit.first_due_in_time) as bigint),
        cast(sum(by_unit.first_due_judged) as bigint),
        cast(sum(by_unit.portal_in_time) as bigint),
        cast(sum(by_unit.received_in_period) as bigint),
        cast(sum(by_unit.due_in_time) as bigint),
        cast(sum(by_unit.due_judged) as bigint)
    from by_unit
    inner join mart.roll_up as roll_up
        on by_unit.unit_level = roll_up.unit_level and roll_up.total_code is not null
    group by
        roll_up.total_code,
        by_unit.field_code,
        by_unit.procedure_key,
        by_unit.period_type,
        by_unit.period_basis,
        by_unit.period_start
),

-- a unit or level whose dossiers touch no period has its rows, too
unit_tally as (
    select * from added_up
    union all
    select
        unit.unit_code,
        'ALL',
        'ALL',
        period.period_type,
        period.period_basis,
        period.period_start,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from mart.unit as unit
    cross join mart.period as period
    left join added_up
        on
            unit.unit_code = added_up.unit_code
            and added_up.field_code = 'ALL'
            and added_up.procedure_key = 'ALL'
            and period.period_type = added_up.period_type
            and period.period_basis = added_up.period_basis
            and period.period_start = added_up.period_start
    where added_up.unit_code is null and period.period_type = period.tallied_as
)

select * from unit_tally
