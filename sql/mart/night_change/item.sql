-- The items that count differently, each where it counted on both nights.
--
-- What does not count on a night is nowhere that night, and so did not move. `later.item_change`
-- has the rows of one or more of the SELECTs beside this one.
with counted as (
    select
        item.*,
        item.numerator_before <> 0 or item.denominator_before <> 0 as was_counted,
        item.numerator_after <> 0 or item.denominator_after <> 0 as is_counted
    from later.item_change as item
),

item as (
    select
        indicator_code,
        method_code,
        period_type,
        period_basis,
        period_start,
        item_code,
        case when was_counted then unit_before else unit_after end as unit_before,
        case when was_counted then level_before else level_after end as level_before,
        case when is_counted then unit_after else unit_before end as unit_after,
        case when is_counted then level_after else level_before end as level_after,
        is_in_city,
        numerator_before,
        denominator_before,
        numerator_after,
        denominator_after,
        was_counted,
        is_counted,
        cause_code,
        moved_code
    from counted
)

select * from item
