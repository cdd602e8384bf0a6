-- Who may read and write the nation's figures: the roles of the warehouse. What was restated and
-- published refuses to be changed.

grant usage on schema national to onestop_pipeline, onestop_auditor, onestop_bi;
grant select, insert on all tables in schema national to onestop_pipeline;
grant update, delete on national.package to onestop_pipeline;
grant update, delete on national.province to onestop_pipeline;
grant update, delete on national.indicator to onestop_pipeline;
grant update, delete on national.province_figure to onestop_pipeline;
grant update, delete on national.province_form_06a to onestop_pipeline;
grant update, delete on national.province_processing_time to onestop_pipeline;
grant update, delete on national.province_unit to onestop_pipeline;
grant update, delete on national.province_target to onestop_pipeline;
grant update, delete on national.province_known_issue to onestop_pipeline;
grant update, delete on national.province_delivery to onestop_pipeline;
grant select on all tables in schema national to onestop_auditor, onestop_bi;

call audit.protect('national.restatement');
call audit.protect('national.publication');
call audit.protect('national.coverage');
call audit.protect('national.indicator_value');
call audit.protect('national.form_06a');

create index province_figure_province on national.province_figure (province_code);
create index province_form_06a_province on national.province_form_06a (province_code);
