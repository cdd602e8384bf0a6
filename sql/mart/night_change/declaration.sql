-- The declared figures that differ from those of the night published before, one row each.
--
-- `earlier.declaration` and `later.declaration` are the step `ranked` of the indicator `declared`.
-- A declaration counts for the one unit that it is declared for.
with earlier_declaration as (
    select * from earlier.declaration
    where declaration_state = 'current' and state_rank = 1
),

later_declaration as (
    select * from later.declaration
    where declaration_state = 'current' and state_rank = 1
),

amount as (
    select
        coalesce(was.indicator_code, now.indicator_code) as indicator_code,
        coalesce(was.unit_code, now.unit_code) as unit_code,
        period.period_type,
        period.period_basis,
        period.period_start,
        coalesce(now.document_number, was.document_number) as document_number,
        was.unit_code is not null as was_declared,
        now.unit_code is not null as is_declared,
        was.declared_start as declared_start_before,
        now.declared_start as declared_start_after,
        was.declared_end as declared_end_before,
        now.declared_end as declared_end_after,
        coalesce(was.numerator, 0) as numerator_before,
        coalesce(was.denominator, 0) as denominator_before,
        coalesce(now.numerator, 0) as numerator_after,
        coalesce(now.denominator, 0) as denominator_after,
        period.measured_before is null or now.valid_from <= :previous_night as is_by_date
    from earlier_declaration as was
    full join later_declaration as now
        on
            was.indicator_code = now.indicator_code
            and was.unit_code = now.unit_code
            and was.period_type = now.period_type
            and was.period_basis = now.period_basis
            and was.period_start = now.period_start
    inner join later.chosen_period as period
        on
            coalesce(was.period_type, now.period_type) = period.period_type
            and coalesce(was.period_basis, now.period_basis) = period.period_basis
            and coalesce(was.period_start, now.period_start) = period.period_start
    where
        coalesce(was.numerator, 0) <> coalesce(now.numerator, 0)
        or coalesce(was.denominator, 0) <> coalesce(now.denominator, 0)
),

item_change as (
    select
        indicator_code,
        'declared' as method_code,
        period_type,
        period_basis,
        period_start,
        document_number as item_code,
        unit_code as unit_before,
        cast(null as varchar) as level_before,
        unit_code as unit_after,
        cast(null as varchar) as level_after,
        numerator_before,
        denominator_before,
        numerator_after,
        denominator_after,
        false as is_in_city,
        case
            when not is_declared then 'declaration_withdrawn'
            when
                declared_start_before = declared_start_after
                and declared_end_before = declared_end_after
                then 'declaration_changed'
            when declared_end_after < declared_end_before then 'declaration_withdrawn'
            when is_by_date then 'day_passed'
            else 'newly_declared'
        end as cause_code,
        'newly_declared' as moved_code
    from amount
)

select * from item_change
