-- mart.scorecard: every clause of the plan that can be measured, against its target.
--
-- One line per indicator of the plan for the whole city, and per level where ref.indicator says
-- so; a figure that two clauses require has a line under each. A line without a figure stays, as
-- `no_data` with the reason. Figures are those of the year to date; once the plan's year is over,
-- those of the year. The target is the one valid on the day on which the figure is measured; a
-- published figure keeps its target. The on-time rate also has the count of form II.06a
-- (`form_06_*`), which offices report; a declared figure has its document. `firmness_*` says if
-- the verdict is that of every reading of ref.reading, and names those that turn it.
-- `known_issues_*`: the footnotes of mart.known_issue. `shortfall`: how many more of those
-- counted would have had to succeed for the rate to meet its target.
with clause_line as (
    select indicator.*, clause_code as line_clause_code from ref.indicator as indicator
    union all
    select indicator.*, also_clause_code from ref.indicator as indicator
    where also_clause_code is not null
),

line as (
    select
        clause_line.plan_code,
        clause_line.line_clause_code as clause_code,
        clause.position as clause_position,
        clause_line.position as indicator_position,
        level.position as level_position,
        clause_line.indicator_code,
        clause_line.title_vi,
        clause_line.title_en,
        clause_line.unit_of_measure,
        clause_line.kind as source_kind,
        clause_line.scorecard_method as method_code,
        clause_line.data_source_vi,
        clause_line.data_source_en,
        clause_line.owner_vi,
        clause_line.no_data_reason_vi,
        clause_line.no_data_reason_en,
        clause_line.verified,
        level.unit_code,
        level.unit_level,
        level.unit_scope,
        level.label_vi as unit_label_vi,
        level.label_en as unit_label_en,
        case
            when clause_line.valid_to <= :as_of_date then clause_line.valid_to - 1
            else :as_of_date
        end as measured_on,
        case when clause_line.valid_to <= :as_of_date then 'year' else 'year_to_date' end
            as period_type
    from clause_line
    inner join ref.plan_clause as clause
        on
            clause_line.plan_code = clause.plan_code
            and clause_line.line_clause_code = clause.clause_code
    inner join ref.unit_level as level
        on
            (clause_line.scope = 'every_level' and level.unit_level <> 'unregistered')
            or clause_line.scope = level.unit_level
),

targeted_figure as (
    select
        figure.indicator_code,
        figure.method_code,
        figure.unit_code,
        figure.period_type,
        figure.period_start,
        figure.numerator,
        figure.denominator,
        figure.value,
        figure.status,
        figure.coverage,
        figure.firmness,
        figure.turned_by,
        figure.rate_lower,
        figure.rate_upper,
        figure.is_small,
        figure.known_issues,
        target.value_scale,
        target.comparison,
        target.target_numerator,
        target.target_denominator
    from mart.indicator_value as figure
    left join mart.target_in_force as target
        on
            figure.indicator_code = target.indicator_code
            and figure.unit_level = target.unit_level
            and least(figure.period_end, :as_of_date) = target.measured_on
    where figure.period_basis = 'calendar' and figure.unit_scope in ('city', 'level')
),

-- earlier nights have no shortfall among what they published, so it is counted here
figure as (
    select
        indicator_code,
        method_code,
        unit_code,
        period_type,
        period_start,
        numerator,
        denominator,
        value,
        status,
        coverage,
        firmness,
        turned_by,
        rate_lower,
        rate_upper,
        is_small,
        known_issues,
        :shortfall
    from targeted_figure
),

document as (
    select
        indicator_code,
        coalesce(unit_code, 'CITY') as unit_code,
        document_number,
        document_date,
        cast(date_trunc('year', cast(period_end as timestamp)) as date) as period_start,
        row_number() over (
            partition by
                indicator_code,
                coalesce(unit_code, 'CITY'),
                date_trunc('year', cast(period_end as timestamp))
            order by period_end desc, document_date desc nulls last, document_number desc
        ) as document_rank
    from core.declaration_history
    where
        valid_from <= :as_of_date
        and (valid_to is null or valid_to > :as_of_date)
        and period_end <= :as_of_date
),

-- the readings that turn a verdict, by name
turning as (
    select
        figure.indicator_code,
        figure.method_code,
        figure.unit_code,
        figure.period_type,
        figure.period_start,
        string_agg(reading.label_vi, '; ' order by reading.position) as readings_vi,
        string_agg(reading.label_en, '; ' order by reading.position) as readings_en
    from figure
    inner join ref.reading as reading
        on position(' ' || reading.reading_code || ' ' in ' ' || figure.turned_by || ' ') > 0
    group by
        figure.indicator_code,
        figure.method_code,
        figure.unit_code,
        figure.period_type,
        figure.period_start
),

-- the level of the unit that an issue is limited to; `city`, if it is limited to none
issue_of_level as (
    select
        issue.*,
        case
            when issue.unit_code is null then 'city'
            else coalesce(unit.unit_level, level.unit_level, 'unregistered')
        end as unit_level
    from mart.known_issue as issue
    left join mart.registered_unit as unit on issue.unit_code = unit.unit_code
    left join ref.unit_level as level on issue.unit_code = level.unit_code
),

