-- Scopes of snapshots are appended to, and nothing else.

call audit.protect('audit.snapshot_scope'::regclass);
