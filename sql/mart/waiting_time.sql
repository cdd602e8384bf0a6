-- mart.waiting_time: how long people waited at the One-Stop desks (annex 17, QĐ 468/QĐ-TTg).
--
-- One coming is a ticket and the tickets it was transferred to; its wait is the sum of theirs,
-- from issue to first call, lunch break included. Tickets carry no identity, so that a person who
-- takes two numbers is two comings. Who was never called has no wait and is counted apart. A unit
-- that sends no tickets has no row: that is no data, not no wait.
with recursive ticket as (
    select ticket_code, unit_code, transferred_from, issued_at, called_at, issued_date
    from core.visit_history
    where valid_from <= :as_of_date and (valid_to is null or valid_to > :as_of_date)
),

chain as (
    select ticket_code as first_ticket_code, ticket_code, 0 as transfers
    from ticket
    where
        transferred_from is null
        or transferred_from not in (select t.ticket_code from ticket as t)
    union all
    select chain.first_ticket_code, next.ticket_code, chain.transfers + 1
    from chain
    inner join ticket as next on chain.ticket_code = next.transferred_from
    where chain.transfers < 20
),

visit as (
    select
        first.unit_code,
        first.issued_date,
        first.called_at is not null as is_called,
        sum(cast(extract(epoch from part.called_at - part.issued_at) as bigint)) as wait_seconds
    from chain
    inner join ticket as first on chain.first_ticket_code = first.ticket_code
    inner join ticket as part on chain.ticket_code = part.ticket_code
    group by chain.first_ticket_code, first.unit_code, first.issued_date, first.called_at
),

of_unit as (
    select visit.*, coalesce(unit.unit_level, 'unregistered') as unit_level
    from visit
    left join mart.unit as unit on visit.unit_code = unit.unit_code
),

counted as (
    select
        case
            when grouping(v.unit_code) = 0 then v.unit_code
            when grouping(v.unit_level) = 0 then upper(v.unit_level)
            else 'CITY'
        end as unit_code,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        count(distinct v.unit_code) as units_with_tickets,
        count(*) as visits_total,
        count(case when v.is_called then 1 end) as visits_called,
        cast(sum(case when v.is_called then v.wait_seconds else 0 end) as bigint) as wait_seconds,
        count(case when v.is_called and v.wait_seconds <= 1800 then 1 end)
            as visits_within_30_minutes,
        cast(
            percentile_cont(0.5) within group (
                order by case when v.is_called then v.wait_seconds end
            ) as bigint
        ) as median_wait_seconds,
        cast(
            percentile_cont(0.9) within group (
                order by case when v.is_called then v.wait_seconds end
            ) as bigint
        ) as p90_wait_seconds
    from of_unit as v
    inner join mart.period as period
        on v.issued_date between period.period_start and period.measured_on
    group by grouping sets (
        (period.period_type, period.period_basis, period.period_start, period.period_end,
         v.unit_level, v.unit_code),
        (period.period_type, period.period_basis, period.period_start, period.period_end,
         v.unit_level),
        (period.period_type, period.period_basis, period.period_start, period.period_end)
    )
),

desk as (
    select
        case when grouping(unit_level) = 0 then upper(unit_level) else 'CITY' end as unit_code,
        count(*) as desks
    from core.unit_history
    where
        valid_from <= :as_of_date
        and (valid_to is null or valid_to > :as_of_date)
        and coalesce(has_one_stop, true)
    group by grouping sets ((unit_level), ())
),

waiting_time as (
    select
        :as_of_date as as_of_date,
        counted.unit_code,
        unit.unit_level,
        unit.unit_scope,
        counted.period_type,
        counted.period_basis,
        counted.period_start,
        counted.period_end,
        counted.visits_total,
        counted.visits_called,
        counted.wait_seconds,
        counted.visits_within_30_minutes,
        counted.median_wait_seconds,
        counted.p90_wait_seconds,
        counted.units_with_tickets,
        case when unit.unit_scope = 'unit' then 1 else desk.desks end as units_with_desk
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
    left join desk on counted.unit_code = desk.unit_code
)

select * from waiting_time
