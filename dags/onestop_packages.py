"""# Packages of provinces: taken in, checked, kept.

**Only in a national office.** The DAG is paused until somebody switches it on, together with
`onestop_nation`. It needs the registry of provinces (`ONESTOP_PROVINCES`) and the places of
packages (`ONESTOP_PACKAGES`, or the Connection `onestop_packages`): docs/federation.md.

**When.** Every 15 minutes (Asia/Ho_Chi_Minh).

**What.**

- `take_in` reads the files, checks signature, digests and sums, keeps every file, and puts those
  that pass in force, in one transaction. A package that is refused for the first time, or for
  another reason than before, is a warning in its log that names the file, the reason and what to
  do; `onestop nation --list packages` lists all of them. It is red when a place cannot be reached
  or the registry cannot be read.
- `report` sends an event of the asset `onestop_package` for each package that no publication covers
  yet, with the partition `<province>|<night>`.
- `report_due` sends an event of the asset `onestop_nation_due` for a night that is to be published
  even if provinces are missing: because `ONESTOP_NATION_BY` has passed, or because it is published
  and a later package changes it.

The last two are skipped when there is nothing to report.

**Running again is always safe**: a file that is held changes nothing. Without Airflow:
`onestop federate`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import CronTriggerTimetable, dag

from onestop import airflow_adapter as steps
from onestop import airflow_nation as nation

# The slot that all tasks share that open the warehouse.
WAREHOUSE = "warehouse_write"

take_in = steps.step(nation.take_in_packages, task_id="take_in", pool=WAREHOUSE)
report = steps.step(
    nation.report_packages, task_id="report", pool=WAREHOUSE, outlets=[nation.PACKAGE]
)
# Also after a place that could not be reached: the hour passes whatever comes.
report_due = steps.step(
    nation.report_due,
    task_id="report_due",
    pool=WAREHOUSE,
    outlets=[nation.DUE],
    trigger_rule="all_done",
)


@dag(
    schedule=CronTriggerTimetable("*/15 * * * *", timezone="Asia/Ho_Chi_Minh"),
    start_date=datetime(2022, 1, 1, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    dagrun_timeout=timedelta(hours=6),
    default_args=steps.TASK_DEFAULTS,
    description="Cơ quan trung ương: nhận gói số liệu của các tỉnh",
    doc_md=__doc__,
    tags=["onestop", "nation"],
)
def onestop_packages() -> None:
    """Take in, then report what came and what is due."""
    received = take_in()
    received >> report()
    received >> report_due()


onestop_packages()
