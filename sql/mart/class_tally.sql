-- mart.class_tally: dossiers by unit, level and the city, in each period, by what they were at its
-- end (ref.period_class). A reading of ref.reading may count some of these classes otherwise.
--
-- `dossiers` touch the period; `dossiers_received` of them were received in it, `dossiers_closed`
-- ended in it. Levels and the city are sums of units.
with by_unit as (
    select
        unit_level,
        unit_code,
        period_type,
        period_basis,
        period_start,
        class_at_end,
        count(*) as dossiers,
        count(case when is_received_in then 1 end) as dossiers_received,
        count(case when is_closed_in then 1 end) as dossiers_closed
    from mart.dossier_period
    group by unit_level, unit_code, period_type, period_basis, period_start, class_at_end
),

class_tally as (
    select
        coalesce(roll_up.total_code, by_unit.unit_code) as unit_code,
        by_unit.period_type,
        by_unit.period_basis,
        by_unit.period_start,
        by_unit.class_at_end,
        cast(sum(by_unit.dossiers) as bigint) as dossiers,
        cast(sum(by_unit.dossiers_received) as bigint) as dossiers_received,
        cast(sum(by_unit.dossiers_closed) as bigint) as dossiers_closed
    from by_unit
    inner join mart.roll_up as roll_up on by_unit.unit_level = roll_up.unit_level
    group by
        coalesce(roll_up.total_code, by_unit.unit_code),
        by_unit.period_type,
        by_unit.period_basis,
        by_unit.period_start,
        by_unit.class_at_end
)

select * from class_tally
