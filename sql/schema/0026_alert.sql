-- The alerts that were sent, one row for each channel. Never updated.

create table audit.alert (
    as_of_date date not null,  -- the night that it is about
    alert_code varchar not null,
    sent_by varchar not null,  -- email, webhook
    alert_state varchar not null,  -- raised, resolved
    facts_sha256 varchar not null,  -- it is sent again only when this changes
    alert_counts varchar not null,  -- JSON
    alert_vi varchar not null,
    alert_en varchar not null,
    sent_at timestamptz not null
);
