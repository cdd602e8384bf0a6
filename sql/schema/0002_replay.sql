-- Rows of the quarantine can be taken into the record later: which attempt found them, which one
-- closed them, and by which suite each attempt was judged.

alter table audit.delivery add column suite_sha256 varchar;

alter table audit.rejected_row add column attempt integer;

alter table audit.rejected_row add column replayed_attempt integer;

update audit.rejected_row as r set attempt = (
    select min(d.attempt) from audit.delivery as d
    where d.delivery_id = r.delivery_id and d.state = 'loaded'
);
