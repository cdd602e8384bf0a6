-- The reference rows and the calendar as published: a row for each table and each of its contents.
-- Earlier nights are read back with the rows of their time.

create table audit.reference_version (
    table_name varchar not null,  -- as ref.target
    valid_from date not null,  -- the first night that was published with this content
    rows_sha256 varchar not null,  -- of types and content
    column_types varchar,  -- JSON: the Arrow type of each column; null: the table is gone
    content varchar  -- CSV with a header; an empty cell is null
);
