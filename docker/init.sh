#!/usr/bin/env bash
# Everything that has to be there before the services start; done again at each start, harmlessly.
set -euo pipefail
cd "$(dirname "$0")"

python make_databases.py
airflow db migrate
airflow users create --username admin --password "$(cat /secrets/admin_password)" --role Admin \
  --firstname One-stop --lastname Administrator --email admin@localhost.invalid
# One slot: one task at a time writes the warehouse.
airflow pools set warehouse_write 1 "Writing the warehouse: one task at a time"

# Where the lineage of each night goes.
mkdir -p /opt/onestop/work/lineage

# The schema is changed by its owner, written to by a login that owns nothing, and read by the pages.
export ONESTOP_WAREHOUSE=postgresql://postgres@postgres/onestop
onestop migrate
python -c "
import psycopg
with psycopg.connect('$ONESTOP_WAREHOUSE') as warehouse:
    warehouse.execute('grant onestop_pipeline to onestop_writer')
    warehouse.execute('grant onestop_auditor to onestop_reader')
"
