-- What was sent refuses to be changed, as the rest of the record does.
call audit.protect('audit.alert');
