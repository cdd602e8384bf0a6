-- The items that count differently in an indicator without a SELECT of its own beside this one: one
-- row for each figure and item, with its contribution on both nights and the cause.
--
-- `earlier.counted_item` and `later.counted_item` are the step that ref.indicator names as
-- `item_step`. Of a dossier, `later.dossier_fact` says what changed in general; what the figure
-- rests on is not known here.
with amount as (
    select
        coalesce(now.indicator_code, was.indicator_code) as indicator_code,
        coalesce(now.method_code, was.method_code) as method_code,
        coalesce(now.period_type, was.period_type) as period_type,
        coalesce(now.period_basis, was.period_basis) as period_basis,
        coalesce(now.period_start, was.period_start) as period_start,
        coalesce(now.item_code, was.item_code) as item_code,
        coalesce(was.unit_code, now.unit_code) as unit_before,
        coalesce(was.unit_level, now.unit_level) as level_before,
        coalesce(now.unit_code, was.unit_code) as unit_after,
        coalesce(now.unit_level, was.unit_level) as level_after,
        coalesce(was.numerator, 0) as numerator_before,
        coalesce(was.denominator, 0) as denominator_before,
        coalesce(now.numerator, 0) as numerator_after,
        coalesce(now.denominator, 0) as denominator_after
    from earlier.counted_item as was
    full join later.counted_item as now
        on
            was.indicator_code = now.indicator_code
            and was.method_code = now.method_code
            and was.period_type = now.period_type
            and was.period_basis = now.period_basis
            and was.period_start = now.period_start
            and was.item_code = now.item_code
),

item_change as (
    select
        amount.indicator_code,
        amount.method_code,
        amount.period_type,
        amount.period_basis,
        amount.period_start,
        amount.item_code,
        amount.unit_before,
        amount.level_before,
        amount.unit_after,
        amount.level_after,
        amount.numerator_before,
        amount.denominator_before,
        amount.numerator_after,
        amount.denominator_after,
        true as is_in_city,
        case
            when fact.identity_cause is not null then fact.identity_cause
            when fact.is_received_after and not fact.is_received_before
                then coalesce(fact.file_kind, 'newly_received')
            when fact.has_other_row then coalesce(fact.file_kind, 'counted_otherwise')
            when fact.dossier_code is not null then 'day_passed'
            when amount.denominator_before = 0 then 'newly_counted'
            when amount.denominator_after = 0 then 'counted_no_more'
            else 'counted_otherwise'
        end as cause_code,
        coalesce(fact.moved_cause, 'unit_changed') as moved_code
    from amount
    left join later.dossier_fact as fact on amount.item_code = fact.dossier_code
    where
        amount.numerator_before <> amount.numerator_after
        or amount.denominator_before <> amount.denominator_after
        or amount.unit_before <> amount.unit_after
        or amount.level_before <> amount.level_after
)

select * from item_change
