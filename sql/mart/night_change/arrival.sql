-- The deliveries of all feeds that became known since the night published before, and what each is.
--
-- `correction`: it replaces one of its name and night that was known; `late_file`: of a night that
-- was published; `replayed`: rows of it that had been rejected were loaded; else `in_time`.
-- `replaced`: the one that a correction replaces.
with delivery as (
    select
        delivery_id,
        feed,
        source,
        night,
        file_name,
        min(known_from) as first_known,
        max(known_from) as last_known
    from audit.delivery
    where state = 'loaded' and known_from <= :as_of_date
    group by delivery_id, feed, source, night, file_name
),

replacement as (
    select current.delivery_id, replaced.delivery_id as replaced_id
    from delivery as current
    inner join delivery as replaced
        on
            current.feed = replaced.feed
            and current.source = replaced.source
            and current.night = replaced.night
            and current.file_name = replaced.file_name
            and current.delivery_id <> replaced.delivery_id
    where current.first_known > :previous_night and replaced.first_known <= :previous_night
),

arrival as (
    select
        delivery_id,
        case
            when first_known <= :previous_night then 'replayed'
            when delivery_id in (select replacement.delivery_id from replacement) then 'correction'
            when night <= :previous_night then 'late_file'
            else 'in_time'
        end as arrival_kind
    from delivery
    where last_known > :previous_night
    union all
    select distinct replaced_id, 'replaced' from replacement
)

select * from arrival
