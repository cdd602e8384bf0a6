-- mart.procedure_provision: procedures in force at the end of each period, by level.
--
-- Counted by distinct procedure: one that 217 communes handle is one procedure (plan I.2.đ, I.2.e,
-- annex 18b). Internal procedures are apart. `at_level3`, `at_level4` are the plan's words for all
-- of 2022; `provided_partially`, `provided_fully` those of NĐ 42/2022 from 15/08/2022 on, by
-- ref.service_level_map. `online_used`: at level 3 or 4, and with a dossier received online in
-- the period. `publication_stated`, `level_stated`: the number of procedures of the whole catalogue
-- for which it states the publication, the level. There is no row before the first catalogue. The
-- step `item` has the procedures behind the indicators of sql/mart/indicator/procedure_rates.sql.
with in_force as (
    select
        period.period_type,
        period.period_basis,
        period.period_start,
        period.period_end,
        period.measured_on,
        period.tallied_as,
        c.procedure_key,
        c.procedure_code,
        c.procedure_name,
        c.valid_from,
        c.authority_level,
        c.is_internal,
        c.is_published,
        c.is_level4_eligible,
        coalesce(c.service_level, 0) as service_level,
        coalesce(map.provision_code, '') as provision_code,
        count(case when c.is_publication_stated then 1 end) over (
            partition by period.period_type, period.period_basis, period.period_start
        ) as publication_stated,
        count(c.service_level) over (
            partition by period.period_type, period.period_basis, period.period_start
        ) as level_stated
    from mart.catalogue as c
    inner join mart.period as period
        on
            c.valid_from <= period.measured_on
            and (c.valid_to is null or c.valid_to > period.measured_on)
    left join ref.service_level_map as map
        on
            c.service_level = map.service_level
            and (map.valid_from is null or map.valid_from <= period.measured_on)
            and (map.valid_to is null or map.valid_to > period.measured_on)
),

-- a procedure that the catalogue calls `ALL` is `(ALL)` in the tally
used as (
    select
        period_type,
        period_basis,
        period_start,
        case when procedure_key = '(ALL)' then 'ALL' else procedure_key end as procedure_key
    from mart.unit_tally
    where unit_code = 'CITY' and procedure_key <> 'ALL' and received_online > 0
),

marked as (
    select
        in_force.*,
        not is_internal as is_counted,
        not is_internal and is_published as is_counted_published,
        is_internal and is_published as is_internal_published,
        not is_internal and is_level4_eligible as is_eligible,
        not is_internal and is_level4_eligible and service_level = 4 as is_eligible_at_level4,
        not is_internal and service_level in (3, 4) as is_online,
        not is_internal and service_level in (3, 4) and used.procedure_key is not null
            as is_online_used
    from in_force
    left join used
        on
            in_force.procedure_key = used.procedure_key
            and in_force.tallied_as = used.period_type
            and in_force.period_basis = used.period_basis
            and in_force.period_start = used.period_start
),

shared as (
    select
        'procedures_published_rate' as indicator_code,
        case
            when (is_counted or is_counted_published) and publication_stated = 0 then 'unstated'
            when is_counted_published then 'published'
            when is_counted then 'not_published'
            when is_internal then 'internal'
            else 'internal'
        end as reason_code,
        case
            when publication_stated = 0 then 'left_out'
            when is_counted_published then 'numerator'
            when is_counted then 'denominator'
            else 'left_out'
        end as role,
        procedure.*
    from marked as procedure
    union all
    select
        'level4_provision_rate',
        case
            when (is_eligible or is_eligible_at_level4) and level_stated = 0 then 'unstated'
            when is_eligible_at_level4 then 'at_level4'
            when is_eligible then 'not_at_level4'
            when is_internal then 'internal'
            else 'not_eligible'
        end,
        case
            when level_stated = 0 then 'left_out'
            when is_eligible_at_level4 then 'numerator'
            when is_eligible then 'denominator'
            else 'left_out'
        end,
        procedure.*
    from marked as procedure
    union all
    select
        'internal_procedures_published_rate',
        case
            when (is_internal or is_internal_published) and publication_stated = 0 then 'unstated'
            when is_internal_published then 'published'
            when is_internal then 'not_published'
            when is_internal then 'internal'
            else 'not_internal'
        end,
        case
            when publication_stated = 0 then 'left_out'
            when is_internal_published then 'numerator'
            when is_internal then 'denominator'
            else 'left_out'
        end,
        procedure.*
    from marked as procedure
    union all
    select
        'online_procedure_share',
        case
            when (is_counted or is_online) and level_stated = 0 then 'unstated'
            when is_online then 'online'
            when is_counted then 'not_online'
            when is_internal then 'internal'
            else 'internal'
        end,
        case
            when level_stated = 0 then 'left_out'
            when is_online then 'numerator'
            when is_counted then 'denominator'
            else 'left_out'
        end,
        procedure.*
    from marked as procedure
    union all
    select
        'online_procedure_used_share',
        case
            when is_online_used then 'used_online'
            when is_online then 'not_used_online'
            when is_internal then 'internal'
            else 'not_online'
        end,
        case
            when is_online_used then 'numerator'
            when is_online then 'denominator'
            else 'left_out'
        end,
        procedure.*
    from marked as procedure
),

