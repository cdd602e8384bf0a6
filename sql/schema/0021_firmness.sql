-- Whether a verdict depends on the reading, and the readings that turn it; null for the nights
-- before.

alter table mart.indicator_history add column firmness varchar;
alter table mart.indicator_history add column turned_by varchar;
