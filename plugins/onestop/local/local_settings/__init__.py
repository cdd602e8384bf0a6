"""What a local Airflow (``make demo``, ``make up``) is told beyond its configuration."""
