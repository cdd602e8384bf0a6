-- mart.catalogue: each procedure as the catalogue described it, by spans of days.
--
-- The same procedure may be listed under a long and a short code; it is one procedure, known by
-- the first two parts of its code. Where the catalogue was first exported after a day, that day's
-- procedures are taken as first seen: `holds_from` of the first span lies before all days.
with listed as (
    select
        h.*,
        case
            when h.procedure_code like '%.%'
                then
                    split_part(h.procedure_code, '.', 1)
                    || '.'
                    || split_part(h.procedure_code, '.', 2)
            else h.procedure_code
        end as procedure_key
    from core.procedure_history as h
    where h.valid_from <= :as_of_date
),

turn as (
    select procedure_key, valid_from as night from listed
    union
    select procedure_key, valid_to from listed
    where valid_to <= :as_of_date
),

span as (
    select
        procedure_key,
        night as valid_from,
        lead(night) over (partition by procedure_key order by night) as valid_to,
        row_number() over (partition by procedure_key order by night) as span_number
    from turn
),

described as (
    select
        span.procedure_key,
        span.valid_from,
        span.valid_to,
        span.span_number = 1 as is_first,
        listed.procedure_code,
        listed.procedure_name,
        listed.field_code,
        listed.field_name,
        listed.authority_level,
        listed.service_level,
        listed.is_level4_eligible,
        listed.is_internal,
        listed.is_published,
        listed.duration_workdays,
        listed.has_result,
        row_number() over (
            partition by span.procedure_key, span.valid_from
            order by listed.valid_from desc, listed.procedure_code asc
        ) as choice
    from span
    inner join listed
        on
            span.procedure_key = listed.procedure_key
            and listed.valid_from <= span.valid_from
            and (listed.valid_to is null or listed.valid_to > span.valid_from)
),

catalogue as (
    select
        :as_of_date as as_of_date,
        procedure_key,
        procedure_code,
        procedure_name,
        field_code,
        field_name,
        authority_level,
        service_level,
        coalesce(is_level4_eligible, false) as is_level4_eligible,
        coalesce(is_internal, false) as is_internal,
        coalesce(is_published, false) as is_published,
        is_published is not null as is_publication_stated,
        duration_workdays,
        coalesce(has_result, true) as has_result,
        valid_from,
        valid_to,
        case when is_first then date '1900-01-01' else valid_from end as holds_from
    from described
    where choice = 1
)

select * from catalogue
