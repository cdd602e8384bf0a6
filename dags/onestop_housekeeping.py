"""# Housekeeping: is the installation healthy, and which files are past their retention?

**When.** Every day at noon (Asia/Ho_Chi_Minh), when the night is over.

**What.**

- `examine` looks at what a night depends on: exports, warehouse and its schema, the last night's
  age, the readers' copy, rights on landing/, free disk, mappings, suites, clock. Red means that
  something has to be done; the log says what. `onestop doctor` does the same at any time.
- `remove_old_files` deletes files past the retention in `retention.yaml`: staged files, results,
  logs, leftovers of killed processes. Files that a published night needs are never deleted.
  `onestop housekeeping --dry-run` lists beforehand what would be deleted.

**Not here:** old runs in Airflow's own database. In Airflow 3 tasks have no access to it; let the
machine's scheduler call `onestop housekeeping --airflow-database` once a month where Airflow's
scheduler runs.

**Running again is always safe.**
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import CronTriggerTimetable, dag

from onestop import airflow_adapter as steps

# The slot that all tasks share that open the warehouse.
WAREHOUSE = "warehouse_write"

examine = steps.step(steps.examine_installation, task_id="examine", pool=WAREHOUSE)
remove_old_files = steps.step(steps.remove_old_files, task_id="remove_old_files", pool=WAREHOUSE)


@dag(
    schedule=CronTriggerTimetable("0 12 * * *", timezone="Asia/Ho_Chi_Minh"),
    start_date=datetime(2022, 1, 1, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),
    default_args=steps.TASK_DEFAULTS,
    description="Hằng ngày: kiểm tra hệ thống, xóa tệp quá hạn lưu giữ",
    doc_md=__doc__,
    tags=["onestop", "housekeeping"],
)
def onestop_housekeeping() -> None:
    """Two independent tasks: a failed examination (full disk) must not stop the deletion."""
    examine()
    remove_old_files()


onestop_housekeeping()
