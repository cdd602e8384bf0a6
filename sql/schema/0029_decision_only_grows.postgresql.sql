-- Decisions refuse to be changed, as the rest of the record does.
call audit.protect('audit.decision');
