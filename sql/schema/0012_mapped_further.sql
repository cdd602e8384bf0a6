-- Further parts of a mapping: the timeliness stated by the source, further columns kept as JSON,
-- and rows that are left out, counted by the mapping's reasons.

alter table core.dossier_version add column source_timeliness varchar;

alter table core.dossier_version add column extra varchar;

alter table core.dossier_history add column source_timeliness varchar;

alter table core.dossier_history add column extra varchar;

alter table audit.delivery add column rows_skipped bigint default 0;

alter table audit.delivery add column skip_reasons varchar;
