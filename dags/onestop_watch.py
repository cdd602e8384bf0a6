"""# The morning: are last night's figures published, and which reports are due?

**When.** Every day at 06:00 (Asia/Ho_Chi_Minh), or at the time of `ONESTOP_PUBLISH_BY`. A run's
*partition key* is the night that has just ended, as for `onestop_nightly`.

**What.** `alert` sends one message when the night is not published, through the Connections
`onestop_alerts_email` and `onestop_alerts_webhook`. Without them it only logs it. The last task of
`onestop_nightly` sends another one once the night is published. `announce` emits an event of the
asset `onestop_morning`, with the night as its partition: `onestop_report` starts from it, also
when the night is not published.

**Why not a deadline of Airflow's own.** In Airflow 3.3.2 a deadline's callback may not read
Connections in the executor; for the triggerer apache/airflow issue 63929 reports the same.

**When something is red.** `alert`: the message could not be sent; check the Connections, then
clear it. `announce`: Airflow could not keep the event; clear it. While this DAG is paused, nobody
is asked about a report whose period is not over, and it is issued late.

**Running again is always safe**: what was sent is not sent again, and what is issued stays.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import CronPartitionTimetable, dag

from onestop import airflow_adapter as steps
from onestop import airflow_alerts as alerts

# Takes no slot of the warehouse's pool: a night that hangs would hold it.
alert = steps.step(alerts.send_late_alert, task_id="alert")
announce = steps.step(steps.announce_morning, task_id="announce", outlets=[steps.MORNING])


@dag(
    schedule=CronPartitionTimetable(
        alerts.publication_clock(),
        timezone="Asia/Ho_Chi_Minh",
        run_offset=-1,
        key_format="%Y-%m-%d",
    ),
    start_date=datetime(2022, 1, 1, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),
    default_args=steps.TASK_DEFAULTS,
    description="06:00: số liệu của đêm qua đã được công bố chưa? Báo cáo nào đến hạn?",
    doc_md=__doc__,
    tags=["onestop", "nightly"],
)
def onestop_watch() -> None:
    """Two tasks, neither of which waits for the other."""
    alert()
    announce()


onestop_watch()
