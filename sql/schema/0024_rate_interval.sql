-- The interval of each rate, and whether it rests on few cases; null for the nights before.

alter table mart.indicator_history add column rate_lower decimal(18, 4);
alter table mart.indicator_history add column rate_upper decimal(18, 4);
alter table mart.indicator_history add column is_small boolean;
