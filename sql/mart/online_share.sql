-- mart.online_share: dossiers received in each period by service level at receipt and channel.
--
-- Online is a matter of the channel, not of the procedure's level: a level-4 procedure handed in
-- at the counter is not online (plan I.2.e). The dossier's own level counts; where the source
-- gives none, the catalogue's. `service_level` is null where neither says.
with received as (
    select
        d.unit_code,
        d.unit_level,
        coalesce(d.service_level, p.service_level) as service_level,
        d.channel,
        d.received_date
    from mart.dossier as d
    left join core.procedure_history as p
        on
            d.procedure_code = p.procedure_code
            and p.valid_from <= :as_of_date
            and (p.valid_to is null or p.valid_to > :as_of_date)
    where d.is_received
),

counted as (
    select
        case
            when grouping(received.unit_code) = 0 then received.unit_code
            when grouping(received.unit_level) = 0 then upper(received.unit_level)
            else 'CITY'
        end as unit_code,
        received.service_level,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        count(*) as received_total,
        count(case when received.channel = 'online' then 1 end) as received_online,
        count(case when received.channel = 'post' then 1 end) as received_post
    from received
    inner join mart.period as period
        on received.received_date between period.period_start and period.measured_on
    group by grouping sets (
        (period.period_type, period.period_basis, period.period_start, period.period_end,
         received.service_level, received.unit_level, received.unit_code),
        (period.period_type, period.period_basis, period.period_start, period.period_end,
         received.service_level, received.unit_level),
        (period.period_type, period.period_basis, period.period_start, period.period_end,
         received.service_level)
    )
),

online_share as (
    select
        :as_of_date as as_of_date,
        counted.unit_code,
        unit.unit_level,
        unit.unit_scope,
        counted.service_level,
        counted.period_type,
        counted.period_basis,
        counted.period_start,
        counted.period_end,
        counted.received_total,
        counted.received_online,
        counted.received_post
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
)

select * from online_share
