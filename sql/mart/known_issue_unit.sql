-- view
-- mart.known_issue_unit: the units, levels and indicators that each known issue affects.
--
-- An issue of a unit affects its level and the city, too; every issue affects the city, also one of
-- a unit that no longer has any figures. An issue of a source of dossiers, without a unit, affects
-- the units with dossiers from it.
with listed as (
    select issue.*, indicator.indicator_code
    from mart.known_issue as issue
    inner join (select distinct named.indicator_code from ref.indicator as named) as indicator
        on
            position(' ' || indicator.indicator_code || ' ' in ' ' || issue.indicator_codes || ' ')
            > 0
),

city as (
    select unit_code from ref.unit_level
    where unit_scope = 'city'
),

affected as (
    select
        listed.issue_code,
        listed.indicator_code,
        listed.first_date,
        listed.last_date,
        unit.unit_code,
        unit.unit_level
    from listed
    cross join city
    inner join mart.unit as unit on unit.unit_scope = 'unit'
    inner join ref.unit_level as level on unit.unit_level = level.unit_level
    left join mart.source_tally as source
        on listed.source = source.source_code and unit.unit_code = source.unit_code
    where
        listed.unit_code in (unit.unit_code, level.unit_code)
        or (
            coalesce(listed.unit_code, city.unit_code) = city.unit_code
            and (
                listed.source is null
                or listed.feed <> 'dossiers'
                or source.source_code is not null
            )
        )
),

known_issue_unit as (
    select
        affected.issue_code,
        affected.indicator_code,
        coalesce(roll_up.total_code, affected.unit_code) as unit_code,
        affected.first_date,
        affected.last_date
    from affected
    inner join mart.roll_up as roll_up on affected.unit_level = roll_up.unit_level
    union
    select listed.issue_code, listed.indicator_code, city.unit_code, listed.first_date, last_date
    from listed
    cross join city
)

select * from known_issue_unit
