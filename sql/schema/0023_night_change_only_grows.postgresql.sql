-- The causes of published changes refuse to be changed, as the rest of the record does.
call audit.protect('mart.night_change');
