-- What a person decided about a night, or what was done when nobody answered. Never updated: the
-- last decision on a subject holds.

create table audit.decision (
    as_of_date date not null,
    decision_code varchar not null,  -- volume
    subject varchar not null,  -- of volume: source/feed
    answer varchar not null,  -- accepted, refused
    because varchar not null,
    decided_by varchar,  -- null: nobody answered in time
    decided_at timestamptz not null
);
