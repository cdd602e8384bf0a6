-- view
-- mart.due_soon: the open dossiers that fall due within the next working days
-- (`due_soon_workdays`, ref.counting_rule), by the city's calendar.
--
-- `workdays_left`: working days after the as-of date up to the due date: 1, the next working day is
-- the last; 0, due on a day off before the next working day. Dossiers that wait for a supplement or
-- a payment, or are suspended, are not listed.
with rule as (
    select max(rule_value) as workdays
    from ref.counting_rule
    where
        rule_code = 'due_soon_workdays'
        and (valid_from is null or valid_from <= :as_of_date)
        and (valid_to is null or valid_to > :as_of_date)
),

due_soon as (
    select
        :as_of_date as as_of_date,
        dossier.unit_code,
        dossier.unit_level,
        dossier.dossier_code,
        dossier.procedure_code,
        dossier.procedure_key,
        coalesce(
            catalogue.procedure_name,
            case when dossier.procedure_code is null then dossier.procedure_key end
        ) as procedure_name,
        dossier.field_code,
        dossier.received_date,
        dossier.due_date,
        due.workday_number - today.workday_number as workdays_left,
        unit.unit_name,
        catalogue.field_name
    from mart.counted_dossier as dossier
    inner join core.calendar as due on dossier.due_date = due.calendar_date
    inner join core.calendar as today on today.calendar_date = :as_of_date
    cross join rule
    left join mart.catalogue as catalogue
        on
            dossier.procedure_key = catalogue.procedure_key
            and dossier.received_date >= catalogue.holds_from
            and (catalogue.valid_to is null or dossier.received_date < catalogue.valid_to)
    left join mart.unit as unit on dossier.unit_code = unit.unit_code
    where
        dossier.timeliness = 'open_in_time'
        and dossier.due_date > today.calendar_date
        and due.workday_number - today.workday_number <= rule.workdays
)

select * from due_soon
