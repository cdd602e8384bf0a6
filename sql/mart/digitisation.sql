-- mart.digitisation: digitised results among the dossiers resolved in each period (II.1.c), and
-- the One-Stop desks at which the digitisation process is in use at its end (annex 16).
--
-- Which results count, and which are `results_unstated`: mart.day_tally.
--
-- A desk counts while its unit exists, unless the register says that the unit has none, and as
-- digitising from its go-live date. `units_with_date` is the number of units of the whole register
-- with such a date, at any time: with none, the register holds no data on digitisation. The step
-- `item` has the desks behind the indicators of sql/mart/indicator/digitisation_rollout.sql.
with by_unit as (
    select
        tally.unit_level,
        tally.unit_code,
        day.period_type,
        day.period_basis,
        day.period_start,
        day.period_end,
        sum(tally.results_total) as results_total,
        sum(tally.results_digitised) as results_digitised,
        sum(tally.results_unstated) as results_unstated
    from mart.day_tally as tally
    inner join mart.period_day as day on tally.event_date = day.calendar_date
    where tally.results_total + tally.results_unstated > 0
    group by
        tally.unit_level,
        tally.unit_code,
        day.period_type,
        day.period_basis,
        day.period_start,
        day.period_end
),

result as (
    select
        coalesce(roll_up.total_code, by_unit.unit_code) as unit_code,
        by_unit.period_type,
        by_unit.period_basis,
        by_unit.period_start,
        by_unit.period_end,
        cast(sum(by_unit.results_total) as bigint) as results_total,
        cast(sum(by_unit.results_digitised) as bigint) as results_digitised,
        cast(sum(by_unit.results_unstated) as bigint) as results_unstated
    from by_unit
    inner join mart.roll_up as roll_up on by_unit.unit_level = roll_up.unit_level
    group by
        coalesce(roll_up.total_code, by_unit.unit_code),
        by_unit.period_type,
        by_unit.period_basis,
        by_unit.period_start,
        by_unit.period_end
),

-- every unit of the register at the end of each period: is it a desk, and does it digitise?
registered as (
    select
        u.unit_code,
        u.unit_level,
        u.unit_name,
        u.digitisation_date,
        u.delivery_id,
        u.row_number,
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        case
            when not coalesce(u.has_one_stop, true) then 'no_one_stop'
            when u.valid_from_date > period.measured_on then 'not_begun'
            when u.valid_to_date <= period.measured_on then 'ended'
            when u.digitisation_date <= period.measured_on then 'digitising'
            else 'not_digitising'
        end as desk_state,
        count(u.digitisation_date) over (
            partition by period.period_type, period.period_basis, period.period_start
        ) as units_with_date
    from core.unit_history as u
    inner join mart.period as period
        on
            u.valid_from <= period.measured_on
            and (u.valid_to is null or u.valid_to > period.measured_on)
),

known as (
    select
        unit.*,
        row_number() over (
            partition by unit.unit_code
            order by unit.valid_from desc
        ) as version_rank
    from core.unit_history as unit
    where unit.valid_from <= :as_of_date
),

stated as (
    select
        unit_code,
        unit_level,
        unit_name,
        digitisation_date,
        case
            when desk_state in ('digitising', 'not_digitising') and units_with_date = 0
                then 'undated'
            when desk_state = 'not_digitising' and digitisation_date is not null
                then 'digitising_later'
            else desk_state
        end as reason_code,
        cast(null as date) as registered_from,
        cast(null as date) as registered_to,
        delivery_id,
        row_number
    from registered
    union all
    -- in the register by the as-of date, but not on the last day of the period
    select
        known.unit_code,
        known.unit_level,
        known.unit_name,
        known.digitisation_date,
        case
            when known.valid_from > period.measured_on then 'registered_later'
            else 'registered_no_more'
        end,
        known.valid_from,
        known.valid_to,
        known.delivery_id,
        known.row_number
    from known
    cross join mart.period as period
    left join registered on known.unit_code = registered.unit_code
    where known.version_rank = 1 and registered.unit_code is null
),

