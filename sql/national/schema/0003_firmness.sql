-- How firm the nation's verdicts are. Null in publications of earlier releases.

alter table national.indicator_value add column provinces_depending bigint;

alter table national.indicator_value add column provinces_provisional bigint;

alter table national.indicator_value add column met_at_least bigint;

alter table national.indicator_value add column met_at_most bigint;
