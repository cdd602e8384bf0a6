-- Who may read and write the nation's figures: the roles of the warehouse. What was restated and
-- published refuses to be changed.

grant usage on schema national to onestop_pipeline, onestop_auditor, onestop_bi;
grant select, insert on all tables in schema national to onestop_pipeline;
grant update, delete on
    national.package, national.province, national.indicator, national.province_figure,
    national.province_form_06a, national.province_processing_time, national.province_unit,
    national.province_target, national.province_known_issue, national.province_delivery
to onestop_pipeline;
grant select on all tables in schema national to onestop_auditor, onestop_bi;

call audit.protect('national.restatement');
call audit.protect('national.publication');
call audit.protect('national.coverage');
call audit.protect('national.indicator_value');
call audit.protect('national.form_06a');

create index province_figure_province on national.province_figure (province_code);
create index province_form_06a_province on national.province_form_06a (province_code);
