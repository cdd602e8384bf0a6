-- result_digitisation_rate (II.1.c): digitised results, from 01/01/2022 on.
--
-- Excluded: results of a source without such a flag (`coverage` is then the share of the others).
with source_with_results as (
    select distinct source_code from mart.source_tally
    where dossiers_with_result_flag > 0
),

closed as (
    select
        dossier.*,
        case
            when dossier.closing_class is null then 'closed_otherwise'
            when dossier.closing_class <> 'resolved' then dossier.closing_class
            when not coalesce(catalogue.has_result, true) then 'no_result_document'
            when source_with_results.source_code is null then 'digitisation_unstated'
            when dossier.result_digitised then 'digitised'
            else 'not_digitised'
        end as reason_code
    from mart.counted_dossier as dossier
    inner join mart.period_day as day on dossier.closed_date = day.calendar_date
    left join mart.catalogue as catalogue
        on
            dossier.procedure_key = catalogue.procedure_key
            and dossier.closed_date >= catalogue.holds_from
            and (catalogue.valid_to is null or dossier.closed_date < catalogue.valid_to)
    left join source_with_results
        on split_part(dossier.delivery_id, '.', 1) = source_with_results.source_code
    where dossier.is_received
),

reason as (
    select
        'digitised' as reason_code,
        'numerator' as role,
        'Kết quả ngày {closed_date} đã số hóa' as reason_vi,
        'Result of {closed_date} is digitised' as reason_en
    union all
    select
        'not_digitised',
        'denominator',
        'Kết quả ngày {closed_date} chưa số hóa',
        'Result of {closed_date} is not digitised'
    union all
    select
        'digitisation_unstated',
        'left_out',
        'Nguồn {source} không ghi việc số hóa kết quả ở hồ sơ nào: không có số liệu',
        'Source {source} states digitisation for no dossier: no data'
    union all
    select
        'no_result_document',
        'left_out',
        'Thủ tục không có kết quả bằng văn bản',
        'The procedure has no result document'
    union all
    select
        'withdrawn', 'left_out', 'Người nộp rút hồ sơ ngày {closed_date}', 'Withdrawn {closed_date}'
    union all
    select
        'returned_unprocessed',
        'left_out',
        'Trả lại, không giải quyết, ngày {closed_date}',
        'Returned unprocessed {closed_date}'
    union all
    select
        'refused_at_intake',
        'left_out',
        'Không được tiếp nhận ngày {closed_date}',
        'Refused at intake {closed_date}'
    union all
    select
        'closed_otherwise',
        'left_out',
        'Kết thúc ngày {closed_date}, không rõ cách',
        'Ended {closed_date}, manner unknown'
),

item as (  -- noqa: ST03
    select
        'result_digitisation_rate' as indicator_code,
        'share' as method_code,
        closed.dossier_code,
        closed.unit_code,
        closed.unit_level,
        reason.role,
        closed.reason_code,
        reason.reason_vi,
        reason.reason_en,
        split_part(closed.delivery_id, '.', 1) as reason_source,
        closed.received_date,
        closed.due_date,
        closed.closed_date,
        closed.delivery_id,
        closed.row_number
    from closed
    inner join reason on closed.reason_code = reason.reason_code
),

event as (  -- noqa: ST03
    select
        'result_digitisation_rate' as indicator_code,
        unit_code,
        unit_level,
        event_date,
        results_total as arrived,
        results_total as judged,
        results_digitised as succeeded
    from mart.day_tally
),

result_digitisation_rate as (
    select
        'result_digitisation_rate' as indicator_code,
        'share' as method_code,
        unit_code,
        unit_level,
        unit_scope,
        period_type,
        period_basis,
        period_start,
        period_end,
        results_digitised as numerator,
        results_total as denominator,
        cast(
            case
                when results_unstated > 0
                    then 100.0 * results_total / (results_total + results_unstated)
            end as decimal(18, 4)
        ) as coverage,
        cast(null as bigint) as pending
    from mart.digitisation
    where period_start >= date '2021-12-15'  -- the government year 2022 begins there
)

select * from result_digitisation_rate
