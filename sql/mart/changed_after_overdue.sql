-- mart.changed_after_overdue: signs that an overdue dossier was edited afterwards, for auditors.
--
-- Which signs there are, and how strong each is: mart.overdue_edit.
--
-- The effect: `cohort` of the unit in the year of receipt, as counted (numerator, denominator),
-- without this change (the dossier not on time), and without all strong signs of the unit.
with of_unit as (
    select unit_code, year_start, sum(in_time) as in_time, sum(not_judged) as not_judged
    from mart.overdue_edit
    where strength = 'strong' and change_number = 1
    group by unit_code, year_start
),

changed_after_overdue as (
    select
        :as_of_date as as_of_date,
        effect.dossier_code,
        effect.unit_code,
        coalesce(unit.unit_level, 'unregistered') as unit_level,
        effect.change_kind,
        effect.strength,
        effect.changed_night,
        effect.last_seen_night,
        effect.received_date,
        effect.due_at_before,
        effect.due_at_after,
        effect.resolved_at_before,
        effect.resolved_at_after,
        effect.status_before,
        effect.status_after,
        effect.closing_class_before,
        effect.closing_class_after,
        effect.days_overdue,
        effect.has_turned_on_time,
        effect.delivery_before,
        effect.row_before,
        effect.delivery_after,
        effect.row_after,
        tally.cohort_in_time as numerator,
        tally.cohort_judged as denominator,
        tally.cohort_in_time - effect.in_time as numerator_without,
        tally.cohort_judged + effect.not_judged as denominator_without,
        cast(tally.cohort_in_time - coalesce(of_unit.in_time, 0) as bigint)
            as numerator_without_all,
        cast(tally.cohort_judged + coalesce(of_unit.not_judged, 0) as bigint)
            as denominator_without_all
    from mart.overdue_edit as effect
    left join of_unit
        on
            effect.unit_code = of_unit.unit_code
            and effect.year_start = of_unit.year_start
    left join mart.unit as unit on effect.unit_code = unit.unit_code
    left join mart.period_tally as tally
        on
            effect.unit_code = tally.unit_code
            and tally.field_code = 'ALL'
            and tally.procedure_key = 'ALL'
            and tally.period_type = 'year'
            and tally.period_basis = 'calendar'
            and tally.period_start = effect.year_start
)

select * from changed_after_overdue
