-- view
-- mart.dossier: every dossier as it stood at the end of the as-of date, without personal data.
--
-- What it counts as: mart.counted_dossier. `days_late` grows every night while an overdue dossier
-- is open.
with dossier as (
    select
        :as_of_date as as_of_date,
        dossier_code,
        alias_code,
        procedure_code,
        procedure_key,
        field_code,
        unit_code,
        unit_level,
        receiving_unit_code,
        resolving_unit_code,
        channel,
        service_level,
        received_date,
        due_date,
        original_due_date,
        first_due_date,
        closed_date,
        resolved_date,
        status,
        closing_class,
        timeliness,
        source_timeliness,
        is_received,
        is_paused,
        workdays_allowed,
        workdays_taken,
        case
            when timeliness in ('late', 'open_overdue')
                then cast(coalesce(closed_date, :as_of_date) - due_date as bigint)
        end as days_late,
        duration_workdays,
        recomputed_due_date,
        deadline_difference_workdays,
        has_unusual_deadline,
        result_digitised,
        documents_digitised,
        extra,
        delivery_id,
        row_number
    from mart.counted_dossier
)

select * from dossier
