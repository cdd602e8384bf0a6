-- view
-- mart.label: the name of each code, in both languages: of units, procedures and fields as the
-- registers have them, of indicators, methods and code lists as the reference files have them.
--
-- A code is known by its kind and itself; a unit without a name is called by its code. Which
-- columns hold codes of which kind: `labels` in sql/columns.yaml. A code whose name changed has the
-- latest one.
with listed_procedure as (
    select
        procedure_key,
        procedure_name,
        field_code,
        field_name,
        row_number() over (partition by procedure_key order by valid_from desc) as procedure_turn,
        row_number() over (
            partition by field_code
            order by
                case when field_name is null then 1 else 0 end asc,
                valid_from desc,
                field_name asc,
                procedure_key asc
        ) as field_turn
    from mart.catalogue
),

dated_code as (
    select
        'indicator_code' as code_kind,
        indicator_code as code,
        title_vi as label_vi,
        title_en as label_en,
        valid_from
    from ref.indicator
    union all
    select 'class_at_end', class_at_end, label_vi, label_en, valid_from
    from ref.period_class
    union all
    select 'provision_code', provision_code, label_vi, label_en, valid_from
    from ref.service_level_map
    union all
    select 'check_code', check_code, label_vi, label_en, valid_from
    from ref.decree_check
),

ranked_code as (
    select
        code_kind,
        code,
        label_vi,
        label_en,
        row_number() over (
            partition by code_kind, code
            order by coalesce(valid_from, date '1900-01-01') desc, label_en asc
        ) as turn
    from dated_code
),

named as (
    select
        'unit_code' as code_kind,
        unit.unit_code as code,
        coalesce(level.label_vi, unit.unit_label, unit.unit_code) as label_vi,
        coalesce(level.label_en, unit.unit_label, unit.unit_code) as label_en
    from mart.unit as unit
    left join ref.unit_level as level on unit.unit_code = level.unit_code
    union all
    select 'procedure_key', procedure_key, procedure_name, procedure_name
    from listed_procedure
    where procedure_turn = 1 and procedure_name is not null
    union all
    select 'procedure_key', 'ALL', 'Mọi thủ tục', 'All procedures'
    union all
    select 'field_code', field_code, field_name, field_name
    from listed_procedure
    where field_turn = 1 and field_code is not null and field_name is not null
    union all
    select 'field_code', 'ALL', 'Mọi lĩnh vực', 'All fields'
    union all
    select code_kind, code, label_vi, label_en
    from ranked_code
    where turn = 1
    union all
    select 'plan_code', plan_code, title_vi, title_en
    from ref.plan
    union all
    select 'method_code', method_code, label_vi, label_en
    from ref.method
    -- mart.restatement has a figure of the form as indicator_code and its column as method_code
    union all
    select 'indicator_code', 'form_06a', 'Biểu số II.06a/VPCP/KSTT', 'Form II.06a/VPCP/KSTT'
    union all
    select 'method_code', 'received_total', '(3) Tiếp nhận, tổng số', '(3) Received, total'
    union all
    select
        'method_code',
        'received_online',
        '(4) Tiếp nhận trực tuyến trong kỳ',
        '(4) Received online in the period'
    union all
    select
        'method_code',
        'received_counter_post',
        '(5) Tiếp nhận trực tiếp, qua bưu chính trong kỳ',
        '(5) Received at the counter or by post in the period'
    union all
    select
        'method_code',
        'carried_over',
        '(6) Từ kỳ trước chuyển sang',
        '(6) Carried over from before the period'
    union all
    select 'method_code', 'resolved_total', '(7) Đã giải quyết, tổng số', '(7) Resolved, total'
    union all
    select 'method_code', 'resolved_early', '(8) Đã giải quyết, trước hạn', '(8) Resolved early'
    union all
    select 'method_code', 'resolved_on_time', '(9) Đã giải quyết, đúng hạn', '(9) Resolved on time'
    union all
    select 'method_code', 'resolved_late', '(10) Đã giải quyết, quá hạn', '(10) Resolved late'
    union all
    select 'method_code', 'open_total', '(11) Đang giải quyết, tổng số', '(11) Open, total'
    union all
    select 'method_code', 'open_in_time', '(12) Đang giải quyết, trong hạn', '(12) Open in time'
    union all
    select 'method_code', 'open_overdue', '(13) Đang giải quyết, quá hạn', '(13) Open overdue'
    union all
    select 'reading_code', reading_code, label_vi, label_en
    from ref.reading
    union all
    select 'dossier_status', status, label_vi, label_en
    from ref.status
    union all
    select 'figure_status', status, label_vi, label_en
    from ref.figure_status
    union all
    select 'channel', channel, label_vi, label_en
    from ref.channel
    union all
    select 'timeliness', timeliness, label_vi, label_en
    from ref.timeliness
    union all
    select 'closing_class', closing_class, label_vi, label_en
    from ref.closing_class
    union all
    select 'unit_level', unit_level, label_vi, label_en
    from ref.unit_level
    union all
    select 'period_type', period_type, label_vi, label_en
    from ref.period_type
    union all
    select 'period_basis', period_basis, label_vi, label_en
    from ref.period_basis
    union all
    select 'firmness', firmness, label_vi, label_en
    from ref.firmness
    union all
    select 'band_code', band_code, label_vi, label_en
    from ref.age_band
    union all
    select 'outlook_code', outlook_code, label_vi, label_en
    from ref.outlook_code
    union all
    select 'projection_code', projection_code, label_vi, label_en
    from ref.projection
    union all
    select 'cause_code', cause_code, label_vi, label_en
    from ref.change_cause
    union all
    select 'report_code', report_code, title_vi, title_en
    from ref.report_calendar
    union all
    select code_kind, code, label_vi, label_en
    from ref.code_label
),

label as (
    select
        :as_of_date as as_of_date,
        code_kind,
        code,
        label_vi,
        label_en
    from named
)

select * from label
