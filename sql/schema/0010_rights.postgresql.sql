-- Unneeded rights are revoked, also in existing installations.

-- The pipeline fills the calendar and needs no other table of its own among the record.
create table if not exists core.calendar (
    calendar_date date,
    is_workday boolean,
    day_name varchar,
    holiday_name varchar,
    workday_number bigint,
    is_calendar_known boolean
);
alter table core.calendar owner to onestop_pipeline;
revoke create on schema core from onestop_pipeline;

-- The writer's lock: locking a table needs a right on it, and an advisory lock needs none.
create table meta.writer (holds_nothing boolean);
comment on table meta.writer is 'Khóa của tiến trình ghi — Locked by the one process that writes';
grant insert, maintain on meta.writer to onestop_pipeline;

-- Limits of the sessions that name none themselves, as readers' tools do not. A role's settings do
-- not pass to its members, so they are the database's. A dump leaves them out: a restore calls this.
create procedure meta.limit_sessions()
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('alter database %I set statement_timeout = ''15min''', current_database());
    execute format(
        'alter database %I set idle_in_transaction_session_timeout = ''10min''', current_database()
    );
exception when insufficient_privilege then
    raise warning 'the limits of readers'' sessions are not set: the login does not own the database';
end
$$;

-- What follows needs the administrator's own rights; without them the server warns and goes on.
reset role;

call meta.limit_sessions();

-- Only the owner may create functions: a view or trigger that calls one runs it with the rights of
-- the role that reads the view or changes the table, which may be an administrator.
revoke usage on language plpgsql, sql from public;
grant usage on language plpgsql, sql to onestop_owner;

set local role onestop_owner;