reason as (
    select
        'digitising' as reason_code,
        'numerator' as role,
        'Quy trình số hóa triển khai từ ngày {digitisation_date}' as reason_vi,
        'Digitisation process in use since {digitisation_date}' as reason_en
    union all
    select
        'not_digitising',
        'denominator',
        'Sổ đơn vị không ghi ngày triển khai quy trình số hóa',
        'The register gives no go-live date of the digitisation process'
    union all
    select
        'digitising_later',
        'denominator',
        'Quy trình số hóa triển khai ngày {digitisation_date}, sau kỳ',
        'Digitisation process in use since {digitisation_date}, after the span'
    union all
    select
        'no_one_stop',
        'left_out',
        'Sổ đơn vị ghi không có Bộ phận Một cửa',
        'The register says that it has no One-Stop desk'
    union all
    select
        'undated',
        'left_out',
        'Sổ đơn vị không ghi ngày triển khai số hóa của đơn vị nào: không có số liệu',
        'The register gives no unit''s go-live date of the digitisation process: no data'
    union all
    select
        'not_begun',
        'left_out',
        'Chưa hoạt động vào cuối kỳ',
        'Did not exist yet at the end of the span'
    union all
    select
        'ended',
        'left_out',
        'Đã hết hoạt động vào cuối kỳ',
        'No longer existed at the end of the span'
    union all
    select
        'registered_later',
        'left_out',
        'Có trong sổ đơn vị từ ngày {registered_from}, sau kỳ',
        'In the register since {registered_from}, after the span'
    union all
    select
        'registered_no_more',
        'left_out',
        'Không còn trong sổ đơn vị từ ngày {registered_to}',
        'No longer in the register since {registered_to}'
),

item as (  -- noqa: ST03
    select
        'digitisation_rollout_' || stated.unit_level as indicator_code,
        'share' as method_code,
        stated.unit_code,
        stated.unit_level,
        reason.role,
        stated.reason_code,
        reason.reason_vi,
        reason.reason_en,
        stated.registered_from as reason_registered_from,
        stated.registered_to as reason_registered_to,
        stated.unit_name,
        stated.digitisation_date,
        stated.delivery_id,
        stated.row_number
    from stated
    inner join reason on stated.reason_code = reason.reason_code
),

desk as (
    select
        roll_up.total_code as unit_code,
        registered.period_type,
        registered.period_basis,
        registered.period_start,
        registered.period_end,
        count(*) as desks_total,
        count(case when registered.desk_state = 'digitising' then 1 end) as desks_digitising,
        max(registered.units_with_date) as units_with_date
    from registered
    inner join mart.roll_up as roll_up
        on registered.unit_level = roll_up.unit_level and roll_up.total_code is not null
    where registered.desk_state in ('digitising', 'not_digitising')
    group by
        roll_up.total_code,
        registered.period_type,
        registered.period_basis,
        registered.period_start,
        registered.period_end
),

unit_of_period as (
    select unit_code, period_type, period_basis, period_start, period_end from result
    union
    select unit_code, period_type, period_basis, period_start, period_end from desk
),

digitisation as (
    select
        :as_of_date as as_of_date,
        unit_of_period.unit_code,
        unit.unit_level,
        unit.unit_scope,
        unit_of_period.period_type,
        unit_of_period.period_basis,
        unit_of_period.period_start,
        unit_of_period.period_end,
        coalesce(result.results_total, 0) as results_total,
        coalesce(result.results_digitised, 0) as results_digitised,
        coalesce(result.results_unstated, 0) as results_unstated,
        desk.desks_total,
        desk.desks_digitising,
        desk.units_with_date
    from unit_of_period
    inner join mart.unit as unit on unit_of_period.unit_code = unit.unit_code
    left join result
        on
            unit_of_period.unit_code = result.unit_code
            and unit_of_period.period_type = result.period_type
            and unit_of_period.period_basis = result.period_basis
            and unit_of_period.period_start = result.period_start
    left join desk
        on
            unit_of_period.unit_code = desk.unit_code
            and unit_of_period.period_type = desk.period_type
            and unit_of_period.period_basis = desk.period_basis
            and unit_of_period.period_start = desk.period_start
)

select * from digitisation
