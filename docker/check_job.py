"""Whether this container's Airflow component is alive: its last heartbeat, in Airflow's database.

``airflow jobs check`` answers the same after loading all of Airflow, which on a busy machine
takes longer than a health check may.

    python check_job.py DagProcessorJob
"""

from __future__ import annotations

import socket
import sys

import psycopg

#: Components beat every few seconds; a file that takes long to parse may hold them up.
_ALIVE = "2 minutes"

with psycopg.connect("postgresql://airflow@postgres/airflow", connect_timeout=10) as database:
    found = database.execute(
        "select count(*) from job where job_type = %s and hostname = %s and state = 'running'"
        " and latest_heartbeat > now() - cast(%s as interval)",
        (sys.argv[1], socket.getfqdn(), _ALIVE),
    ).fetchone()
sys.exit(found is None or found[0] == 0)
