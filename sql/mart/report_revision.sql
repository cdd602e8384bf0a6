-- view
-- mart.report_revision: the figures of each issued report's period on the night of issue, and what
-- every later night stated for them.
--
-- A row holds for the nights from `valid_from` up to, not including, `valid_to`; the first row of a
-- figure is the one that was issued.
with issued as (
    select
        report.report_code,
        report.issue_number,
        report.as_of_date as issued_night,
        history.*
    from audit.report as report
    inner join mart.indicator_history as history
        on
            report.period_type = history.period_type
            and report.period_basis = history.period_basis
            and report.period_start = history.period_start
            and history.valid_from <= report.as_of_date
            and (history.valid_to is null or history.valid_to > report.as_of_date)
),

report_revision as (
    select
        issued.report_code,
        issued.issue_number,
        issued.issued_night,
        later.indicator_code,
        later.method_code,
        later.unit_code,
        later.unit_level,
        later.unit_scope,
        later.period_type,
        later.period_basis,
        later.period_start,
        later.period_end,
        later.valid_from,
        later.valid_to,
        issued.numerator as issued_numerator,
        issued.denominator as issued_denominator,
        issued.value as issued_value,
        later.numerator,
        later.denominator,
        later.value,
        cast(later.value - issued.value as decimal(18, 4)) as revision
    from issued
    inner join mart.indicator_history as later
        on
            issued.indicator_code = later.indicator_code
            and issued.method_code = later.method_code
            and issued.unit_code = later.unit_code
            and issued.period_type = later.period_type
            and issued.period_basis = later.period_basis
            and issued.period_start = later.period_start
            and issued.valid_from <= later.valid_from
)

select * from report_revision
