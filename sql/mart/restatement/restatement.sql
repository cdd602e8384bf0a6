-- mart.restatement, the rows of one publication: figures of periods that were over and published on
-- the night published before, whose value is another on this night.
--
-- The histories hold both: the earlier figure ends, and the present one begins, on this night.
-- A unit, field or level that had no row had nothing to count. Periods that are no longer published
-- (the year before last) are left out.
with known_method as (
    -- of a method that the night before did not have, nothing is restated
    select distinct indicator_code, method_code
    from mart.indicator_history
    where valid_from <= :previous_night
),

changed_indicator as (
    select
        history.valid_from = :as_of_date as is_new,
        history.indicator_code,
        history.method_code,
        'ALL' as field_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        numerator,
        denominator,
        status
    from mart.indicator_history as history
    inner join known_method
        on
            history.indicator_code = known_method.indicator_code
            and history.method_code = known_method.method_code
    where
        (history.valid_from = :as_of_date or history.valid_to = :as_of_date)
        and history.period_end <= :previous_night
),

form_column as (
    select 'received_total' as method_code
    union all
    select 'received_online'
    union all
    select 'received_counter_post'
    union all
    select 'carried_over'
    union all
    select 'resolved_total'
    union all
    select 'resolved_early'
    union all
    select 'resolved_on_time'
    union all
    select 'resolved_late'
    union all
    select 'open_total'
    union all
    select 'open_in_time'
    union all
    select 'open_overdue'
),

changed_form_value as (
    select
        form.valid_from = :as_of_date as is_new,
        'form_06a' as indicator_code,
        form_column.method_code,
        form.field_code,
        form.unit_code,
        form.unit_level,
        form.unit_scope,
        form.period_type,
        form.period_basis,
        form.period_start,
        form.period_end,
        case form_column.method_code
            when 'received_total' then form.received_total
            when 'received_online' then form.received_online
            when 'received_counter_post' then form.received_counter_post
            when 'carried_over' then form.carried_over
            when 'resolved_total' then form.resolved_total
            when 'resolved_early' then form.resolved_early
            when 'resolved_on_time' then form.resolved_on_time
            when 'resolved_late' then form.resolved_late
            when 'open_total' then form.open_total
            when 'open_in_time' then form.open_in_time
            when 'open_overdue' then form.open_overdue
        end as numerator,
        cast(null as bigint) as denominator,
        cast(null as varchar) as status
    from mart.form_06a_history as form
    cross join form_column
    where
        (form.valid_from = :as_of_date or form.valid_to = :as_of_date)
        and form.period_end <= :previous_night
),

changed_figure as (
    select * from changed_indicator
    union all
    select * from changed_form_value
),

compared as (
    select
        indicator_code,
        method_code,
        field_code,
        unit_code,
        max(unit_level) as unit_level,
        max(unit_scope) as unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        max(case when not is_new then numerator end) as numerator_before,
        max(case when not is_new then denominator end) as denominator_before,
        max(case when not is_new then status end) as status_before,
        max(case when is_new then numerator end) as numerator_after,
        max(case when is_new then denominator end) as denominator_after,
        max(case when is_new then status end) as status_after
    from changed_figure
    group by
        indicator_code,
        method_code,
        field_code,
        unit_code,
        period_type,
        period_basis,
        period_start,
        period_end
),

current_period as (
    select period_type, period_basis, period_start from mart.period
),

restated as (
    select compared.*
    from compared
    inner join current_period
        on
            compared.period_type = current_period.period_type
            and compared.period_basis = current_period.period_basis
            and compared.period_start = current_period.period_start
    where
        coalesce(numerator_before, 0) <> coalesce(numerator_after, 0)
        or coalesce(denominator_before, 0) <> coalesce(denominator_after, 0)
        or status_before <> status_after
),

by_unit as (
    select period_type, period_basis, period_start, unit_before as unit_code, dossier_code
    from mart.restatement_dossier
    where restated_night = :as_of_date
    union
    select period_type, period_basis, period_start, unit_after, dossier_code
    from mart.restatement_dossier
    where restated_night = :as_of_date
    union
    select period_type, period_basis, period_start, upper(level_before), dossier_code
    from mart.restatement_dossier
    where restated_night = :as_of_date
    union
    select period_type, period_basis, period_start, upper(level_after), dossier_code
    from mart.restatement_dossier
    where restated_night = :as_of_date
    union
    select period_type, period_basis, period_start, 'CITY', dossier_code
    from mart.restatement_dossier
    where restated_night = :as_of_date
),

counted as (
    select unit_code, period_type, period_basis, period_start, count(*) as dossiers
    from by_unit
    group by unit_code, period_type, period_basis, period_start
),

loaded_since as (
    select string_agg(delivery_id, ' ' order by delivery_id) as delivery_ids
    from (
        select distinct delivery_id
        from audit.delivery
        where state = 'loaded' and known_from > :previous_night and known_from <= :as_of_date
    ) as loaded
),

restatement as (
    select
        :as_of_date as restated_night,
        :previous_night as previous_night,
        restated.indicator_code,
        restated.method_code,
        restated.field_code,
        restated.unit_code,
        restated.unit_level,
        restated.unit_scope,
        restated.period_type,
        restated.period_basis,
        restated.period_start,
        restated.period_end,
        restated.numerator_before,
        restated.denominator_before,
        restated.status_before,
        restated.numerator_after,
        restated.denominator_after,
        restated.status_after,
        coalesce(counted.dossiers, 0) as dossier_count,
        loaded_since.delivery_ids
    from restated
    cross join loaded_since
    left join counted
        on
            restated.unit_code = counted.unit_code
            and restated.period_type = counted.period_type
            and restated.period_basis = counted.period_basis
            and restated.period_start = counted.period_start
)

select * from restatement
