-- Issued reports refuse to be changed, as the rest of the record does.
call audit.protect('audit.report');
call audit.protect('audit.report_file');
