-- What became known since a night, and who names a dossier, without reading the whole record. The
-- embedded warehouse keeps the bounds of every block of rows and needs none of these.

create index on core.dossier_version (known_from);
create index on core.visit_version (known_from);
create index on core.dossier_history (alias_code) where alias_code is not null;
create index on core.visit_history (issued_date);
