-- The known issues that affect a figure; null for the nights before.

alter table mart.indicator_history add column known_issues varchar;
