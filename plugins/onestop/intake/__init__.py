"""Exports into landing/: the only part that touches a source."""
