-- What ends with a night, and which tickets follow another one, without reading the whole record.
-- The embedded warehouse keeps the bounds of every block of rows and needs none of these.

create index on core.dossier_history (valid_to) where valid_to is not null;
create index on core.visit_history (valid_to) where valid_to is not null;
create index on core.procedure_history (valid_to) where valid_to is not null;
create index on core.visit_history (transferred_from) where transferred_from is not null;
