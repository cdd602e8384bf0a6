-- The causes of one night are read among those of all nights. DuckDB finds them by the order in
-- which they were added.

create index on mart.night_change (as_of_date);
