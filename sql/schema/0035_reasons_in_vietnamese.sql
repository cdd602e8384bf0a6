-- How a night ended, and why all dossiers were counted, in Vietnamese beside the English; null for
-- the nights before.

alter table audit.night_run add column message_vi varchar;
alter table audit.night_run add column computed_why_vi varchar;
alter table audit.publication add column computed_why_vi varchar;
