-- view
-- mart.known_issue: the known faults of the data (ref.known_issue), each with its footnote.
--
-- The footnote names the unit and the source, if the issue is limited to them, and the days. Issues
-- that begin after the as-of date are left out. Which figures they affect: mart.known_issue_unit.
with issue as (
    select
        issue.*,
        coalesce(unit_code || ', ', '') || coalesce(source || ', ', '') as place,
        cast(first_date as varchar) as first_day,
        cast(last_date as varchar) as last_day
    from ref.known_issue as issue
    where first_date <= :as_of_date
),

known_issue as (
    select
        :as_of_date as as_of_date,
        issue_code,
        source,
        feed,
        unit_code,
        first_date,
        last_date,
        indicator_codes,
        text_vi,
        text_en,
        place || text_vi || ' (từ ' || substr(first_day, 9, 2) || '/' || substr(first_day, 6, 2)
        || '/' || substr(first_day, 1, 4)
        || coalesce(
            ' đến ' || substr(last_day, 9, 2) || '/' || substr(last_day, 6, 2)
            || '/' || substr(last_day, 1, 4),
            ''
        )
        || ')' as footnote_vi,
        place || text_en || ' (from ' || first_day || coalesce(' to ' || last_day, '') || ')'
            as footnote_en
    from issue
)

select * from known_issue
