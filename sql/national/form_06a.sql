-- national.form_06a: form II.06a of one publication, by nation and level and by field.
with covered as (
    select province_code
    from national.coverage
    where publication_id = :publication and package_id is not null
),

stated as (
    select
        form.*,
        case form.unit_scope when 'city' then 'NATION' else form.unit_code end as nation_code,
        case form.unit_scope when 'city' then 'nation' else form.unit_level end as nation_level
    from national.province_form_06a as form
    inner join covered on form.province_code = covered.province_code
    where form.unit_scope in ('city', 'level')
),

form_06a as (
    select
        :publication as publication_id,
        :night as as_of_date,
        nation_code as unit_code,
        nation_level as unit_level,
        field_code,
        period_type,
        period_basis,
        period_start,
        cast(sum(received_total) as bigint) as received_total,
        cast(sum(received_online) as bigint) as received_online,
        cast(sum(received_counter_post) as bigint) as received_counter_post,
        cast(sum(carried_over) as bigint) as carried_over,
        cast(sum(resolved_total) as bigint) as resolved_total,
        cast(sum(resolved_early) as bigint) as resolved_early,
        cast(sum(resolved_on_time) as bigint) as resolved_on_time,
        cast(sum(resolved_late) as bigint) as resolved_late,
        cast(sum(open_total) as bigint) as open_total,
        cast(sum(open_in_time) as bigint) as open_in_time,
        cast(sum(open_overdue) as bigint) as open_overdue,
        cast(sum(returned_early) as bigint) as returned_early,
        cast(sum(returned_on_time) as bigint) as returned_on_time,
        cast(sum(returned_late) as bigint) as returned_late,
        count(distinct province_code) as provinces_counted,
        min(stated.as_of_date) as oldest_as_of_date
    from stated
    group by
        nation_code, nation_level, field_code, period_type, period_basis, period_start
)

select * from form_06a
