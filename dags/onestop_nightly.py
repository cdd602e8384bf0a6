"""# One night: from the source systems' exports to the plan's published figures.

**When.** Every day at 01:00 (Asia/Ho_Chi_Minh). A run's *partition key* is the night it
describes: the run at 01:00 on 25 November has the key `2022-11-24`, the state at the end of
that day.

**What.** Find the night's deliveries; land, read, validate and load each of them; require the
expected ones; compute the marts, check them, publish them.
Readers see the whole new night or the whole old one.

**When something is red.** The task's log says why, naming file and rule.

- `discover_deliveries` waits for an expected file until 06:00 (`ONESTOP_WAIT_UNTIL`), looking
  every 5 minutes (`ONESTOP_WAIT_MINUTES`); it is then *up for reschedule*, and its log names what
  it waits for. It is red only when the exports cannot be read.
- `delivery.land`, `delivery.read`, `delivery.validate`: a file is refused, the others go on. Have
  the source export it again, then clear `discover_deliveries`. Above 32 files, each of these
  tasks works on a batch of files; its log names every one of them.
- `delivery.load`: nothing of that file is in the warehouse. Clear the task.
- `decide` (*Required Actions*): a number of rows is unusual, or a snapshot lacks a whole unit, and
  somebody has to say whether that is right. After 5 hours (`ONESTOP_DECISION_HOURS`) nothing is
  accepted and the night goes on.
- `require_expected`: an expected delivery is missing or refused. Yesterday's figures stay
  published. Put the file into the exports, then clear `discover_deliveries`.
- `check`: the marts break an identity or a bound. They are kept for inspection, not published.
- `alert`: a message could not be sent; the night is not affected. Check the Connection
  `onestop_alerts_email` or `onestop_alerts_webhook`, then clear the task.

**Messages.** `alert` sends one message for each cause (failed, missing, refused, unusually many
rejected rows, below target, strong signs) where one of those Connections exists. `onestop_watch`
reports figures that are not published by 06:00.

**Who can follow.** `publish` has an event of the assets `onestop_mart` and `onestop_ref`, with the
night as partition.

**Running again is always safe**, whether by clearing tasks or by running nights anew; a file
that is loaded already changes nothing. `onestop night 2022-11-24` does the same without Airflow.

    airflow backfill create --dag-id onestop_nightly --max-active-runs 1
        --from-date 2022-11-14 --to-date 2022-11-24T23:59 --reprocess-behavior completed
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import CronPartitionTimetable, dag, task, task_group

from onestop import airflow_adapter as steps
from onestop import airflow_alerts as alerts
from onestop import airflow_decisions as decisions

# One slot: files are validated side by side, but one task at a time writes the warehouse.
WAREHOUSE = "warehouse_write"

discover_deliveries = task.sensor(steps.discover_deliveries, pool=WAREHOUSE, **steps.WAITING)
land = steps.step(steps.land_deliveries, task_id="land")
# Each step takes the files that came through the one before, also where others did not.
read = steps.step(steps.read_deliveries, task_id="read", trigger_rule="all_done")
validate = steps.step(steps.validate_deliveries, task_id="validate", trigger_rule="all_done")
load = steps.step(steps.load_deliveries, task_id="load", pool=WAREHOUSE, trigger_rule="all_done")
# Run every night, also without deliveries and after a refusal.
find_questions = steps.step(decisions.find_questions, pool=WAREHOUSE, trigger_rule="all_done")
require_expected = steps.step(decisions.require_expected, pool=WAREHOUSE, trigger_rule="all_done")
compute = steps.step(steps.compute_night, task_id="compute", pool=WAREHOUSE)
check = steps.step(steps.check_night, task_id="check", pool=WAREHOUSE)
publish = steps.step(
    steps.publish_night,
    task_id="publish",
    pool=WAREHOUSE,
    outlets=[steps.MART, steps.REFERENCE],
)
alert = steps.step(alerts.send_night_alerts, task_id="alert", pool=WAREHOUSE)


@task_group(default_args={"map_index_template": steps.FILE_NAME})
def delivery(batch: list[dict[str, Any]]) -> None:
    """One file, or one batch of files when there are many: land, read, validate, load."""
    load(validate(read(land(batch))))


@dag(
    schedule=CronPartitionTimetable(
        "0 1 * * *", timezone="Asia/Ho_Chi_Minh", run_offset=-1, key_format="%Y-%m-%d"
    ),
    start_date=datetime(2022, 1, 1, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    default_args=steps.TASK_DEFAULTS,
    description="Một đêm: nhận tệp, kiểm tra, tính và công bố số liệu",
    doc_md=__doc__,
    tags=["onestop", "nightly"],
)
def onestop_nightly() -> None:
    """Deliveries side by side, then the night's figures."""
    found = discover_deliveries()
    questions = find_questions()
    arrived = require_expected(found)
    [found, delivery.expand(batch=found)] >> questions
    [questions, decisions.decide(questions)] >> arrived
    # Depends on `found` too: a night whose exports could not be read must not end green.
    published = publish()
    [found, arrived] >> compute() >> check() >> published
    # A teardown runs whatever happened, and does not decide whether the night is green.
    published >> alert().as_teardown()


onestop_nightly()
