"""Policies of a local Airflow (``make demo``, ``make up``)."""
