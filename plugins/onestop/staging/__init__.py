"""Readings into typed rows: one DuckDB file per delivery."""
