"""# The nation's night: published when enough provinces are in, or at a set hour.

**Only in a national office.** The DAG is paused until somebody switches it on, together with
`onestop_packages`.

**When.** A run's *partition key* is the night. It starts

- when packages of `ONESTOP_NATION_MINIMUM` provinces have come for that night: a roll-up of the
  partitions `<province>|<night>` of the asset `onestop_package`, with a minimum;
- or when `onestop_packages` sends the night as an event of the asset `onestop_nation_due`: at
  `ONESTOP_NATION_BY` (09:00) of the following morning, even if provinces are missing, and whenever
  a later package changes a night that is published.

Airflow's roll-ups count partitions and have no clock, so the hour is an event of its own. A new
province in the registry starts the roll-up of the nights that are waiting anew; their packages
are reported again within 15 minutes.

**What.** `publish` adds up the packages in force, in one transaction, and sends an event of the
asset `onestop_nation`. Its log names the provinces that are late or missing; `onestop nation`
shows the scorecard. It is skipped when the same packages are published already, or a later night
is.

**Running again is always safe.** Without Airflow: `onestop federate`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import IdentityMapper, PartitionedAssetTimetable, dag

from onestop import airflow_adapter as steps
from onestop import airflow_nation as nation

# The slot that all tasks share that write the warehouse.
WAREHOUSE = "warehouse_write"

publish = steps.step(
    nation.publish_nation, task_id="publish", pool=WAREHOUSE, outlets=[nation.NATION]
)


@dag(
    schedule=PartitionedAssetTimetable(
        assets=nation.PACKAGE | nation.DUE,
        partition_mapper_config={
            nation.PACKAGE: nation.enough_packages(),
            nation.DUE: IdentityMapper(),
        },
    ),
    start_date=datetime(2022, 1, 1, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    dagrun_timeout=timedelta(hours=6),
    default_args=steps.TASK_DEFAULTS,
    description="Cơ quan trung ương: công bố số liệu cả nước",
    doc_md=__doc__,
    tags=["onestop", "nation"],
)
def onestop_nation() -> None:
    """One task."""
    publish()


onestop_nation()
