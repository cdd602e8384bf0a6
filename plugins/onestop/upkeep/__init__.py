"""Maintenance: backup, doctor, housekeeping, verification, rebuild, generated documents."""
