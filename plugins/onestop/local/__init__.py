"""An Airflow on this machine, for the demonstration."""
