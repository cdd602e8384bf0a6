-- The times of steps refuse to be changed, as the rest of the record does.
call audit.protect('audit.night_step');
