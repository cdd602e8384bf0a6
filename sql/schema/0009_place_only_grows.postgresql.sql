-- Places of deliveries are appended to, and nothing else.

call audit.protect('audit.delivery_place'::regclass);
