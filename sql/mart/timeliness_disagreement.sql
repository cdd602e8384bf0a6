-- view
-- mart.timeliness_disagreement: dossiers whose timeliness by the source differs from the computed
-- one.
--
-- Only dossiers with both: with a due date, counted and not paused, and with a timeliness stated by
-- the source. The source's value is never used to count; the due and the end date are.
with timeliness_disagreement as (
    select
        as_of_date,
        dossier_code,
        unit_code,
        unit_level,
        procedure_key,
        field_code,
        due_date,
        closed_date,
        timeliness,
        source_timeliness,
        case when source_timeliness = 'late' then 'late_at_source' else 'late_here' end
            as disagreement,
        delivery_id,
        row_number
    from mart.dossier
    where
        source_timeliness is not null
        and timeliness in ('early', 'on_time', 'late', 'open_in_time', 'open_overdue')
        and (source_timeliness = 'late') <> (timeliness in ('late', 'open_overdue'))
)

select * from timeliness_disagreement
