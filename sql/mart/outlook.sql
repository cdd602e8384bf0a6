-- mart.outlook: will the targets be met by 31/12? One row per unit, level and the city, and
-- indicator with a target, by the scorecard's method, from the figures of the year to date.
--
-- n / d is the figure so far, p / q the target, r what remains until 31/12. All in integers.
-- How new items change a figure depends on the indicator (ref.indicator.growth):
--   flow   each new one adds to the denominator (dossiers). r = open, not judged yet (in time or
--          paused) + new ones expected: those of the latest `run_rate_weeks` × days left / days
--          of those weeks. Needed: the smallest k >= 0 with (n + k) × q >= p × (d + k): so many
--          more in time, if nothing else fails; none for p = q once one has failed. Still
--          possible: k <= r.
--   stock  the denominator stands (procedures, desks, tasks). r = d - n. Needed: the smallest k
--          with (n + k) × q >= p × d (for a target ">", above it).
--   growing_stock  each new one adds to the denominator, and one that was counted without success
--          can still succeed (results to digitise). r = d - n + new ones expected, e. Needed: the
--          smallest k with (n + k) × q >= p × (d + e).
--   mean   seconds waited. r = visits expected. Their greatest average wait:
--          (p × (d + r) - n × q) / (q × r). Still possible: while that is not negative.
-- `may_still_miss`: how many of r may fail: the largest m with (n + r - m) × q >= p × (d + r); of a
-- growing stock of p × (d + e).
-- Projection: n + r × (rate of the latest weeks), cut to an integer, of d + r; ref.projection. Of a
-- growing stock with e in place of r: what was counted without success stays so.
-- `outlook_code` says whether it rests on an estimate of r: it does while days are left, but for a
-- stock, and for a flow of p = q of which one has failed, which no r makes good.
with horizon as (
    select
        cast(
            date_trunc('year', cast(:as_of_date as timestamp))
            + interval '1 year' - interval '1 day' as date
        ) as target_date,
        max(rule_value) * 7 as window_days
    from ref.counting_rule
    where
        rule_code = 'run_rate_weeks'
        and (valid_from is null or valid_from <= :as_of_date)
        and (valid_to is null or valid_to > :as_of_date)
),

in_window as (
    select day.calendar_date
    from horizon
    inner join core.calendar as day
        on
            day.calendar_date <= :as_of_date
            and cast(:as_of_date - day.calendar_date as bigint) < horizon.window_days
),

figure as (
    select
        value.indicator_code,
        value.method_code,
        indicator.growth,
        value.unit_code,
        value.unit_level,
        value.unit_scope,
        value.period_start,
        value.numerator,
        value.denominator,
        value.value,
        value.target,
        value.comparison,
        value.status,
        target.target_numerator,
        target.target_denominator,
        indicator.value_scale
    from mart.indicator_value as value
    inner join ref.indicator as indicator
        on
            value.indicator_code = indicator.indicator_code
            and value.method_code = indicator.scorecard_method
            and (indicator.valid_from is null or indicator.valid_from <= :as_of_date)
            and (indicator.valid_to is null or indicator.valid_to > :as_of_date)
    inner join mart.target_in_force as target
        on
            value.indicator_code = target.indicator_code
            and value.unit_level = target.unit_level
            and target.measured_on = :as_of_date
    where
        value.period_type = 'year_to_date'
        and value.period_basis = 'calendar'
        and value.numerator is not null
        and value.denominator > 0
        and indicator.growth is not null
),

-- What happened in the latest weeks, by indicator: what arrived, what was judged, what succeeded.
recent as (
    select
        event.indicator_code,
        coalesce(roll_up.total_code, event.unit_code) as unit_code,
        cast(sum(event.arrived) as bigint) as arrived,
        cast(sum(event.judged) as bigint) as judged,
        cast(sum(event.succeeded) as bigint) as succeeded
    from mart.indicator_event as event
    inner join in_window on event.event_date = in_window.calendar_date
    inner join mart.roll_up as roll_up on event.unit_level = roll_up.unit_level
    group by event.indicator_code, coalesce(roll_up.total_code, event.unit_code)
),

pending as (
    select indicator_code, method_code, unit_code, pending
    from mart.indicator_measure
    where period_type = 'year_to_date' and period_basis = 'calendar'
),

expected as (
    select
        figure.*,
        horizon.target_date,
        cast(horizon.target_date - :as_of_date as bigint) as days_left,
        coalesce(recent.judged, 0) as recent_judged,
        coalesce(recent.succeeded, 0) as recent_succeeded,
        case
            when figure.growth in ('stock', 'growing_stock')
                then figure.denominator - figure.numerator
            else coalesce(pending.pending, 0)
        end as remaining_open,
        case
            when figure.growth = 'stock' then 0
            else
                cast(
                    floor(
                        cast(
                            coalesce(recent.arrived, 0)
                            * cast(horizon.target_date - :as_of_date as bigint) as decimal(38, 0)
                        ) / horizon.window_days
                    ) as bigint
                )
        end as expected_new
    from figure
    cross join horizon
    left join recent
        on figure.indicator_code = recent.indicator_code and figure.unit_code = recent.unit_code
    left join pending
        on
            figure.indicator_code = pending.indicator_code
            and figure.method_code = pending.method_code
            and figure.unit_code = pending.unit_code
),

