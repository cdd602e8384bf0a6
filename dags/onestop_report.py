"""# The plan's periodic reports: issued when they fall due, numbered and frozen.

**When.** As soon as the night that has just ended is published (asset `onestop_mart`), and in its
morning at 06:00 or the time of `ONESTOP_PUBLISH_BY` (asset `onestop_morning`, from
`onestop_watch`), so that a report is issued on its last working day also when that night is not
published. A run's *partition key* is the night. Earlier nights, which a backfill publishes, start
nothing.

**What.** QĐ 3818 IV.1.c wants Q1 and Q3 before the 10th of the quarter's last month, six months
before 10/6, the year before 05/12; `ref.report_calendar` has the days. On the last working day
before each, `issue` writes the report on the last published night: the scorecard, all figures of
the period, form II.06a of the city and each level. They lie under `reports/<code>/<number>/` beside
the readers' copy, and again in the landing; `audit.report` and `audit.report_file` say what they
are. On all other days `issue` is skipped.

**Who decides.** Such a report is due before its period is over. `decide` (*Required Actions*) asks
in the morning whether to issue it on provisional figures. Without an answer within 5 hours
(`ONESTOP_DECISION_HOURS`) it is issued, to be in time. After "not yet" nobody is asked again about
the figures of that night; `onestop report issue CODE` issues it. A late one is issued at once.

**When nothing was published in time**, the first run after a publication issues the report, marked
late.

**When something is red.** The log says why. `complete` is red when both copies of an earlier
report were removed and it cannot be made as it was: restore the landing's from a backup. `alert`
sends that a report is due and not issued; it is red when the message could not be sent.

**Running again is always safe**: a report that is issued stays as it is. To issue one again on
newer figures, under the next number: `onestop report issue CODE`, which asks why where the period
is not over.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import PartitionedAssetTimetable, dag

from onestop import airflow_adapter as steps
from onestop import airflow_alerts as alerts
from onestop import airflow_decisions as decisions
from onestop import airflow_partitions as partitions

# The slot that all tasks share that open the warehouse.
WAREHOUSE = "warehouse_write"

find_due = steps.step(decisions.find_due_reports, task_id="find_due", pool=WAREHOUSE)
# Also of reports that nobody is asked about.
find_approved = steps.step(
    decisions.find_approved_reports,
    task_id="find_approved",
    pool=WAREHOUSE,
    trigger_rule="none_failed",
)
issue = steps.step(
    steps.issue_report, task_id="issue", pool=WAREHOUSE, map_index_template=steps.REPORT_CODE
)
complete = steps.step(steps.complete_reports, task_id="complete", pool=WAREHOUSE)
alert = steps.step(alerts.send_report_alerts, task_id="alert", pool=WAREHOUSE)


@dag(
    schedule=PartitionedAssetTimetable(
        assets=steps.MART | steps.MORNING,
        default_partition_mapper=partitions.LastNight(),
    ),
    start_date=datetime(2022, 1, 1, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    default_args=steps.TASK_DEFAULTS,
    description="Báo cáo định kỳ của Kế hoạch: ban hành khi đến hạn",
    doc_md=__doc__,
    tags=["onestop", "report"],
)
def onestop_report() -> None:
    """Issue the due reports, and make files that a killed run left out."""
    due, approved = find_due(), find_approved()
    [due, decisions.decide_on_reports(due)] >> approved
    issued = issue.expand_kwargs(approved)
    complete()
    issued >> alert().as_teardown()


onestop_report()
