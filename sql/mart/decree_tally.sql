-- mart.decree_tally: what mart.decree_check found, counted by unit, check and day of the act.
with decree_tally as (
    select
        unit_code,
        unit_level,
        check_code,
        strength,
        event_date,
        count(*) as dossiers
    from mart.decree_check
    group by unit_code, unit_level, check_code, strength, event_date
)

select * from decree_tally
