-- The first released schema: the record (core, audit) and the places where marts and reference
-- rows are put. Tables of schema mart and ref are made from their SELECTs and files and need no
-- migration. What is here never changes; a later file changes the tables.

create schema core;
create schema audit;
create schema ref;
create schema mart;

-- One row for each time a delivery was settled: loaded or refused. Never updated.
create table audit.delivery (
    delivery_id varchar not null,
    attempt integer not null,
    state varchar not null,  -- loaded, refused
    source varchar not null,
    feed varchar not null,
    night date not null,
    kind varchar not null,  -- delta, snapshot
    file_name varchar not null,
    sha256 varchar,
    size_bytes bigint,
    file_modified_at timestamptz,
    landed_path varchar,
    known_from date not null,  -- first night whose figures may rest on it
    format varchar,
    encoding varchar,
    mapping_sha256 varchar,
    rows_read bigint not null,
    rows_accepted bigint not null,
    rows_rejected bigint not null,
    rows_repeated bigint not null,
    rows_blank bigint not null,
    warnings bigint not null,
    refused_rule varchar,
    reason_vi varchar,
    reason_en varchar,
    settled_at timestamptz not null
);

-- What each rule found in each delivery (or in the marts of a night: then delivery_id is
-- mart.<yyyymmdd>). Never updated.
create table audit.validation_result (
    delivery_id varchar not null,
    attempt integer not null,
    rule_code varchar not null,
    severity varchar not null,
    expectation_type varchar not null,
    is_success boolean not null,
    rows_checked bigint,
    rows_failed bigint,
    message_vi varchar not null,
    message_en varchar not null,
    clause varchar,
    examples varchar
);

-- The quarantine: every rule that every rejected row broke.
create table audit.rejected_row (
    delivery_id varchar not null,
    row_number bigint not null,
    source varchar not null,
    feed varchar not null,
    night date not null,
    key_text varchar,
    rule_code varchar not null,
    message_vi varchar not null,
    message_en varchar not null,
    offending varchar,  -- JSON of the rule's columns, masked
    state varchar not null,  -- open, replayed, superseded
    state_changed_at timestamptz not null
);

-- One row for each night made visible to readers. Never updated; nights only go forward.
create table audit.publication (
    publication_id bigint not null,
    as_of_date date not null,
    published_at timestamptz not null,
    delivery_count bigint not null,
    dossier_count bigint not null,
    figures_sha256 varchar not null
);

-- How each night ended, as last run.
create table audit.night_run (
    as_of_date date not null,
    state varchar not null,  -- published, checks_failed, missing_delivery
    message varchar not null,
    delivery_count bigint not null,
    refused_count bigint not null,
    changed_at timestamptz not null
);

create table core.dossier_version (
    delivery_id varchar not null,
    row_number bigint,  -- null: the row stood unchanged in a snapshot
    night date not null,
    known_from date not null,
    content_hash varchar not null,
    is_vanished boolean not null,
    dossier_code varchar,
    alias_code varchar,
    procedure_code varchar,
    procedure_name varchar,
    field_code varchar,
    receiving_unit_code varchar,
    resolving_unit_code varchar,
    channel varchar,
    service_level bigint,
    submitted_at timestamptz,
    received_at timestamptz,
    due_at timestamptz,
    original_due_at timestamptz,
    resolved_at timestamptz,
    returned_at timestamptz,
    status varchar,
    closing_class varchar,
    result_digitised boolean,
    documents_digitised boolean,
    modified_at timestamptz,
    received_date date,
    due_date date,
    original_due_date date,
    resolved_date date
);

create table core.dossier_history (
    valid_from date not null,
    valid_to date,  -- first night it no longer held; null: still holds
    delivery_id varchar not null,
    row_number bigint,
    content_hash varchar not null,
    dossier_code varchar,
    alias_code varchar,
    procedure_code varchar,
    procedure_name varchar,
    field_code varchar,
    receiving_unit_code varchar,
    resolving_unit_code varchar,
    channel varchar,
    service_level bigint,
    submitted_at timestamptz,
    received_at timestamptz,
    due_at timestamptz,
    original_due_at timestamptz,
    resolved_at timestamptz,
    returned_at timestamptz,
    status varchar,
    closing_class varchar,
    result_digitised boolean,
    documents_digitised boolean,
    modified_at timestamptz,
    received_date date,
    due_date date,
    original_due_date date,
    resolved_date date
);

