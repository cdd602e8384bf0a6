-- view
-- mart.visit: each visit to a One-Stop desk and its wait, by mart.counted_visit.
with visit as (
    select
        :as_of_date as as_of_date,
        ticket_code,
        unit_code,
        unit_level,
        issued_date,
        tickets,
        visit_outcome,
        is_before_opening,
        wait_seconds,
        wait_seconds_from_opening
    from mart.counted_visit
)

select * from visit
