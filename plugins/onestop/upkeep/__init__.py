"""What keeps an installation healthy: backup, doctor, housekeeping, verification, documents."""
