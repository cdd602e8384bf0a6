-- The dossiers that count differently in the on-time rate than on the night before: one row for
-- each method, period and dossier, with its contribution on both nights and the cause of the
-- difference.
--
-- The causes are weighed in the order of the `case`. The identity comes first. Next, whether the
-- dossier changed in what the figure rests on: if it did, the kind of file that says so comes
-- before the change itself; if it did not, a date, a register or a rule did it. `cause_code` is
-- the cause where the dossier counts on both nights, `moved_code` at the units and levels that it
-- left or came to.
--
-- A pause or its end comes before a due date that moved: after a supplement the clock starts anew
-- (NĐ 61/2018/NĐ-CP Điều 19.4), so that the new due date is a consequence of the resumption.
with earlier_role as (
    select role.*, period.measured_before, period.measured_after
    from earlier.dossier_period as role
    inner join later.chosen_period as period
        on
            role.period_type = period.period_type
            and role.period_basis = period.period_basis
            and role.period_start = period.period_start
),

later_role as (
    select role.*, period.measured_before, period.measured_after
    from later.dossier_period as role
    inner join later.chosen_period as period
        on
            role.period_type = period.period_type
            and role.period_basis = period.period_basis
            and role.period_start = period.period_start
),

role_change as (
    select
        coalesce(was.dossier_code, now.dossier_code) as dossier_code,
        coalesce(was.period_type, now.period_type) as period_type,
        coalesce(was.period_basis, now.period_basis) as period_basis,
        coalesce(was.period_start, now.period_start) as period_start,
        coalesce(was.measured_before, now.measured_before) as measured_before,
        coalesce(was.measured_after, now.measured_after) as measured_after,
        coalesce(was.unit_code, now.unit_code) as unit_before,
        coalesce(now.unit_code, was.unit_code) as unit_after,
        coalesce(was.unit_level, now.unit_level) as level_before,
        coalesce(now.unit_level, was.unit_level) as level_after,
        was.dossier_code is not null as is_in_before,
        now.dossier_code is not null as is_in_after,
        was.closed_by_end_date as closed_before,
        now.closed_by_end_date as closed_after,
        was.due_date as due_before,
        now.due_date as due_after,
        was.first_due_date as first_due_before,
        now.first_due_date as first_due_after,
        was.class_at_end as class_before,
        now.class_at_end as class_after,
        was.class_by_first_due as first_due_class_before,
        now.class_by_first_due as first_due_class_after,
        was.cohort_role as cohort_before,
        now.cohort_role as cohort_after,
        was.cohort_first_due_role as cohort_first_due_before,
        now.cohort_first_due_role as cohort_first_due_after,
        was.form_06_role as form_06_before,
        now.form_06_role as form_06_after,
        was.form_06_thanh_hoa_role as form_06_thanh_hoa_before,
        now.form_06_thanh_hoa_role as form_06_thanh_hoa_after,
        was.qd_766_role as qd_766_before,
        now.qd_766_role as qd_766_after,
        was.load_role as load_before,
        now.load_role as load_after,
        was.due_role as due_role_before,
        now.due_role as due_role_after
    from earlier_role as was
    full join later_role as now
        on
            was.dossier_code = now.dossier_code
            and was.period_type = now.period_type
            and was.period_basis = now.period_basis
            and was.period_start = now.period_start
    where
        was.unit_code is distinct from now.unit_code
        or was.unit_level is distinct from now.unit_level
        or was.class_at_end is distinct from now.class_at_end
        or was.class_by_first_due is distinct from now.class_by_first_due
        or was.cohort_role is distinct from now.cohort_role
        or was.cohort_first_due_role is distinct from now.cohort_first_due_role
        or was.form_06_role is distinct from now.form_06_role
        or was.form_06_thanh_hoa_role is distinct from now.form_06_thanh_hoa_role
        or was.qd_766_role is distinct from now.qd_766_role
        or was.load_role is distinct from now.load_role
        or was.due_role is distinct from now.due_role
),

counting as (
    select 'cohort' as method_code
    union all
    select 'cohort_first_due'
    union all
    select 'form_06'
    union all
    select 'form_06_thanh_hoa'
    union all
    select 'qd_766'
    union all
    select 'load'
    union all
    select 'due'
),

on_time_role as (
    select
        role_change.*,
        counting.method_code,
        case counting.method_code
            when 'cohort' then cohort_before
            when 'cohort_first_due' then cohort_first_due_before
            when 'form_06' then form_06_before
            when 'form_06_thanh_hoa' then form_06_thanh_hoa_before
            when 'qd_766' then qd_766_before
            when 'load' then load_before
            when 'due' then due_role_before
        end as role_before,
        case counting.method_code
            when 'cohort' then cohort_after
            when 'cohort_first_due' then cohort_first_due_after
            when 'form_06' then form_06_after
            when 'form_06_thanh_hoa' then form_06_thanh_hoa_after
            when 'qd_766' then qd_766_after
            when 'load' then load_after
            when 'due' then due_role_after
        end as role_after,
        case counting.method_code
            when 'cohort_first_due' then first_due_class_before else class_before
        end as judged_before,
        case counting.method_code
            when 'cohort_first_due' then first_due_class_after else class_after
        end as judged_after,
        case counting.method_code
            when 'cohort_first_due' then first_due_before else due_before
        end as judged_due_before,
        case counting.method_code
            when 'cohort_first_due' then first_due_after else due_after
        end as judged_due_after
    from role_change
    cross join counting
),

