-- mart.restatement_dossier, the rows of one publication: dossiers that count otherwise in a period
-- that was over than they did on the night published before.
--
-- `earlier.*` are the marts as that night knew the dossiers that deliveries have spoken of since;
-- `later.*` the same dossiers as known now.
with was as (
    select
        period.*,
        dossier.service_level,
        dossier.result_digitised,
        dossier.delivery_id,
        dossier.row_number
    from earlier.dossier_period as period
    inner join earlier.dossier as dossier on period.dossier_code = dossier.dossier_code
),

becomes as (
    select
        period.*,
        dossier.service_level,
        dossier.result_digitised,
        dossier.delivery_id,
        dossier.row_number
    from later.dossier_period as period
    inner join later.dossier as dossier on period.dossier_code = dossier.dossier_code
),

restatement_dossier as (
    select
        :as_of_date as restated_night,
        :previous_night as previous_night,
        coalesce(was.period_type, becomes.period_type) as period_type,
        coalesce(was.period_basis, becomes.period_basis) as period_basis,
        coalesce(was.period_start, becomes.period_start) as period_start,
        coalesce(was.period_end, becomes.period_end) as period_end,
        coalesce(was.dossier_code, becomes.dossier_code) as dossier_code,
        was.unit_code as unit_before,
        becomes.unit_code as unit_after,
        was.unit_level as level_before,
        becomes.unit_level as level_after,
        was.class_at_end as class_before,
        becomes.class_at_end as class_after,
        was.received_date as received_before,
        becomes.received_date as received_after,
        was.due_date as due_before,
        becomes.due_date as due_after,
        was.closed_by_end_date as closed_before,
        becomes.closed_by_end_date as closed_after,
        was.delivery_id as delivery_before,
        was.row_number as row_before,
        becomes.delivery_id as delivery_after,
        becomes.row_number as row_after
    from was
    full join becomes
        on
            was.dossier_code = becomes.dossier_code
            and was.period_type = becomes.period_type
            and was.period_basis = becomes.period_basis
            and was.period_start = becomes.period_start
    where
        was.class_at_end is distinct from becomes.class_at_end
        or was.unit_code is distinct from becomes.unit_code
        or was.unit_level is distinct from becomes.unit_level
        or was.field_code is distinct from becomes.field_code
        or was.procedure_key is distinct from becomes.procedure_key
        or was.channel is distinct from becomes.channel
        or was.is_received_in is distinct from becomes.is_received_in
        or was.is_carried_over is distinct from becomes.is_carried_over
        or was.is_closed_in is distinct from becomes.is_closed_in
        or was.is_due_in is distinct from becomes.is_due_in
        or was.service_level is distinct from becomes.service_level
        or was.result_digitised is distinct from becomes.result_digitised
)

select * from restatement_dossier
