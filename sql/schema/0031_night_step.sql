-- When each step of a night began and ended, one row for each execution. Never updated.

create table audit.night_step (
    step_id varchar not null,
    as_of_date date not null,  -- the night that was run
    step varchar not null,
    file_name varchar,  -- of the steps that work on one file
    began_at timestamptz not null,
    ended_at timestamptz,  -- null: its process died
    outcome varchar not null,  -- done, refused, failed, killed
    rows_done bigint,
    process varchar not null  -- host:process number
);
