-- A delivery touches few keys: find them without reading the whole record. The embedded warehouse
-- keeps the bounds of every block of rows and needs none of these.

create index on core.dossier_version (dossier_code);
create index on core.dossier_version (delivery_id);
create index on core.dossier_history (dossier_code);
create index on core.visit_version (ticket_code);
create index on core.visit_version (delivery_id);
create index on core.visit_history (ticket_code);
create index on core.procedure_version (procedure_code);
create index on core.procedure_history (procedure_code);
create index on audit.rejected_row (delivery_id);
create index on audit.validation_result (delivery_id);
