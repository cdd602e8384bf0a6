-- A night's figures are compared with those of the last publication that have the same keys, and
-- restatements read what began or ended on one night, without reading the figures of all nights.

create index on mart.form_06a_history (unit_code, field_code, period_start)
where valid_to is null;
create index on mart.form_06a_history (valid_from);
create index on mart.form_06a_history (valid_to) where valid_to is not null;
create index on mart.indicator_history (unit_code, indicator_code, period_start)
where valid_to is null;
create index on mart.indicator_history (valid_from);
create index on mart.indicator_history (valid_to) where valid_to is not null;