create table core.visit_version (
    delivery_id varchar not null,
    row_number bigint,  -- null: the row stood unchanged in a snapshot
    night date not null,
    known_from date not null,
    content_hash varchar not null,
    is_vanished boolean not null,
    ticket_code varchar,
    ticket_number varchar,
    unit_code varchar,
    counter_code varchar,
    service_code varchar,
    procedure_code varchar,
    priority varchar,
    ticket_status varchar,
    transferred_from varchar,
    issued_at timestamptz,
    called_at timestamptz,
    served_at timestamptz,
    finished_at timestamptz,
    issued_date date
);

create table core.visit_history (
    valid_from date not null,
    valid_to date,  -- first night it no longer held; null: still holds
    delivery_id varchar not null,
    row_number bigint,
    content_hash varchar not null,
    ticket_code varchar,
    ticket_number varchar,
    unit_code varchar,
    counter_code varchar,
    service_code varchar,
    procedure_code varchar,
    priority varchar,
    ticket_status varchar,
    transferred_from varchar,
    issued_at timestamptz,
    called_at timestamptz,
    served_at timestamptz,
    finished_at timestamptz,
    issued_date date
);

create table core.procedure_version (
    delivery_id varchar not null,
    row_number bigint,  -- null: the row stood unchanged in a snapshot
    night date not null,
    known_from date not null,
    content_hash varchar not null,
    is_vanished boolean not null,
    procedure_code varchar,
    procedure_name varchar,
    field_code varchar,
    field_name varchar,
    authority_level varchar,
    service_level bigint,
    is_level4_eligible boolean,
    is_internal boolean,
    is_published boolean,
    decision_date date,
    published_date date,
    duration_workdays bigint,
    has_result boolean
);

create table core.procedure_history (
    valid_from date not null,
    valid_to date,  -- first night it no longer held; null: still holds
    delivery_id varchar not null,
    row_number bigint,
    content_hash varchar not null,
    procedure_code varchar,
    procedure_name varchar,
    field_code varchar,
    field_name varchar,
    authority_level varchar,
    service_level bigint,
    is_level4_eligible boolean,
    is_internal boolean,
    is_published boolean,
    decision_date date,
    published_date date,
    duration_workdays bigint,
    has_result boolean
);

create table core.unit_version (
    delivery_id varchar not null,
    row_number bigint,  -- null: the row stood unchanged in a snapshot
    night date not null,
    known_from date not null,
    content_hash varchar not null,
    is_vanished boolean not null,
    unit_code varchar,
    unit_name varchar,
    unit_level varchar,
    parent_unit_code varchar,
    has_one_stop boolean,
    has_queue_system boolean,
    digitisation_date date,
    valid_from_date date,
    valid_to_date date
);

create table core.unit_history (
    valid_from date not null,
    valid_to date,  -- first night it no longer held; null: still holds
    delivery_id varchar not null,
    row_number bigint,
    content_hash varchar not null,
    unit_code varchar,
    unit_name varchar,
    unit_level varchar,
    parent_unit_code varchar,
    has_one_stop boolean,
    has_queue_system boolean,
    digitisation_date date,
    valid_from_date date,
    valid_to_date date
);

create table core.declaration_version (
    delivery_id varchar not null,
    row_number bigint,  -- null: the row stood unchanged in a snapshot
    night date not null,
    known_from date not null,
    content_hash varchar not null,
    is_vanished boolean not null,
    indicator_code varchar,
    unit_code varchar,
    period_start date,
    period_end date,
    numerator bigint,
    denominator bigint,
    declared_value decimal(18, 4),
    document_number varchar,
    document_date date,
    note varchar
);

create table core.declaration_history (
    valid_from date not null,
    valid_to date,  -- first night it no longer held; null: still holds
    delivery_id varchar not null,
    row_number bigint,
    content_hash varchar not null,
    indicator_code varchar,
    unit_code varchar,
    period_start date,
    period_end date,
    numerator bigint,
    denominator bigint,
    declared_value decimal(18, 4),
    document_number varchar,
    document_date date,
    note varchar
);

-- What every published night said, as changes: a row holds from the night valid_from up to, not
-- including, valid_to. period_end is null for year_to_date, which ends on the night asked for.
create table mart.indicator_history (
    valid_from date not null,
    valid_to date,
    plan_code varchar,
    indicator_code varchar not null,
    method_code varchar not null,
    unit_code varchar not null,
    unit_level varchar not null,
    unit_scope varchar not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    period_end date,
    numerator bigint,
    denominator bigint,
    value decimal(18, 4),
    target decimal(18, 4),
    comparison varchar,
    status varchar not null,
    coverage decimal(18, 4)
);

create table mart.form_06a_history (
    valid_from date not null,
    valid_to date,
    unit_code varchar not null,
    unit_level varchar not null,
    unit_scope varchar not null,
    field_code varchar not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    period_end date,
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
    open_overdue bigint not null
);