on_time_amount as (
    select
        on_time_role.*,
        case when role_before = 'numerator' then 1 else 0 end as numerator_before,
        case when role_before in ('numerator', 'denominator') then 1 else 0 end
            as denominator_before,
        case when role_after = 'numerator' then 1 else 0 end as numerator_after,
        case when role_after in ('numerator', 'denominator') then 1 else 0 end
            as denominator_after
    from on_time_role
),

-- a dossier outside the period on one of the nights has no state at its end: its own is compared
on_time_beside as (
    select
        amount.method_code,
        amount.period_type,
        amount.period_basis,
        amount.period_start,
        amount.measured_before,
        amount.measured_after,
        amount.dossier_code,
        amount.unit_before,
        amount.level_before,
        amount.unit_after,
        amount.level_after,
        amount.numerator_before,
        amount.denominator_before,
        amount.numerator_after,
        amount.denominator_after,
        amount.role_after,
        amount.judged_before,
        amount.judged_after,
        identified.identity_cause,
        identified.moved_cause,
        identified.file_kind,
        identified.has_other_receipt,
        identified.is_received_before,
        identified.is_received_after,
        identified.received_after,
        identified.closing_before,
        identified.closing_after,
        case when amount.is_in_before then amount.closed_before else identified.closed_before end
            as closed_before,
        case when amount.is_in_after then amount.closed_after else identified.closed_after end
            as closed_after,
        case
            when amount.is_in_before then amount.judged_due_before
            when amount.method_code = 'cohort_first_due' then identified.first_due_before
            else identified.due_before
        end as due_before,
        case
            when amount.is_in_after then amount.judged_due_after
            when amount.method_code = 'cohort_first_due' then identified.first_due_after
            else identified.due_after
        end as due_after,
        coalesce(amount.judged_before in ('paused', 'paused_overdue'), false) as is_paused_before,
        coalesce(amount.judged_after in ('paused', 'paused_overdue'), false) as is_paused_after,
        amount.is_in_before and amount.is_in_after as is_in_both
    from on_time_amount as amount
    inner join later.dossier_fact as identified on amount.dossier_code = identified.dossier_code
    where
        amount.numerator_before <> amount.numerator_after
        or amount.denominator_before <> amount.denominator_after
        or (
            amount.denominator_before > 0
            and (
                amount.unit_before <> amount.unit_after
                or amount.level_before <> amount.level_after
            )
        )
),

item_change as (
    select
        'on_time_rate' as indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        dossier_code as item_code,
        unit_before,
        level_before,
        unit_after,
        level_after,
        numerator_before,
        denominator_before,
        numerator_after,
        denominator_after,
        true as is_in_city,
        case
            when identity_cause is not null then identity_cause
            when has_other_receipt and is_received_after and not is_received_before
                then coalesce(file_kind, 'newly_received')
            when has_other_receipt then coalesce(file_kind, 'receipt_changed')
            when closed_before is null and closed_after is not null
                then
                    coalesce(
                        file_kind,
                        case
                            when closing_after = 'withdrawn' then 'withdrawn'
                            when role_after = 'numerator' then 'closed_in_time'
                            when role_after = 'denominator' then 'closed_late'
                            else 'closed_uncounted'
                        end
                    )
            when closed_before is not null and closed_after is null
                then coalesce(file_kind, 'reopened')
            when
                (
                    closed_before is distinct from closed_after
                    or (closed_after is not null and closing_before is distinct from closing_after)
                )
                then coalesce(file_kind, 'closing_changed')
            when is_in_both and is_paused_after and not is_paused_before
                then coalesce(file_kind, 'paused')
            when is_in_both and is_paused_before and not is_paused_after
                then coalesce(file_kind, 'resumed')
            when (due_before is distinct from due_after)
                then coalesce(file_kind, 'due_date_moved')
            when measured_before = measured_after then 'rule_changed'
            when judged_after = 'open_overdue' and judged_before <> 'open_overdue'
                then 'fell_overdue'
            when due_after >= measured_before and due_after <= measured_after
                then 'due_date_reached'
            when measured_before is null or received_after > measured_before then 'day_passed'
            else 'rule_changed'
        end as cause_code,
        moved_cause as moved_code
    from on_time_beside
)

select * from item_change
