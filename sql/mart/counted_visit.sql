-- mart.counted_visit: each visit to a One-Stop desk (annex 17: "01 lần đến giao dịch") and its
-- wait; the rows of mart.visit.
--
-- A visit is a ticket and the tickets it was transferred to. Its wait is the sum of their waits,
-- from issue to first call, lunch break included. Tickets have no identity, so a person who takes
-- two numbers counts as two visits, except for reprints. A reprint is a number without a call
-- (`called_at` is null, in any status) whose next number of the same desk and service was taken
-- within `reprint_minutes` (ref.counting_rule) and was called: numbers are called in order, so this
-- one was skipped. A called number replaces at most one other, and numbers left uncalled at closing
-- time stay. Numbers issued by a transfer were not taken by a person and are not considered.
-- Skipped and no-show tickets have no wait. A wait longer than `longest_wait_minutes` is bad data.
-- `wait_seconds_from_opening` excludes the time before opening (ref.office_hours).
with recursive ticket as (
    select
        ticket_code,
        -- a unit named as a level or the city: mart.registered_unit
        case
            when unit_code in (select level.unit_code from ref.unit_level as level)
                then '(' || unit_code || ')'
            else unit_code
        end as unit_code,
        service_code,
        transferred_from,
        issued_at,
        issued_date,
        called_at is not null as has_call,
        cast(floor(extract(epoch from issued_at)) as bigint) as issued_second,
        case
            when called_at is not null and ticket_status in ('skipped', 'no_show') then 'no_show'
            when called_at is not null then 'called'
            when ticket_status in ('skipped', 'no_show') then 'no_show'
            else 'not_called'
        end as outcome,
        cast(floor(extract(epoch from called_at)) as bigint)
        - cast(floor(extract(epoch from issued_at)) as bigint) as wait_seconds,
        cast(extract(hour from issued_at) as bigint) * 3600
        + cast(extract(minute from issued_at) as bigint) * 60
        + cast(floor(extract(second from issued_at)) as bigint) as second_of_day
    from core.visit_history
    where valid_from <= :as_of_date and (valid_to is null or valid_to > :as_of_date)
),

transfer as (
    select next.ticket_code, next.transferred_from
    from ticket as next
    inner join ticket as previous on next.transferred_from = previous.ticket_code
),

chain as (
    select first.transferred_from as first_code, first.ticket_code, 1 as transfers
    from transfer as first
    left join transfer as before on first.transferred_from = before.ticket_code
    where before.ticket_code is null
    union all
    select chain.first_code, transfer.ticket_code, chain.transfers + 1
    from chain
    inner join transfer on chain.ticket_code = transfer.transferred_from
    where chain.transfers < 20
),

opening as (
    select min(opens_minute) * 60 as opens_second
    from ref.office_hours
    where
        (valid_from is null or valid_from <= :as_of_date)
        and (valid_to is null or valid_to > :as_of_date)
),

rule as (
    select
        max(case when rule_code = 'reprint_minutes' then rule_value end) * 60 as reprint_seconds,
        max(case when rule_code = 'longest_wait_minutes' then rule_value end) * 60
            as longest_wait_seconds
    from ref.counting_rule
    where
        (valid_from is null or valid_from <= :as_of_date)
        and (valid_to is null or valid_to > :as_of_date)
),

followed as (
    select
        ticket.*,
        lead(issued_second) over next_number - issued_second as seconds_to_next,
        lead(has_call) over next_number as next_has_call
    from ticket
    window next_number as (
        partition by unit_code, service_code, issued_date, transferred_from is null
        order by issued_second, ticket_code
    )
),

part as (
    select
        followed.ticket_code,
        coalesce(chain.first_code, followed.ticket_code) as first_code,
        followed.unit_code,
        followed.issued_date,
        followed.outcome,
        not followed.has_call
        and followed.transferred_from is null
        and followed.service_code is not null
        and coalesce(
            followed.next_has_call and followed.seconds_to_next <= rule.reprint_seconds, false
        ) as is_reprinted,
        case when followed.outcome = 'called' then followed.wait_seconds end as wait_seconds,
        case
            when followed.outcome = 'called'
                then greatest(
                    followed.wait_seconds
                    - greatest(opening.opens_second - followed.second_of_day, 0),
                    0
                )
        end as wait_seconds_from_opening,
        followed.second_of_day < opening.opens_second as is_before_opening,
        coalesce(
            followed.outcome = 'called'
            and (followed.wait_seconds < 0 or followed.wait_seconds > rule.longest_wait_seconds),
            false
        ) as is_invalid
    from followed
    left join chain on followed.ticket_code = chain.ticket_code
    cross join opening
    cross join rule
),

summed as (
    select
        first_code,
        count(*) as tickets,
        sum(wait_seconds) as wait_seconds,
        sum(wait_seconds_from_opening) as wait_seconds_from_opening,
        max(case when is_invalid then 1 else 0 end) as invalid_tickets
    from part
    group by first_code
),

counted_visit as (
    select
        part.ticket_code,
        part.unit_code,
        coalesce(unit.unit_level, 'unregistered') as unit_level,
        part.issued_date,
        summed.tickets,
        case
            when part.is_reprinted and summed.tickets = 1 then 'reprinted'
            when summed.invalid_tickets > 0 then 'invalid'
            else part.outcome
        end as visit_outcome,
        part.is_before_opening,
        cast(summed.wait_seconds as bigint) as wait_seconds,
        cast(summed.wait_seconds_from_opening as bigint) as wait_seconds_from_opening
    from part
    inner join summed on part.ticket_code = summed.first_code
    left join mart.registered_unit as unit on part.unit_code = unit.unit_code
)

select * from counted_visit
