"""Health check of this container's Airflow component, by its last heartbeat in Airflow's database.

``airflow jobs check`` does the same but loads all of Airflow first, which takes too long on a busy
machine.

    python check_job.py DagProcessorJob
"""

from __future__ import annotations

import socket
import sys

import psycopg

#: Components send a heartbeat every few seconds; a file that is slow to parse may delay it.
_ALIVE = "2 minutes"

with psycopg.connect("postgresql://airflow@postgres/airflow", connect_timeout=10) as database:
    found = database.execute(
        "select count(*) from job where job_type = %s and hostname = %s and state = 'running'"
        " and latest_heartbeat > now() - cast(%s as interval)",
        (sys.argv[1], socket.getfqdn(), _ALIVE),
    ).fetchone()
sys.exit(found is None or found[0] == 0)
