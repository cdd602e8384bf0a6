"""The record: the only writer of schemas core and audit."""
