-- The dossiers that count differently in the share of digitised results than on the night before:
-- one row for each period and dossier, with its contribution on both nights and the cause. The
-- order of the causes: as in on_time.sql.
with result as (
    select
        identified.*,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.measured_before,
        period.measured_after,
        case
            when
                identified.is_received_before
                and identified.closing_before = 'resolved'
                and identified.has_result_before
                and identified.has_results_before
                and identified.closed_before
                between period.period_start and period.measured_before
                then 1
            else 0
        end as denominator_before,
        case
            when
                identified.is_received_after
                and identified.closing_after = 'resolved'
                and identified.has_result_after
                and identified.has_results_after
                and identified.closed_after between period.period_start and period.measured_after
                then 1
            else 0
        end as denominator_after
    from later.dossier_fact as identified
    inner join later.chosen_period as period
        on
            identified.closed_before between period.period_start and period.measured_before
            or identified.closed_after between period.period_start and period.measured_after
    where period.period_start >= date '2021-12-15'
),

item_change as (
    select
        'result_digitisation_rate' as indicator_code,
        'share' as method_code,
        period_type,
        period_basis,
        period_start,
        dossier_code as item_code,
        coalesce(unit_before, unit_after) as unit_before,
        coalesce(level_before, level_after) as level_before,
        coalesce(unit_after, unit_before) as unit_after,
        coalesce(level_after, level_before) as level_after,
        case when digitised_before then denominator_before else 0 end as numerator_before,
        denominator_before,
        case when digitised_after then denominator_after else 0 end as numerator_after,
        denominator_after,
        true as is_in_city,
        case
            when identity_cause is not null then identity_cause
            when is_received_after and not is_received_before
                then coalesce(file_kind, 'newly_received')
            when is_received_after <> is_received_before
                then coalesce(file_kind, 'receipt_changed')
            when closed_before is null then coalesce(file_kind, 'result_given')
            when closed_after is null then coalesce(file_kind, 'reopened')
            when (closed_before <> closed_after or closing_before is distinct from closing_after)
                then coalesce(file_kind, 'closing_changed')
            when digitised_before <> digitised_after
                then coalesce(file_kind, 'digitisation_changed')
            when
                (
                    has_result_before <> has_result_after
                    and procedure_before is distinct from procedure_after
                )
                then coalesce(file_kind, 'reclassed')
            when has_result_before <> has_result_after then 'catalogue_changed'
            when has_results_before <> has_results_after then 'source_changed'
            when measured_before is null or closed_after > measured_before then 'day_passed'
            else 'rule_changed'
        end as cause_code,
        moved_cause as moved_code
    from result
    where denominator_before > 0 or denominator_after > 0
)

select * from item_change
