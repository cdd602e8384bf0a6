-- Published reference rows are appended to, and nothing else.

call audit.protect('audit.reference_version'::regclass);
