-- Published figures that a later night changed, and the dossiers that did it. Rows are added when
-- a night is published, in its transaction, and never change.

-- One row for each figure of a period that was over and published, and that the publication of
-- restated_night changed. A form II.06a figure has its column as method_code and its count as
-- numerator.
create table mart.restatement (
    restated_night date not null,
    previous_night date not null,  -- the publication that said otherwise last
    indicator_code varchar not null,  -- form_06a for the form
    method_code varchar not null,
    field_code varchar not null,
    unit_code varchar not null,
    unit_level varchar not null,
    unit_scope varchar not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    period_end date not null,
    numerator_before bigint,
    denominator_before bigint,
    status_before varchar,
    numerator_after bigint,
    denominator_after bigint,
    status_after varchar,
    dossier_count bigint not null,  -- in restatement_dossier, of this unit and period
    delivery_ids varchar  -- what came in between the two nights
);

-- One row for each dossier whose count in a restated period changed.
create table mart.restatement_dossier (
    restated_night date not null,
    previous_night date not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    period_end date not null,
    dossier_code varchar not null,
    unit_before varchar,
    unit_after varchar,
    level_before varchar,
    level_after varchar,
    class_before varchar,  -- null: did not touch the period
    class_after varchar,
    received_before date,
    received_after date,
    due_before date,
    due_after date,
    closed_before date,
    closed_after date,
    delivery_before varchar,
    row_before bigint,
    delivery_after varchar,
    row_after bigint
);
