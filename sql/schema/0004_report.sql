-- The plan's periodic reports (QĐ 3818 IV.1.c) as they were issued. Rows are only added: a report
-- that is issued again gets the next number, and what was issued before stays.

create table audit.report (
    report_code varchar not null,
    issue_number integer not null,
    plan_code varchar not null,
    title_vi varchar not null,
    title_en varchar not null,
    period_type varchar not null,
    period_basis varchar not null,
    period_start date not null,
    period_end date not null,
    as_of_date date not null,  -- the published night whose figures it gives
    publication_id bigint not null,
    last_day_date date not null,  -- last day on which it would have been in time
    is_late boolean not null,
    issued_at timestamptz not null,
    folder varchar not null,  -- below the folder of the published files
    delivery_count bigint not null,
    figures_sha256 varchar not null,
    content_sha256 varchar not null  -- over the names and digests of its files
);

create table audit.report_file (
    report_code varchar not null,
    issue_number integer not null,
    file_name varchar not null,
    size_bytes bigint not null,
    sha256 varchar not null
);
