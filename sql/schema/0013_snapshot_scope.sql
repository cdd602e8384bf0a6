-- What the snapshot files of a night cover: several of them are parts of one snapshot, and a key
-- vanishes only where one of them covers it and none holds it. Only grows.
create table audit.snapshot_scope (
    delivery_id varchar not null,
    column_name varchar not null,  -- the column whose values are covered; * for the whole source
    value varchar not null,  -- empty for the whole source
    is_anchor boolean not null,  -- rows it holds unchanged are not stored again
    known_from date not null  -- first night whose figures may rest on it
);

insert into audit.snapshot_scope (delivery_id, column_name, value, is_anchor, known_from)
select delivery_id, '*', '', true, min(known_from)
from audit.delivery
where state = 'loaded' and kind = 'snapshot'
group by delivery_id;
