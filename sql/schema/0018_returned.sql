-- The returned by their own date, a part of columns (8), (9), (10) of the form; null for the nights
-- before.

alter table mart.form_06a_history add column returned_early bigint;
alter table mart.form_06a_history add column returned_on_time bigint;
alter table mart.form_06a_history add column returned_late bigint;
