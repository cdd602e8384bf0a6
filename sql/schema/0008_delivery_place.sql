-- Where else in the exports the bytes of a delivery were found: a copy in another folder, a file
-- that was moved, the same bytes exported once more. Such a file is not read again. Only grows.
create table audit.delivery_place (
    delivery_id varchar not null,
    file_name varchar not null,  -- path below the exports
    size_bytes bigint not null,
    file_modified_at timestamptz not null
);
