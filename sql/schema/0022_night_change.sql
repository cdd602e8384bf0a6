-- Why figures moved from one published night to the next. Rows are added when a night is
-- published, in its transaction, and never change.

-- One row for each figure that moved and cause, in every period that as_of_date gives figures for.
-- The causes of a figure add up to after minus before.
create table mart.night_change (
    as_of_date date not null,
    previous_night date not null,
    indicator_code varchar not null,
    method_code varchar not null,
    unit_code varchar not null,
    unit_level varchar not null,
    unit_scope varchar not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    cause_code varchar not null,  -- ref.change_cause
    item_count bigint,  -- null: of rules, which concern all items
    numerator_change bigint not null,
    denominator_change bigint not null,
    numerator_before bigint not null,
    denominator_before bigint not null,
    numerator_after bigint not null,
    denominator_after bigint not null
);
