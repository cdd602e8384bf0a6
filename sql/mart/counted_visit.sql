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
-- `wait_seconds_from_opening` excludes the time before opening (ref.office_hours). The step `item`
-- has the tickets behind the indicator counter_waiting_time.
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

visit as (
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
),

reason as (
    select
        'called' as reason_code,
        'Được gọi: tính từ lúc lấy số đến lần gọi đầu' as reason_vi,
        'Called: from issue to first call' as reason_en
    union all
    select
        'before_opening_visit_mean',
        'Lấy số trước giờ mở cửa, được gọi: tính từ lúc lấy số',
        'Issued before opening, called: counted from issue'
    union all
    select
        'before_opening_visit_mean_from_opening',
        'Lấy số trước giờ mở cửa, được gọi: chỉ tính từ giờ mở cửa',
        'Issued before opening, called: counted from opening only'
    union all
    select
        'transferred',
        'Chuyển từ phiếu {visit_code}: thời gian chờ cộng vào lượt đó, không phải lượt mới',
        'Transferred from ticket {visit_code}: its wait adds to that visit; it is no further visit'
    union all
    select
        'transferred_left_out',
        'Chuyển từ phiếu {visit_code}: lượt đó không tính',
        'Transferred from ticket {visit_code}: that visit is not counted'
    union all
    select
        'no_show',
        'Bỏ lượt hoặc không đến khi được gọi: không có thời gian chờ',
        'Skipped or did not come when called: no wait'
    union all
    select
        'not_called',
        'Chưa được gọi: không có thời gian chờ',
        'Never called: no wait'
    union all
    select
        'invalid',
        'Lượt có thời gian chờ âm hoặc dài hơn mức tối đa (ref.counting_rule): dữ liệu sai',
        'A wait of this visit is below zero or above the longest (ref.counting_rule): bad data'
    union all
    select
        'reprinted',
        'Phiếu in lại: chưa từng được gọi; phiếu kế tiếp cùng nơi, cùng dịch vụ đã được gọi',
        'Reprinted: never called; the next one of the same desk and service soon after was called'
),

method as (
    select 'visit_mean' as method_code
    union all
    select 'visit_mean_from_opening'
),

-- each ticket of a visit within the period
waited as (
    select
        method.method_code,
        part.ticket_code,
        part.first_code as visit_code,
        visit.unit_code,
        visit.unit_level,
        visit.visit_outcome,
        part.ticket_code = part.first_code as is_first,
        case
            when part.ticket_code <> part.first_code and visit.visit_outcome = 'called'
                then 'transferred'
            when part.ticket_code <> part.first_code then 'transferred_left_out'
            when visit.visit_outcome = 'called' and part.is_before_opening
                then 'before_opening_' || method.method_code
            else visit.visit_outcome
        end as reason_code,
        case method.method_code
            when 'visit_mean' then part.wait_seconds else part.wait_seconds_from_opening
        end as wait_seconds
    from part
    inner join visit on part.first_code = visit.ticket_code
    inner join mart.period_day as day on visit.issued_date = day.calendar_date
    cross join method
),

item as (  -- noqa: ST03
    select
        'counter_waiting_time' as indicator_code,
        waited.method_code,
        waited.ticket_code,
        waited.unit_code,
        waited.unit_level,
        case waited.visit_outcome when 'called' then 'numerator' else 'left_out' end as role,
        waited.reason_code,
        reason.reason_vi,
        reason.reason_en,
        case waited.visit_outcome when 'called' then coalesce(waited.wait_seconds, 0) else 0 end
            as numerator,
        case when waited.visit_outcome = 'called' and waited.is_first then 1 else 0 end
            as denominator,
        current_ticket.issued_at,
        current_ticket.called_at,
        waited.wait_seconds,
        waited.visit_code,
        current_ticket.delivery_id,
        current_ticket.row_number
    from waited
    inner join reason on waited.reason_code = reason.reason_code
    inner join core.visit_history as current_ticket
        on
            waited.ticket_code = current_ticket.ticket_code
            and current_ticket.valid_from <= :as_of_date
            and (current_ticket.valid_to is null or current_ticket.valid_to > :as_of_date)
),

counted_visit as (
    select * from visit
)

select * from counted_visit
