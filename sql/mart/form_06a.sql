-- view
-- mart.form_06a: the statistics form II.06a/VPCP/KSTT (TT 01/2020/TT-VPCP), every unit and period.
--
-- Columns (3) to (13) of the form: (3) = (4) + (5) + (6) = (7) + (11); (7) = (8) + (9) + (10);
-- (11) = (12) + (13). A dossier whose channel is unknown stands with counter and post, so that
-- the totals hold. Rows: each field of each unit, and all fields together (`ALL`). The returned are
-- a part of columns (8), (9), (10), by their own date (NĐ 61/2018/NĐ-CP, Điều 19.8); offices whose
-- system prints all of them in column (9): method `form_06_thanh_hoa`.
with form_06a as (
    select
        :as_of_date as as_of_date,
        unit_code,
        unit_level,
        unit_scope,
        field_code,
        period_type,
        period_basis,
        period_start,
        period_end,
        received_online + received_counter_post + carried_over as received_total,
        received_online,
        received_counter_post,
        carried_over,
        resolved_early + resolved_on_time + resolved_late as resolved_total,
        resolved_early,
        resolved_on_time,
        resolved_late,
        open_in_time + open_overdue as open_total,
        open_in_time,
        open_overdue,
        returned_early,
        returned_on_time,
        returned_late
    from mart.period_tally
    where procedure_key = 'ALL'
)

select * from form_06a
