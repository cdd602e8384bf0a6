-- Reference rows of the night that is computed: readers see them when it is published.

create schema if not exists ref_staged;
alter schema ref_staged owner to onestop_owner;
grant usage on schema ref_staged to onestop_auditor;
grant usage, create on schema ref_staged to onestop_pipeline;
alter default privileges for role onestop_pipeline in schema ref_staged
grant select on tables to onestop_auditor;
