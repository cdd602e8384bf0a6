-- Who may do what, and a record that refuses to be changed.
--
--   onestop_owner     owns schemas and record; is taken to change the schema, and for nothing else
--   onestop_pipeline  runs nights: appends to the record, derives the histories, makes the marts
--   onestop_auditor   reads core, audit, mart, ref and the marts that are kept unpublished
--   onestop_bi        reads mart and ref
--
-- None of them can log in. An administrator makes the logins and gives each its role, for instance
-- `create role nightly login password … in role onestop_pipeline`. Roles belong to the server: they
-- are made once, whichever database comes first; what they may do is said for each database.

do $$
declare
    wanted text;
begin
    foreach wanted in array array['onestop_owner', 'onestop_pipeline', 'onestop_auditor', 'onestop_bi']
    loop
        if not exists (select 1 from pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when duplicate_object or unique_violation then
                null;  -- made for another database at this very moment
            end;
        end if;
    end loop;
    -- Whoever changes the schema must be able to hand it over, and later to change it again.
    if not pg_has_role(current_user, 'onestop_owner', 'SET') then
        execute format('grant onestop_owner to %I with inherit true, set true', current_user);
    end if;
    if not pg_has_role('onestop_owner', 'onestop_pipeline', 'SET') then
        grant onestop_pipeline to onestop_owner with inherit true, set true;
    end if;
    if not pg_has_role('onestop_pipeline', 'onestop_auditor', 'SET') then
        grant onestop_auditor to onestop_pipeline with inherit true, set true;
    end if;
    execute format('grant create, connect, temporary on database %I to onestop_owner', current_database());
    execute format('grant connect, temporary on database %I to onestop_pipeline', current_database());
    execute format('grant connect, temporary on database %I to onestop_auditor', current_database());
    execute format('grant connect, temporary on database %I to onestop_bi', current_database());
    execute format('revoke connect, temporary on database %I from public', current_database());
end
$$;

create schema if not exists mart_staged;

-- The record refuses changes by every role, including its owner.
create function audit.refuse_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise insufficient_privilege using
        message = format('%I.%I only grows: %s is refused', tg_table_schema, tg_table_name, tg_op),
        hint = 'What was delivered and published stays as it was; a correction is a new delivery.';
end
$$;

-- To be called by every later schema file that makes a table which only grows.
create procedure audit.protect(only_grows regclass)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    execute format(
        'create or replace trigger refuse_change before update or delete or truncate on %s'
        ' for each statement execute function audit.refuse_change()', only_grows
    );
    execute format('revoke update, delete, truncate on %s from onestop_pipeline', only_grows);
end
$$;

-- Everything that is there is handed over.
do $$
declare
    item record;
begin
    for item in
        select c.oid::regclass as name, c.relkind, n.nspname
        from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname in ('meta', 'core', 'audit', 'ref', 'mart', 'mart_staged')
            and c.relkind in ('r', 'v')
    loop
        execute format(
            'alter %s %s owner to %I',
            case item.relkind when 'v' then 'view' else 'table' end,
            item.name,
            -- what is computed and filled anew each night is the pipeline's own
            case
                when item.nspname in ('ref', 'mart_staged') then 'onestop_pipeline'
                when item.name = to_regclass('core.calendar') then 'onestop_pipeline'
                when item.nspname = 'mart' and item.name::text not like '%\_history'
                    and item.name::text not like 'mart.restatement%' then 'onestop_pipeline'
                else 'onestop_owner'
            end
        );
    end loop;
    for item in
        select c.oid::regclass as name
        from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
        where c.relkind = 'r'
            and (
                (n.nspname = 'core' and c.relname like '%\_version')
                or (n.nspname = 'audit' and c.relname in ('delivery', 'validation_result', 'publication'))
                or (n.nspname = 'mart' and c.relname like 'restatement%')
            )
    loop
        call audit.protect(item.name);
    end loop;
end
$$;

alter function audit.refuse_change() owner to onestop_owner;

alter procedure audit.protect(regclass) owner to onestop_owner;

alter schema meta owner to onestop_owner;
alter schema core owner to onestop_owner;
alter schema audit owner to onestop_owner;
alter schema ref owner to onestop_owner;
alter schema mart owner to onestop_owner;
alter schema mart_staged owner to onestop_owner;

grant usage on schema meta, core, audit, ref, mart, mart_staged to onestop_auditor;
grant usage on schema ref, mart to onestop_bi;
grant usage on schema meta, audit to onestop_pipeline;
grant usage, create on schema core, ref, mart, mart_staged to onestop_pipeline;

grant select on all tables in schema meta, core, audit, ref, mart, mart_staged to onestop_auditor;
grant select on all tables in schema ref, mart to onestop_bi;

-- The pipeline appends to the record …
grant select on all tables in schema meta to onestop_pipeline;
grant select, insert, maintain on all tables in schema core, audit to onestop_pipeline;
-- … derives the histories and notes how nights ended …
grant update, delete on
    core.dossier_history, core.visit_history, core.procedure_history, core.unit_history,
    core.declaration_history
to onestop_pipeline;
grant delete on audit.night_run to onestop_pipeline;
-- … closes a rejected row once a valid row with its key has arrived …
grant update (state, state_changed_at, replayed_attempt) on audit.rejected_row to onestop_pipeline;
-- … and ends figures that changed: a night's published figure can never be altered.
grant select, insert, maintain on
    mart.indicator_history, mart.form_06a_history, mart.restatement, mart.restatement_dossier
to onestop_pipeline;
grant update (valid_to) on mart.indicator_history, mart.form_06a_history to onestop_pipeline;

-- The same for what later schema files and later nights make.
alter default privileges for role onestop_owner in schema core, audit
grant select, insert, maintain on tables to onestop_pipeline;
alter default privileges for role onestop_owner in schema meta
grant select on tables to onestop_pipeline;
alter default privileges for role onestop_owner in schema meta, core, audit, ref, mart, mart_staged
grant select on tables to onestop_auditor;
alter default privileges for role onestop_owner in schema ref, mart
grant select on tables to onestop_bi;
alter default privileges for role onestop_owner in schema mart
grant select, insert, maintain on tables to onestop_pipeline;
alter default privileges for role onestop_pipeline in schema core, ref, mart, mart_staged
grant select on tables to onestop_auditor;
alter default privileges for role onestop_pipeline in schema ref, mart
grant select on tables to onestop_bi;