joining as (
    select
        expected.*,
        remaining_open + expected_new as remaining_total,
        -- how many of what remains add to the denominator
        case growth
            when 'stock' then 0
            when 'growing_stock' then expected_new
            else remaining_open + expected_new
        end as remaining_outside
    from expected
),

remaining as (
    select
        joining.*,
        -- how much is lacking, in units of 1 / q; what each success makes good
        target_numerator
        * (denominator + case when growth = 'growing_stock' then expected_new else 0 end)
        - target_denominator * numerator as lacking,
        case
            when growth = 'flow' then target_denominator - target_numerator
            else target_denominator
        end as made_good,
        -- what stays when all that remains succeeds, in units of 1 / q
        case
            when growth in ('flow', 'growing_stock')
                then
                    target_denominator * (numerator + remaining_total)
                    - target_numerator * (denominator + remaining_outside)
            when growth = 'mean' then
                target_numerator * (denominator + expected_new) - target_denominator * numerator
        end as slack
    from joining
),

counted as (
    select
        remaining.*,
        case
            when growth = 'mean' then null
            when comparison = '>' and lacking >= 0
                then (lacking - lacking % made_good) / made_good + 1
            when lacking <= 0 then 0
            when made_good = 0 then null
            else
                (lacking + made_good - 1 - (lacking + made_good - 1) % made_good) / made_good
        end as needed_count,
        case
            when growth in ('flow', 'growing_stock') and slack >= 0
                then least(
                    (slack - slack % target_denominator) / target_denominator, remaining_total
                )
        end as may_still_miss,
        case
            when growth = 'mean' and slack >= 0 and expected_new > 0
                then
                    (slack - slack % (target_denominator * expected_new))
                    / (target_denominator * expected_new)
        end as may_wait_seconds,
        case
            when growth = 'stock' or recent_judged = 0 then 'as_it_stands' else 'run_rate'
        end as projection_code
    from remaining
),

projected as (
    select
        counted.*,
        case
            when projection_code = 'as_it_stands' then numerator
            else
                numerator
                + cast(
                    floor(
                        cast(remaining_outside * recent_succeeded as decimal(38, 0))
                        / recent_judged
                    ) as bigint
                )
        end as projected_numerator,
        case
            when projection_code = 'as_it_stands' then denominator
            else denominator + remaining_outside
        end as projected_denominator,
        case
            when growth = 'mean' then slack >= 0
            when comparison = '>' then true
            else coalesce(needed_count <= remaining_total, false)
        end as is_still_possible
    from counted
),

judged as (
    select
        projected.*,
        case comparison
            when '<='
                then
                    projected_numerator * target_denominator
                    <= target_numerator * projected_denominator
            when '>'
                then
                    projected_numerator * target_denominator
                    > target_numerator * projected_denominator
            else
                projected_numerator * target_denominator
                >= target_numerator * projected_denominator
        end as is_met_as_projected,
        case
            when growth in ('flow', 'growing_stock')
                then
                    numerator * target_denominator
                    >= target_numerator * (denominator + remaining_outside)
            when growth = 'stock' then status = 'met'
            else status = 'met' and days_left = 0
        end as is_secured,
        growth <> 'stock' and days_left > 0 as is_rest_estimated
    from projected
),

outlook as (
    select
        :as_of_date as as_of_date,
        judged.indicator_code,
        judged.method_code,
        judged.unit_code,
        judged.unit_level,
        judged.unit_scope,
        judged.period_start,
        judged.target_date,
        judged.numerator,
        judged.denominator,
        judged.value,
        judged.comparison,
        judged.target,
        judged.status,
        case when judged.growth <> 'mean' then judged.denominator - judged.numerator end
            as already_missed,
        cast(judged.remaining_open as bigint) as remaining_open,
        cast(judged.expected_new as bigint) as expected_new,
        cast(judged.remaining_total as bigint) as remaining_total,
        cast(judged.needed_count as bigint) as needed_count,
        judged.is_still_possible,
        cast(judged.may_still_miss as bigint) as may_still_miss,
        cast(judged.may_wait_seconds as bigint) as may_wait_seconds,
        judged.projection_code,
        projection.definition_vi as projection_vi,
        projection.definition_en as projection_en,
        judged.recent_succeeded as recent_numerator,
        judged.recent_judged as recent_denominator,
        judged.projected_numerator,
        judged.projected_denominator,
        cast(
            floor(
                cast(judged.value_scale * judged.projected_numerator * 10000 as double precision)
                / judged.projected_denominator
            ) / 10000
            as decimal(18, 4)
        ) as projected_value,
        case
            when judged.is_secured and judged.is_rest_estimated then 'secured_by_estimate'
            when judged.is_secured then 'secured'
            when
                not judged.is_still_possible
                and judged.is_rest_estimated
                and (judged.growth <> 'flow' or judged.needed_count is not null)
                then 'out_of_reach_by_estimate'
            when not judged.is_still_possible then 'out_of_reach'
            when judged.projection_code = 'as_it_stands' and judged.is_met_as_projected
                then 'met_so_far'
            when judged.projection_code = 'as_it_stands' then 'not_met_so_far'
            when judged.is_met_as_projected then 'on_course'
            else 'at_risk'
        end as outlook_code
    from judged
    inner join ref.projection as projection
        on judged.projection_code = projection.projection_code
)

select * from outlook
