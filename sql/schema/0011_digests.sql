-- Each applied schema file with the sha-256 of its statements: a file that is changed afterwards is
-- refused.

alter table meta.schema_version add column sha256 varchar;