reason as (
    select
        'published' as reason_code,
        'Đã công khai đầy đủ' as reason_vi,
        'Published completely' as reason_en
    union all
    select
        'not_published',
        'Chưa công khai đầy đủ',
        'Not published completely'
    union all
    select
        'at_level4',
        'Đủ điều kiện và đang cung cấp mức độ 4',
        'Eligible for level 4 and provided at it'
    union all
    select
        'not_at_level4',
        'Đủ điều kiện mức độ 4, đang ở mức độ {service_level}',
        'Eligible for level 4, provided at level {service_level}'
    union all
    select
        'not_eligible',
        'Không thuộc danh sách đủ điều kiện mức độ 4',
        'Not on the list of procedures eligible for level 4'
    union all
    select
        'online',
        'Đang cung cấp mức độ {service_level}',
        'Provided at level {service_level}'
    union all
    select
        'not_online',
        'Đang ở mức độ {service_level}, không phải mức độ 3, 4',
        'Provided at level {service_level}, not at level 3 or 4'
    union all
    select
        'used_online',
        'Có hồ sơ trực tuyến được tiếp nhận trong kỳ',
        'With a dossier received online in the span'
    union all
    select
        'not_used_online',
        'Không có hồ sơ trực tuyến nào được tiếp nhận trong kỳ',
        'Without any dossier received online in the span'
    union all
    select
        'unstated',
        'Danh mục không ghi nội dung này ở thủ tục nào: không có số liệu',
        'The catalogue states this for no procedure: no data'
    union all
    select
        'internal',
        'Thủ tục nội bộ: tính riêng',
        'An internal procedure: counted separately'
    union all
    select
        'not_internal',
        'Không phải thủ tục nội bộ',
        'Not an internal procedure'
    union all
    select
        'same_procedure',
        'Cùng một thủ tục với {other_code}: chỉ tính một lần',
        'The same procedure as {other_code}: counted once'
    union all
    select
        'listed_later',
        'Có trong danh mục từ ngày {listed_from}, sau kỳ',
        'In the catalogue since {listed_from}, after the span'
    union all
    select
        'listed_no_more',
        'Không còn trong danh mục từ ngày {listed_to}',
        'No longer in the catalogue since {listed_to}'
),

indicator as (
    select distinct indicator_code from ref.indicator
    where item_step = 'procedure_provision.item'
),

-- the same procedure under another code, on the last day of the period
listed_twice as (
    select
        procedure.procedure_code as other_code,
        other.procedure_code,
        other.procedure_name,
        other.authority_level,
        other.service_level,
        other.valid_from
    from marked as procedure
    inner join core.procedure_history as other
        on
            procedure.procedure_key
            = split_part(other.procedure_code, '.', 1)
            || '.'
            || split_part(other.procedure_code, '.', 2)
            and procedure.procedure_code <> other.procedure_code
            and other.valid_from <= procedure.valid_from
            and (other.valid_to is null or other.valid_to > procedure.valid_from)
),

known as (
    select
        catalogue.*,
        row_number() over (
            partition by catalogue.procedure_key
            order by catalogue.valid_from desc
        ) as version_rank
    from mart.catalogue as catalogue
),

