-- The visits to One-Stop desks that count differently in the waiting time than on the night
-- published before: one row for each figure and visit, with its contribution on both nights and
-- the cause.
--
-- `earlier.counted_visit` and `later.counted_visit` hold the visits of the days whose tickets
-- changed.
with arrival as (
    select * from later.arrival
    where arrival_kind <> 'replaced'
),

-- `correction` before `late_file` before `replayed`; null if a file of its own night says it, too
stated as (
    select
        version.ticket_code,
        case
            when max(case when arrival.arrival_kind = 'in_time' then 1 else 0 end) = 0
                then min(arrival.arrival_kind)
        end as file_kind
    from core.visit_version as version
    inner join arrival on version.delivery_id = arrival.delivery_id
    where version.known_from > :previous_night and version.known_from <= :as_of_date
    group by version.ticket_code
),

visit as (
    select
        coalesce(was.ticket_code, now.ticket_code) as ticket_code,
        was.ticket_code is not null as was_counted,
        now.ticket_code is not null as is_counted,
        coalesce(was.unit_code, now.unit_code) as unit_before,
        coalesce(now.unit_code, was.unit_code) as unit_after,
        coalesce(was.unit_level, now.unit_level) as level_before,
        coalesce(now.unit_level, was.unit_level) as level_after,
        was.issued_date as issued_before,
        now.issued_date as issued_after,
        coalesce(was.visit_outcome = 'called', false) as is_called_before,
        coalesce(now.visit_outcome = 'called', false) as is_called_after,
        was.wait_seconds as wait_before,
        now.wait_seconds as wait_after,
        was.wait_seconds_from_opening as wait_from_opening_before,
        now.wait_seconds_from_opening as wait_from_opening_after
    from earlier.counted_visit as was
    full join later.counted_visit as now on was.ticket_code = now.ticket_code
    where
        was.unit_code is distinct from now.unit_code
        or was.unit_level is distinct from now.unit_level
        or was.issued_date is distinct from now.issued_date
        or was.visit_outcome is distinct from now.visit_outcome
        or was.wait_seconds is distinct from now.wait_seconds
        or was.wait_seconds_from_opening is distinct from now.wait_seconds_from_opening
        or now.issued_date > :previous_night
),

in_period as (
    select
        visit.*,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.measured_before,
        period.measured_after,
        coalesce(
            visit.is_called_before
            and visit.issued_before between period.period_start and period.measured_before,
            false
        ) as is_in_before,
        coalesce(
            visit.is_called_after
            and visit.issued_after between period.period_start and period.measured_after,
            false
        ) as is_in_after
    from visit
    inner join later.chosen_period as period
        on
            visit.issued_before between period.period_start and period.measured_before
            or visit.issued_after between period.period_start and period.measured_after
),

by_method as (
    select
        'visit_mean' as method_code,
        wait_before as seconds_before,
        wait_after as seconds_after,
        in_period.*
    from in_period
    union all
    select
        'visit_mean_from_opening',
        wait_from_opening_before,
        wait_from_opening_after,
        in_period.*
    from in_period
),

item_change as (
    select
        'counter_waiting_time' as indicator_code,
        by_method.method_code,
        by_method.period_type,
        by_method.period_basis,
        by_method.period_start,
        by_method.ticket_code as item_code,
        by_method.unit_before,
        by_method.level_before,
        by_method.unit_after,
        by_method.level_after,
        case when by_method.is_in_before then coalesce(by_method.seconds_before, 0) else 0 end
            as numerator_before,
        case when by_method.is_in_before then 1 else 0 end as denominator_before,
        case when by_method.is_in_after then coalesce(by_method.seconds_after, 0) else 0 end
            as numerator_after,
        case when by_method.is_in_after then 1 else 0 end as denominator_after,
        true as is_in_city,
        case
            when not by_method.was_counted then coalesce(stated.file_kind, 'newly_issued')
            when not by_method.is_counted then coalesce(stated.file_kind, 'vanished')
            when
                by_method.issued_before = by_method.issued_after
                and by_method.is_called_before = by_method.is_called_after
                and coalesce(by_method.seconds_before, -1) = coalesce(by_method.seconds_after, -1)
                and (
                    by_method.measured_before is null
                    or by_method.issued_after > by_method.measured_before
                )
                then 'day_passed'
            when :has_other_rules and stated.ticket_code is null then 'rule_changed'
            else coalesce(stated.file_kind, 'ticket_changed')
        end as cause_code,
        case
            when by_method.unit_before <> by_method.unit_after
                then coalesce(stated.file_kind, 'unit_changed')
            else 'register_changed'
        end as moved_code
    from by_method
    left join stated on by_method.ticket_code = stated.ticket_code
    where by_method.is_in_before or by_method.is_in_after
)

select * from item_change
