-- A night counts all dossiers, or those that changed: which, and why all.

alter table audit.publication add column computed varchar;  -- all, changes
alter table audit.publication add column computed_why varchar;  -- why all
-- What the figures were computed by: SELECTs, reference rows, release.
alter table audit.publication add column rules_sha256 varchar;
-- How many times deliveries had been taken into the record.
alter table audit.publication add column record_state bigint;
alter table audit.night_run add column computed varchar;
alter table audit.night_run add column computed_why varchar;

-- mart.unit_tally and mart.period_tally have its sums.
drop table if exists mart.dossier_tally;