-- of a line without a figure, the issues of its indicator: at the city all, at a level those of the
-- whole city, the level and its units
footnote as (
    select
        line.clause_code,
        line.indicator_code,
        line.unit_code,
        string_agg(issue.issue_code, ' ' order by issue.issue_code) as known_issues,
        string_agg(issue.footnote_vi, '; ' order by issue.issue_code) as known_issues_vi,
        string_agg(issue.footnote_en, '; ' order by issue.issue_code) as known_issues_en
    from line
    left join figure
        on
            line.indicator_code = figure.indicator_code
            and line.method_code = figure.method_code
            and line.unit_code = figure.unit_code
            and line.period_type = figure.period_type
            and figure.period_start
            = cast(date_trunc('year', cast(line.measured_on as timestamp)) as date)
    inner join issue_of_level as issue
        on
            position(' ' || issue.issue_code || ' ' in ' ' || figure.known_issues || ' ') > 0
            or (
                figure.indicator_code is null
                and (line.unit_scope = 'city' or issue.unit_level in ('city', line.unit_level))
                and position(
                    ' ' || line.indicator_code || ' ' in ' ' || issue.indicator_codes || ' '
                ) > 0
                and issue.first_date <= line.measured_on
                and (
                    issue.last_date is null
                    or issue.last_date
                    >= cast(date_trunc('year', cast(line.measured_on as timestamp)) as date)
                )
            )
    group by line.clause_code, line.indicator_code, line.unit_code
),

scorecard as (
    select
        line.plan_code,
        row_number() over (
            order by
                line.plan_code, line.clause_position, line.indicator_position, line.level_position
        ) as line_number,
        line.clause_code,
        line.indicator_code,
        line.title_vi,
        line.title_en,
        line.unit_scope,
        line.unit_code,
        line.unit_level,
        line.unit_label_vi,
        line.unit_label_en,
        line.method_code,
        line.period_type,
        cast(date_trunc('year', cast(line.measured_on as timestamp)) as date) as period_start,
        line.measured_on as period_end,
        :as_of_date as as_of_date,
        figure.numerator,
        figure.denominator,
        figure.value,
        line.unit_of_measure,
        target.target,
        target.comparison,
        coalesce(figure.status, 'no_data') as status,
        line.source_kind,
        line.data_source_vi,
        line.data_source_en,
        case when line.source_kind = 'declared' then document.document_number end
            as document_number,
        case when line.source_kind = 'declared' then document.document_date end as document_date,
        form_06.numerator as form_06_numerator,
        form_06.denominator as form_06_denominator,
        form_06.value as form_06_value,
        case when coalesce(figure.status, 'no_data') = 'no_data' then line.no_data_reason_vi end
            as no_data_reason_vi,
        case when coalesce(figure.status, 'no_data') = 'no_data' then line.no_data_reason_en end
            as no_data_reason_en,
        line.verified and coalesce(target.verified, true) as verified,
        target.source_clause as target_source_clause,
        target.note_vi as target_note_vi,
        target.note_en as target_note_en,
        figure.coverage,
        line.owner_vi,
        figure.firmness,
        figure.turned_by,
        firmness.label_vi || coalesce(': ' || turning.readings_vi, '') as firmness_vi,
        firmness.label_en || coalesce(': ' || turning.readings_en, '') as firmness_en,
        figure.rate_lower,
        figure.rate_upper,
        figure.is_small,
        footnote.known_issues,
        footnote.known_issues_vi,
        footnote.known_issues_en,
        figure.shortfall
    from line
    left join figure
        on
            line.indicator_code = figure.indicator_code
            and line.method_code = figure.method_code
            and line.unit_code = figure.unit_code
            and line.period_type = figure.period_type
            and figure.period_start
            = cast(date_trunc('year', cast(line.measured_on as timestamp)) as date)
    left join ref.firmness as firmness on figure.firmness = firmness.firmness
    left join turning
        on
            figure.indicator_code = turning.indicator_code
            and figure.method_code = turning.method_code
            and figure.unit_code = turning.unit_code
            and figure.period_type = turning.period_type
            and figure.period_start = turning.period_start
    left join footnote
        on
            line.clause_code = footnote.clause_code
            and line.indicator_code = footnote.indicator_code
            and line.unit_code = footnote.unit_code
    left join figure as form_06
        on
            line.indicator_code = form_06.indicator_code
            and form_06.method_code = 'form_06'
            and line.unit_code = form_06.unit_code
            and line.period_type = form_06.period_type
            and figure.period_start = form_06.period_start
    left join document
        on
            line.indicator_code = document.indicator_code
            and line.unit_code = document.unit_code
            and document.period_start
            = cast(date_trunc('year', cast(line.measured_on as timestamp)) as date)
            and document.document_rank = 1
    left join mart.target_in_force as target
        on
            line.indicator_code = target.indicator_code
            and line.unit_level = target.unit_level
            and line.measured_on = target.measured_on
)

select * from scorecard
