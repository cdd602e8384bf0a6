-- The nation's figures, from packages of provinces. Only the warehouse of a national office has
-- this schema; `onestop federate` makes it.

create schema if not exists national;

create table national.schema_version (
    version integer not null,
    file_name varchar not null
);

-- Each file that was received, once; its state changes as later ones arrive.
create table national.package (
    package_id bigint not null,
    file_sha256 varchar not null,  -- of the file, which is kept as landing/packages/<sha256>.zip
    size_bytes bigint not null,
    package_place varchar not null,  -- the name under which it was received first
    first_received_at timestamptz not null,
    last_received_at timestamptz not null,
    times_received bigint not null,
    checked_at timestamptz not null,  -- when its state was decided
    package_state varchar not null,  -- in_force, replaced, refused, repeated
    refusal_code varchar,
    reason_vi varchar,
    reason_en varchar,
    province_code varchar,  -- as it states; null: it could not be read so far
    province_as_of_date date,
    province_published_at timestamptz,
    manifest_sha256 varchar,  -- of its manifest
    figures_sha256 varchar,
    rules_sha256 varchar,
    key_id varchar,
    replaces_package_id bigint
);

-- The registry, as the last run read it.
create table national.province (
    province_code varchar not null,
    name_vi varchar not null,
    name_en varchar not null,
    late_after_days bigint not null
);

-- How each indicator of ref.indicator is added up.
create table national.indicator (
    indicator_code varchar not null,
    title_vi varchar not null,
    title_en varchar not null,
    unit_of_measure varchar not null,
    value_scale bigint not null,
    scorecard_method varchar,
    position bigint not null,
    adds_up boolean not null,  -- false: ranks and declared figures, which stay by province
    reason_vi varchar,
    reason_en varchar
);

-- The figures of the packages in force, by province. Rows of units without a case are left out.
create table national.province_figure (
    package_id bigint not null,
    province_code varchar not null,
    as_of_date date not null,
    plan_code varchar,
    indicator_code varchar not null,
    method_code varchar not null,
    unit_code varchar not null,
    unit_level varchar not null,
    unit_scope varchar not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    period_end date not null,
    numerator bigint,
    denominator bigint,
    value decimal(18, 4),
    target decimal(18, 4),
    comparison varchar,
    figure_status varchar not null,
    coverage decimal(18, 4),
    firmness varchar,
    turned_by varchar,
    rate_lower decimal(18, 4),
    rate_upper decimal(18, 4),
    is_small boolean,
    known_issues varchar
);

create table national.province_form_06a (
    package_id bigint not null,
    province_code varchar not null,
    as_of_date date not null,
    unit_code varchar not null,
    unit_level varchar not null,
    unit_scope varchar not null,
    field_code varchar not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    period_end date not null,
    received_total bigint not null,
    received_online bigint not null,
    received_counter_post bigint not null,
    carried_over bigint not null,
    resolved_total bigint not null,
    resolved_early bigint not null,
    resolved_on_time bigint not null,
    resolved_late bigint not null,
    open_total bigint not null,
    open_in_time bigint not null,
    open_overdue bigint not null,
    returned_early bigint not null,
    returned_on_time bigint not null,
    returned_late bigint not null
);

-- Percentiles cannot be added up: they stay by province.
create table national.province_processing_time (
    package_id bigint not null,
    province_code varchar not null,
    as_of_date date not null,
    unit_code varchar not null,
    unit_level varchar not null,
    unit_scope varchar not null,
    clock_code varchar not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    period_end date not null,
    dossiers bigint not null,
    median_workdays decimal(18, 4),
    p75_workdays decimal(18, 4),
    p90_workdays decimal(18, 4)
);

create table national.province_unit (
    package_id bigint not null,
    province_code varchar not null,
    as_of_date date not null,
    unit_code varchar not null,
    unit_level varchar not null,
    unit_scope varchar not null,
    unit_name varchar,
    parent_unit_code varchar
);

create table national.province_target (
    package_id bigint not null,
    province_code varchar not null,
    as_of_date date not null,
    indicator_code varchar not null,
    unit_level varchar not null,
    comparison varchar not null,
    target_numerator bigint not null,
    target_denominator bigint not null,
    valid_from date,
    valid_to date,
    source_clause varchar
);

create table national.province_known_issue (
    package_id bigint not null,
    province_code varchar not null,
    as_of_date date not null,
    issue_code varchar not null,
    source varchar,
    feed varchar,
    unit_code varchar,
    first_date date,
    last_date date,
    indicator_codes varchar,
    text_vi varchar,
    text_en varchar
);

create table national.province_delivery (
    package_id bigint not null,
    province_code varchar not null,
    as_of_date date not null,
    feed varchar not null,
    night date not null,
    sha256 varchar,
    rows_read bigint not null,
    rows_accepted bigint not null,
    rows_rejected bigint not null,
    rows_repeated bigint not null,
    rows_blank bigint not null,
    rows_skipped bigint
);

-- Figures of levels and cities that a package states otherwise than the one that it replaces.
create table national.restatement (
    package_id bigint not null,
    replaces_package_id bigint not null,
    restated_at timestamptz not null,
    province_code varchar not null,
    previous_night date not null,
    as_of_date date not null,
    indicator_code varchar not null,
    method_code varchar not null,
    unit_code varchar not null,
    unit_level varchar not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    numerator_before bigint,
    denominator_before bigint,
    numerator_after bigint,
    denominator_after bigint
);

-- The nation's publications. A night has several when packages came after the first.
create table national.publication (
    publication_id bigint not null,
    as_of_date date not null,
    published_at timestamptz not null,
    provinces_total bigint not null,
    provinces_in bigint not null,
    provinces_ahead bigint not null,
    provinces_late bigint not null,
    provinces_missing bigint not null
);

-- Which province is in a publication, by which package.
create table national.coverage (
    publication_id bigint not null,
    as_of_date date not null,
    province_code varchar not null,
    coverage_state varchar not null,  -- in, ahead, late, missing
    province_as_of_date date,  -- null: missing
    package_id bigint
);

-- Nation and levels: sums of the provinces' integers.
create table national.indicator_value (
    publication_id bigint not null,
    as_of_date date not null,
    indicator_code varchar not null,
    method_code varchar not null,
    unit_code varchar not null,  -- NATION, or a level's
    unit_level varchar not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    adds_up boolean not null,
    numerator bigint,  -- null: it does not add up
    denominator bigint,
    value decimal(18, 4),
    provinces_counted bigint not null,
    provinces_met bigint not null,
    provinces_not_met bigint not null,
    provinces_with_issues bigint not null,
    oldest_as_of_date date not null
);

create table national.form_06a (
    publication_id bigint not null,
    as_of_date date not null,
    unit_code varchar not null,
    unit_level varchar not null,
    field_code varchar not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    received_total bigint not null,
    received_online bigint not null,
    received_counter_post bigint not null,
    carried_over bigint not null,
    resolved_total bigint not null,
    resolved_early bigint not null,
    resolved_on_time bigint not null,
    resolved_late bigint not null,
    open_total bigint not null,
    open_in_time bigint not null,
    open_overdue bigint not null,
    returned_early bigint not null,
    returned_on_time bigint not null,
    returned_late bigint not null,
    provinces_counted bigint not null,
    oldest_as_of_date date not null
);