judged as (
    select
        indicator_code,
        role,
        reason_code,
        procedure_code,
        procedure_name,
        authority_level,
        -- 0 stands for one that the catalogue does not say
        nullif(service_level, 0) as service_level,
        valid_from,
        cast(null as date) as valid_to,
        cast(null as varchar) as other_code
    from shared
    union all
    select
        indicator.indicator_code,
        'left_out',
        'same_procedure',
        listed_twice.procedure_code,
        listed_twice.procedure_name,
        listed_twice.authority_level,
        listed_twice.service_level,
        listed_twice.valid_from,
        cast(null as date),
        listed_twice.other_code
    from listed_twice
    cross join indicator
    union all
    -- in the catalogue by the as-of date, but not on the last day of the period
    select
        indicator.indicator_code,
        'left_out',
        case
            when known.valid_from > period.measured_on then 'listed_later' else 'listed_no_more'
        end,
        known.procedure_code,
        known.procedure_name,
        known.authority_level,
        known.service_level,
        known.valid_from,
        known.valid_to,
        cast(null as varchar)
    from known
    cross join mart.period as period
    cross join indicator
    left join marked as procedure
        on known.procedure_key = procedure.procedure_key
    where known.version_rank = 1 and procedure.procedure_key is null
),

item as (  -- noqa: ST03
    select
        judged.indicator_code,
        'share' as method_code,
        judged.procedure_code,
        upper(judged.authority_level) as unit_code,
        coalesce(judged.authority_level, 'none') as unit_level,
        judged.role,
        judged.reason_code,
        reason.reason_vi,
        reason.reason_en,
        judged.other_code as reason_other_code,
        judged.valid_from as reason_listed_from,
        judged.valid_to as reason_listed_to,
        judged.procedure_name,
        judged.authority_level,
        judged.service_level,
        version.published_date,
        version.delivery_id,
        version.row_number
    from judged
    inner join reason on judged.reason_code = reason.reason_code
    left join core.procedure_history as version
        on
            judged.procedure_code = version.procedure_code
            and version.valid_from <= judged.valid_from
            and (version.valid_to is null or version.valid_to > judged.valid_from)
),

counted as (
    select
        roll_up.total_code as unit_code,
        marked.period_type,
        marked.period_basis,
        marked.period_start,
        marked.period_end,
        count(case when marked.is_counted then 1 end) as procedures,
        count(case when marked.is_counted_published then 1 end) as procedures_published,
        count(case when marked.is_internal then 1 end) as internal_procedures,
        count(case when marked.is_internal_published then 1 end) as internal_procedures_published,
        count(case when marked.is_eligible then 1 end) as eligible_for_level4,
        count(case when marked.is_eligible_at_level4 then 1 end) as eligible_at_level4,
        count(case when marked.is_online and marked.service_level = 3 then 1 end) as at_level3,
        count(case when marked.is_online and marked.service_level = 4 then 1 end) as at_level4,
        count(case when marked.is_online and marked.provision_code = 'partial' then 1 end)
            as provided_partially,
        count(case when marked.is_online and marked.provision_code = 'full' then 1 end)
            as provided_fully,
        count(case when marked.is_online_used then 1 end) as online_used,
        max(marked.publication_stated) as publication_stated,
        max(marked.level_stated) as level_stated
    from marked
    -- a procedure that the catalogue gives no level counts in the city only
    inner join mart.roll_up as roll_up
        on
            coalesce(marked.authority_level, 'unregistered') = roll_up.unit_level
            and roll_up.total_code is not null
            and (marked.authority_level is not null or roll_up.unit_scope = 'city')
    group by
        roll_up.total_code,
        marked.period_type,
        marked.period_basis,
        marked.period_start,
        marked.period_end
),

procedure_provision as (
    select
        :as_of_date as as_of_date,
        counted.unit_code,
        unit.unit_level,
        unit.unit_scope,
        counted.period_type,
        counted.period_basis,
        counted.period_start,
        counted.period_end,
        counted.procedures,
        counted.procedures_published,
        counted.internal_procedures,
        counted.internal_procedures_published,
        counted.eligible_for_level4,
        counted.eligible_at_level4,
        counted.at_level3,
        counted.at_level4,
        counted.provided_partially,
        counted.provided_fully,
        counted.online_used,
        counted.publication_stated,
        counted.level_stated
    from counted
    inner join mart.unit as unit on counted.unit_code = unit.unit_code
)

select * from procedure_provision
