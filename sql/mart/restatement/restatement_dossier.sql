-- mart.restatement_dossier, the rows of one publication: dossiers that count in another way, in a
-- period that was over, than on the night published before.
--
-- `earlier.*` are the marts as known on that night, of the dossiers in deliveries loaded since;
-- `later.*` the same dossiers as known now.
with earlier_state as (
    select
        period.*,
        dossier.service_level,
        dossier.result_digitised,
        dossier.delivery_id,
        dossier.row_number
    from earlier.dossier_period as period
    inner join earlier.dossier as dossier on period.dossier_code = dossier.dossier_code
),

later_state as (
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
        coalesce(earlier_state.period_type, later_state.period_type) as period_type,
        coalesce(earlier_state.period_basis, later_state.period_basis) as period_basis,
        coalesce(earlier_state.period_start, later_state.period_start) as period_start,
        coalesce(earlier_state.period_end, later_state.period_end) as period_end,
        coalesce(earlier_state.dossier_code, later_state.dossier_code) as dossier_code,
        earlier_state.unit_code as unit_before,
        later_state.unit_code as unit_after,
        earlier_state.unit_level as level_before,
        later_state.unit_level as level_after,
        earlier_state.class_at_end as class_before,
        later_state.class_at_end as class_after,
        earlier_state.received_date as received_before,
        later_state.received_date as received_after,
        earlier_state.due_date as due_before,
        later_state.due_date as due_after,
        earlier_state.closed_by_end_date as closed_before,
        later_state.closed_by_end_date as closed_after,
        earlier_state.delivery_id as delivery_before,
        earlier_state.row_number as row_before,
        later_state.delivery_id as delivery_after,
        later_state.row_number as row_after
    from earlier_state
    full join later_state
        on
            earlier_state.dossier_code = later_state.dossier_code
            and earlier_state.period_type = later_state.period_type
            and earlier_state.period_basis = later_state.period_basis
            and earlier_state.period_start = later_state.period_start
    where
        earlier_state.class_at_end is distinct from later_state.class_at_end
        or earlier_state.class_by_first_due is distinct from later_state.class_by_first_due
        or earlier_state.unit_code is distinct from later_state.unit_code
        or earlier_state.unit_level is distinct from later_state.unit_level
        or earlier_state.field_code is distinct from later_state.field_code
        or earlier_state.procedure_key is distinct from later_state.procedure_key
        or earlier_state.channel is distinct from later_state.channel
        or earlier_state.is_received_in is distinct from later_state.is_received_in
        or earlier_state.is_carried_over is distinct from later_state.is_carried_over
        or earlier_state.is_closed_in is distinct from later_state.is_closed_in
        or earlier_state.is_due_in is distinct from later_state.is_due_in
        -- the level counts where a dossier was received, the digitised result where it was closed
        or case when earlier_state.is_received_in then earlier_state.service_level end
        is distinct from case when later_state.is_received_in then later_state.service_level end
        or case when earlier_state.is_closed_in then earlier_state.result_digitised end
        is distinct from case when later_state.is_closed_in then later_state.result_digitised end
)

select * from restatement_dossier
